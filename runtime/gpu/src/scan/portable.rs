//! The plain twin: every vector scored on the CPU.

use super::Hit;
use littoral_indexes::kernels::dot_rows;
use std::cmp::Ordering;

/// Higher scores first, then lower ids.
pub(super) fn order<S: PartialOrd>(a: &Hit<S>, b: &Hit<S>) -> Ordering {
    let by_score = b.score.partial_cmp(&a.score);
    by_score.unwrap_or(Ordering::Equal).then(a.id.cmp(&b.id))
}

/// The `k` of `rows`, `[n_rows, dims]`, nearest to each of `queries`, `[n, dims]` within ±2047.
pub fn nearest_int8(
    rows: &[i8],
    dims: usize,
    queries: &[i16],
    k: usize,
    allowed: Option<&[u32]>,
) -> Vec<Vec<Hit<i32>>> {
    let mut scores = vec![0; rows.len() / dims];
    let each = queries.chunks_exact(dims).map(|query| {
        dot_rows(query, rows, &mut scores);
        best(scores.iter().copied(), k, allowed)
    });
    each.collect()
}

/// As [`nearest_int8`], of floats.
pub fn nearest_float(
    rows: &[f32],
    dims: usize,
    queries: &[f32],
    k: usize,
    allowed: Option<&[u32]>,
) -> Vec<Vec<Hit<f32>>> {
    let each = queries.chunks_exact(dims).map(|query| {
        let dot = |row: &[f32]| -> f32 { row.iter().zip(query).map(|(a, b)| a * b).sum() };
        best(rows.chunks_exact(dims).map(dot), k, allowed)
    });
    each.collect()
}

fn best<S: PartialOrd + Copy>(
    scores: impl Iterator<Item = S>,
    k: usize,
    allowed: Option<&[u32]>,
) -> Vec<Hit<S>> {
    let is_allowed = |id: u32| {
        allowed.is_none_or(|bits| {
            let word = bits.get(id as usize / 32).copied().unwrap_or(0);
            word >> (id % 32) & 1 == 1
        })
    };
    let mut hits: Vec<Hit<S>> = Vec::new();
    // The k best so far and as many more; cut when full.
    for (id, score) in (0..).zip(scores) {
        if !is_allowed(id) {
            continue;
        }
        hits.push(Hit { id, score });
        if hits.len() >= (2 * k).max(1024) {
            hits.select_nth_unstable_by(k, order);
            hits.truncate(k);
        }
    }
    hits.sort_unstable_by(order);
    hits.truncate(k);
    hits
}
