//! Ranks documents by the sum of their terms' impacts.
//!
//! First every list adds, for each of its documents, the highest impact the document has in any
//! chunk: one addition a posting, into an array. That sum bounds the document's score from above.
//! Then documents are scored exactly, chunk by chunk, in the order of their bounds, until the next
//! bound is not above the k-th score found. The result is exactly that of scoring every document.
//!
//! Source: the score-at-a-time accumulation of Anh and Moffat (SIGIR 2006) with the threshold
//! algorithm of Fagin, Lotem, Naor (PODS 2001) to stop the exact scoring. Where a list is
//! several megabytes long, block-max WAND would skip in it; with impacts of two bytes in an array,
//! a posting costs about a nanosecond and the lists a query fetches are short.

use super::blocks::Bits;
use littoral_indexes::impact::ImpactList;
use littoral_indexes::layout::Layout;
use littoral_indexes::order::{sort_by, sort_by_key};

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Added to the impact of every term a document holds, in impact units: a document that covers more
/// of the query's words precedes one that repeats few.
pub(super) const COVERAGE: u32 = 0;

/// Below this many documents, bounds are always kept in an array.
const SPARSE_FROM: usize = 1 << 20;

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
    fn contains(&self, document: u32) -> bool {
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
) -> Vec<Ranked> {
    let mut queue: Vec<(u32, Reverse<u32>)> = Vec::new();
    for (document, bound) in bounds(lists, layout) {
        if allowed.contains(document) {
            queue.push((bound, Reverse(document)));
        }
    }
    let mut queue = BinaryHeap::from(queue);
    let mut best: BinaryHeap<Reverse<(u32, Reverse<u32>, u32)>> = BinaryHeap::new();
    let mut scorer = Scorer::default();
    while let Some((bound, Reverse(document))) = queue.pop() {
        if best.len() == k
            && best
                .peek()
                .is_some_and(|&Reverse((score, Reverse(last), _))| {
                    (bound, Reverse(document)) < (score, Reverse(last))
                })
        {
            break;
        }
        let (score, chunk) = scorer.score(lists, document);
        best.push(Reverse((score, Reverse(document), chunk)));
        if best.len() > k {
            best.pop();
        }
    }
    let mut ranked: Vec<Ranked> = best
        .into_iter()
        .map(|Reverse((score, Reverse(document), chunk))| Ranked {
            score,
            document,
            chunk,
        })
        .collect();
    sort_by_key(&mut ranked, |r| (Reverse(r.score), r.document));
    ranked
}

/// Each document of the lists with the bound on its score, ascending.
fn bounds(lists: &[Weighted<'_>], layout: &Layout) -> Vec<(u32, u32)> {
    let n_postings: usize = lists.iter().map(|w| w.list.len()).sum();
    let n_documents = layout.n_documents() as usize;
    if n_documents > SPARSE_FROM && n_documents / 64 > n_postings {
        // Few postings among very many documents: an array of all would be mostly empty.
        let mut pairs: Vec<(u32, u32)> = Vec::with_capacity(n_postings);
        for &Weighted { list, weight } in lists {
            let bound = |&peak: &u16| weight * (u32::from(peak) + COVERAGE);
            pairs.extend(
                list.documents
                    .iter()
                    .copied()
                    .zip(list.peaks.iter().map(bound)),
            );
        }
        sort_by(&mut pairs, Ord::cmp);
        pairs.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        return pairs;
    }
    let mut bounds = vec![0u32; n_documents];
    for &Weighted { list, weight } in lists {
        for (&document, &peak) in list.documents.iter().zip(&list.peaks) {
            bounds[document as usize] += weight * (u32::from(peak) + COVERAGE);
        }
    }
    (0..).zip(bounds).filter(|&(_, bound)| bound > 0).collect()
}

/// The `k` best chunks, best first; equal scores by document, then chunk.
pub(super) fn top_chunks(
    lists: &[Weighted<'_>],
    layout: &Layout,
    allowed: Allowed<'_>,
    k: usize,
) -> Vec<Ranked> {
    // Every chunk among the k best belongs to one of the k best documents.
    let documents = top_documents(lists, layout, allowed, k);
    let mut scorer = Scorer::default();
    let mut ranked = Vec::new();
    for document in documents {
        scorer.score(lists, document.document);
        let base = scorer.base;
        if scorer.chunks.is_empty() {
            ranked.push(document);
        }
        ranked.extend(scorer.chunks.iter().map(|&(chunk, extra)| Ranked {
            score: base + extra,
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
            self.base += weight * (u32::from(list.bases[i]) + COVERAGE);
            for entry in list.entries(i) {
                let chunk = list.chunks[entry];
                let extra = weight * u32::from(list.extras[entry]);
                match self.chunks.iter_mut().find(|(c, _)| *c == chunk) {
                    Some((_, sum)) => *sum += extra,
                    None => self.chunks.push((chunk, extra)),
                }
            }
        }
        let best = self
            .chunks
            .iter()
            .max_by_key(|&&(chunk, extra)| (extra, Reverse(chunk)));
        let &(chunk, extra) = best.unwrap_or(&(0, 0));
        (self.base + extra, chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use littoral_indexes::layout::Class;
    use proptest::prelude::*;

    /// Scores every chunk of every document.
    fn naive(lists: &[Weighted<'_>], layout: &Layout, k: usize) -> Vec<Ranked> {
        let mut all = Vec::new();
        for document in 0..layout.n_documents() {
            let mut best: Option<Ranked> = None;
            for chunk in 0..layout.chunks_of(document).1 {
                let mut score = 0;
                for w in lists {
                    for i in 0..w.list.len() {
                        if w.list.documents[i] == document {
                            score += w.weight * (u32::from(w.list.bases[i]) + COVERAGE);
                            for e in w.list.entries(i) {
                                if w.list.chunks[e] == chunk {
                                    score += w.weight * u32::from(w.list.extras[e]);
                                }
                            }
                        }
                    }
                }
                if best.is_none_or(|b| score > b.score) {
                    best = Some(Ranked {
                        score,
                        document,
                        chunk,
                    });
                }
            }
            all.extend(best.filter(|b| b.score > 0));
        }
        all.sort_by_key(|r| (Reverse(r.score), r.document));
        all.truncate(k);
        all
    }

    proptest! {
        #[test]
        fn the_ranking_is_that_of_scoring_everything(
            lists in prop::collection::vec((1u32..9, prop::collection::btree_map(0u32..60, (1u16..2000, prop::collection::btree_map(0u32..6, 1u16..900, 0..5)), 0..40)), 1..5),
            k in 1usize..12,
        ) {
            let class = |c, n| Class { chunks_per_document: c, n_documents: n };
            let layout = Layout::new(vec![class(1, 30), class(6, 30)]).unwrap();
            let lists: Vec<_> = lists.into_iter().map(|(weight, documents)| {
                let mut list = ImpactList::new();
                for (document, (base, entries)) in documents {
                    let n = if document < 30 { 1 } else { 6 };
                    list.push(document, base, entries.into_iter().filter(|&(chunk, _)| chunk < n));
                }
                (weight, list)
            }).collect();
            let lists: Vec<_> = lists.iter().map(|(weight, list)| Weighted { list, weight: *weight }).collect();
            let found = top_documents(&lists, &layout, Allowed::default(), k);
            let expected = naive(&lists, &layout, k);
            // Chunks of a document that holds terms only in its title are all alike.
            prop_assert_eq!(found, expected);
        }
    }
}
