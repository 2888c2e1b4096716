//! Passages of a document that is known by its id.

use super::EngineError;
use super::blocks::Index;
use super::lexical::Place;
use super::rank::Ranked;
use super::result::{ChunkHit, DocumentHit};
use crate::host::Host;
use littoral_indexes::inventory::hash_id;
use littoral_indexes::passages::{ChunkRecord, DocumentRecord};
use serde::{Deserialize, Serialize};

/// Chunks read at a time, at most.
pub const MAX_CHUNKS_READ: u32 = 64;

/// A document with some of its chunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadDocument {
    /// The document.
    pub document: DocumentHit,
    /// Chunks that it has in all.
    pub n_chunks: u32,
    /// Those that were asked for, in order.
    pub chunks: Vec<ChunkHit>,
}

impl<H: Host> Index<H> {
    /// Chunks of the document called `id`, `n` from `first` on, at most [`MAX_CHUNKS_READ`]; `None`
    /// when there is no such document. Reads the inventory of every segment until it is found: 16
    /// bytes for each document of the index, which searches never read.
    ///
    /// # Errors
    /// [`EngineError`] when a block cannot be read.
    pub async fn read(
        &self,
        id: &str,
        first: u32,
        n: u32,
    ) -> Result<Option<ReadDocument>, EngineError> {
        let hash = hash_id(id);
        for (s, segment) in self.segments.iter().enumerate() {
            let inventory = self.inventory(s).await?;
            let same = (0..segment.layout.n_documents()).zip(&inventory.documents);
            let mut same = same.filter(|(n, d)| d.id == hash && !segment.deleted.contains(*n));
            let Some((document, _)) = same.next() else {
                continue;
            };
            let (_, n_chunks) = segment.layout.chunks_of(document);
            let end = n_chunks.min(first.saturating_add(n.min(MAX_CHUNKS_READ)));
            // The first chunk is read too, where none is asked for: it knows the document.
            let asked = first..end.max(first);
            let numbers = std::iter::once(0).chain(asked.clone());
            let place = |chunk| Place {
                segment: s,
                ranked: Ranked {
                    score: 0,
                    document,
                    chunk,
                },
            };
            let places: Vec<Place> = numbers.map(place).collect();
            let blocks = self.passages(&places, &mut self.fetched()).await?;
            let mut records = places.iter().zip(&blocks);
            let record = records
                .next()
                .and_then(|(&place, block)| self.records(place, block));
            let Some((record, _)) = record.filter(|(record, _)| record.id == id) else {
                continue;
            };
            let chunks = records.filter_map(|(&place, block)| {
                let (_, chunk) = self.records(place, block)?;
                Some(chunk_of(place.ranked.chunk, chunk))
            });
            return Ok(Some(ReadDocument {
                document: document_of(record),
                n_chunks,
                chunks: chunks.collect(),
            }));
        }
        Ok(None)
    }
}

/// A document as hits show it.
pub(super) fn document_of(record: &DocumentRecord) -> DocumentHit {
    DocumentHit {
        id: record.id.clone(),
        url: record.url.clone(),
        title: record.title.clone(),
        meta: record.meta.iter().cloned().collect(),
    }
}

/// The `id`-th chunk of a document as hits show it.
pub(super) fn chunk_of(id: u32, chunk: &ChunkRecord) -> ChunkHit {
    ChunkHit {
        id,
        heading: chunk.headings.clone(),
        anchor: chunk.anchor.clone(),
        start: chunk.start as usize,
        end: chunk.start as usize + chunk.text.len(),
        text: chunk.text.clone(),
    }
}
