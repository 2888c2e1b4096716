//! Passages: the text of chunks, with the records of their documents.
//!
//! Chunks are stored in the order of their numbers, a fixed number per block, so the block of a
//! chunk is found by division. A block repeats the record of each document whose chunks it holds:
//! one fetch gives everything that a hit shows. The fields below are written one after another and
//! compressed as one text by [`crate::text::TextCodec`] with the segment's dictionary.
//!
//! | field | coding | meaning |
//! |---|---|---|
//! | per document in the block | | in order |
//! | id | string | |
//! | n, url | number, string | the first n bytes of the id, and the rest of the url |
//! | title, lang | strings | `lang` may be empty |
//! | n, then n × (key, value) | number, strings | metadata |
//! | per chunk of that document in the block | | in order |
//! | kept | number | headings, outermost first, that are those of the chunk before |
//! | n, then n × heading | number, strings | the headings below them |
//! | start | number | byte offset in the document's text, see `step` |
//! | weight | number | of its words, in tenths |
//! | text | string | the chunk's text |
//! | anchor | number, perhaps a string | see `Anchor` |
//!
//! Numbers are variable-length, strings end in `FF`. The chunk before is that of the same document
//! in the same block; the first one there has none above it. What follows from what stands before
//! is left out, since even a match costs two bytes: that is 5 % of all passages.

use crate::bytes::{FieldReader, put_number, put_string};
use crate::error::{IndexError, Section};
use crate::layout::Layout;

/// Longest legal uncompressed block in bytes.
pub const MAX_BLOCK_BYTES: usize = 64 << 20;

/// Most bytes that a block copies from chunk to chunk.
const MAX_COPIED_BYTES: usize = 1 << 20;

/// What a hit shows of its document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DocumentRecord {
    /// Stable identity.
    pub id: String,
    /// Where a hit leads.
    pub url: String,
    /// Title; may be empty.
    pub title: String,
    /// Language code; may be empty.
    pub lang: String,
    /// Fields carried along, sorted by key.
    pub meta: Vec<(String, String)>,
}

/// A chunk's text and place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChunkRecord {
    /// Headings above it, outermost first.
    pub headings: Vec<String>,
    /// Anchor to link to.
    pub anchor: Option<String>,
    /// Byte offset of its text in the document's text.
    pub start: u32,
    /// Weight of its words, in tenths.
    pub weight: u8,
    /// Its text.
    pub text: String,
}

/// The chunks of one block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PassageBlock {
    /// Documents in the block with their numbers, ascending.
    pub documents: Vec<(u32, DocumentRecord)>,
    /// Chunks in the block: the first has the number `block * chunks_per_block`.
    pub chunks: Vec<ChunkRecord>,
}

impl PassageBlock {
    /// The uncompressed bytes of the block whose first chunk is `first_chunk`.
    pub fn write(&self, first_chunk: u32, layout: &Layout) -> Vec<u8> {
        let mut out = Vec::new();
        let mut document = u32::MAX;
        let mut records = self.documents.iter();
        let (mut before, mut copies) = (Before::default(), Copies::default());
        for (chunk_id, chunk) in (first_chunk..).zip(&self.chunks) {
            let (of, _) = layout.document_of(chunk_id);
            if of != document {
                document = of;
                before = Before::default();
                if let Some((_, record)) = records.next() {
                    put_string(&mut out, &record.id);
                    let shared = shared_prefix(&record.id, &record.url);
                    put_number(&mut out, shared as u32);
                    put_string(&mut out, &record.url[shared..]);
                    put_string(&mut out, &record.title);
                    put_string(&mut out, &record.lang);
                    put_number(&mut out, record.meta.len() as u32);
                    for (key, value) in &record.meta {
                        put_string(&mut out, key);
                        put_string(&mut out, value);
                    }
                }
            }
            let pairs = before.headings.iter().zip(&chunk.headings);
            let kept = pairs.take_while(|(a, b)| a == b).count();
            let kept = if copies.take(&before.headings[..kept]) {
                kept
            } else {
                0
            };
            put_number(&mut out, kept as u32);
            put_number(&mut out, (chunk.headings.len() - kept) as u32);
            for heading in &chunk.headings[kept..] {
                put_string(&mut out, heading);
            }
            put_number(&mut out, step(before.end, chunk.start));
            put_number(&mut out, u32::from(chunk.weight));
            put_string(&mut out, &chunk.text);
            let anchor = chunk.anchor.as_deref().unwrap_or("");
            let mut form = Anchor::of(anchor, &chunk.text, before.anchor);
            if form == Anchor::Same && !copies.take(&[anchor]) {
                form = Anchor::Other;
            }
            put_number(&mut out, form as u32);
            if form == Anchor::Other {
                put_string(&mut out, anchor);
            }
            before = Before::after(chunk);
        }
        out
    }

