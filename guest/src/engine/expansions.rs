//! The expansions of a segment's documents, gathered from its posting lists, to be merged into another
//! segment. They are stored nowhere else: a list holds the level of its term in each document's
//! expansion, and levels are all that a segment is built from.

use super::EngineError;
use super::blocks::Index;
use super::decode::Decoded;
use crate::host::Host;
use littoral_indexes::envelope::{BlockId, Kind};
use littoral_indexes::impact::ImpactList;
use rustc_hash::{FxHashMap, FxHashSet};

/// Blocks of the lexicon read at a time.
const BATCH_BLOCKS: usize = 128;

/// See the [module](self). Eight bytes for each word of each document, beside the terms.
#[derive(Debug, Default)]
pub(super) struct StoredExpansions {
    terms: Vec<String>,
    /// By document, `(term, level)`.
    levels: FxHashMap<u32, Vec<(u32, u8)>>,
}

impl StoredExpansions {
    /// The expansion of `document`, which is let go.
    pub(super) fn take(&mut self, document: u32) -> Vec<(String, u8)> {
        let levels = self.levels.remove(&document).unwrap_or_default();
        let term = |(term, level): (u32, u8)| (self.terms[term as usize].clone(), level);
        levels.into_iter().map(term).collect()
    }

    /// Adds what the postings of the term added last say.
    fn add(&mut self, list: &ImpactList) {
        let term = self.terms.len() as u32 - 1;
        for (i, &document) in list.documents.iter().enumerate() {
            if let Some(level) = list.lent(i).level.checked_sub(1) {
                self.levels.entry(document).or_default().push((term, level));
            }
        }
    }
}

impl<H: Host> Index<H> {
    /// The expansions of the documents of the `s`-th segment.
    ///
    /// # Errors
    /// [`EngineError`] when a block cannot be read.
    pub(super) async fn stored_expansions(
        &self,
        s: usize,
    ) -> Result<StoredExpansions, EngineError> {
        let mut found = StoredExpansions::default();
        let segment = &self.segments[s];
        if !segment.manifest.expanded {
            return Ok(found);
        }
        // A block of a tail is of one term; a hostile index may name it for many.
        let mut seen: FxHashSet<BlockId> = FxHashSet::default();
        let n_blocks = segment.manifest.n_lexicon_blocks;
        for first in (0..n_blocks).step_by(BATCH_BLOCKS) {
            let batch = first..n_blocks.min(first.saturating_add(BATCH_BLOCKS as u32));
            let batch: Vec<BlockId> = batch.map(|n| segment.block(Kind::Lexicon, n)).collect();
            for decoded in self.blocks(&batch, &mut self.fetched()).await? {
                let Decoded::Lexicon(lexicon) = &*decoded else {
                    continue;
                };
                for term in lexicon.terms() {
                    found
                        .terms
                        .push(String::from_utf8_lossy(&term.term).into_owned());
                    found.add(&term.list);
                    let Some(tail) = term.tail else { continue };
                    for block in segment
                        .tail_blocks(tail)
                        .filter(|&block| seen.insert(block))
                    {
                        if let Decoded::Tail(list) =
                            &*self.block(block, &mut self.fetched()).await?
                        {
                            found.add(list);
                        }
                    }
                }
            }
        }
        Ok(found)
    }
}
