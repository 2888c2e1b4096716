//! What can go wrong with models on disk and on their way there.

use littoral_guest::model::ModelError;
use std::path::PathBuf;

/// Why a model cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelsError {
    /// No model of this name is stored, and no file or folder is called so.
    #[error("there is no model {name:?} in {}", folder.display())]
    NotThere {
        /// What was asked for.
        name: String,
        /// Where models are stored.
        folder: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A packed model that is not sound.
    #[error("{}: {source}", path.display())]
    Packed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ModelError,
    },
    /// A file of a model folder that is damaged or of another kind.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor is missing, has another shape, or numbers that are none.
    #[error("tensor {name}: {reason}")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An adapter that is damaged, of another model, or of a kind that is not supported.
    #[error("{}: {reason}", path.display())]
    Adapter {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An adapter that was trained on other weights.
    #[error("{} was trained on weights with SHA-256 {own}, and these have {found}", path.display())]
    AdapterBase {
        /// The adapter's folder.
        path: PathBuf,
        /// What it was trained on.
        own: String,
        /// The weights at hand.
        found: String,
    },
    /// A graph in ONNX that is damaged, or no encoder.
    #[error("{reason}")]
    Graph {
        /// The stable kebab-case code.
        code: &'static str,
        /// The file, and what is wrong with it.
        reason: String,
    },
    /// A model could not be fetched.
    #[error("{what} could not be fetched: {reason}")]
    Fetch {
        /// What was asked for.
        what: String,
        /// What happened.
        reason: String,
    },
    /// What was fetched is not what its pinned hash says.
    #[error("{file} has SHA-256 {found}, not {expected}")]
    Hash {
        /// The file.
        file: String,
        /// Its hash.
        found: String,
        /// The pinned hash.
        expected: String,
    },
}

impl ModelsError {
    /// The stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotThere { .. } => "model-not-found",
            Self::Io { .. } => "model-unreadable",
            Self::Packed { source, .. } => source.code(),
            Self::Folder { .. } | Self::Tensor { .. } => "model-invalid",
            Self::Adapter { .. } => "adapter-invalid",
            Self::AdapterBase { .. } => "adapter-other-base",
            Self::Graph { code, .. } => code,
            Self::Fetch { .. } => "model-fetch",
            Self::Hash { .. } => "model-hash",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotThere { .. } => {
                "get one with a network: littoral model pull minilm; without: littoral model pull minilm --from FOLDER, or build with --embedder none"
            }
            Self::Io { .. } => "check that the file is there and can be read",
            Self::Packed { .. } => {
                "make the packed file anew: littoral model pull, or littoral model quantize"
            }
            Self::Folder { .. } | Self::Tensor { .. } => {
                "a model folder has config.json, tokenizer.json and model.safetensors of BERT's family"
            }
            Self::Adapter { .. } => {
                "an adapter is a folder with adapter_config.json and adapter_model.safetensors, in the format of peft, of the model's own layers"
            }
            Self::AdapterBase { .. } => "name the model folder that it was trained on",
            Self::Graph { .. } => {
                "an encoder in ONNX is a folder with model.onnx, whose inputs are input_ids, attention_mask and token_type_ids, and tokenizer.json"
            }
            Self::Fetch { .. } => {
                "without a network: littoral model pull minilm --from FOLDER, or build with --embedder none"
            }
            Self::Hash { .. } => {
                "the source was changed or the transfer damaged; fetch again, or from elsewhere"
            }
        }
    }

    pub(super) fn folder(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Folder {
            path: path.into(),
            reason: reason.into(),
        }
    }

    pub(super) fn adapter(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Adapter {
            path: path.into(),
            reason: reason.into(),
        }
    }

    pub(super) fn tensor(name: &str, reason: impl Into<String>) -> Self {
        Self::Tensor {
            name: name.into(),
            reason: reason.into(),
        }
    }
}
