//! The documents of a segment as they are stored, to be merged into another.

use super::EngineError;
use super::blocks::Index;
use super::decode::Decoded;
use crate::host::Host;
use littoral_indexes::envelope::{BlockId, Kind, SegmentId};
use littoral_indexes::inventory::{DocumentHash, Inventory};
use littoral_indexes::passages::{ChunkRecord, DocumentRecord};
use littoral_indexes::vectors::Rotation;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Blocks of passages read at a time.
const BATCH_BLOCKS: usize = 128;

/// A document as stored: all that is needed to index it again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredDocument {
    /// Its record.
    pub record: DocumentRecord,
    /// Its chunks.
    pub chunks: Vec<ChunkRecord>,
    /// Hash of what it was made from.
    pub source: [u8; 8],
    /// Filter keys and their values.
    pub filters: BTreeMap<String, Vec<String>>,
    /// Sort keys and their value.
    pub sort: BTreeMap<String, String>,
    /// Terms of its expansion with their levels, sorted.
    pub expansion: Vec<(String, u8)>,
}

impl<H: Host> Index<H> {
    /// Segments of the index.
    pub fn n_segments(&self) -> usize {
        self.segments.len()
    }

    /// The inventory of the `s`-th segment.
    ///
    /// # Errors
    /// [`EngineError`] when it cannot be read.
    pub async fn inventory(&self, s: usize) -> Result<Inventory, EngineError> {
        let block = self.segments[s].block(Kind::Inventory, 0);
        match &*self.block(block, &mut self.fetched()).await? {
            Decoded::Inventory(inventory) => Ok(inventory.clone()),
            _ => Ok(Inventory::default()),
        }
    }

    /// The numbers of the documents of the `s`-th segment that were deleted since, ascending.
    pub fn deleted(&self, s: usize) -> Vec<u32> {
        self.segments[s].deleted.iter().collect()
    }

    /// The dictionary that the passages of the `s`-th segment were compressed with.
    ///
    /// # Errors
    /// [`EngineError`] when it cannot be read.
    pub async fn dictionary(&self, s: usize) -> Result<Option<Vec<u8>>, EngineError> {
        let Some(block) = self.segments[s].dictionary_block() else {
            return Ok(None);
        };
        match &*self.block(block, &mut self.fetched()).await? {
            Decoded::Dictionary(bytes) => Ok(Some(bytes.clone())),
            _ => Ok(None),
        }
    }

    /// The rotation of the vectors of the `s`-th segment, and the segment that holds it.
    ///
    /// # Errors
    /// [`EngineError`] when it cannot be read.
    pub async fn rotation(&self, s: usize) -> Result<Option<(SegmentId, Rotation)>, EngineError> {
        let Some(vectors) = &self.segments[s].manifest.vectors else {
            return Ok(None);
        };
        let block = BlockId {
            segment: SegmentId(vectors.rotation),
            kind: Kind::Rotation,
            number: 0,
        };
        match &*self.block(block, &mut self.fetched()).await? {
            Decoded::Rotation(rotation) => Ok(Some((block.segment, rotation.clone()))),
            _ => Ok(None),
        }
    }

    /// Calls `each` with every document of the `s`-th segment that was not deleted, in the order of
    /// their numbers, until it returns `false`.
    ///
    /// # Errors
    /// [`EngineError`] when a block cannot be read.
    pub async fn export(
        &self,
        s: usize,
        each: &mut dyn FnMut(StoredDocument) -> bool,
    ) -> Result<(), EngineError> {
        let segment = &self.segments[s];
        let layout = &segment.layout;
        let inventory = self.inventory(s).await?;
        let mut filters = self.stored_filters(s).await?;
        let mut sorts = self.stored_sorts(s).await?;
        let mut expansions = self.stored_expansions(s).await?;
        let mut emit = |document: u32, mut stored: StoredDocument| {
            if segment.deleted.contains(document) {
                return true;
            }
            let i = document as usize;
            stored.source = inventory
                .documents
                .get(i)
                .map_or([0; 8], |h: &DocumentHash| h.source);
            stored.filters = filters.remove(&document).unwrap_or_default();
            stored.sort = sorts.remove(&document).unwrap_or_default();
            stored.expansion = expansions.take(document);
            each(stored)
        };
        let per_block = segment.manifest.chunks_per_block.max(1);
        let n_blocks = layout.n_chunks().div_ceil(per_block);
        let mut current: Option<(u32, StoredDocument)> = None;
        for first in (0..n_blocks).step_by(BATCH_BLOCKS) {
            let batch = first..n_blocks.min(first.saturating_add(BATCH_BLOCKS as u32));
            let mut wanted: Vec<_> = batch
                .clone()
                .map(|n| segment.block(Kind::Passages, n))
                .collect();
            wanted.extend(segment.dictionary_block());
            let read = self.blocks(&wanted, &mut self.fetched()).await?;
            for (number, decoded) in batch.zip(&read) {
                let Decoded::Passages(block) = &**decoded else {
                    continue;
                };
                for (chunk_id, chunk) in (number * per_block..).zip(&block.chunks) {
                    let (document, _) = layout.document_of(chunk_id);
                    if current.as_ref().is_none_or(|(of, _)| *of != document) {
                        if let Some((of, stored)) = current.take()
                            && !emit(of, stored)
                        {
                            return Ok(());
                        }
                        let record = block.document(document).cloned().unwrap_or_default();
                        let stored = StoredDocument {
                            record,
                            ..StoredDocument::default()
                        };
                        current = Some((document, stored));
                    }
                    if let Some((_, stored)) = &mut current {
                        stored.chunks.push(chunk.clone());
                    }
                }
            }
        }
        if let Some((of, stored)) = current.take() {
            emit(of, stored);
        }
        Ok(())
    }

    async fn stored_filters(
        &self,
        s: usize,
    ) -> Result<BTreeMap<u32, BTreeMap<String, Vec<String>>>, EngineError> {
        let segment = &self.segments[s];
        let mut filters: BTreeMap<u32, BTreeMap<String, Vec<String>>> = BTreeMap::new();
        for key in &segment.manifest.filters {
            let read: Vec<Arc<Decoded>> = self
                .blocks(&segment.key_blocks(&key.name), &mut self.fetched())
                .await?;
            for decoded in read {
                let Decoded::Filters(values) = &*decoded else {
                    continue;
                };
                for value in values {
                    for &document in &value.documents {
                        let keys = filters.entry(document).or_default();
                        keys.entry(key.name.clone())
                            .or_default()
                            .push(value.value.clone());
                    }
                }
            }
        }
        Ok(filters)
    }

    async fn stored_sorts(
        &self,
        s: usize,
    ) -> Result<BTreeMap<u32, BTreeMap<String, String>>, EngineError> {
        let segment = &self.segments[s];
        let mut sorts: BTreeMap<u32, BTreeMap<String, String>> = BTreeMap::new();
        for key in &segment.manifest.sorts {
            let mut document = 0;
            let blocks = segment.sort_blocks(&key.name);
            for decoded in self.blocks(&blocks, &mut self.fetched()).await? {
                let Decoded::Sort(values) = &*decoded else {
                    continue;
                };
                for value in values {
                    if let Some(value) = value {
                        sorts
                            .entry(document)
                            .or_default()
                            .insert(key.name.clone(), value.clone());
                    }
                    document += 1;
                }
            }
        }
        Ok(sorts)
    }
}
