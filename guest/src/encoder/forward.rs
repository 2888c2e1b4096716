//! The forward pass: tokens of one or more texts through all layers.
//!
//! ```text
//! tokens → rows of three tables → norm → [ attention → norm → expand → GELU → contract → norm ]ⁿ
//! ```
//!
//! Texts lie one after another without padding. All stages but attention treat each token alone, and
//! attention each text alone, so a text's vectors do not depend on what else is in the batch.
//!
//! Source: Vaswani et al., *Attention Is All You Need* (2017); Devlin et al., *BERT* (2018). Steps per
//! row for activations: Yao et al., *ZeroQuant* (2022).

use super::attention::Attention;
use super::format::{Activation, Layer, Model};
use super::kernel::{Kernel, Rows};
use super::math;
use super::matrix::Matrix;

/// Rows that go through a matrix together: what they become stays in a core's cache.
const BLOCK_ROWS: usize = 64;

/// Room that is used again for every layer.
#[derive(Debug, Default)]
pub(super) struct Forward {
    /// `[n_tokens, hidden]`: what the last layer gave.
    pub(super) vectors: Vec<f32>,
    rows: Rows,
    sums: Vec<i32>,
    wide: Vec<f32>,
    mixed: Vec<f32>,
    attention: Attention,
}

/// A text: its tokens, and how many of them are of type 0; the others are of type 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) tokens: &'a [u32],
    pub(super) n_first: usize,
}