    /// Reads the `n_chunks` chunks from `first_chunk` on.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the bytes are not what [`Self::write`] makes.
    pub fn read(
        bytes: &[u8],
        first_chunk: u32,
        n_chunks: u32,
        layout: &Layout,
    ) -> Result<Self, IndexError> {
        let mut fields = FieldReader::new(bytes, Section::Passages);
        let mut block = Self::default();
        let mut copies = Copies::default();
        for chunk_id in first_chunk..first_chunk + n_chunks {
            let (document, _) = layout.document_of(chunk_id);
            let is_first = block
                .documents
                .last()
                .is_none_or(|&(last, _)| last != document);
            if is_first {
                block.documents.push((document, read_record(&mut fields)?));
            }
            let before = match block.chunks.last() {
                Some(chunk) if !is_first => Before::after(chunk),
                _ => Before::default(),
            };
            let chunk = read_chunk(&mut fields, &before, &mut copies)?;
            block.chunks.push(chunk);
        }
        fields.end()?;
        Ok(block)
    }

    /// The record of `document`.
    pub fn document(&self, document: u32) -> Option<&DocumentRecord> {
        let i = self
            .documents
            .binary_search_by_key(&document, |&(d, _)| d)
            .ok()?;
        Some(&self.documents[i].1)
    }
}

/// What the chunk before of the same document in the same block leaves to the next.
#[derive(Debug, Clone, Copy, Default)]
struct Before<'a> {
    headings: &'a [String],
    anchor: &'a str,
    /// Where its text ends.
    end: u32,
}

impl<'a> Before<'a> {
    fn after(chunk: &'a ChunkRecord) -> Self {
        Self {
            headings: &chunk.headings,
            anchor: chunk.anchor.as_deref().unwrap_or(""),
            end: chunk.start.wrapping_add(chunk.text.len() as u32),
        }
    }
}

/// Bytes copied from chunks before, bounded so that a small block cannot fill the memory.
#[derive(Debug, Default)]
struct Copies(usize);

impl Copies {
    /// Whether `strings` may be copied too; a string counts 24 bytes and its own.
    fn take(&mut self, strings: &[impl AsRef<str>]) -> bool {
        let bytes: usize = strings.iter().map(|s| 24 + s.as_ref().len()).sum();
        let fits = bytes <= MAX_COPIED_BYTES - self.0;
        if fits {
            self.0 += bytes;
        }
        fits
    }
}

/// How an anchor is told: most are what generators of sites make of the heading that starts a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    /// There is none.
    None = 0,
    /// [`slug`] of the text with `_` for spaces.
    Underscores = 1,
    /// [`slug`] of the text with `-` for spaces.
    Hyphens = 2,
    /// That of the chunk before.
    Same = 3,
    /// Another: it follows as a string.
    Other = 4,
}

impl Anchor {
    fn of(anchor: &str, text: &str, before: &str) -> Self {
        match anchor {
            "" => Self::None,
            _ if anchor == slug(text, '_') => Self::Underscores,
            _ if anchor == slug(text, '-') => Self::Hyphens,
            _ if anchor == before => Self::Same,
            _ => Self::Other,
        }
    }
}

