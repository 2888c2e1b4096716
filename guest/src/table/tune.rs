//! Tunes the rows of a query table to queries whose answers are known.
//!
//! A query's vector is the sum of its words' rows; documents' vectors stay as they are. What is learned
//! is a correction of that sum:
//!
//! ```text
//! q = (I + A) · Σ (e^g · row + move)      of the words and pairs of the query, then to length 1
//! ```
//!
//! | | is | reaches |
//! |---|---|---|
//! | map `A` | one for all, `[dims, dims]` | every word, those of the training or not |
//! | gain `g` | one number a row | how much a word counts beside others |
//! | move | `[dims]` a row | what a word means here |
//!
//! All begin at nothing and are pulled back to it, so that few queries change little, and rows that no
//! query has move with the map alone. What is made small is the contrastive loss: the surprise of a
//! softmax, at some temperature, over the passages that answer, hard negatives, those of the other
//! queries of the batch, and a sample of all; of a document that answers the nearest passage counts.
//! Beside it, texts drawn from the documents are asked to rank passages as before (`hold`), and to find the
//! document that they are of (`own`).
//!
//! Training ends where queries set aside for that rank best. The result is the same for any number of
//! threads: work is cut into pieces of fixed size, and what they give is added in their order.
//!
//! Source: van den Oord, Li, Vinyals (2018), Representation Learning with Contrastive Predictive
//! Coding, for the loss; Henderson et al. (2017), Efficient Natural Language Response Suggestion for
//! Smart Reply, for negatives in the batch; Kingma, Ba (2015), Adam.

mod adam;
mod judge;
mod loss;

#[cfg(test)]
mod tests;

use super::fit::{add, dot, normalise};
use crate::build::Workers;
use crate::draw::Draw;
use adam::Adam;
use loss::Slopes;

/// A query with its answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Example {
    /// Numbers of its rows, with repetition.
    pub rows: Vec<u32>,
    /// Documents that answer it.
    pub documents: Vec<u32>,
    /// Passages that do not, as places in [`TuneInput::chunks`].
    pub negatives: Vec<u32>,
}

/// What a table is tuned to. The caller answers for the numbers.
#[derive(Debug, Clone, Copy)]
pub struct TuneInput<'a> {
    /// Width of a row.
    pub dims: usize,
    /// Rows as they are, zeros for words that have none: `[n_rows, dims]`.
    pub rows: &'a [f32],
    /// Queries to train on.
    pub examples: &'a [Example],
    /// Queries to choose by; none of them shares a document with `examples`.
    pub choosing: &'a [Example],
    /// Texts drawn from the documents, each with the document that it is of.
    pub general: &'a [Example],
    /// Vectors of passages, of length 1: `[n_chunks, dims]`.
    pub chunks: &'a [f32],
    /// The passages of each document, one after another: first and number.
    pub documents: &'a [(u32, u32)],
}

/// How a table is tuned.
///
/// The defaults are cautious. On StackFAQ and a third of SciFact, moves of 1e-3 learned the training
/// queries by heart (nDCG@10 0.735 to 0.994 there, 0.693 to 0.668 on held-out ones), and gains of 2e-2
/// cost 0.7 points on held-out ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TuneOptions {
    /// Steps at most; over as many the rate rises and falls.
    pub steps: u32,
    /// The step to end at, where that is known; no queries to choose by are needed then.
    pub end: Option<u32>,
    /// Queries of a step. 16 – 512: more are steadier, and slower.
    pub batch: usize,
    /// Temperature of the softmax. 0.01 – 0.2: low looks at the nearest passages, high at all.
    pub temperature: f32,
    /// Length of a step in each coordinate of the map.
    pub map_rate: f32,
    /// The same of gains.
    pub gain_rate: f32,
    /// The same of moves, in lengths of a mean row.
    pub move_rate: f32,
    /// Pull of the map, the gains and the moves to nothing.
    pub pull: f32,
    /// Weight of the texts drawn from documents that are to rank passages as before. 0 leaves them out.
    pub hold: f32,
    /// Weight of the same texts, that are to find the documents that they are of. 0 leaves them out.
    pub own: f32,
    /// Passages that a step draws as negatives, beside those that belong to its queries.
    pub sample: usize,
    /// Seed of what is drawn.
    pub seed: u64,
}

