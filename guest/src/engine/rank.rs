//! Ranks documents by the sum of their terms' impacts.
//!
//! First every list adds, for each of its documents, the highest impact the document has in any
//! chunk: one addition a posting, into an array. That sum bounds the document's score from above.
//! Then documents are scored exactly, chunk by chunk: first those whose bounds are among the
//! highest, and with the k-th score they give as threshold, all others whose bound reaches it. The
//! highest bound of each block of documents tells which blocks to look into. The result is exactly
//! that of scoring every document.
//!
//! Source: the score-at-a-time accumulation of Anh and Moffat (SIGIR 2006) with the threshold
//! algorithm of Fagin, Lotem, Naor (PODS 2001) to stop the exact scoring. Where a list is
//! several megabytes long, block-max WAND would skip in it; with impacts of two bytes in an array,
//! a posting costs about a nanosecond and the lists a query fetches are short.

use super::segment::Bits;
use littoral_indexes::impact::ImpactList;
use littoral_indexes::layout::Layout;
use littoral_indexes::order::{kth_largest, sort_by, sort_by_key};

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

/// Added to the impact of every term a document holds, in impact units: a document that covers more
/// of the query's words precedes one that repeats few.
pub(super) const COVERAGE: u32 = 0;

/// Below this many documents, bounds are always kept in an array.
const SPARSE_FROM: usize = 1 << 20;

/// Documents that share a highest bound: fewer find the best faster, more skip faster.
const BLOCK: usize = 32;

/// A posting list and how much its term counts in this query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighted<'a> {
    pub(super) list: &'a ImpactList,
    /// Inverse document frequency times the term's weight in the query, in 1/256.
    pub(super) weight: u32,
}

/// A document with its best chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ranked {
    /// In impact units times 256.
    pub(super) score: u32,
    pub(super) document: u32,
    /// Counted within the document.
    pub(super) chunk: u32,
}

/// Which documents may be found.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Allowed<'a> {
    pub(super) only: Option<&'a Bits>,
    pub(super) excluded: Option<&'a Bits>,
    pub(super) deleted: Option<&'a Bits>,
}

impl Allowed<'_> {
    /// Whether every document is allowed.
    fn all(&self) -> bool {
        self.only.is_none() && self.excluded.is_none() && self.deleted.is_none()
    }

    pub(super) fn contains(&self, document: u32) -> bool {
        self.only.is_none_or(|bits| bits.contains(document))
            && !self.excluded.is_some_and(|bits| bits.contains(document))
            && !self.deleted.is_some_and(|bits| bits.contains(document))
    }
}

/// The `k` best documents, best first; equal scores by ascending number.
pub(super) fn top_documents(
    lists: &[Weighted<'_>],
    layout: &Layout,
    allowed: Allowed<'_>,
    k: usize,
    bounds: &mut Bounds,
) -> Vec<Ranked> {
    let mut best = Best::new(k);
    let mut scorer = Scorer::default();
    let mut score = |document: u32| {
        let (score, chunk) = scorer.score(lists, document);
        Ranked {
            score,
            document,
            chunk,
        }
    };
    bounds.sum(lists, layout, allowed);
    let high = bounds.kth(k).max(1);
    bounds.each(high, &mut |document, _| {
        best.offer(score(document));
    });
    bounds.each(best.threshold(), &mut |document, bound| {
        if bound < high && best.admits(bound, document) {
            best.offer(score(document));
        }
    });
    bounds.clear();
    best.ranked()
}

/// The best documents so far.
#[derive(Debug)]
struct Best {
    k: usize,
    /// The worst on top.
    heap: BinaryHeap<Reverse<(u32, Reverse<u32>, u32)>>,
}

impl Best {
    fn new(k: usize) -> Self {
        let heap = BinaryHeap::with_capacity(k.saturating_add(1).min(1 << 10));
        Self { k, heap }
    }

    /// What a score must at least be to be among the best: 1 while there is room.
    fn threshold(&self) -> u32 {
        match self.heap.peek() {
            Some(&Reverse((score, _, _))) if self.heap.len() >= self.k => score.max(1),
            _ => 1,
        }
    }

    /// Whether a score of `bound` would put `document` among the best.
    fn admits(&self, bound: u32, document: u32) -> bool {
        self.heap.len() < self.k
            || self.heap.peek().is_some_and(|&Reverse((score, last, _))| {
                (bound, Reverse(document)) > (score, last)
            })
    }

    fn offer(&mut self, ranked: Ranked) {
        let Ranked {
            score,
            document,
            chunk,
        } = ranked;
        if self.admits(score, document) {
            self.heap.push(Reverse((score, Reverse(document), chunk)));
            if self.heap.len() > self.k {
                self.heap.pop();
            }
        }
    }

    /// Best first.
    fn ranked(self) -> Vec<Ranked> {
        self.heap
            .into_sorted_vec()
            .into_iter()
            .map(|Reverse((score, Reverse(document), chunk))| Ranked {
                score,
                document,
                chunk,
            })
            .collect()
    }
}

/// Bounds on the scores of documents, and the room to compute them, kept between queries.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    /// By document, in whole blocks; all zero between queries. Not used when `pairs` is.
    sums: Vec<u32>,
    /// One bit for each block with a posting.
    touched: Vec<u64>,
    /// The blocks with a sum above zero and the highest in each.
    blocks: Vec<(u32, u32)>,
    /// Instead of sums, where few of very many documents have one: `(document, bound)`, ascending.
    pairs: Vec<(u32, u32)>,
    /// Room to select in.
    selection: Vec<u32>,
}

