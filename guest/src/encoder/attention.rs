//! Attention among the tokens of one text, in whole numbers.
//!
//! Queries and keys are cut per token and head as finely as the sum of a head's products allows (13
//! bits at width 32), shares and values to 15 bits, so both products are exact sums of 32 bits; only
//! softmax between them is `f32`.
//!
//! A share is at most 32767, and those of a row sum to 32767 and half a step per token at most, so
//! with values up to 32767 a sum stays below 2³⁰·¹.

use super::format::Config;
use super::kernel::Kernel;
use super::math::{self, LANES};
use super::matrix::PANEL;

/// Rows of shares held at a time.
const BLOCK_ROWS: usize = 32;

/// Largest share, and largest value once cut.
const SHARE_MAX: f32 = 32_767.0;

/// Room that is used again.
#[derive(Debug, Default)]
pub(super) struct Attention {
    queries: Vec<i16>,
    query_steps: Vec<f32>,
    keys: Vec<i16>,
    key_steps: Vec<f32>,
    values: Vec<i16>,
    row: Vec<i16>,
    sums: Vec<i32>,
    room: Vec<f32>,
    shares: Vec<i16>,
    mixed: Vec<i32>,
}

impl Attention {
    /// Mixes the tokens of a text. `input` has queries, keys and values side by side in rows of
    /// `stride`; `out` is `[n_tokens, hidden]`.
    pub(super) fn run(
        &mut self,
        kernel: Kernel,
        config: &Config,
        input: &[f32],
        stride: usize,
        out: &mut [f32],
    ) {
        let n_tokens = input.len() / stride;
        let width = config.head_width();
        for head in 0..config.heads {
            let columns = |part: usize| part * config.hidden + head * width;
            self.cut(kernel, input, stride, width, columns);
            let value_step = self.cut_values(input, stride, width, columns(2));
            let padded = n_tokens.next_multiple_of(LANES);
            let out_width = width.next_multiple_of(PANEL);
            for start in (0..n_tokens).step_by(BLOCK_ROWS) {
                let n = BLOCK_ROWS.min(n_tokens - start);
                self.sums.resize(n * padded, 0);
                let queries = &self.queries[start * width..(start + n) * width];
                kernel.multiply_wide(queries, width, &self.keys, &mut self.sums);
                self.shares.resize(n * padded, 0);
                self.room.resize(padded, 0.0);
                for r in 0..n {
                    kernel.softmax(
                        &self.sums[r * padded..][..padded],
                        n_tokens,
                        self.query_steps[start + r],
                        &self.key_steps,
                        &mut self.room,
                        &mut self.shares[r * padded..][..padded],
                    );
                }
                self.mixed.resize(n * out_width, 0);
                kernel.multiply_wide(&self.shares, padded, &self.values, &mut self.mixed);
                for (r, mixed) in self.mixed.chunks_exact(out_width).enumerate() {
                    let out = &mut out[(start + r) * config.hidden + head * width..][..width];
                    for (out, &mixed) in out.iter_mut().zip(mixed) {
                        *out = mixed as f32 * value_step;
                    }
                }
            }
        }
    }

    /// Cuts a head's queries, and its keys into panels of tokens.
    fn cut(
        &mut self,
        kernel: Kernel,
        input: &[f32],
        stride: usize,
        width: usize,
        columns: impl Fn(usize) -> usize,
    ) {
        let n_tokens = input.len() / stride;
        let padded = n_tokens.next_multiple_of(PANEL);
        // The largest for which `width` products of two sum to less than 2³¹.
        let max = (i32::MAX as usize / width).isqrt() as f32;
        let root = 1.0 / (width as f32).sqrt();
        self.queries.resize(n_tokens * width, 0);
        self.query_steps.clear();
        self.keys.clear();
        self.keys.resize(padded * width, 0);
        self.key_steps.clear();
        self.row.resize(width, 0);
        for (t, row) in input.chunks_exact(stride).enumerate() {
            let query = &row[columns(0)..][..width];
            let step = kernel.quantize_row(query, max, &mut self.queries[t * width..][..width]);
            self.query_steps.push(step * root);
            let step = kernel.quantize_row(&row[columns(1)..][..width], max, &mut self.row);
            self.key_steps.push(step);
            let start = t / PANEL * width * PANEL + t % PANEL * 2;
            let pairs = self.keys[start..].chunks_mut(2 * PANEL);
            for (out, pair) in pairs.zip(self.row.as_chunks::<2>().0) {
                out[..2].copy_from_slice(pair);
            }
        }
        self.key_steps.resize(padded, 0.0);
    }

    /// Cuts a head's values into panels of columns; returns what a step of the result is worth.
    fn cut_values(&mut self, input: &[f32], stride: usize, width: usize, column: usize) -> f32 {
        let n_tokens = input.len() / stride;
        let padded = n_tokens.next_multiple_of(LANES);
        let rows = || {
            input
                .chunks_exact(stride)
                .map(|row| &row[column..][..width])
        };
        let top = rows().flatten().fold(0.0f32, |top, x| {
            let x = x.abs();
            if x > top { x } else { top }
        });
        let (step, per_step) = math::steps(top, SHARE_MAX);
        self.values.clear();
        self.values
            .resize(width.next_multiple_of(PANEL) * padded, 0);
        for (t, row) in rows().enumerate() {
            for (c, &x) in row.iter().enumerate() {
                let pair = c / PANEL * (padded / 2) + t / 2;
                self.values[pair * 2 * PANEL + c % PANEL * 2 + t % 2] =
                    math::round(x * per_step) as i16;
            }
        }
        step / SHARE_MAX
    }
}
