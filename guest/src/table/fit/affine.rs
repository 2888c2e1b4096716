//! The best linear map from what is known of words to rows.

use super::wide::wide;
use super::{FitInput, FitOptions, add, add_four};
use crate::build::Workers;
use std::ops::Range;

/// Texts of one piece of work, and pieces whose results are held at a time.
const TEXTS: usize = 512;
const PIECES: usize = 8;

/// Weight of the map's own size, beside its mean stretch: keeps directions that no text has small.
const RIDGE: f64 = 3e-3;

/// What is known of the words, and the products of the texts' known sums with themselves: both stay when
/// texts are scaled anew.
pub(super) struct Known {
    /// `[n_words, width]`
    start: Vec<f32>,
    /// From the diagonal on. `[width, width]`
    products: Vec<f64>,
}

impl Known {
    pub(super) fn new(input: &FitInput<'_>, options: &FitOptions, workers: &impl Workers) -> Self {
        let start = weighted(input, options);
        let (width, n_words) = (input.width, input.counts.len());
        let products = gather(input, width * width, workers, |texts, out| {
            let sums: Vec<Vec<f32>> = texts
                .map(|text| known_sum(input, &start, n_words, text))
                .collect();
            // From the diagonal on, in whole eights.
            let from = |i: usize| i / 8 * 8;
            outer(&sums, &sums, width, from, out);
        });
        Self { start, products }
    }

    /// The rows that the best map gives, `[n_rows, dims]`; zeros for pairs.
    pub(super) fn fit(
        &self,
        input: &FitInput<'_>,
        scales: &[f32],
        workers: &impl Workers,
    ) -> Vec<f32> {
        let (width, dims) = (input.width, input.dims);
        let n_words = input.counts.len();
        let mut rows = vec![0.0; input.n_rows * dims];
        if width == 0 || input.spans.is_empty() {
            return rows;
        }
        let wanted = gather(input, width * dims, workers, |texts, out| {
            let (mut sums, mut vectors) = (Vec::new(), Vec::new());
            for text in texts {
                sums.push(known_sum(input, &self.start, n_words, text));
                let vector = input.spans.vector(text, dims);
                vectors.push(vector.iter().map(|v| scales[text] * v).collect());
            }
            outer(&sums, &vectors, dims, |_| 0, out);
        });
        let lines = self.products.chunks_exact(width);
        let lines = lines.zip(wanted.chunks_exact(dims));
        let both = lines.flat_map(|(known, wanted)| known.iter().chain(wanted).copied());
        let map = solve(both.collect(), width, dims);
        let places = rows[..n_words * dims].chunks_mut(dims * 256).enumerate();
        workers.map(places.collect(), |(piece, rows): (usize, &mut [f32])| {
            for (i, row) in rows.chunks_exact_mut(dims).enumerate() {
                let known = &self.start[(piece * 256 + i) * width..][..width];
                let (fours, rest) = known.as_chunks::<4>();
                let lines = map.chunks_exact(4 * dims);
                for (&by, lines) in fours.iter().zip(lines) {
                    add_four(row, by, [0, 1, 2, 3].map(|i| &lines[i * dims..][..dims]));
                }
                let last = map[fours.len() * 4 * dims..].chunks_exact(dims);
                for (&by, line) in rest.iter().zip(last) {
                    add(row, by, line);
                }
            }
        });
        rows
    }
}

/// What is known, less of it for frequent words.
fn weighted(input: &FitInput<'_>, options: &FitOptions) -> Vec<f32> {
    let total: f64 = input.counts.iter().map(|&n| f64::from(n)).sum();
    let mut start = input.start.to_vec();
    for (known, &count) in start.chunks_exact_mut(input.width.max(1)).zip(input.counts) {
        let share = (f64::from(count) / total.max(1.0)) as f32;
        let weight = options.half_weight / (options.half_weight + share);
        for v in known {
            *v *= weight;
        }
    }
    start
}