/// The first line of `text` as an anchor: ASCII letters in lower case, `space` for spaces, other
/// ASCII than letters, digits, `-` and `_` left out, and all else as it is.
fn slug(text: &str, space: char) -> String {
    let line = text.split('\n').next().unwrap_or("");
    line.chars()
        .filter_map(|c| match c {
            ' ' => Some(space),
            '-' | '_' => Some(c),
            _ if !c.is_ascii() || c.is_ascii_alphanumeric() => Some(c.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

/// How `start` differs from the end of the chunk before, modulo 2³², with the sign in the lowest
/// bit: small, since chunks follow each other but for white space and overlap.
fn step(end: u32, start: u32) -> u32 {
    let difference = start.wrapping_sub(end) as i32;
    ((difference << 1) ^ (difference >> 31)) as u32
}

/// The start that is `step` from the end of the chunk before.
fn step_back(end: u32, step: u32) -> u32 {
    end.wrapping_add((step >> 1) ^ (step & 1).wrapping_neg())
}

/// How many bytes both strings start with, as whole characters.
fn shared_prefix(a: &str, b: &str) -> usize {
    let pairs = a.chars().zip(b.chars());
    pairs
        .take_while(|(a, b)| a == b)
        .map(|(c, _)| c.len_utf8())
        .sum()
}

fn read_record(fields: &mut FieldReader<'_>) -> Result<DocumentRecord, IndexError> {
    let id: String = fields.string()?.into();
    let shared = fields.number()? as usize;
    let Some(shared) = id.get(..shared) else {
        return Err(fields.error("a url shares more than the id has"));
    };
    let url = [shared, fields.string()?].concat();
    let mut record = DocumentRecord {
        id,
        url,
        title: fields.string()?.into(),
        lang: fields.string()?.into(),
        meta: Vec::new(),
    };
    for _ in 0..fields.number()? {
        record
            .meta
            .push((fields.string()?.into(), fields.string()?.into()));
    }
    Ok(record)
}

fn read_chunk(
    fields: &mut FieldReader<'_>,
    before: &Before<'_>,
    copies: &mut Copies,
) -> Result<ChunkRecord, IndexError> {
    let Some(kept) = before.headings.get(..fields.number()? as usize) else {
        return Err(fields.error("a chunk keeps more headings than there are"));
    };
    if !copies.take(kept) {
        return Err(fields.error("a block repeats too much"));
    }
    let mut headings = kept.to_vec();
    for _ in 0..fields.number()? {
        headings.push(fields.string()?.into());
    }
    let start = step_back(before.end, fields.number()?);
    let weight = fields.number()?;
    let weight = u8::try_from(weight).map_err(|_| fields.error("a weight above 255"))?;
    let text: String = fields.string()?.into();
    let anchor = match fields.number()? {
        0 => String::new(),
        1 => slug(&text, '_'),
        2 => slug(&text, '-'),
        3 if copies.take(&[before.anchor]) => before.anchor.into(),
        4 => fields.string()?.into(),
        _ => return Err(fields.error("an anchor of no known form, or repeated too often")),
    };
    Ok(ChunkRecord {
        headings,
        anchor: (!anchor.is_empty()).then_some(anchor),
        start,
        weight,
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Class;

    #[test]
    fn a_block_that_straddles_documents_is_read_as_written() {
        let class = |c, n| Class {
            chunks_per_document: c,
            n_documents: n,
        };
        let layout = Layout::new(vec![class(1, 1), class(3, 2)]).unwrap();
        let chunk = |text: &str, anchor: Option<&str>, start| ChunkRecord {
            headings: vec!["A".into(), text.into()],
            anchor: anchor.map(Into::into),
            start,
            weight: 10,
            text: text.into(),
        };
        let record = |id: &str| DocumentRecord {
            id: id.into(),
            url: format!("{id}/#é"),
            meta: vec![("k".into(), "v".into())],
            ..DocumentRecord::default()
        };
        let block = PassageBlock {
            documents: vec![(1, record("one")), (2, record("two"))],
            chunks: vec![
                chunk("An example!\nOf tides", Some("an_example"), 300),
                chunk("Ebb & Flöd", Some("ebb--flöd"), 0),
                chunk("z", Some("ebb--flöd"), u32::MAX),
            ],
        };
        let bytes = block.write(2, &layout);
        assert_eq!(PassageBlock::read(&bytes, 2, 3, &layout), Ok(block.clone()));
        assert_eq!(block.document(2).map(|r| r.id.as_str()), Some("two"));
        for n in 0..bytes.len() {
            assert!(PassageBlock::read(&bytes[..n], 2, 3, &layout).is_err());
        }
    }

    #[test]
    fn headings_too_long_to_be_repeated_are_written_again_and_refused_when_repeated() {
        let class = Class {
            chunks_per_document: 3,
            n_documents: 1,
        };
        let layout = Layout::new(vec![class]).unwrap();
        let chunk = ChunkRecord {
            headings: vec!["x".repeat(MAX_COPIED_BYTES / 2)],
            ..ChunkRecord::default()
        };
        let block = PassageBlock {
            documents: vec![(0, DocumentRecord::default())],
            chunks: vec![chunk.clone(), chunk.clone(), chunk],
        };
        let bytes = block.write(0, &layout);
        assert_eq!(PassageBlock::read(&bytes, 0, 3, &layout), Ok(block));
        // A record of five empty fields, the first chunk, and two that keep its heading.
        let mut hostile = vec![0xFF, 0, 0xFF, 0xFF, 0xFF, 0, 0, 1];
        hostile.extend(vec![b'x'; MAX_COPIED_BYTES / 2]);
        hostile.extend([0xFF, 0, 10, 0xFF, 0]);
        hostile.extend([1, 0, 0, 10, 0xFF, 0].repeat(2));
        assert!(PassageBlock::read(&hostile, 0, 3, &layout).is_err());
        hostile.splice(hostile.len() - 6.., [0, 0, 0, 10, 0xFF, 0]);
        assert!(PassageBlock::read(&hostile, 0, 3, &layout).is_ok());
    }

    #[test]
    fn starts_are_found_again_from_any_step() {
        for (end, start) in [
            (0, 0),
            (7, 3),
            (3, 7),
            (u32::MAX, 0),
            (0, u32::MAX),
            (9, 1 << 31),
        ] {
            assert_eq!(step_back(end, step(end, start)), start);
        }
        assert_eq!((step(7, 3), step(3, 7)), (7, 8));
    }
}
