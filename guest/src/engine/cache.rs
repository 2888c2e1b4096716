//! Decoded blocks, kept between queries.

use super::decode::Decoded;
use crate::map::Map;
use littoral_indexes::envelope::{BlockId, Kind, SegmentId};
use littoral_indexes::order::sort_by;
use std::sync::Arc;

#[derive(Debug)]
struct Cached {
    decoded: Arc<Decoded>,
    file_bytes: u64,
    held_bytes: usize,
    used: u64,
}

/// Maps that the blocks are spread over, by their numbers: a map that holds all of thousands moves half
/// of them for each that comes.
const SHARDS: usize = 64;

/// A block, by what tells it from most others first.
type Key = (u32, Kind, SegmentId);

fn key(block: BlockId) -> Key {
    (block.number, block.kind, block.segment)
}

/// Decoded blocks that are kept between queries, by when they were last used.
#[derive(Debug)]
pub(super) struct Cache {
    blocks: [Map<Key, Cached>; SHARDS],
    held_bytes: usize,
    clock: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            blocks: std::array::from_fn(|_| Map::default()),
            held_bytes: 0,
            clock: 0,
        }
    }
}

impl Cache {
    fn shard(&mut self, block: BlockId) -> &mut Map<Key, Cached> {
        &mut self.blocks[block.number as usize % SHARDS]
    }

    /// A block and the bytes of its file, if it is here.
    pub(super) fn get(&mut self, block: BlockId) -> Option<(Arc<Decoded>, u64)> {
        self.clock += 1;
        let clock = self.clock;
        let cached = self.shard(block).get_mut(&key(block))?;
        cached.used = clock;
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
        if let Some(old) = self.shard(block).insert(key(block), cached) {
            self.held_bytes -= old.held_bytes;
        }
        self.held_bytes += held_bytes;
        if self.held_bytes > limit {
            let all = self.blocks.iter().flat_map(Map::values);
            let mut uses: Vec<u64> = all.map(|cached| cached.used).collect();
            sort_by(&mut uses, Ord::cmp);
            // The older half goes: rarely, and without order among equals, since uses are distinct.
            let keep_from = uses[uses.len() / 2];
            for shard in &mut self.blocks {
                shard.retain(|_, cached| cached.used >= keep_from);
            }
            let left = self.blocks.iter().flat_map(Map::values);
            self.held_bytes = left.map(|cached| cached.held_bytes).sum();
        }
    }
}
