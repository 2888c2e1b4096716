//! Gradient descent on the ranking of chunks.
//!
//! For a text, the encoder's scores of a sample of chunks make a distribution (softmax at some
//! temperature), and so do the table's. What is made small is the divergence between the two, and
//! the angle between the vectors.

use super::wide::wide;
use super::{FitInput, FitOptions, add, add_four, dot, dots, normalise};
use crate::build::Workers;
use crate::draw::Draw;

/// Texts of a step, and of one piece of work.
const BATCH: usize = 256;
const PIECE: usize = 16;

/// Chunks that a step ranks.
const SAMPLE: usize = 1024;

/// Length of the first step in each coordinate; it falls to nothing.
const RATE: f32 = 1e-3;

/// How slowly the mean of the gradients, and that of their squares, forget.
const MEMORY: [f32; 2] = [0.9, 0.99];

/// Steps between looks at the held-out texts.
const LOOK: u32 = 50;

/// Refines `rows`, `[n_rows, dims]`, and shows them to `look` now and then.
pub(super) fn fit(
    input: &FitInput<'_>,
    mut rows: Vec<f32>,
    options: &FitOptions,
    workers: &impl Workers,
    mut look: impl FnMut(&Vec<f32>),
) {
    let dims = input.dims;
    let n_chunks = input.chunks.len() / dims.max(1);
    if input.spans.is_empty() || n_chunks == 0 {
        return;
    }
    // A row that is in no text has no slope, and stays.
    let mut is_pulled = vec![false; input.n_rows];
    for &row in &input.spans.rows {
        is_pulled[row as usize] = true;
    }
    let start = rows.clone();
    let mut means = vec![0.0_f32; rows.len()];
    let mut squares = vec![0.0_f32; rows.len()];
    let mut draw = Draw::new(options.seed);
    let mut below = |n: usize| ((u128::from(draw.bits()) * n as u128) >> 64) as usize;
    let mut order: Vec<usize> = (0..n_chunks).collect();
    let mut decay = [1.0_f32; 2];
    for step in 0..options.steps {
        let batch: Vec<usize> = (0..BATCH).map(|_| below(input.spans.len())).collect();
        let n_sample = SAMPLE.min(n_chunks);
        for i in 0..n_sample {
            order.swap(i, i + below(n_chunks - i));
        }
        let sample = order[..n_sample].iter();
        let sample: Vec<f32> = sample
            .flat_map(|&chunk| &input.chunks[chunk * dims..][..dims])
            .copied()
            .collect();
        let (known, is_pulled) = (&rows, &is_pulled);
        let slopes = workers.map(batch.chunks(PIECE).collect(), |texts: &[usize]| {
            let mut slopes = Vec::with_capacity(texts.len() * dims);
            wide(|| {
                for &text in texts {
                    slopes.extend(slope(input, known, &sample, options.temperature, text));
                }
            });
            slopes
        });
        let slopes = slopes.concat();
        // Rows with the texts that pull at them, by row and then by place in the batch.
        let mut pulls: Vec<(u32, u32)> = Vec::new();
        for (place, &text) in (0..).zip(&batch) {
            pulls.extend(input.spans.rows_of(text).iter().map(|&row| (row, place)));
        }
        pulls.sort_unstable();
        for (decay, memory) in decay.iter_mut().zip(MEMORY) {
            *decay *= memory;
        }
        let update = Update {
            rate: RATE * (1.0 - step as f32 / options.steps as f32).max(0.02),
            hold: 2.0 * options.hold / input.n_rows.max(1) as f32,
            grown: decay.map(|d| 1.0 - d),
        };
        let width = dims * 512;
        let parts = rows.chunks_mut(width).zip(start.chunks(width));
        let parts = parts.zip(means.chunks_mut(width).zip(squares.chunks_mut(width)));
        workers.map(
            parts.enumerate().collect(),
            |(part, ((rows, start), (means, squares)))| {
                let mut slope = vec![0.0; dims];
                for i in 0..rows.len() / dims {
                    let row = (part * 512 + i) as u32;
                    if !is_pulled[row as usize] {
                        continue;
                    }
                    slope.fill(0.0);
                    let first = pulls.partition_point(|&(other, _)| other < row);
                    let pulls = pulls[first..]
                        .iter()
                        .take_while(|&&(other, _)| other == row);
                    for &(_, place) in pulls {
                        add(&mut slope, 1.0, &slopes[place as usize * dims..][..dims]);
                    }
                    let at = i * dims..(i + 1) * dims;
                    let held = &start[at.clone()];
                    let memory = (&mut means[at.clone()], &mut squares[at.clone()]);
                    wide(|| update.apply(&mut rows[at], held, memory, &slope));
                }
            },
        );
        if (step + 1) % LOOK == 0 || step + 1 == options.steps {
            look(&rows);
        }
    }
}

