//! Models: from folders in Hugging Face's layout into packed files, and from there into memory.
//!
//! ```text
//! folder, Hub or Python package → weights (f32) (+ adapter) → pack → NAME.litmodel → Encoder
//! ```

pub mod adapter;
mod error;
pub mod fetch;
pub mod folder;
pub mod loss;
#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(not(feature = "onnx"))]
#[path = "models/onnx_disabled.rs"]
pub mod onnx;
pub mod pack;
pub mod reference;
pub mod safetensors;
mod store;
pub mod tokenizer;

pub use error::ModelsError;
pub use loss::{Loss, loss};
pub use store::{
    EXTENSION, folder as models_folder, graph, load, of_id, path, resolve, save, sparse_encoder,
    stored, text_encoder,
};

use folder::Weights;
use littoral_guest::Encoder;
use rayon::prelude::*;

/// How near a packed model's vectors are to those in 32 bits, as cosines.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Fidelity {
    /// Over the texts.
    pub mean_cosine: f64,
    /// The least.
    pub min_cosine: f64,
    /// How many texts.
    pub texts: usize,
}

/// Compares a packed model with what it was packed from, on `texts`. A cross-encoder has no vectors;
/// for one the result is `None`.
pub fn fidelity(weights: &Weights, packed: &Encoder, texts: &[String]) -> Option<Fidelity> {
    if weights.config.labels > 0 || texts.is_empty() {
        return None;
    }
    let cosine = |text: &String| {
        let tokens = packed.tokenizer().encode(text, packed.max_tokens());
        let exact = reference::encode(weights, &tokens);
        let near = packed.encode(&[tokens]);
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter()
                .zip(b)
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum()
        };
        dot(&exact, &near) / (dot(&exact, &exact) * dot(&near, &near)).sqrt()
    };
    let cosines: Vec<f64> = texts.par_iter().map(cosine).collect();
    Some(Fidelity {
        mean_cosine: cosines.iter().sum::<f64>() / cosines.len() as f64,
        min_cosine: cosines.iter().copied().fold(1.0, f64::min),
        texts: cosines.len(),
    })
}
