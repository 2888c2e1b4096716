//! Joins the rankings of words and of vectors.

use super::lexical::Place;
use crate::map::Map;
use littoral_indexes::order::sort_by;
use serde::{Deserialize, Serialize};

/// Dampens the first ranks: with 60, the first of one ranking alone does not outweigh what is
/// twentieth in both. Source: Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion outperforms
/// Condorcet and individual rank learning methods" (SIGIR 2009).
pub(super) const RRF_K: u32 = 60;

/// Places of one leg that are joined, at most.
pub(super) const DEPTH: usize = 100;

/// A place with what each leg says of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scored {
    pub(super) place: Place,
    /// Higher is better.
    pub(super) score: f64,
    /// Rank, from 1, and score.
    pub(super) lexical: Option<(u32, f64)>,
    /// Rank, from 1, and score.
    pub(super) dense: Option<(u32, f64)>,
    /// What words and vectors each give to the score; `None` where one leg alone ranks.
    pub(super) shares: Option<[f64; 2]>,
    /// Relevance by a reranker, which then is the score.
    pub(super) rerank: Option<f64>,
}

/// One leg's ranking as it is shown when it is alone.
pub(super) fn alone(
    ranking: &[(Place, f64)],
    leg: impl Fn(&mut Scored, (u32, f64)),
) -> Vec<Scored> {
    (1..)
        .zip(ranking)
        .map(|(rank, &(place, score))| {
            let mut scored = Scored {
                place,
                score,
                lexical: None,
                dense: None,
                shares: None,
                rerank: None,
            };
            leg(&mut scored, (rank, score));
            scored
        })
        .collect()
}

/// Joins two rankings, best first, by weighted sums of scores scaled to 0 … 1 within each. What one
/// leg alone has found counts 0 in the other. Where words find few, the last of them is no measure of what
/// is bad: the fewer, the nearer 0 of the scale is to the score 0, which is what they do not find. Where `chunks` is false a document is one place, and
/// shows the chunk of the leg that ranks it higher.
pub(super) fn fuse(
    lexical: &[(Place, f64)],
    dense: &[(Place, f64)],
    method: Fusion,
    chunks: bool,
) -> Vec<Scored> {
    let key = |place: &Place| {
        let chunk = if chunks { place.ranked.chunk } else { 0 };
        (place.segment, place.ranked.document, chunk)
    };
    let mut joined = alone(lexical, |s, found| s.lexical = Some(found));
    let at: Map<_, usize> = joined.iter().map(|s| key(&s.place)).zip(0..).collect();
    for scored in alone(dense, |s, found| s.dense = Some(found)) {
        match at.get(&key(&scored.place)) {
            Some(&i) => {
                let other = &mut joined[i];
                other.dense = scored.dense;
                if scored.dense.map(|d| d.0) < other.lexical.map(|l| l.0) {
                    other.place = scored.place;
                }
            }
            None => joined.push(scored),
        }
    }
    let range = |ranking: &[(Place, f64)]| {
        let highest = ranking.first().map_or(0.0, |r| r.1);
        let lowest = ranking.last().map_or(0.0, |r| r.1);
        (lowest, (highest - lowest).max(1e-9))
    };
    let (mut lexical_range, dense) = (range(lexical), range(dense));
    let highest = lexical_range.0 + lexical_range.1;
    lexical_range.0 *= lexical.len().min(DEPTH) as f64 / DEPTH as f64;
    lexical_range.1 = (highest - lexical_range.0).max(1e-9);
    for scored in &mut joined {
        let shares = match method {
            Fusion::Ranks => {
                let share = |found: Option<(u32, f64)>| {
                    found.map_or(0.0, |(rank, _)| 1.0 / f64::from(RRF_K + rank))
                };
                [share(scored.lexical), share(scored.dense)]
            }
            Fusion::Scores { dense_weight } => {
                let share = |found: Option<(u32, f64)>, (low, width): (f64, f64)| {
                    found.map_or(0.0, |(_, score)| (score - low) / width)
                };
                let weight = f64::from(dense_weight) / 256.0;
                [
                    (1.0 - weight) * share(scored.lexical, lexical_range),
                    weight * share(scored.dense, dense),
                ]
            }
        };
        scored.score = shares[0] + shares[1];
        scored.shares = Some(shares);
    }
    sort_by(&mut joined, |a, b| {
        b.score
            .total_cmp(&a.score)
            .then(a.place.key().cmp(&b.place.key()))
    });
    joined
}

