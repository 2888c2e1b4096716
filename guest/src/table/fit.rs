//! Fits the rows of a query table to the vectors of an encoder.
//!
//! 1. `affine`: what is known of each word beforehand, such as the encoder's own token vectors, is
//!    mapped to where sums of it come closest to the texts' vectors.
//! 2. `ridge`: each row moves from there as far as the texts it is in ask for.
//! 3. `refine`: gradient descent on what counts, the ranking of the corpus' own chunks.
//!
//! Each step is kept only if it brings texts that were held out closer to the encoder's ranking
//! (`measure`); judged queries play no part. The result is the same for any number of threads:
//! work is cut into pieces of fixed size, and what they give is added in their order.
//!
//! A text counts as its rows' sum divided by √(words). Divided by the number of words, as a mean,
//! long texts would hardly count, and long questions would be encoded badly (measured on CISI: 71 %
//! of the encoder's nDCG@10, against 87 %).
//!
//! What was tried and left out, as held-out overlap on CISI, a product's documentation and StackFAQ
//! (57.8, 66.3 and 59.2 % as it is): words that start as the sum of their pieces' rows, fitted first,
//! 57.2, 66.0 and 58.8 %; the same from the pieces' mean states in context, with 192 dimensions, 55.7,
//! 65.2 and 55.8 %, for a rare piece's state tells of the very texts that it is fitted to.
//!
//! Nor did knowing more beforehand help. On CISI, ranked by all vectors at full width, where the table
//! has 91.5 % of the encoder's nDCG@10 and a held-out overlap of 59.0 %: rows that were first fitted to
//! 55,000 texts of other collections give 91.5 % (56.2 %), those beside the words' own vectors 91.7 %
//! (56.3 %), rows fitted to 39,000 drawn runs of related words 89.9 % (55.8 %); windows of two and three
//! sentences among the texts 91.1 and 90.3 % (59.0 %); a pull of 1 and 10 texts 92.7 and 91.3 % (59.2 and
//! 58.2 %). What is left of the gap is what no sum of rows says.
//!
//! Source: Arora, Liang, Ma (2017), A Simple but Tough-to-Beat Baseline for Sentence Embeddings, for
//! the weights of the start; Hestenes, Stiefel (1952), Methods of Conjugate Gradients; Kingma, Ba
//! (2015), Adam; Cao et al. (2007), Learning to Rank: From Pairwise Approach to Listwise Approach.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for wider vectors"
)]

mod affine;
mod measure;
mod refine;
mod ridge;
mod sums;
mod wide;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(super) use tests::Backwards;

use crate::build::Workers;
use littoral_indexes::table::{Row, TableReport};
use measure::Judge;
use sums::Sums;

/// Texts as the rows they are the sum of, with the encoder's vectors.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spans {
    /// Rows of all texts, one text after another.
    rows: Vec<u32>,
    /// Where each text ends in `rows`. `[n]`
    ends: Vec<u32>,
    /// How many of each text's rows are words. `[n]`
    n_words: Vec<u32>,
    /// Vectors of length 1. `[n, dims]`
    vectors: Vec<f32>,
}

impl Spans {
    /// Adds a text: its `rows`, the first `n_words` of which are words, and its `vector`. One without
    /// words is left out.
    pub fn push(&mut self, rows: &[u32], n_words: u32, vector: &[f32]) {
        if n_words > 0 {
            self.rows.extend_from_slice(rows);
            self.ends.push(self.rows.len() as u32);
            self.n_words.push(n_words);
            self.vectors.extend_from_slice(vector);
        }
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn rows_of(&self, i: usize) -> &[u32] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.rows[start as usize..self.ends[i] as usize]
    }

    /// What the sum of text `i` is multiplied by.
    fn share(&self, i: usize) -> f32 {
        1.0 / (self.n_words[i] as f32).sqrt()
    }

    fn vector(&self, i: usize, dims: usize) -> &[f32] {
        &self.vectors[i * dims..][..dims]
    }
}

