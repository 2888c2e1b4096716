//! The best linear map from what is known of words to rows.

use super::{FitInput, FitOptions, add};
use crate::build::Workers;

/// Texts of one piece of work, and pieces whose results are held at a time.
const TEXTS: usize = 512;
const PIECES: usize = 8;

/// Weight of the map's own size, beside its mean stretch: keeps directions that no text has small.
const RIDGE: f64 = 3e-3;

/// The rows that the map gives, `[n_rows, dims]`; zeros for pairs.
pub(super) fn fit(
    input: &FitInput<'_>,
    scales: &[f32],
    options: &FitOptions,
    workers: &impl Workers,
) -> Vec<f32> {
    let (width, dims) = (input.width, input.dims);
    let start = weighted(input, options);
    let mut rows = vec![0.0; input.n_rows * dims];
    if width == 0 || input.spans.is_empty() {
        return rows;
    }
    let mut products = vec![0.0_f64; width * (width + dims)];
    let pieces: Vec<usize> = (0..input.spans.len()).step_by(TEXTS).collect();
    for pieces in pieces.chunks(PIECES) {
        let some = workers.map(pieces.to_vec(), |first| {
            products_of(input, scales, &start, first)
        });
        for piece in some {
            for (sum, part) in products.iter_mut().zip(piece) {
                *sum += f64::from(part);
            }
        }
    }
    let map = solve(products, width, dims);
    let n_words = input.counts.len();
    let places = rows[..n_words * dims].chunks_mut(dims * 256).enumerate();
    workers.map(places.collect(), |(piece, rows): (usize, &mut [f32])| {
        for (i, row) in rows.chunks_exact_mut(dims).enumerate() {
            let known = &start[(piece * 256 + i) * width..][..width];
            for (&by, line) in known.iter().zip(map.chunks_exact(dims)) {
                add(row, by, line);
            }
        }
    });
    rows
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

/// The products of the texts' known sums with themselves and with their vectors:
/// `[width, width + dims]`, of the former the part from the diagonal on.
fn products_of(input: &FitInput<'_>, scales: &[f32], start: &[f32], first: usize) -> Vec<f32> {
    let (width, dims) = (input.width, input.dims);
    let n_words = input.counts.len();
    let mut products = vec![0.0; width * (width + dims)];
    let mut side = vec![0.0; width + dims];
    for (text, &scale) in scales.iter().enumerate().skip(first).take(TEXTS) {
        side.fill(0.0);
        let (sum, vector) = side.split_at_mut(width);
        for &row in input.spans.rows_of(text) {
            if (row as usize) < n_words {
                let share = input.spans.share(text);
                add(sum, share, &start[row as usize * width..][..width]);
            }
        }
        add(vector, scale, input.spans.vector(text, dims));
        for i in 0..width {
            let line = &mut products[i * (width + dims)..][..width + dims];
            add(&mut line[i..], side[i], &side[i..]);
        }
    }
    products
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
