//! What stands in for encoders in ONNX where the program was built without them.

use super::ModelsError;
use crate::embed::TextEncoder;
use crate::expand::SparseEncoder;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The graph that `path` names itself. `None` for a folder: what else it holds is what counts here.
pub fn graph_of(path: &Path) -> Option<PathBuf> {
    let is_graph = path
        .extension()
        .is_some_and(|extension| extension == "onnx");
    (is_graph && path.is_file()).then(|| path.to_owned())
}

/// Refuses.
///
/// # Errors
/// [`ModelsError::Graph`], always.
pub fn load_graph(graph: &Path) -> Result<Arc<dyn TextEncoder>, ModelsError> {
    Err(unsupported(graph))
}

/// Refuses.
///
/// # Errors
/// [`ModelsError::Graph`], always.
pub fn load_sparse(graph: &Path) -> Result<Arc<dyn SparseEncoder>, ModelsError> {
    Err(unsupported(graph))
}

fn unsupported(graph: &Path) -> ModelsError {
    ModelsError::Graph {
        code: "model-unsupported",
        reason: format!(
            "{}: this program was built without the feature onnx",
            graph.display()
        ),
    }
}
