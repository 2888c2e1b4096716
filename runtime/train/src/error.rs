//! Why nothing was trained.

use littoral_runtime::models::ModelsError;
use littoral_runtime::tune::TuneError;
use std::io;
use std::path::{Path, PathBuf};

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// No job was named.
    #[error("no job is named")]
    NoJob,
    /// The job is none.
    #[error("{} is no job: {reason}", path.display())]
    Job {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The model or an adapter cannot be read.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// The pairs cannot be read.
    #[error(transparent)]
    Tune(#[from] TuneError),
    /// A model with a classifier has no vectors.
    #[error("{} is a cross-encoder, which has no vectors to train", path.display())]
    CrossEncoder {
        /// The model's folder.
        path: PathBuf,
    },
    /// A classifier whose outputs do not mean relevance.
    #[error("{} has a classifier with {n} outputs; relevance is one, or the second of two", path.display())]
    Labels {
        /// The model's folder.
        path: PathBuf,
        /// How many outputs.
        n: usize,
    },
    /// A change is larger than the matrix that it changes, which no training that went well brings about.
    #[error("training went astray: {reason}")]
    Astray {
        /// Which change.
        reason: String,
    },
    /// There are too few pairs to train on and to choose by.
    #[error("{} has {n_train} pairs to train on and {n_choosing} queries to choose by", path.display())]
    TooFew {
        /// The folder of pairs.
        path: PathBuf,
        /// Pairs.
        n_train: usize,
        /// Queries set aside.
        n_choosing: usize,
    },
    /// Vectors are shorter than they are to be cut to.
    #[error("vectors of the model have {has} dimensions, and are to be cut to {wanted}")]
    Dims {
        /// What was asked for.
        wanted: usize,
        /// What there is.
        has: usize,
    },
    /// Numbers that are to be trained get no gradient: training them would do nothing, in silence.
    #[error("{which} gets no gradient, or one that is not finite")]
    NoGradient {
        /// Which half of which matrix, or which part of the head.
        which: String,
    },
    /// The loss or its gradient is no number any more.
    #[error("the loss is not finite any more at step {step}")]
    NotFinite {
        /// The step.
        step: u32,
    },
    /// No GPU can train, where one is required.
    #[error("no GPU can train: {reason}")]
    NoGpu {
        /// Why not.
        reason: String,
    },
    /// A checkpoint is of another job, or damaged.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl TrainError {
    /// The stable kebab-case code.
    pub fn code(&self) -> &str {
        match self {
            Self::NoJob | Self::Job { .. } => "train-job",
            Self::Models(error) => error.code(),
            Self::Tune(error) => error.code(),
            Self::CrossEncoder { .. } => "train-cross-encoder",
            Self::Labels { .. } => "train-labels",
            Self::Astray { .. } => "train-astray",
            Self::TooFew { .. } => "train-too-few",
            Self::Dims { .. } => "train-dims",
            Self::NoGradient { .. } => "train-no-gradient",
            Self::NotFinite { .. } => "train-not-finite",
            Self::NoGpu { .. } => "train-no-gpu",
            Self::Checkpoint { .. } => "train-checkpoint",
            Self::Io { .. } => "write-failed",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        match self {
            Self::NoJob | Self::Job { .. } => {
                "littoral tune train PAIRS --target encoder --model FOLDER -o ADAPTER makes a job and runs it"
            }
            Self::Models(error) => error.hint(),
            Self::Tune(error) => error.hint(),
            Self::CrossEncoder { .. } => {
                "name a folder with an encoder, such as all-MiniLM-L6-v2, or train it with --target reranker"
            }
            Self::Labels { .. } => "name a folder with an encoder, or with another cross-encoder",
            Self::Astray { .. } => "train with a lower --rate",
            Self::TooFew { .. } => {
                "prepare more pairs: littoral tune prepare INDEX -o DIR --pairs FILE --from-documents"
            }
            Self::Dims { .. } => "name fewer --dims",
            Self::NoGradient { .. } => {
                "this is a fault of the model's weights or of the program; please report it"
            }
            Self::NotFinite { .. } => "train with a lower --rate, or a higher --temperature",
            Self::NoGpu { .. } => {
                "say --gpu auto to go on with the CPU; cargo build --release -p littoral-train --features gpu \
                 builds it for GPUs"
            }
            Self::Checkpoint { .. } => {
                "name another folder with --output, or begin anew there with --fresh"
            }
            Self::Io { .. } => "name a folder that can be written",
        }
    }

    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}
