//! How many cells a query must read, and of how many groups: measured on texts like queries.

use crate::build::Workers;
use crate::table::{Span, SpanKind};
use crate::vectors::{QueryVector, ranked, score_codes};
use littoral_indexes::vectors::rows::Rows;
use littoral_indexes::vectors::{Cell, Centroids, Codes};

/// Share of the ten nearest that the probed cells must hold, on average, in 1/1000. On Cranfield 970
/// instead of 900 reads half as much again and adds 1.2 points to the table alone, 0.2 to the hybrid.
const TARGET: u64 = 900;

/// Vectors that a query reads at first, at most: about 110 kB. On SciFact's 6,355 chunks the target
/// takes 1,100, for 0.713 nDCG@10 of words and table together; 1,024 give 0.709, and 512 give 0.693,
/// less than the words alone.
const MAX_VECTORS: u64 = 1_024;

/// Where not even [`MAX_VECTORS`] hold the target, so much less of the nearest is as good, in 1/1000.
const NEARLY: u64 = 10;

/// A centroid takes this share of a vector's bytes.
const CENTROID_SHARE: f64 = 0.27;

/// Nearest that are looked for.
const K: usize = 10;

/// Queries that are tried, at most.
const MAX_QUERIES: usize = 256;

/// Without queries to try, a query reads this share of the cells, and of the groups twice that.
const UNTRIED_SHARE: u32 = 8;

/// Where the vectors of a segment lie.
pub(super) struct Placed<'a> {
    pub(super) centroids: &'a Centroids,
    /// Centroids of all cells. `[n_cells, dims]`
    pub(super) of_cells: &'a Codes,
    pub(super) cells: &'a [Cell],
}

/// What a query reads at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reads {
    pub(super) cells: u32,
    /// 0 where there are no groups.
    pub(super) groups: u32,
}

/// The texts that are tried: held out, and short as queries are.
pub(super) fn texts(spans: &[Span]) -> Vec<String> {
    let is_like_a_query = |span: &&Span| span.is_held_out && span.kind != SpanKind::Sentence;
    let tried = spans.iter().filter(is_like_a_query).take(MAX_QUERIES);
    tried.map(|span| span.text.clone()).collect()
}

/// The fewest bytes that hold [`TARGET`] of the [`K`] nearest on average over `queries`, cells being
/// read in the order of their centroids' scores, and only those of the nearest groups.
pub(super) fn reads(placed: &Placed<'_>, queries: &Rows, workers: &impl Workers) -> Reads {
    let n_cells = placed.cells.len() as u32;
    let n_groups = placed.centroids.groups.len() as u32;
    let dims = placed.centroids.axes.dims();
    let n = queries.scales.len();
    if n == 0 {
        return Reads {
            cells: n_cells.div_ceil(UNTRIED_SHARE).max(1),
            groups: n_groups.div_ceil(UNTRIED_SHARE / 2),
        };
    }
    let stride = n.div_ceil(MAX_QUERIES);
    let tried: Vec<usize> = (0..n).step_by(stride).collect();
    let ladder = ladder(n_groups);
    let ranks = workers.map(tried, |i| {
        let row = &queries.rows[i * dims..(i + 1) * dims];
        let vector: Vec<f32> = row
            .iter()
            .map(|&x| f32::from(x) * queries.scales[i])
            .collect();
        cell_ranks(placed, &ladder, &QueryVector::new(&vector))
    });
    let n_vectors: u64 = placed.cells.iter().map(|c| c.chunks.len() as u64).sum();
    let most = MAX_VECTORS * u64::from(n_cells) / n_vectors.max(1);
    let most = most.clamp(1, u64::from(n_cells)) as u32;
    let per_cell = n_vectors as f64 / f64::from(n_cells.max(1));
    let tried: Vec<Tried> = ladder
        .iter()
        .enumerate()
        .map(|(rung, &groups)| {
            let ranks = ranks.iter().flat_map(|of_query| &of_query[rung]);
            let (cells, held) = fewest(ranks, most);
            let centroids = f64::from(n_cells) * f64::from(groups) / f64::from(n_groups.max(1));
            Tried {
                reads: Reads { cells, groups },
                held,
                cost: f64::from(cells) * per_cell + CENTROID_SHARE * centroids,
            }
        })
        .collect();
    cheapest(&tried).unwrap_or(Reads {
        cells: most,
        groups: n_groups,
    })
}

/// What was tried.
struct Tried {
    reads: Reads,
    /// Share of the nearest that it holds, in 1/1000.
    held: u64,
    /// In bytes of a vector.
    cost: f64,
}

/// The cheapest that hold [`TARGET`], or nearly what the best of them holds where none does.
fn cheapest(tried: &[Tried]) -> Option<Reads> {
    let best = tried.iter().map(|t| t.held).max()?;
    let enough = if best < TARGET {
        best.saturating_sub(NEARLY)
    } else {
        TARGET
    };
    let able = tried.iter().filter(|t| t.held >= enough);
    let cheapest = able.min_by(|a, b| a.cost.total_cmp(&b.cost))?;
    Some(cheapest.reads)
}

