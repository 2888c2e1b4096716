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
//! | id, url, title, lang | strings | `lang` may be empty |
//! | n, then n × (key, value) | number, strings | metadata |
//! | per chunk of that document in the block | | in order |
//! | n, then n × heading | number, strings | headings above it, outermost first |
//! | anchor | string | empty for none |
//! | start | number | byte offset in the document's text |
//! | weight | number | of its words, in tenths |
//! | text | string | the chunk's text |
//!
//! Numbers are variable-length, strings have their length in bytes in front.

use crate::bytes::{FieldReader, put_number, put_string};
use crate::error::{IndexError, Section};
use crate::layout::Layout;

/// Longest legal uncompressed block in bytes.
pub const MAX_BLOCK_BYTES: usize = 64 << 20;

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
        for (chunk_id, chunk) in (first_chunk..).zip(&self.chunks) {
            let (of, _) = layout.document_of(chunk_id);
            if of != document {
                document = of;
                if let Some((_, record)) = records.next() {
                    put_string(&mut out, &record.id);
                    put_string(&mut out, &record.url);
                    put_string(&mut out, &record.title);
                    put_string(&mut out, &record.lang);
                    put_number(&mut out, record.meta.len() as u32);
                    for (key, value) in &record.meta {
                        put_string(&mut out, key);
                        put_string(&mut out, value);
                    }
                }
            }
            put_number(&mut out, chunk.headings.len() as u32);
            for heading in &chunk.headings {
                put_string(&mut out, heading);
            }
            put_string(&mut out, chunk.anchor.as_deref().unwrap_or(""));
            put_number(&mut out, chunk.start);
            put_number(&mut out, u32::from(chunk.weight));
            put_string(&mut out, &chunk.text);
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
        for chunk_id in first_chunk..first_chunk + n_chunks {
            let (document, _) = layout.document_of(chunk_id);
            if block
                .documents
                .last()
                .is_none_or(|&(last, _)| last != document)
            {
                let mut record = DocumentRecord {
                    id: fields.string()?.into(),
                    url: fields.string()?.into(),
                    title: fields.string()?.into(),
                    lang: fields.string()?.into(),
                    meta: Vec::new(),
                };
                for _ in 0..fields.number()? {
                    record
                        .meta
                        .push((fields.string()?.into(), fields.string()?.into()));
                }
                block.documents.push((document, record));
            }
            let mut chunk = ChunkRecord::default();
            for _ in 0..fields.number()? {
                chunk.headings.push(fields.string()?.into());
            }
            let anchor = fields.string()?;
            chunk.anchor = (!anchor.is_empty()).then(|| anchor.into());
            chunk.start = fields.number()?;
            chunk.weight =
                u8::try_from(fields.number()?).map_err(|_| fields.error("a weight above 255"))?;
            chunk.text = fields.string()?.into();
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
        let chunk = |text: &str| ChunkRecord {
            headings: vec!["A".into(), "B".into()],
            anchor: Some("b".into()),
            start: 300,
            weight: 10,
            text: text.into(),
        };
        let record = |id: &str| DocumentRecord {
            id: id.into(),
            meta: vec![("k".into(), "v".into())],
            ..DocumentRecord::default()
        };
        let block = PassageBlock {
            documents: vec![(1, record("one")), (2, record("two"))],
            chunks: vec![chunk("x"), chunk("y"), chunk("z")],
        };
        let bytes = block.write(2, &layout);
        assert_eq!(PassageBlock::read(&bytes, 2, 3, &layout), Ok(block.clone()));
        assert_eq!(block.document(2).map(|r| r.id.as_str()), Some("two"));
        for n in 0..bytes.len() {
            assert!(PassageBlock::read(&bytes[..n], 2, 3, &layout).is_err());
        }
    }
}
