//! Writes passages in the order of chunks, with a dictionary trained on a sample of them.

use super::payload::{number, take_number};
use super::prepare::PreparedDocument;
use super::segment::{Collected, Files};
use super::{BuildError, Scratch, Sink, Workers};
use littoral_indexes::envelope::Kind;
use littoral_indexes::layout::Layout;
use littoral_indexes::passages::{ChunkRecord, DocumentRecord, PassageBlock};
use littoral_indexes::text::{self, TextCodec};

/// Size of a trained dictionary in bytes. A cold query fetches it compressed, at about half.
const DICTIONARY_BYTES: usize = 8 << 10;

/// Uncompressed bytes the dictionary is trained on, about, at most.
const SAMPLE_BYTES: u64 = 2 << 20;

/// Fewer bytes of passages than this do not pay for a dictionary.
const MIN_TRAINING_BYTES: u64 = 64 << 10;

/// Blocks compressed in one batch.
const BATCH_BLOCKS: usize = 256;

pub(super) struct PassageInput<'a, S> {
    pub(super) layout: &'a Layout,
    pub(super) documents: &'a [Collected],
    /// Documents as collected, by their final number.
    pub(super) order: &'a [u32],
    pub(super) scratch: &'a S,
    /// A dictionary to use instead of training one.
    pub(super) dictionary: Option<&'a [u8]>,
}

/// Files of passages, about, at most: beside a table's 6,000 and those of words and cells, an index of
/// 50,000 chunks then has fewer than the 20,000 that some static hosts take.
const MAX_BLOCKS: u32 = 7_000;

/// Chunks in a block: few, since a hit costs a block; more when there are so many chunks that their files
/// would be too many.
pub(super) fn chunks_per_block(n_chunks: u32) -> u32 {
    n_chunks.div_ceil(MAX_BLOCKS).clamp(4, 32)
}

/// A document's record and chunks as scratch bytes.
pub(super) fn store(document: &PreparedDocument) -> Vec<u8> {
    let mut out = Vec::new();
    let string = |out: &mut Vec<u8>, s: &str| {
        number(out, s.len() as u32);
        out.extend_from_slice(s.as_bytes());
    };
    let record = &document.record;
    for field in [&record.id, &record.url, &record.title, &record.lang] {
        string(&mut out, field);
    }
    number(&mut out, record.meta.len() as u32);
    for (key, value) in &record.meta {
        string(&mut out, key);
        string(&mut out, value);
    }
    for chunk in &document.chunks {
        number(&mut out, chunk.headings.len() as u32);
        chunk
            .headings
            .iter()
            .for_each(|heading| string(&mut out, heading));
        string(&mut out, chunk.anchor.as_deref().unwrap_or(""));
        number(&mut out, chunk.start);
        out.push(chunk.weight);
        string(&mut out, &chunk.text);
    }
    out
}

/// Reads what [`store`] made. The bytes are our own: they never left the builder.
fn restore(mut bytes: &[u8], n_chunks: u32) -> (DocumentRecord, Vec<ChunkRecord>) {
    let bytes = &mut bytes;
    let string = |bytes: &mut &[u8]| {
        let n = take_number(bytes) as usize;
        let text = bytes.split_off(..n).unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    };
    let mut record = DocumentRecord {
        id: string(bytes),
        url: string(bytes),
        title: string(bytes),
        lang: string(bytes),
        meta: Vec::new(),
    };
    for _ in 0..take_number(bytes) {
        record.meta.push((string(bytes), string(bytes)));
    }
    let mut chunks = Vec::new();
    for _ in 0..n_chunks {
        let headings = (0..take_number(bytes)).map(|_| string(bytes)).collect();
        let anchor = string(bytes);
        chunks.push(ChunkRecord {
            headings,
            anchor: (!anchor.is_empty()).then_some(anchor),
            start: take_number(bytes),
            weight: bytes.split_off_first().copied().unwrap_or(0),
            text: string(bytes),
        });
    }
    (record, chunks)
}

