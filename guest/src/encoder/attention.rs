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
use super::math;
use super::matrix::PANEL;

/// Rows of shares held at a time.
const BLOCK_ROWS: usize = 32;

/// Largest share, and largest value once cut.
const SHARE_MAX: f32 = 32_767.0;

/// Room that is used again.
#[derive(Debug, Default)]
pub(super) struct Attention {
    /// `[heads, n_tokens, width]`
    queries: Vec<i16>,
    /// `[n_tokens, heads]`
    query_steps: Vec<f32>,
    /// Of a token, `[heads, width]`.
    row: Vec<i16>,
    /// `[heads, panels]` of tokens in pairs.
    keys: Vec<i16>,
    /// `[heads, padded]`
    key_steps: Vec<f32>,
    /// `[heads, panels]` of columns in pairs.
    values: Vec<i16>,
    /// The largest magnitude of each head's values.
    tops: Vec<f32>,
    steps: Vec<f32>,
    sums: Vec<i32>,
    room: Vec<f32>,
    shares: Vec<i16>,
    mixed: Vec<i32>,
}

/// Of one text.
#[derive(Clone, Copy)]
struct Shape {
    n_tokens: usize,
    /// `n_tokens` in whole panels.
    padded: usize,
    heads: usize,
    width: usize,
    /// `width` in whole panels.
    out_width: usize,
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
        let shape = Shape {
            n_tokens,
            padded: n_tokens.next_multiple_of(PANEL),
            heads: config.heads,
            width,
            out_width: width.next_multiple_of(PANEL),
        };
        let part = |part: usize| {
            let rows = input.chunks_exact(stride);
            rows.map(move |row| &row[part * config.hidden..][..config.hidden])
        };
        self.cut(kernel, shape, part(0).zip(part(1)));
        self.cut_values(kernel, shape, part(2));
        let Shape {
            padded, out_width, ..
        } = shape;
        for head in 0..shape.heads {
            let queries = &self.queries[head * n_tokens * width..][..n_tokens * width];
            let keys = &self.keys[head * padded * width..][..padded * width];
            let key_steps = &self.key_steps[head * padded..][..padded];
            let values = &self.values[head * padded * out_width..][..padded * out_width];
            let (value_step, _) = math::steps(self.tops[head], SHARE_MAX);
            for start in (0..n_tokens).step_by(BLOCK_ROWS) {
                let n = BLOCK_ROWS.min(n_tokens - start);
                self.sums.resize(n * padded, 0);
                let queries = &queries[start * width..(start + n) * width];
                kernel.multiply_wide(queries, width, keys, &mut self.sums);
                self.shares.resize(n * padded, 0);
                self.room.resize(padded, 0.0);
                for r in 0..n {
                    kernel.softmax(
                        &self.sums[r * padded..][..padded],
                        n_tokens,
                        self.query_steps[(start + r) * shape.heads + head],
                        key_steps,
                        &mut self.room,
                        &mut self.shares[r * padded..][..padded],
                    );
                }
                self.mixed.resize(n * out_width, 0);
                kernel.multiply_wide(&self.shares, padded, values, &mut self.mixed);
                for (r, mixed) in self.mixed.chunks_exact(out_width).enumerate() {
                    let out = &mut out[(start + r) * config.hidden + head * width..][..width];
                    kernel.scale(mixed, value_step / SHARE_MAX, out);
                }
            }
        }
    }

    /// Cuts queries, and keys into panels of tokens.
    fn cut<'a>(
        &mut self,
        kernel: Kernel,
        shape: Shape,
        rows: impl Iterator<Item = (&'a [f32], &'a [f32])>,
    ) {
        let Shape {
            n_tokens,
            padded,
            heads,
            width,
            ..
        } = shape;
        // The largest for which `width` products of two sum to less than 2³¹.
        let max = (i32::MAX as usize / width).isqrt() as f32;
        let root = 1.0 / (width as f32).sqrt();
        self.queries.resize(heads * n_tokens * width, 0);
        self.query_steps.resize(n_tokens * heads, 0.0);
        self.row.resize(heads * width, 0);
        self.steps.resize(heads, 0.0);
        self.keys.clear();
        self.keys.resize(heads * padded * width, 0);
        self.key_steps.clear();
        self.key_steps.resize(heads * padded, 0.0);
        for (t, (query, key)) in rows.enumerate() {
            let steps = &mut self.query_steps[t * heads..][..heads];
            let out = &mut self.queries[t * width..];
            kernel.quantize_heads(query, width, max, n_tokens * width, steps, out);
            for step in steps {
                *step *= root;
            }
            kernel.quantize_heads(key, width, max, width, &mut self.steps, &mut self.row);
            let of_heads = self.row.chunks_exact(width).zip(&self.steps);
            for (head, (key, &step)) in of_heads.enumerate() {
                self.key_steps[head * padded + t] = step;
                let start = head * padded + t / PANEL * PANEL;
                let pairs = self.keys[start * width..]
                    .as_chunks_mut::<{ 2 * PANEL }>()
                    .0;
                for (out, pair) in pairs.iter_mut().zip(key.as_chunks::<2>().0) {
                    out.as_chunks_mut::<2>().0[t % PANEL] = *pair;
                }
            }
        }
    }

    /// Cuts values into panels of columns.
    fn cut_values<'a>(
        &mut self,
        kernel: Kernel,
        shape: Shape,
        rows: impl Iterator<Item = &'a [f32]> + Clone,
    ) {
        let Shape {
            padded,
            heads,
            width,
            out_width,
            ..
        } = shape;
        self.tops.clear();
        self.tops.resize(heads, 0.0);
        for row in rows.clone() {
            kernel.raise_tops(row, width, &mut self.tops);
        }
        self.values.clear();
        self.values.resize(heads * padded * out_width, 0);
        self.room.clear();
        self.room.resize(heads * width, 0.0);
        let mut rows = rows;
        let mut start = 0;
        while let Some(first) = rows.next() {
            // A last token without a second has a row of zeros beside it.
            let second = rows.next().unwrap_or(&self.room);
            let of_heads = first.chunks_exact(width).zip(second.chunks_exact(width));
            for (head, (a, b)) in of_heads.enumerate() {
                let (_, per_step) = math::steps(self.tops[head], SHARE_MAX);
                let out = &mut self.values[head * padded * out_width + start..];
                kernel.pack_pairs(a, b, per_step, padded * PANEL, out);
            }
            start += 2 * PANEL;
        }
    }
}