/// Numbers of groups that are tried: about a third more each, up to all; 0 where there are none.
fn ladder(n_groups: u32) -> Vec<u32> {
    let mut ladder = vec![n_groups];
    let mut n = n_groups;
    while n > 2 {
        n = (n * 3).div_ceil(4).min(n - 1);
        ladder.push(n);
    }
    ladder.reverse();
    ladder
}

/// The fewest cells, `most` at most, that hold [`TARGET`] of what lies in cells of `ranks`, and the
/// share that they hold, in 1/1000. [`u32::MAX`] is the rank of what is read by no number of cells.
fn fewest<'a>(ranks: impl Iterator<Item = &'a u32>, most: u32) -> (u32, u64) {
    let mut by_rank = vec![0u64; most as usize];
    let mut total = 0u64;
    for &rank in ranks {
        total += 1;
        if let Some(n) = by_rank.get_mut(rank as usize) {
            *n += 1;
        }
    }
    let mut held = 0;
    for (cells, n) in (1..).zip(by_rank) {
        held += n;
        if held * 1000 >= total * TARGET {
            return (cells, held * 1000 / total.max(1));
        }
    }
    (most, held * 1000 / total.max(1))
}

/// For each number of groups of `ladder`, and for each of the nearest to `query`, the place of its
/// cell in the order in which cells are read.
fn cell_ranks(placed: &Placed<'_>, ladder: &[u32], query: &QueryVector) -> Vec<Vec<u32>> {
    let nearest = nearest_cells(placed.cells, query);
    let order = ranked(query, placed.of_cells);
    let group_ranks = group_ranks(placed.centroids, placed.cells.len(), query);
    let ranks = |&groups: &u32| {
        let is_read = |cell: u32| group_ranks[cell as usize] < groups.max(1);
        let mut rank_of = vec![u32::MAX; placed.cells.len()];
        let read = order.iter().filter(|&&(_, cell)| is_read(cell));
        for (rank, &(_, cell)) in (0..).zip(read) {
            rank_of[cell as usize] = rank;
        }
        nearest.iter().map(|&cell| rank_of[cell as usize]).collect()
    };
    ladder.iter().map(ranks).collect()
}

/// The place of each cell's group in the order of groups; 0 where there are none. `[n_cells]`
fn group_ranks(centroids: &Centroids, n_cells: usize, query: &QueryVector) -> Vec<u32> {
    let mut ranks = vec![0; n_cells];
    if centroids.groups.is_empty() {
        return ranks;
    }
    for (rank, (_, group)) in (0..).zip(ranked(query, &centroids.vectors)) {
        for cell in centroids.cells_of(group) {
            ranks[cell as usize] = rank;
        }
    }
    ranks
}

/// The cells of the [`K`] nearest to `query`.
fn nearest_cells(cells: &[Cell], query: &QueryVector) -> Vec<u32> {
    let mut nearest: Vec<(i64, u32)> = Vec::new();
    let keep_best = |nearest: &mut Vec<(i64, u32)>| {
        nearest.sort_unstable_by(|a, b| b.cmp(a));
        nearest.truncate(K);
    };
    for (c, cell) in (0u32..).zip(cells) {
        let scores = score_codes(query, &cell.vectors).into_iter();
        nearest.extend(scores.map(|score| (score, c)));
        if nearest.len() > 64 * K {
            keep_best(&mut nearest);
        }
    }
    keep_best(&mut nearest);
    nearest.into_iter().map(|(_, cell)| cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_ends_with_all_groups() {
        assert_eq!(ladder(0), [0]);
        assert_eq!(ladder(1), [1]);
        assert_eq!(ladder(8), [2, 3, 4, 5, 6, 8][..].to_vec());
        assert!(ladder(300).len() < 24);
    }

    #[test]
    fn the_fewest_cells_that_hold_the_target() {
        let ranks = [0, 0, 0, 0, 1, 1, 2, 2, 3, 40];
        assert_eq!(fewest(ranks.iter(), 100), (4, 900));
        assert_eq!(fewest(ranks.iter(), 2), (2, 600));
        let lost = [0, u32::MAX];
        assert_eq!(fewest(lost.iter(), 9), (9, 500));
    }

    #[test]
    fn the_cheapest_that_is_good_enough_is_read() {
        let tried = |held: &[u64]| -> Option<u32> {
            let tried = (1..).zip(held).map(|(groups, &held)| Tried {
                reads: Reads { cells: 1, groups },
                held,
                cost: f64::from(groups),
            });
            Some(cheapest(&tried.collect::<Vec<_>>())?.groups)
        };
        assert_eq!(tried(&[700, 899, 900, 950]), Some(3));
        assert_eq!(tried(&[700, 869, 870, 880]), Some(3));
        assert_eq!(tried(&[]), None);
    }
}