/// What a table is fitted to. The caller answers for the numbers: rows below `n_rows`, vectors of
/// `dims`, finite and of length 1.
#[derive(Debug, Clone, Copy)]
pub struct FitInput<'a> {
    /// Width of the vectors: that of the chunks' vectors in the index.
    pub dims: usize,
    /// Occurrences of each word in the corpus; rows of pairs follow those of words. `[n_words]`
    pub counts: &'a [u32],
    /// Rows in all.
    pub n_rows: usize,
    /// What is known of each word beforehand, in any basis, zeros where nothing is: `[n_words, width]`.
    pub start: &'a [f32],
    /// Width of `start`.
    pub width: usize,
    /// Texts to fit.
    pub spans: &'a Spans,
    /// Texts to choose and to report by; none of a sentence that `spans` has anything of.
    pub held_out: &'a Spans,
    /// Vectors of chunks, all or a sample: `[n, dims]`.
    pub chunks: &'a [f32],
}

/// How a table is fitted. The defaults were chosen on held-out texts of CISI and
/// StackFAQ; the refinement's were looked at on four more collections.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitOptions {
    /// Share of a word in the corpus at which its start counts half. Small mutes frequent words.
    /// 1e-4 – 1; default 1e-2.
    pub half_weight: f32,
    /// Pull of rows to their start, in texts: a word in fewer texts than that stays near it. 0.1 –
    /// 100; default 3.
    pub ridge: f32,
    /// Iterations of conjugate gradients. Default 20.
    pub iterations: u32,
    /// Steps of refinement. 0 leaves it out; default 200.
    pub steps: u32,
    /// Pull to the unrefined rows. Low lets small corpora be learned by heart. Default 3.
    pub hold: f32,
    /// Temperature of the rankings compared: low looks at the first few chunks, high at all.
    /// 0.01 – 0.2; default 0.05.
    pub temperature: f32,
    /// Bits of a code. 2–8; default 5.
    pub bits: u8,
    /// Seed of the refinement's samples.
    pub seed: u64,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            half_weight: 1e-2,
            ridge: 3.0,
            iterations: 20,
            steps: 200,
            hold: 3.0,
            temperature: 0.05,
            bits: 5,
            seed: 0,
        }
    }
}

/// A fitted table.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// One row for each number. `[n_rows]`
    pub rows: Vec<Row>,
    /// How well they do.
    pub report: TableReport,
}

/// Fits a table.
///
/// Memory: the rows four times over in 32 bits, and for each text `width` + 2 · `dims` numbers of 32
/// bits. Half of the held-out texts choose between steps, the other half are reported on.
pub fn fit(input: &FitInput<'_>, options: &FitOptions, workers: &impl Workers) -> Fit {
    let sums = Sums::new(input.spans, input.n_rows);
    let judge = Judge::new(input, workers);
    let n = input.spans.len();
    let known = affine::Known::new(input, options, workers);
    let mut scales = vec![1.0; n];
    let mut best: Option<(u32, Vec<f32>)> = None;
    let keep = |rows: &Vec<f32>, best: &mut Option<(u32, Vec<f32>)>| {
        let overlap = judge.choice(rows, workers);
        if best.as_ref().is_none_or(|(before, _)| overlap > *before) {
            *best = Some((overlap, rows.clone()));
        }
    };
    // The vectors have length 1, but only their direction matters: after a first fit each text is
    // asked for as long as its sum already is, and the fit spends nothing on lengths.
    for round in 0..=RESCALINGS {
        let start = known.fit(input, &scales, workers);
        // What only tells the lengths of the sums need not be solved to the end. On six collections
        // nDCG@10 of the table is 0.15 points higher by it, of words and table 0.18 lower: chance.
        let is_last = round == RESCALINGS;
        let pull = ridge::Pull {
            ridge: options.ridge,
            iterations: options.iterations / if is_last { 1 } else { 2 },
        };
        let rows = ridge::fit(input, &sums, start, &scales, &pull, workers);
        if is_last {
            keep(&rows, &mut best);
        } else {
            ridge::rescale(input, &rows, &mut scales, workers);
        }
    }
    let start = best
        .as_ref()
        .map_or_else(Vec::new, |(_, rows)| rows.clone());
    refine::fit(input, start, options, workers, |rows| keep(rows, &mut best));
    let rows = best.map_or_else(Vec::new, |(_, rows)| rows);

    let greatest = rows.iter().fold(0.0_f32, |max, v| max.max(v.abs()));
    let unit = Row::unit(greatest, options.bits);
    let pieces: Vec<&[f32]> = rows.chunks(input.dims.max(1) * 256).collect();
    let quantised = workers.map(pieces, |piece| {
        let rows = piece.chunks_exact(input.dims.max(1));
        let rows = rows.map(|row| Row::quantise(row, options.bits, unit));
        rows.collect::<Vec<_>>()
    });
    let quantised: Vec<Row> = quantised.into_iter().flatten().collect();
    let worth = quantised.iter().flat_map(|row| {
        let step = f32::from(row.step);
        row.codes.iter().map(move |&code| f32::from(code) * step)
    });
    let report = judge.report(&worth.collect::<Vec<_>>(), workers);
    Fit {
        rows: quantised,
        report,
    }
}

