//! Decoded blocks, kept between queries.

use super::decode::Decoded;
use crate::map::Map;
use littoral_indexes::envelope::BlockId;
use littoral_indexes::order::sort_by;
use std::sync::Arc;

#[derive(Debug)]
struct Cached {
    decoded: Arc<Decoded>,
    file_bytes: u64,
    held_bytes: usize,
    used: u64,
}

/// Decoded blocks that are kept between queries, by when they were last used.
#[derive(Debug, Default)]
pub(super) struct Cache {
    blocks: Map<BlockId, Cached>,
    held_bytes: usize,
    clock: u64,
}

impl Cache {
    /// A block and the bytes of its file, if it is here.
    pub(super) fn get(&mut self, block: BlockId) -> Option<(Arc<Decoded>, u64)> {
        self.clock += 1;
        let cached = self.blocks.get_mut(&block)?;
        cached.used = self.clock;
        Some((Arc::clone(&cached.decoded), cached.file_bytes))
    }

    /// Keeps a block; when more than `limit` bytes are held, the older half of the blocks goes.
    pub(super) fn insert(
        &mut self,
        block: BlockId,
        decoded: Arc<Decoded>,
        file: usize,
        limit: usize,
    ) {
        self.clock += 1;
        let held_bytes = decoded.size_bytes(file);
        let cached = Cached {
            decoded,
            file_bytes: file as u64,
            held_bytes,
            used: self.clock,
        };
        if let Some(old) = self.blocks.insert(block, cached) {
            self.held_bytes -= old.held_bytes;
        }
        self.held_bytes += held_bytes;
        if self.held_bytes > limit {
            let mut uses: Vec<u64> = self.blocks.values().map(|cached| cached.used).collect();
            sort_by(&mut uses, Ord::cmp);
            // The older half goes: rarely, and without order among equals, since uses are distinct.
            let keep_from = uses[uses.len() / 2];
            self.blocks.retain(|_, cached| cached.used >= keep_from);
            self.held_bytes = self.blocks.values().map(|cached| cached.held_bytes).sum();
        }
    }
}
