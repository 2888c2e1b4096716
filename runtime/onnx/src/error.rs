//! What can be wrong with a folder, or with what its graph gives.

use std::path::PathBuf;

/// Why an encoder cannot be had, or gave no vector.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is damaged or of another kind.
    #[error("{}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The graph failed on a text.
    #[error("{}: the graph failed on a text: {reason}", path.display())]
    Failed {
        /// The graph's file.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
}

impl OnnxError {
    /// The stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "model-unreadable",
            Self::Invalid { .. } => "model-invalid",
            Self::Failed { .. } => "model-failed",
        }
    }
}