/// How often the texts' lengths are set anew.
const RESCALINGS: u32 = 2;

/// The product of two vectors, added up in eight lanes: the same on every host.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
    let rest: f32 = rest.map(|(a, b)| a * b).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for i in 0..8 {
            lanes[i] += a[i] * b[i];
        }
    }
    total(&lanes) + rest
}

/// Writes the products of `vector` with all `rows`, `[n, dims]`, to `out`, each as [`dot`] has it: four
/// rows at a time, since the sums of one alone wait for each other.
#[inline(always)]
pub(super) fn dots(vector: &[f32], rows: &[f32], out: &mut Vec<f32>) {
    let dims = vector.len().max(1);
    out.clear();
    let fours = rows.chunks_exact(4 * dims);
    let rest = fours.remainder();
    if !dims.is_multiple_of(8) {
        out.extend(rows.chunks_exact(dims).map(|row| dot(vector, row)));
        return;
    }
    for four in fours {
        let (first, second) = four.split_at(2 * dims);
        let (a, b) = first.split_at(dims);
        let (c, d) = second.split_at(dims);
        let mut lanes = [[0.0_f32; 8]; 4];
        let rows = a.chunks_exact(8).zip(b.chunks_exact(8));
        let rows = rows.zip(c.chunks_exact(8).zip(d.chunks_exact(8)));
        for (vector, ((a, b), (c, d))) in vector.chunks_exact(8).zip(rows) {
            for (lanes, row) in lanes.iter_mut().zip([a, b, c, d]) {
                for i in 0..8 {
                    lanes[i] += vector[i] * row[i];
                }
            }
        }
        out.extend(lanes.map(|lanes| total(&lanes)));
    }
    out.extend(rest.chunks_exact(dims).map(|row| dot(vector, row)));
}

/// The sum of eight lanes.
#[inline(always)]
fn total(lanes: &[f32; 8]) -> f32 {
    let pairs = [0, 1, 2, 3].map(|i| lanes[i] + lanes[i + 4]);
    (pairs[0] + pairs[2]) + (pairs[1] + pairs[3])
}

/// Adds `by · b` to `a`.
#[inline(always)]
pub(super) fn add(a: &mut [f32], by: f32, b: &[f32]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += by * b;
    }
}

/// Adds four vectors to `a`, one after another, as [`add`] would.
#[inline(always)]
pub(super) fn add_four(a: &mut [f32], by: [f32; 4], b: [&[f32]; 4]) {
    let pairs = b[0].iter().zip(b[1]).zip(b[2].iter().zip(b[3]));
    for (a, ((b0, b1), (b2, b3))) in a.iter_mut().zip(pairs) {
        *a = (((*a + by[0] * b0) + by[1] * b1) + by[2] * b2) + by[3] * b3;
    }
}

/// Divides `vector` by its length; leaves zeros alone. Returns the length.
#[inline(always)]
pub(super) fn normalise(vector: &mut [f32]) -> f32 {
    let length = dot(vector, vector).sqrt();
    if length > 0.0 {
        for v in vector {
            *v /= length;
        }
    }
    length
}
