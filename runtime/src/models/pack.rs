//! 32-bit weights into the packed form.

use super::folder::{Linear, Weights};
use littoral_guest::encoder::Model;
use littoral_guest::encoder::format::{Layer, Norm};
use littoral_guest::encoder::matrix::{Matrix, row_bytes, row_scale};

/// How finely activations are cut: 8 bits.
///
/// With weights of 8 bits, MiniLM's vectors keep a cosine of 0.998 to those in 32 bits; 12 bits would
/// keep 0.9996 and cost VNNI twice the products.
pub const FAST: u32 = 127;

/// 12 bits, where there is little to compute.
pub const FINE: u32 = 2047;

/// Packs a model, activations of its layers cut to at most `activation_max`, [`FAST`] or [`FINE`].
pub fn pack(weights: &Weights, activation_max: u32) -> Model {
    let matrix =
        |linear: &Linear, max| Matrix::pack(&linear.weights, &linear.biases, linear.n_in, max);
    let norm = |[gain, shift]: &[Vec<f32>; 2]| Norm {
        gain: gain.clone(),
        shift: shift.clone(),
    };
    let mut token_scales = Vec::new();
    let mut token_rows = Vec::new();
    for row in weights.tokens.chunks_exact(weights.config.hidden) {
        let scale = row_scale(row);
        token_scales.push(scale);
        token_rows.extend(row_bytes(row, scale));
    }
    let layers = weights.layers.iter().map(|layer| Layer {
        attention_in: matrix(&layer.attention_in, activation_max),
        attention_out: matrix(&layer.attention_out, activation_max),
        attention_norm: norm(&layer.attention_norm),
        expansion: matrix(&layer.expansion, activation_max),
        contraction: matrix(&layer.contraction, activation_max),
        norm: norm(&layer.norm),
    });
    let head = weights.head.as_ref();
    Model {
        config: weights.config.clone(),
        tokenizer: weights.tokenizer.clone(),
        token_scales,
        token_rows,
        positions: weights.positions.clone(),
        types: weights.types.clone(),
        norm: norm(&weights.norm),
        layers: layers.collect(),
        dense: weights.dense.as_ref().map(|dense| matrix(dense, FINE)),
        head: head.map(|linears| linears.each_ref().map(|linear| matrix(linear, FINE))),
    }
}
