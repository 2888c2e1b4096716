//! How well queries that choose are ranked: nDCG@10 by vectors alone, over all documents.

use super::{State, TuneInput, dot};
use crate::build::Workers;

/// Ranks that count.
const K: usize = 10;

/// The mean over the queries to choose by; 0 for none.
pub(super) fn ndcg(input: &TuneInput<'_>, state: &State, workers: &impl Workers) -> f64 {
    let places: Vec<usize> = (0..input.choosing.len()).collect();
    let figures = workers.map(places, |place| {
        let example = &input.choosing[place];
        let vector = state.vector(&example.rows);
        of_ranking(&nearest(input, &vector), &example.documents)
    });
    figures.iter().sum::<f64>() / figures.len().max(1) as f64
}

/// The nearest documents, by the nearest of their passages; of equals the earlier.
fn nearest(input: &TuneInput<'_>, vector: &[f32]) -> Vec<u32> {
    let dims = input.dims;
    let mut best: Vec<(f32, u32)> = Vec::with_capacity(K + 1);
    for (document, &(first, n)) in (0..).zip(input.documents) {
        let passages = &input.chunks[first as usize * dims..(first + n) as usize * dims];
        let scores = passages.chunks_exact(dims).map(|p| dot(vector, p));
        let score = scores.fold(f32::NEG_INFINITY, f32::max);
        if best.len() == K && best[K - 1].0 >= score {
            continue;
        }
        let at = best.partition_point(|&(other, _)| other >= score);
        best.insert(at, (score, document));
        best.truncate(K);
    }
    best.into_iter().map(|(_, document)| document).collect()
}

/// nDCG@10 of a ranking in which `relevant` count the same.
fn of_ranking(ranking: &[u32], relevant: &[u32]) -> f64 {
    let gain = |rank: usize| 1.0 / libm::log2(rank as f64 + 2.0);
    let found = ranking.iter().enumerate();
    let found = found.filter(|(_, document)| relevant.contains(document));
    let ideal: f64 = (0..relevant.len().min(K)).map(gain).sum();
    found.map(|(rank, _)| gain(rank)).sum::<f64>() / ideal.max(1e-9)
}