impl Forward {
    /// Leaves the last layer's vector of every token in `vectors`.
    pub(super) fn run(&mut self, model: &Model, kernel: Kernel, texts: &[Text<'_>]) {
        self.embed(model, kernel, texts);
        let lengths: Vec<usize> = texts.iter().map(|text| text.tokens.len()).collect();
        for layer in &model.layers {
            self.layer(model, kernel, layer, &lengths);
        }
    }

    /// The sum of a token's row, its position's and its type's, normalised.
    fn embed(&mut self, model: &Model, kernel: Kernel, texts: &[Text<'_>]) {
        let config = &model.config;
        let n = config.hidden;
        self.vectors.clear();
        for text in texts {
            for (t, &token) in text.tokens.iter().enumerate() {
                let token = model.row_of(token);
                let scale = model.token_scales[token];
                let of_token = &model.token_rows[token * n..][..n];
                let of_position = &model.positions[t * n..][..n];
                let kind = usize::from(t >= text.n_first).min(config.types - 1);
                let of_kind = &model.types[kind * n..][..n];
                let start = self.vectors.len();
                for ((&byte, &position), &kind) in of_token.iter().zip(of_position).zip(of_kind) {
                    self.vectors.push(f32::from(byte) * scale + position + kind);
                }
                let norm = &model.norm;
                let row = &mut self.vectors[start..];
                kernel.normalize(row, &norm.gain, &norm.shift, config.epsilon);
            }
        }
    }

    fn layer(&mut self, model: &Model, kernel: Kernel, layer: &Layer, lengths: &[usize]) {
        let config = &model.config;
        let n = config.hidden;
        let n_tokens = self.vectors.len() / n;
        let stride = layer.attention_in.padded_out();
        self.wide.resize(n_tokens * stride, 0.0);
        for start in (0..n_tokens).step_by(BLOCK_ROWS) {
            let end = (start + BLOCK_ROWS).min(n_tokens);
            let matrix = &layer.attention_in;
            multiply(
                kernel,
                matrix,
                &self.vectors[start * n..end * n],
                &mut self.rows,
                &mut self.sums,
            );
            for (r, sums) in self.sums.chunks_exact(stride).enumerate() {
                let out = &mut self.wide[(start + r) * stride..][..stride];
                kernel.rescale(
                    sums,
                    matrix.scales(),
                    matrix.biases(),
                    self.rows.steps[r],
                    out,
                );
            }
        }

        self.mixed.resize(n_tokens * n, 0.0);
        let mut start = 0;
        for &length in lengths {
            let wide = &self.wide[start * stride..(start + length) * stride];
            let mixed = &mut self.mixed[start * n..(start + length) * n];
            self.attention.run(kernel, config, wide, stride, mixed);
            start += length;
        }

        for start in (0..n_tokens).step_by(BLOCK_ROWS) {
            let end = (start + BLOCK_ROWS).min(n_tokens);
            let block = start * n..end * n;
            let matrix = &layer.attention_out;
            multiply(
                kernel,
                matrix,
                &self.mixed[block.clone()],
                &mut self.rows,
                &mut self.sums,
            );
            let norm = &layer.attention_norm;
            self.add(kernel, matrix, block.clone());
            for row in self.vectors[block.clone()].chunks_exact_mut(n) {
                kernel.normalize(row, &norm.gain, &norm.shift, config.epsilon);
            }

            let matrix = &layer.expansion;
            multiply(
                kernel,
                matrix,
                &self.vectors[block.clone()],
                &mut self.rows,
                &mut self.sums,
            );
            let (padded, width) = (matrix.padded_out(), matrix.n_out());
            self.wide.resize((end - start) * width, 0.0);
            let out = self.wide.chunks_exact_mut(width);
            for ((sums, out), &step) in self
                .sums
                .chunks_exact(padded)
                .zip(out)
                .zip(&self.rows.steps)
            {
                activate(kernel, config.activation, matrix, sums, step, out);
            }

            let matrix = &layer.contraction;
            multiply(kernel, matrix, &self.wide, &mut self.rows, &mut self.sums);
            self.add(kernel, matrix, block.clone());
            let norm = &layer.norm;
            for row in self.vectors[block].chunks_exact_mut(n) {
                kernel.normalize(row, &norm.gain, &norm.shift, config.epsilon);
            }
        }
    }

    /// Adds the product that lies in `sums` to a block of vectors.
    fn add(&mut self, kernel: Kernel, matrix: &Matrix, block: std::ops::Range<usize>) {
        let sums = self.sums.chunks_exact(matrix.padded_out());
        let rows = self.vectors[block].chunks_exact_mut(matrix.n_out());
        for ((sums, row), &step) in sums.zip(rows).zip(&self.rows.steps) {
            kernel.rescale_add(sums, matrix.scales(), matrix.biases(), step, row);
        }
    }
}

/// The exact sums of `values`, `[n_rows, n_in]`, with a matrix, and in `rows` their steps.
fn multiply(kernel: Kernel, matrix: &Matrix, values: &[f32], rows: &mut Rows, sums: &mut Vec<i32>) {
    kernel.quantize(values, matrix.n_in(), matrix.activation_max(), rows);
    sums.resize(rows.n_rows() * matrix.padded_out(), 0);
    kernel.multiply(rows, matrix, sums);
}

/// One row of sums as values, through a nonlinearity.
fn activate(
    kernel: Kernel,
    activation: Activation,
    matrix: &Matrix,
    sums: &[i32],
    step: f32,
    out: &mut [f32],
) {
    let (scales, biases) = (matrix.scales(), matrix.biases());
    if activation == Activation::Gelu {
        kernel.rescale_gelu(sums, scales, biases, step, out);
        return;
    }
    kernel.rescale(sums, scales, biases, step, out);
    for x in out {
        *x = match activation {
            Activation::Relu if *x > 0.0 => *x,
            Activation::Relu => 0.0,
            Activation::Tanh => math::tanh(*x),
            Activation::Gelu | Activation::Identity => *x,
        };
    }
}

/// One row through a matrix and a nonlinearity, as at the end of a model.
pub(super) fn apply(
    kernel: Kernel,
    matrix: &Matrix,
    activation: Activation,
    values: &[f32],
) -> Vec<f32> {
    let (mut rows, mut sums) = (Rows::default(), Vec::new());
    multiply(kernel, matrix, values, &mut rows, &mut sums);
    let mut out = vec![0.0; matrix.n_out()];
    activate(kernel, activation, matrix, &sums, rows.steps[0], &mut out);
    out
}