/// The record and chunks of a document, from `scratch`.
pub(super) fn read(
    scratch: &impl Scratch,
    collected: &Collected,
) -> Result<(DocumentRecord, Vec<ChunkRecord>), BuildError> {
    let (offset, len) = collected.stored;
    let mut bytes = vec![0; len as usize];
    scratch.read(offset, &mut bytes)?;
    Ok(restore(&bytes, collected.n_chunks))
}

impl<S: Scratch> PassageInput<'_, S> {
    fn read(&self, document: u32) -> Result<(DocumentRecord, Vec<ChunkRecord>), BuildError> {
        read(
            self.scratch,
            &self.documents[self.order[document as usize] as usize],
        )
    }

    /// A dictionary trained on blocks spread evenly over the segment, if that pays. Samples are what
    /// will be compressed: a dictionary trained on single chunks favours what starts a block.
    fn train(&self) -> Result<Vec<u8>, BuildError> {
        let total: u64 = self.documents.iter().map(|d| u64::from(d.stored.1)).sum();
        if total < MIN_TRAINING_BYTES {
            return Ok(Vec::new());
        }
        let n_chunks = self.layout.n_chunks();
        let per_block = chunks_per_block(n_chunks);
        let stride = total.div_ceil(SAMPLE_BYTES) as usize * per_block as usize;
        let mut samples = Vec::new();
        // The document read last: a long one reaches into several samples.
        let mut current: Option<(u32, DocumentRecord, Vec<ChunkRecord>)> = None;
        for first in (0..n_chunks).step_by(stride) {
            let mut block = PassageBlock::default();
            for chunk in first..(first + per_block).min(n_chunks) {
                let (document, place) = self.layout.document_of(chunk);
                let (_, record, chunks) = match current.take() {
                    Some(kept) if kept.0 == document => current.insert(kept),
                    _ => {
                        let (record, chunks) = self.read(document)?;
                        current.insert((document, record, chunks))
                    }
                };
                if block.documents.last().is_none_or(|d| d.0 != document) {
                    block.documents.push((document, record.clone()));
                }
                block.chunks.extend(chunks.get(place as usize).cloned());
            }
            samples.push(block.write(first, self.layout));
        }
        let samples: Vec<&[u8]> = samples.iter().map(Vec::as_slice).collect();
        Ok(text::train(&samples, DICTIONARY_BYTES))
    }
}

/// Writes the passages, and the dictionary when one was trained; tells whether it was.
pub(super) fn write(
    input: &PassageInput<'_, impl Scratch>,
    files: &mut Files<'_, impl Sink>,
    workers: &impl Workers,
) -> Result<bool, BuildError> {
    let trained = match input.dictionary {
        Some(_) => Vec::new(),
        None => input.train()?,
    };
    let dictionary = input.dictionary.unwrap_or(&trained);
    if !trained.is_empty() {
        files.put(Kind::Dictionary, &TextCodec::new(&[]).compress(&trained))?;
    }
    let codec = TextCodec::new(dictionary);
    let layout = input.layout;
    let per_block = chunks_per_block(layout.n_chunks());
    let mut block = PassageBlock::default();
    let mut jobs: Vec<(u32, PassageBlock)> = Vec::new();
    let mut first_chunk = 0;
    let flush = |jobs: &mut Vec<(u32, PassageBlock)>, files: &mut Files<'_, _>| {
        let compressed = workers.map(std::mem::take(jobs), |(first, block)| {
            codec.compress(&block.write(first, layout))
        });
        compressed
            .iter()
            .try_for_each(|payload| files.put(Kind::Passages, payload).map(drop))
    };
    for document in 0..layout.n_documents() {
        let (record, chunks) = input.read(document)?;
        for chunk in chunks {
            if block
                .documents
                .last()
                .is_none_or(|&(last, _)| last != document)
            {
                block.documents.push((document, record.clone()));
            }
            block.chunks.push(chunk);
            if block.chunks.len() == per_block as usize {
                jobs.push((first_chunk, std::mem::take(&mut block)));
                first_chunk += per_block;
                if jobs.len() == BATCH_BLOCKS {
                    flush(&mut jobs, files)?;
                }
            }
        }
    }
    if !block.chunks.is_empty() {
        jobs.push((first_chunk, block));
    }
    flush(&mut jobs, files)?;
    Ok(!trained.is_empty())
}
