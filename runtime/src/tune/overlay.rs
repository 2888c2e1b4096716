//! An index with another table and entry than its folder has: as it would be after a deployment.

use super::error::TuneError;
use super::table::Table;
use super::tuned::Tuned;
use littoral_guest::engine::Index;
use littoral_guest::{Host, HostError};
use littoral_indexes::IndexError;
use littoral_indexes::envelope::{BlockId, Kind, SegmentId, seal};
use littoral_indexes::manifest::{Gains, Manifest, TunedTable};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A host that answers by what is laid over another, and by that one for all else.
#[derive(Debug, Clone)]
pub struct Overlay<H> {
    below: H,
    entry: Arc<[u8]>,
    blocks: BTreeMap<BlockId, Arc<[u8]>>,
}

/// What a deployment adds to an index.
#[derive(Debug, Clone)]
pub struct Delta {
    /// The manifest that names it.
    pub manifest: Manifest,
    /// Files, by block.
    pub files: BTreeMap<BlockId, Arc<[u8]>>,
}

impl Delta {
    /// What deploying `tuned`, read from `path`, adds to `index`.
    ///
    /// # Errors
    /// [`TuneError::OtherTable`] when it began with another table than the index has, and [`TuneError`] when
    /// something cannot be read or written.
    pub fn of<H: Host>(tuned: &Tuned, path: &Path, index: &Index<H>) -> Result<Self, TuneError> {
        let table = Table::read(index)?.ok_or(TuneError::NoTable)?;
        let (own, found) = (tuned.record.table.clone(), table.hash());
        if own != found {
            let path = path.to_owned();
            return Err(TuneError::OtherTable { path, own, found });
        }
        let payloads = tuned.blocks(&table)?;
        Ok(Self::new(index.manifest(), &payloads, tuned.record.fusion))
    }

    /// The index of `manifest` with the table whose blocks have `payloads`; and joined by `fusion`, where
    /// there is one.
    pub(super) fn new(manifest: &Manifest, payloads: &[Vec<u8>], fusion: Option<u16>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for payload in payloads {
            hasher.update(payload);
        }
        let hash = hasher.finalize();
        let id: [u8; 8] = std::array::from_fn(|i| hash.as_bytes()[i]);
        let mut manifest = manifest.clone();
        for vectors in manifest
            .segments
            .iter_mut()
            .filter_map(|s| s.vectors.as_mut())
        {
            if let Some((holder, _)) = &mut vectors.table {
                *holder = id;
            }
        }
        let gains = Gains::default();
        manifest.tuning.table = Some(TunedTable { id, gains });
        manifest.tuning.fusion = fusion.or(manifest.tuning.fusion);
        let files = (0..).zip(payloads).map(|(number, payload)| {
            let block = BlockId {
                segment: SegmentId(id),
                kind: Kind::Table,
                number,
            };
            (block, seal(block, payload).into())
        });
        Self {
            files: files.collect(),
            manifest,
        }
    }

    /// The same, of which the index says what it gained.
    #[must_use]
    pub fn with_gains(mut self, gains: Gains) -> Self {
        if let Some(table) = &mut self.manifest.tuning.table {
            table.gains = gains;
        }
        self
    }

    /// The index in `below` with the delta over it.
    ///
    /// # Errors
    /// [`IndexError`] when the manifest cannot be written.
    pub fn over<H>(&self, below: H) -> Result<Overlay<H>, IndexError> {
        Ok(Overlay {
            below,
            entry: self.manifest.write()?.into(),
            blocks: self.files.clone(),
        })
    }
}

impl<H: Host> Host for Overlay<H> {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        Ok(Arc::clone(&self.entry))
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        let missing = blocks
            .iter()
            .filter(|block| !self.blocks.contains_key(block));
        let missing: Vec<BlockId> = missing.copied().collect();
        let mut below = self.below.read(&missing).await?.into_iter();
        let found = blocks
            .iter()
            .filter_map(|block| match self.blocks.get(block) {
                Some(file) => Some(Arc::clone(file)),
                None => below.next(),
            });
        Ok(found.collect())
    }
}