/// How rankings are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fusion {
    /// Reciprocal ranks.
    Ranks,
    /// Scores, each leg's scaled to 0 … 1 over its places.
    Scores {
        /// Share of the dense leg, in 1/256, of a query without identifiers.
        dense_weight: u16,
    },
}

impl Fusion {
    /// Leans towards words where some of them are identifiers: vectors lose twice the share that those have
    /// of all words, down to half of their weight. Measured on six judged collections against equal
    /// weights: +0.7 points of nDCG@10 on SciFact, whose queries name genes and substances, +0.2 on
    /// documentation of an API, nothing lost on the others.
    #[must_use]
    pub(super) fn leaning(self, (identifiers, all): (u32, u32)) -> Self {
        match self {
            Self::Scores { dense_weight } if all > 0 => {
                let left = (2 * all).saturating_sub(4 * identifiers).max(all);
                let weight = u32::from(dense_weight) * left / (2 * all);
                Self::Scores {
                    dense_weight: weight as u16,
                }
            }
            method => method,
        }
    }
}

impl Default for Fusion {
    /// Equal shares of scores: on every judged collection tried it was above reciprocal ranks, by
    /// one to two points of nDCG@10.
    fn default() -> Self {
        Self::Scores { dense_weight: 128 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rank::Ranked;
    use super::*;

    fn place(document: u32, chunk: u32) -> Place {
        let ranked = Ranked {
            score: 0,
            document,
            chunk,
        };
        Place { segment: 0, ranked }
    }

    #[test]
    fn what_both_legs_find_comes_first() {
        let lexical = [(place(1, 0), 9.0), (place(2, 0), 8.0)];
        let dense = [(place(2, 3), 0.9), (place(3, 0), 0.8)];
        for method in [Fusion::Ranks, Fusion::Scores { dense_weight: 140 }] {
            let fused = fuse(&lexical, &dense, method, false);
            let order: Vec<u32> = fused.iter().map(|s| s.place.ranked.document).collect();
            assert_eq!(order[0], if method == Fusion::Ranks { 2 } else { order[0] });
            assert_eq!(fused.len(), 3);
            let both = fused.iter().find(|s| s.place.ranked.document == 2);
            let both = both.expect("found by both");
            // The dense leg ranks it higher, so its chunk is shown.
            assert_eq!(both.place.ranked.chunk, 3);
            assert_eq!((both.lexical, both.dense), (Some((2, 8.0)), Some((1, 0.9))));
        }
        assert_eq!(fuse(&lexical, &dense, Fusion::Ranks, true).len(), 4);
    }

    #[test]
    fn identifiers_lean_to_the_lexical_leg() {
        let even = Fusion::Scores { dense_weight: 128 };
        for (words, dense_weight) in [((0, 4), 128), ((1, 8), 96), ((1, 4), 64), ((3, 3), 64)] {
            assert_eq!(even.leaning(words), Fusion::Scores { dense_weight });
        }
        assert_eq!(even.leaning((0, 0)), even);
        assert_eq!(Fusion::Ranks.leaning((2, 2)), Fusion::Ranks);
    }

    #[test]
    fn the_last_of_few_that_hold_a_word_is_before_what_is_only_near() {
        let lexical = [(place(1, 0), 9.0), (place(2, 0), 8.0)];
        let dense = [(place(3, 0), 0.9), (place(4, 0), 0.8)];
        let method = Fusion::default().leaning((1, 1));
        let fused = fuse(&lexical, &dense, method, false);
        let order: Vec<u32> = fused.iter().map(|s| s.place.ranked.document).collect();
        assert_eq!(order, [1, 2, 3, 4]);
    }

    #[test]
    fn one_leg_alone_keeps_its_order() {
        let dense = [(place(2, 3), 0.9), (place(3, 0), 0.9), (place(1, 0), 0.2)];
        let fused = fuse(&[], &dense, Fusion::Scores { dense_weight: 128 }, false);
        let order: Vec<u32> = fused.iter().map(|s| s.place.ranked.document).collect();
        assert_eq!(order, [2, 3, 1]);
    }
}