impl Bounds {
    /// Sums the peaks of `lists` for each document allowed.
    fn sum(&mut self, lists: &[Weighted<'_>], layout: &Layout, allowed: Allowed<'_>) {
        let n_postings: usize = lists.iter().map(|w| w.list.len()).sum();
        let n_documents = layout.n_documents() as usize;
        if n_documents > SPARSE_FROM && n_documents / 64 > n_postings {
            // Few postings among very many documents: an array of all would be mostly empty.
            self.sum_pairs(lists);
            self.pairs
                .retain(|&(document, _)| allowed.contains(document));
            return;
        }
        let n_blocks = n_documents.div_ceil(BLOCK);
        if self.sums.len() < n_blocks * BLOCK {
            self.sums.resize(n_blocks * BLOCK, 0);
            self.touched.resize(n_blocks.div_ceil(64), 0);
        }
        for &Weighted { list, weight } in lists {
            let mut last = usize::MAX;
            for (&document, &peak) in list.documents.iter().zip(&list.peaks) {
                let sum = &mut self.sums[document as usize];
                *sum = sum.saturating_add(weight * (u32::from(peak) + COVERAGE));
                let block = document as usize / BLOCK;
                if block != last {
                    last = block;
                    self.touched[block / 64] |= 1 << (block % 64);
                }
            }
        }
        for (w, &word) in self.touched.iter().enumerate() {
            let mut rest = word;
            while rest != 0 {
                let block = w * 64 + rest.trailing_zeros() as usize;
                rest &= rest - 1;
                let sums = &mut self.sums[block * BLOCK..][..BLOCK];
                if !allowed.all() {
                    for (document, sum) in (block as u32 * BLOCK as u32..).zip(sums.iter_mut()) {
                        if *sum > 0 && !allowed.contains(document) {
                            *sum = 0;
                        }
                    }
                }
                let highest = sums.iter().fold(0, |highest, &sum| highest.max(sum));
                if highest > 0 {
                    self.blocks.push((highest, block as u32));
                }
            }
        }
    }

    fn sum_pairs(&mut self, lists: &[Weighted<'_>]) {
        for &Weighted { list, weight } in lists {
            let bound = |&peak: &u16| weight * (u32::from(peak) + COVERAGE);
            let bounds = list.peaks.iter().map(bound);
            self.pairs
                .extend(list.documents.iter().copied().zip(bounds));
        }
        sort_by(&mut self.pairs, Ord::cmp);
        self.pairs.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            same
        });
    }

