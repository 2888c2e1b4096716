//! Rows that come closest to the texts' vectors without leaving their start for little.

use super::sums::{LANES, Lanes, Sums};
use super::wide::wide;
use super::{FitInput, add, dot};
use crate::build::Workers;

type Column = Vec<Lanes>;

/// How rows are solved for.
pub(super) struct Pull {
    /// Pull to the start, in texts.
    pub(super) ridge: f32,
    /// Iterations of conjugate gradients.
    pub(super) iterations: u32,
}

/// The rows that minimise Σ ‖sum − scale · vector‖² + ridge · ‖rows − start‖², by conjugate
/// gradients; each dimension is a problem of its own, sixteen are solved together. `[n_rows, dims]`
pub(super) fn fit(
    input: &FitInput<'_>,
    sums: &Sums<'_>,
    mut start: Vec<f32>,
    scales: &[f32],
    pull: &Pull,
    workers: &impl Workers,
) -> Vec<f32> {
    let dims = input.dims;
    let groups: Vec<usize> = (0..dims).step_by(LANES).collect();
    let known = &start;
    let moves = workers.map(groups.clone(), |first| {
        wide(|| solve(input, sums, known, scales, pull, first))
    });
    for (first, column) in groups.into_iter().zip(moves) {
        let n = LANES.min(dims - first);
        for (row, by) in start.chunks_exact_mut(dims).zip(column) {
            add(&mut row[first..][..n], 1.0, &by.0[..n]);
        }
    }
    start
}

#[inline(always)]
fn solve(
    input: &FitInput<'_>,
    sums: &Sums<'_>,
    start: &[f32],
    scales: &[f32],
    pull: &Pull,
    first: usize,
) -> Column {
    let (dims, n_texts, n_rows) = (input.dims, input.spans.len(), input.n_rows);
    let n = LANES.min(dims - first);
    let mut texts: Column = vec![Lanes::ZERO; n_texts];
    let mut direction: Column = vec![Lanes::ZERO; n_rows];
    for (lanes, row) in direction.iter_mut().zip(start.chunks_exact(dims)) {
        lanes.0[..n].copy_from_slice(&row[first..][..n]);
    }
    sums.forwards(&direction, &mut texts);
    for (text, lanes) in texts.iter_mut().enumerate() {
        let vector = &input.spans.vector(text, dims)[first..][..n];
        for (lane, v) in lanes.0.iter_mut().zip(vector) {
            *lane = scales[text] * v - *lane;
        }
    }
    let mut rest: Column = vec![Lanes::ZERO; n_rows];
    sums.backwards(&mut texts, &mut rest);
    direction.copy_from_slice(&rest);
    let mut moves: Column = vec![Lanes::ZERO; n_rows];
    let mut image: Column = vec![Lanes::ZERO; n_rows];
    let mut size = products(&rest, &rest);
    for _ in 0..pull.iterations {
        sums.forwards(&direction, &mut texts);
        sums.backwards(&mut texts, &mut image);
        for (image, direction) in image.iter_mut().zip(&direction) {
            for (image, direction) in image.0.iter_mut().zip(direction.0) {
                *image += pull.ridge * direction;
            }
        }
        let along = products(&direction, &image);
        let step = ratios(&size, &along);
        for i in 0..n_rows {
            moves[i].add(step, direction[i]);
            rest[i].add(step.map(|s| -s), image[i]);
        }
        let next = products(&rest, &rest);
        let turn = ratios(&next, &size);
        size = next;
        for (direction, rest) in direction.iter_mut().zip(&rest) {
            let before = std::mem::replace(direction, *rest);
            direction.add(turn, before);
        }
    }
    moves
}

#[inline(always)]
fn products(a: &[Lanes], b: &[Lanes]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.0.iter().zip(b.0)) {
            *sum += f64::from(a * b);
        }
    }
    sums
}

/// `a ÷ b` by lane; 0 where there is nothing left to divide by.
#[inline(always)]
fn ratios(a: &[f64; LANES], b: &[f64; LANES]) -> [f32; LANES] {
    std::array::from_fn(|lane| {
        if b[lane] > 1e-30 {
            (a[lane] / b[lane]) as f32
        } else {
            0.0
        }
    })
}

/// Sets each text's scale to the length that its sum has along its vector, at least a fifth, the
/// mean of all being 1.
pub(super) fn rescale(
    input: &FitInput<'_>,
    rows: &[f32],
    scales: &mut [f32],
    workers: &impl Workers,
) {
    let dims = input.dims;
    let pieces: Vec<(usize, &mut [f32])> = scales.chunks_mut(1024).enumerate().collect();
    workers.map(pieces, |(piece, scales)| {
        let mut sum = vec![0.0; dims];
        for (i, scale) in scales.iter_mut().enumerate() {
            let text = piece * 1024 + i;
            sum.fill(0.0);
            for &row in input.spans.rows_of(text) {
                add(&mut sum, 1.0, &rows[row as usize * dims..][..dims]);
            }
            let along = dot(&sum, input.spans.vector(text, dims)) * input.spans.share(text);
            *scale = along.max(0.2);
        }
    });
    let total: f64 = scales.iter().map(|&s| f64::from(s)).sum();
    let mean = (total / scales.len().max(1) as f64) as f32;
    for scale in scales {
        *scale /= mean;
    }
}