/// Sums what `part` makes of some texts at a time: in 32 bits for a piece, in 64 over all.
fn gather(
    input: &FitInput<'_>,
    n: usize,
    workers: &impl Workers,
    part: impl Fn(Range<usize>, &mut [f32]) + Sync,
) -> Vec<f64> {
    let n_texts = input.spans.len();
    let mut all = vec![0.0_f64; n];
    let pieces: Vec<usize> = (0..n_texts).step_by(TEXTS).collect();
    for pieces in pieces.chunks(PIECES) {
        let some = workers.map(pieces.to_vec(), |first| {
            let mut out = vec![0.0_f32; n];
            wide(|| part(first..(first + TEXTS).min(n_texts), &mut out));
            out
        });
        for piece in some {
            for (sum, part) in all.iter_mut().zip(piece) {
                *sum += f64::from(part);
            }
        }
    }
    all
}

/// What is known of a text: the sum of what is of its words, times its share.
#[inline(always)]
fn known_sum(input: &FitInput<'_>, start: &[f32], n_words: usize, text: usize) -> Vec<f32> {
    let width = input.width;
    let mut sum = vec![0.0; width];
    let share = input.spans.share(text);
    for &row in input.spans.rows_of(text) {
        if (row as usize) < n_words {
            add(&mut sum, share, &start[row as usize * width..][..width]);
        }
    }
    sum
}

/// Adds Σ `left`ᵀ · `right` to `out`, `[left's width, width]`, of line `i` the part behind `from(i)`: four
/// texts at a time, so that `out` is gone over less often.
#[inline(always)]
fn outer(
    left: &[Vec<f32>],
    right: &[Vec<f32>],
    width: usize,
    from: impl Fn(usize) -> usize,
    out: &mut [f32],
) {
    let (fours, rest) = left.as_chunks::<4>();
    let (right_fours, right_rest) = right.as_chunks::<4>();
    for (left, right) in fours.iter().zip(right_fours) {
        for (i, line) in out.chunks_exact_mut(width).enumerate() {
            let from = from(i);
            let by = [0, 1, 2, 3].map(|text| left[text][i]);
            let right = [0, 1, 2, 3].map(|text| &right[text][from..]);
            add_four(&mut line[from..], by, right);
        }
    }
    for (left, right) in rest.iter().zip(right_rest) {
        for (i, line) in out.chunks_exact_mut(width).enumerate() {
            let from = from(i);
            add(&mut line[from..], left[i], &right[from..]);
        }
    }
}

/// The map `[width, dims]` that solves the normal equations, by Cholesky's decomposition.
fn solve(mut a: Vec<f64>, width: usize, dims: usize) -> Vec<f32> {
    let stride = width + dims;
    let trace: f64 = (0..width).map(|i| a[i * stride + i]).sum();
    let ridge = RIDGE * trace / width as f64 + f64::MIN_POSITIVE;
    for i in 0..width {
        a[i * stride + i] += ridge;
    }
    // Eliminates downwards: line i becomes that of the upper factor and of the halfway solution.
    for i in 0..width {
        let (above, below) = a.split_at_mut((i + 1) * stride);
        let line = &mut above[i * stride..];
        let root = line[i].max(f64::MIN_POSITIVE).sqrt();
        line[i..].iter_mut().for_each(|v| *v /= root);
        for (j, other) in (i + 1..width).zip(below.chunks_exact_mut(stride)) {
            let by = line[j];
            for (v, u) in other[j..].iter_mut().zip(&line[j..]) {
                *v -= by * u;
            }
        }
    }
    for i in (0..width).rev() {
        let (above, below) = a.split_at_mut((i + 1) * stride);
        let line = &mut above[i * stride..];
        for (j, other) in (i + 1..width).zip(below.chunks_exact(stride)) {
            let by = line[j];
            for (v, u) in line[width..].iter_mut().zip(&other[width..]) {
                *v -= by * u;
            }
        }
        let pivot = line[i];
        line[width..].iter_mut().for_each(|v| *v /= pivot);
    }
    let lines = a.chunks_exact(stride);
    lines
        .flat_map(|line| line[width..].iter().map(|&v| v as f32))
        .collect()
}