/// One step of Adam.
struct Update {
    rate: f32,
    /// Slope of the pull to the start, by distance.
    hold: f32,
    /// How much of the two means has been gathered so far.
    grown: [f32; 2],
}

impl Update {
    #[inline(always)]
    fn apply(
        &self,
        row: &mut [f32],
        start: &[f32],
        (means, squares): (&mut [f32], &mut [f32]),
        slope: &[f32],
    ) {
        for i in 0..row.len() {
            let slope = slope[i] + self.hold * (row[i] - start[i]);
            means[i] = MEMORY[0] * means[i] + (1.0 - MEMORY[0]) * slope;
            squares[i] = MEMORY[1] * squares[i] + (1.0 - MEMORY[1]) * slope * slope;
            let spread = (squares[i] / self.grown[1]).sqrt() + 1e-8;
            row[i] -= self.rate * (means[i] / self.grown[0]) / spread;
        }
    }
}

/// How the loss changes with the sum of a text's rows, its share of the batch. `[dims]`
#[inline(always)]
fn slope(
    input: &FitInput<'_>,
    rows: &[f32],
    sample: &[f32],
    temperature: f32,
    text: usize,
) -> Vec<f32> {
    let dims = input.dims;
    let mut sum = vec![0.0; dims];
    for &row in input.spans.rows_of(text) {
        add(&mut sum, 1.0, &rows[row as usize * dims..][..dims]);
    }
    let length = normalise(&mut sum);
    if length == 0.0 {
        return sum;
    }
    let vector = input.spans.vector(text, dims);
    let wanted = ranking(vector, sample, temperature);
    let found = ranking(&sum, sample, temperature);
    let mut slope: Vec<f32> = vector.iter().map(|v| -v).collect();
    let pulls = found.iter().zip(&wanted);
    let pulls: Vec<f32> = pulls
        .map(|(found, wanted)| (found - wanted) / temperature)
        .collect();
    let (fours, rest) = pulls.as_chunks::<4>();
    for (&pulls, chunks) in fours.iter().zip(sample.chunks_exact(4 * dims)) {
        let chunks = [0, 1, 2, 3].map(|i| &chunks[i * dims..][..dims]);
        add_four(&mut slope, pulls, chunks);
    }
    let last = sample[fours.len() * 4 * dims..].chunks_exact(dims);
    for (&pull, chunk) in rest.iter().zip(last) {
        add(&mut slope, pull, chunk);
    }
    // Along the sum itself nothing changes, and what is long turns slowly.
    let along = dot(&slope, &sum);
    let share = 1.0 / (length * BATCH as f32);
    for (slope, sum) in slope.iter_mut().zip(&sum) {
        *slope = (*slope - along * sum) * share;
    }
    slope
}

/// The softmax of the chunks' scores.
#[inline(always)]
fn ranking(vector: &[f32], sample: &[f32], temperature: f32) -> Vec<f32> {
    let mut scores = Vec::with_capacity(sample.len() / vector.len());
    dots(vector, sample, &mut scores);
    for score in &mut scores {
        *score /= temperature;
    }
    let greatest = scores.iter().fold(f32::NEG_INFINITY, |max, &s| max.max(s));
    let mut total = 0.0;
    for score in &mut scores {
        *score = libm::expf(*score - greatest);
        total += *score;
    }
    for score in &mut scores {
        *score /= total;
    }
    scores
}