    /// A bound that at least `k` documents reach, near the highest such; 0 with fewer documents.
    fn kth(&mut self, k: usize) -> u32 {
        self.selection.clear();
        if self.pairs.is_empty() && self.blocks.len() / 2 > k {
            // Each of the k blocks with the highest sums has a document that reaches the k-th.
            self.selection
                .extend(self.blocks.iter().map(|&(highest, _)| highest));
        } else {
            let mut selection = std::mem::take(&mut self.selection);
            self.each(1, &mut |_, bound| selection.push(bound));
            self.selection = selection;
        }
        if k == 0 || self.selection.len() <= k {
            return 0;
        }
        kth_largest(&mut self.selection, k)
    }

    /// Calls `visit` with each document whose bound is at least `low`, above zero, ascending.
    fn each(&self, low: u32, visit: &mut dyn FnMut(u32, u32)) {
        for &(document, bound) in &self.pairs {
            if bound >= low {
                visit(document, bound);
            }
        }
        for &(highest, block) in &self.blocks {
            if highest < low {
                continue;
            }
            let sums = &self.sums[block as usize * BLOCK..][..BLOCK];
            for (document, &bound) in (block * BLOCK as u32..).zip(sums) {
                if bound >= low {
                    visit(document, bound);
                }
            }
        }
    }

    /// Makes everything zero again.
    fn clear(&mut self) {
        for (w, word) in self.touched.iter_mut().enumerate() {
            while *word != 0 {
                let block = w * 64 + word.trailing_zeros() as usize;
                *word &= *word - 1;
                self.sums[block * BLOCK..][..BLOCK].fill(0);
            }
        }
        self.blocks.clear();
        self.pairs.clear();
    }
}

/// As many [`Bounds`] as queries ran at one time.
#[derive(Debug, Default)]
pub(super) struct BoundsPool(Mutex<Vec<Bounds>>);

impl BoundsPool {
    pub(super) fn take(&self) -> Bounds {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pool.pop().unwrap_or_default()
    }

    pub(super) fn give_back(&self, bounds: Bounds) {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pool.push(bounds);
    }
}

/// The `k` best chunks, best first; equal scores by document, then chunk.
pub(super) fn top_chunks(
    lists: &[Weighted<'_>],
    layout: &Layout,
    allowed: Allowed<'_>,
    k: usize,
    bounds: &mut Bounds,
) -> Vec<Ranked> {
    // Every chunk among the k best belongs to one of the k best documents.
    let documents = top_documents(lists, layout, allowed, k, bounds);
    let mut scorer = Scorer::default();
    let mut ranked = Vec::new();
    for document in documents {
        scorer.score(lists, document.document);
        let base = scorer.base;
        if scorer.chunks.is_empty() {
            ranked.push(document);
        }
        ranked.extend(scorer.chunks.iter().map(|&(chunk, extra)| Ranked {
            score: base.saturating_add(extra),
            document: document.document,
            chunk,
        }));
    }
    sort_by_key(&mut ranked, |r| (Reverse(r.score), r.document, r.chunk));
    ranked.truncate(k);
    ranked
}

/// Scores documents exactly.
#[derive(Debug, Default)]
struct Scorer {
    base: u32,
    /// Chunks that hold a term, and what they add to the base.
    chunks: Vec<(u32, u32)>,
}

impl Scorer {
    /// The score of `document` and its best chunk, the first of equals.
    fn score(&mut self, lists: &[Weighted<'_>], document: u32) -> (u32, u32) {
        self.base = 0;
        self.chunks.clear();
        for &Weighted { list, weight } in lists {
            let Ok(i) = list.documents.binary_search(&document) else {
                continue;
            };
            let base = weight * (u32::from(list.bases[i]) + COVERAGE);
            self.base = self.base.saturating_add(base);
            for entry in list.entries(i) {
                let chunk = list.chunks[entry];
                let extra = weight * u32::from(list.extras[entry]);
                match self.chunks.iter_mut().find(|(c, _)| *c == chunk) {
                    Some((_, sum)) => *sum = sum.saturating_add(extra),
                    None => self.chunks.push((chunk, extra)),
                }
            }
        }
        let best = self
            .chunks
            .iter()
            .max_by_key(|&&(chunk, extra)| (extra, Reverse(chunk)));
        let &(chunk, extra) = best.unwrap_or(&(0, 0));
        (self.base.saturating_add(extra), chunk)
    }
}

#[cfg(test)]
mod tests;
