//! Orders a ranking so that what is alike does not stand together: maximal marginal relevance.
//!
//! Source: Carbonell, Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents
//! and Producing Summaries" (SIGIR 1998).

use super::dense::Dense;
use super::fuse::{DEPTH, Scored};
use crate::vectors::{QueryVector, score_codes};
use littoral_indexes::vectors::Codes;

/// The first `k` of `ranking` by their relevance, less `weight` (0 to 1) times their likeness to those
/// before them. Relevance is the score over the best one's; likeness is the cosine of two passages
/// where vectors found both, else 0. Scores stay what they are. The first
/// [`DEPTH`] places take part.
pub(super) fn diversify(ranking: &[Scored], dense: &Dense, k: usize, weight: f64) -> Vec<Scored> {
    let mut left: Vec<Scored> = ranking.iter().take(k.max(DEPTH)).copied().collect();
    let best = left.first().map_or(0.0, |first| first.score).max(1e-9);
    // A rank among vectors, from 1, tells the row.
    let row = |scored: &Scored| scored.dense.map(|(rank, _)| rank as usize - 1);
    let mut rows: Vec<Option<usize>> = left.iter().map(row).collect();
    let mut alike = vec![0f64; left.len()];
    let mut chosen = Vec::new();
    while chosen.len() < k && !left.is_empty() {
        let value = |i: usize| (1.0 - weight) * left[i].score / best - weight * alike[i];
        // The first of equals: the more relevant one.
        let next = (1..left.len()).fold(0, |best, i| if value(i) > value(best) { i } else { best });
        let row = rows.remove(next);
        alike.remove(next);
        chosen.push(left.remove(next));
        if let Some(row) = row {
            let cosines = cosines(&dense.codes, row, dense.step);
            for (alike, row) in alike.iter_mut().zip(&rows) {
                let cosine = row.map_or(0.0, |row| cosines[row]);
                *alike = alike.max(cosine);
            }
        }
    }
    chosen
}

/// The cosines of one of `vectors`, of the width `step`, with each of them.
fn cosines(vectors: &Codes, row: usize, step: f32) -> Vec<f64> {
    let dims = vectors.codes.len() / vectors.factors.len().max(1);
    let own = &vectors.codes[row * dims..(row + 1) * dims];
    let own = QueryVector::of_codes(own.iter().map(|&x| i16::from(x)).collect(), dims);
    let scores = score_codes(&own, vectors);
    scores.iter().map(|&s| own.cosine(s, step)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::lexical::Place;
    use super::super::rank::Ranked;
    use super::*;

    fn place(document: u32) -> Place {
        let ranked = Ranked {
            score: 0,
            document,
            chunk: 0,
        };
        Place { segment: 0, ranked }
    }

    fn scored(document: u32, score: f64, rank: Option<u32>) -> Scored {
        // Words show another chunk of the document than vectors do, with a score of its own.
        let mut place = place(document);
        place.ranked.score = 7;
        place.ranked.chunk = 2;
        Scored {
            place,
            score,
            lexical: None,
            dense: rank.map(|rank| (rank, 0.5)),
            shares: None,
            rerank: None,
        }
    }

    fn order(weight: f64, k: usize) -> Vec<u32> {
        // 1 and 2 say the same, 3 is another, 4 was found by words alone.
        let ranking = [
            scored(1, 1.0, Some(1)),
            scored(2, 0.9, Some(2)),
            scored(3, 0.8, Some(3)),
            scored(4, 0.1, None),
        ];
        let dense = Dense {
            places: [1, 2, 3].map(|document| (place(document), 0.5)).to_vec(),
            codes: Codes {
                codes: vec![40, 0, 40, 0, 0, 40],
                factors: vec![0; 3],
            },
            step: 0.025 * 256.0 / littoral_indexes::vectors::codes::FACTOR_BASE as f32,
            ..Dense::default()
        };
        let chosen = diversify(&ranking, &dense, k, weight);
        chosen.iter().map(|s| s.place.ranked.document).collect()
    }

    #[test]
    fn what_is_alike_comes_later_the_more_diversity_is_asked_for() {
        assert_eq!(order(0.0, 4), [1, 2, 3, 4]);
        assert_eq!(order(0.3, 4), [1, 3, 2, 4]);
        assert_eq!(order(0.7, 4), [1, 3, 4, 2]);
        assert_eq!(order(0.7, 2), [1, 3]);
        assert_eq!(order(1.0, 3), [1, 3, 4]);
    }
}