impl Default for TuneOptions {
    fn default() -> Self {
        Self {
            steps: 200,
            end: None,
            batch: 64,
            temperature: 0.05,
            map_rate: 1e-4,
            gain_rate: 0.0,
            move_rate: 1e-4,
            pull: 1e-2,
            hold: 0.3,
            own: 0.3,
            sample: 2_048,
            seed: 1,
        }
    }
}

/// What was learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// The map: what is added to a sum of rows, `[dims, dims]`, by line of the output.
    pub map: Vec<f32>,
    /// The rows as they go into the map: `[n_rows, dims]`.
    pub rows: Vec<f32>,
}

/// How training went, at one of its looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Steps done.
    pub step: u32,
    /// Mean loss of the steps since the look before.
    pub loss: f32,
    /// nDCG@10 of the queries to choose by, by vectors alone.
    pub ndcg: f64,
}

/// Steps between looks.
const LOOK: u32 = 20;

/// Looks without a better one after which training ends.
const PATIENCE: usize = 6;

/// Share of the steps over which the rate grows.
const WARM_UP: f32 = 0.1;

/// Tunes. Every look is shown to `look`; the correction is that of the best, or without queries to
/// choose by that of the last step. The first look is at the table as it was.
pub fn tune(
    input: &TuneInput<'_>,
    options: &TuneOptions,
    workers: &impl Workers,
    mut look: impl FnMut(&Look),
) -> (Correction, Look) {
    let mut state = State::new(input);
    let mut adam = Adam::new(&state, options);
    let mut draw = Draw::new(options.seed);
    let mut shuffled: Vec<u32> = Vec::new();
    let mut best = Look {
        step: 0,
        loss: 0.0,
        ndcg: judge::ndcg(input, &state, workers),
    };
    look(&best);
    let mut kept = state.clone();
    let (mut total, mut since, mut n_worse) = (0.0, 0, 0);
    let end = options.end.unwrap_or(options.steps);
    for step in 1..=end {
        let batch = next(
            &mut shuffled,
            input.examples.len(),
            options.batch,
            &mut draw,
        );
        let general: Vec<u32> = (0..options.batch.min(input.general.len()))
            .map(|_| draw.below(input.general.len()) as u32)
            .collect();
        let candidates = candidates(input, &batch, &general, options, &mut draw);
        let slopes = Slopes::of(
            input,
            &state,
            &batch,
            &general,
            &candidates,
            options,
            workers,
        );
        total += slopes.loss;
        since += 1;
        adam.step(&mut state, &slopes, rate(step, options.steps), workers);
        if step % LOOK != 0 && step != end {
            continue;
        }
        let seen = Look {
            step,
            loss: total / since as f32,
            ndcg: judge::ndcg(input, &state, workers),
        };
        (total, since) = (0.0, 0);
        look(&seen);
        if seen.ndcg > best.ndcg || input.choosing.is_empty() {
            (best, kept, n_worse) = (seen, state.clone(), 0);
        } else {
            n_worse += 1;
        }
        if n_worse == PATIENCE {
            break;
        }
    }
    (kept.correction(input), best)
}

/// Share of the full rate at a step: rises, then falls to a tenth.
fn rate(step: u32, steps: u32) -> f32 {
    let done = step as f32 / steps.max(1) as f32;
    let rising = (done / WARM_UP).min(1.0);
    rising * (1.0 - 0.9 * done)
}

/// The next `n` queries: all come up before one comes up again.
fn next(shuffled: &mut Vec<u32>, n_all: usize, n: usize, draw: &mut Draw) -> Vec<u32> {
    let mut batch = Vec::new();
    while batch.len() < n.min(n_all) {
        if shuffled.is_empty() {
            *shuffled = (0..n_all as u32).collect();
            for i in (1..n_all).rev() {
                shuffled.swap(i, draw.below(i + 1));
            }
        }
        let left = n.min(n_all) - batch.len();
        let start = shuffled.len().saturating_sub(left);
        batch.extend(shuffled.drain(start..));
    }
    batch
}

