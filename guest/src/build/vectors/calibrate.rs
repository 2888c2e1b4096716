//! How many cells a query must read: measured on texts like queries.

use crate::build::Workers;
use crate::table::{Span, SpanKind};
use crate::vectors::{QueryVector, score_centroids, score_codes};
use littoral_indexes::vectors::rows::Rows;
use littoral_indexes::vectors::{Cell, Centroids};

/// Share of the ten nearest that the probed cells must hold, on average, in 1/1000. On Cranfield 970
/// instead of 900 reads half as much again and adds 1.2 points to the table alone, 0.2 to the hybrid.
const TARGET: u64 = 900;

/// Vectors that a query reads at first, at most: about 110 kB. On SciFact's 6,355 chunks the target
/// takes 1,100, for 0.713 nDCG@10 of words and table together; 1,024 give 0.709, and 512 give 0.693,
/// less than the words alone.
const MAX_VECTORS: u32 = 1_024;

/// Nearest that are looked for.
const K: usize = 10;

/// Queries that are tried, at most.
const MAX_QUERIES: usize = 256;

/// Probes of an index for which there are no queries to try: this share of its cells.
const UNTRIED_SHARE: u32 = 8;

/// The texts that are tried: held out, and short as queries are.
pub(super) fn texts(spans: &[Span]) -> Vec<String> {
    let is_like_a_query = |span: &&Span| span.is_held_out && span.kind != SpanKind::Sentence;
    let tried = spans.iter().filter(is_like_a_query).take(MAX_QUERIES);
    tried.map(|span| span.text.clone()).collect()
}

/// The fewest cells that hold [`TARGET`] of the [`K`] nearest on average over `queries`, cells being
/// read in the order of their centroids' scores.
pub(super) fn probes(
    centroids: &Centroids,
    cells: &[Cell],
    queries: &Rows,
    workers: &impl Workers,
) -> u32 {
    let n_cells = cells.len() as u32;
    let dims = centroids.axes.dims();
    let n = queries.scales.len();
    if n == 0 {
        return n_cells.div_ceil(UNTRIED_SHARE).max(1);
    }
    let stride = n.div_ceil(MAX_QUERIES);
    let tried: Vec<usize> = (0..n).step_by(stride).collect();
    let ranks = workers.map(tried, |i| {
        let row = &queries.rows[i * dims..(i + 1) * dims];
        let vector: Vec<f32> = row
            .iter()
            .map(|&x| f32::from(x) * queries.scales[i])
            .collect();
        cell_ranks(centroids, cells, &QueryVector::new(&vector))
    });
    let mut by_rank = vec![0u64; cells.len()];
    let mut total = 0u64;
    for rank in ranks.concat() {
        by_rank[rank as usize] += 1;
        total += 1;
    }
    let n_vectors: u32 = centroids.sizes.iter().sum();
    let most = (MAX_VECTORS * n_cells / n_vectors.max(1)).clamp(1, n_cells);
    let mut held = 0;
    for (rank, n) in (1..most).zip(by_rank) {
        held += n;
        if held * 1000 >= total * TARGET {
            return rank;
        }
    }
    most
}

/// For each of the nearest to `query`, the place of its cell in the order of centroids.
fn cell_ranks(centroids: &Centroids, cells: &[Cell], query: &QueryVector) -> Vec<u32> {
    let order = score_centroids(query, centroids);
    let mut rank_of = vec![0u32; cells.len()];
    for (rank, &(_, cell)) in (0..).zip(&order) {
        rank_of[cell as usize] = rank;
    }
    let mut nearest: Vec<(i64, u32)> = Vec::new();
    for (c, cell) in (0u32..).zip(cells) {
        nearest.extend(
            score_codes(query, &cell.vectors)
                .into_iter()
                .map(|score| (score, c)),
        );
        if nearest.len() > 64 * K {
            nearest.sort_unstable_by(|a, b| b.cmp(a));
            nearest.truncate(K);
        }
    }
    nearest.sort_unstable_by(|a, b| b.cmp(a));
    nearest.truncate(K);
    nearest.iter().map(|&(_, c)| rank_of[c as usize]).collect()
}
