//! Encoders in ONNX behind the trait of all encoders.

use super::ModelsError;
use crate::embed::{EncodeError, TextEncoder};
use crate::expand::{MAX_TERMS, SparseEncoder};
use littoral_onnx::{OnnxEncoder, OnnxError, SparseOnnxEncoder};
use std::path::Path;
use std::sync::Arc;

pub use littoral_onnx::graph_of;

/// Loads the graph at `graph`, as [`graph_of`] found it.
///
/// # Errors
/// [`ModelsError::Graph`] when it is damaged, or no encoder.
pub fn load_graph(graph: &Path) -> Result<Arc<dyn TextEncoder>, ModelsError> {
    match OnnxEncoder::load(graph) {
        Ok(encoder) => Ok(Arc::new(encoder)),
        Err(error) => Err(damaged(&error)),
    }
}

/// Loads the learned sparse encoder at `graph`, as [`graph_of`] found it.
///
/// # Errors
/// [`ModelsError::Graph`] when it is damaged, or none.
pub fn load_sparse(graph: &Path) -> Result<Arc<dyn SparseEncoder>, ModelsError> {
    match SparseOnnxEncoder::load(graph) {
        Ok(encoder) => Ok(Arc::new(encoder)),
        Err(error) => Err(damaged(&error)),
    }
}

fn damaged(error: &OnnxError) -> ModelsError {
    ModelsError::Graph {
        code: error.code(),
        reason: error.to_string(),
    }
}

impl SparseEncoder for SparseOnnxEncoder {
    fn id(&self) -> [u8; 8] {
        Self::id(self)
    }

    fn expand(&self, text: &str) -> Result<Vec<(String, f32)>, EncodeError> {
        Self::expand(self, text, MAX_TERMS).map_err(failed)
    }
}

impl TextEncoder for OnnxEncoder {
    fn id(&self) -> [u8; 8] {
        Self::id(self)
    }

    fn dims(&self) -> usize {
        Self::dims(self)
    }

    fn n_tokens(&self, text: &str) -> usize {
        Self::n_tokens(self, text)
    }

    fn encode(&self, texts: &[&str]) -> Result<Vec<f32>, EncodeError> {
        let mut all = Vec::with_capacity(texts.len() * Self::dims(self));
        for text in texts {
            all.extend(self.embed(text).map_err(failed)?);
        }
        Ok(all)
    }

    fn encode_query(&self, query: &str) -> Result<Vec<f32>, EncodeError> {
        self.embed_query(query).map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "an adapter of errors")]
fn failed(error: OnnxError) -> EncodeError {
    EncodeError(error.to_string())
}