/// Passages that a step compares, ascending: those of the documents that answer its queries, their
/// negatives, and a sample.
fn candidates(
    input: &TuneInput<'_>,
    batch: &[u32],
    general: &[u32],
    options: &TuneOptions,
    draw: &mut Draw,
) -> Vec<u32> {
    let n_chunks = input.chunks.len() / input.dims.max(1);
    let mut all: Vec<u32> = Vec::new();
    let batch = batch.iter().map(|&i| &input.examples[i as usize]);
    let general = general.iter().map(|&i| &input.general[i as usize]);
    for example in batch.chain(general) {
        all.extend(&example.negatives);
        for &document in &example.documents {
            let (first, n) = input.documents[document as usize];
            all.extend(first..first + n);
        }
    }
    if options.sample >= n_chunks {
        all.extend(0..n_chunks as u32);
    } else {
        all.extend((0..options.sample).map(|_| draw.below(n_chunks) as u32));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// What is learned so far, beside the rows as they were.
#[derive(Debug, Clone)]
struct State {
    dims: usize,
    /// Rows as they were, in lengths of a mean row. `[n_rows, dims]`
    base: Vec<f32>,
    /// What their lengths were divided by.
    unit: f32,
    map: Vec<f32>,
    gains: Vec<f32>,
    moves: Vec<f32>,
}

impl State {
    fn new(input: &TuneInput<'_>) -> Self {
        let dims = input.dims;
        let rows = input.rows.chunks_exact(dims.max(1));
        let lengths = rows.map(|row| dot(row, row).sqrt()).filter(|l| *l > 0.0);
        let (sum, n) = lengths.fold((0.0, 0), |(sum, n), length| (sum + length, n + 1));
        let unit = if n == 0 { 1.0 } else { sum / n as f32 };
        Self {
            dims,
            base: input.rows.iter().map(|x| x / unit).collect(),
            unit,
            map: vec![0.0; dims * dims],
            gains: vec![0.0; input.rows.len() / dims.max(1)],
            moves: vec![0.0; input.rows.len()],
        }
    }

    /// Adds row `i` as it is now to `sum`.
    fn add_row(&self, i: usize, sum: &mut [f32]) {
        let at = i * self.dims..(i + 1) * self.dims;
        add(sum, libm::expf(self.gains[i]), &self.base[at.clone()]);
        add(sum, 1.0, &self.moves[at]);
    }

    /// The sum of the rows of a text, and what the map makes of it.
    fn sums(&self, rows: &[u32]) -> (Vec<f32>, Vec<f32>) {
        let mut sum = vec![0.0; self.dims];
        for &row in rows {
            self.add_row(row as usize, &mut sum);
        }
        let mut mapped = sum.clone();
        for (out, line) in mapped.iter_mut().zip(self.map.chunks_exact(self.dims)) {
            *out += dot(line, &sum);
        }
        (sum, mapped)
    }

    /// The vector of a text.
    fn vector(&self, rows: &[u32]) -> Vec<f32> {
        let (_, mut mapped) = self.sums(rows);
        normalise(&mut mapped);
        mapped
    }

    /// The vector of a text as it was.
    fn vector_before(&self, rows: &[u32]) -> Vec<f32> {
        let mut sum = vec![0.0; self.dims];
        for &row in rows {
            add(
                &mut sum,
                1.0,
                &self.base[row as usize * self.dims..][..self.dims],
            );
        }
        normalise(&mut sum);
        sum
    }

    fn correction(&self, input: &TuneInput<'_>) -> Correction {
        let mut rows = vec![0.0; input.rows.len()];
        for (i, row) in rows.chunks_exact_mut(self.dims.max(1)).enumerate() {
            self.add_row(i, row);
            for x in &mut *row {
                *x *= self.unit;
            }
        }
        Correction {
            map: self.map.clone(),
            rows,
        }
    }
}
