//! Why an index could not be tuned.

use crate::eval::DatasetError;
use crate::llm::LlmError;
use crate::models::ModelsError;
use littoral_guest::EngineError;
use littoral_indexes::IndexError;
use std::io;
use std::path::{Path, PathBuf};

/// Why an index could not be tuned; each message names the file, the line and what is expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// A judged collection could not be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The index could not be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The model behind an endpoint wrote nothing that can be used.
    #[error(transparent)]
    Llm(#[from] LlmError),
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
    /// A line of a file is not what it should be.
    #[error("{}:{line}: {reason}; expected {expected}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
        /// What a line needs.
        expected: &'static str,
    },
    /// A file's name does not say what it holds.
    #[error("{} is neither .jsonl nor .csv nor .tsv", path.display())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// Nothing that was read leads to a document of the index.
    #[error("none of the {n_read} queries that were read leads to a document of the index")]
    NothingLinked {
        /// Queries read.
        n_read: u64,
    },
    /// The index has no query table.
    #[error("the index has no query table, so there is none to tune")]
    NoTable,
    /// The file is not what `train` writes.
    #[error("{} is no tuned table: {reason}", path.display())]
    NotTuned {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A table was tuned from another one than the index has.
    #[error("{} was tuned from the table {own}, and the index has {found}", path.display())]
    OtherTable {
        /// The file.
        path: PathBuf,
        /// The table that it was tuned from.
        own: String,
        /// That of the index.
        found: String,
    },
    /// What was learned cannot be written as a table.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The program that trains encoders and rerankers is not there.
    #[error(
        "littoral-train, which trains encoders and rerankers, is neither beside this program nor in PATH"
    )]
    NoTrainer,
    /// The program that trains encoders says that it failed.
    #[error("{message}")]
    Trainer {
        /// The stable kebab-case code.
        code: String,
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// The program that trains encoders ended without a result.
    #[error("littoral-train ended without a result: {status}")]
    TrainerEnded {
        /// How it ended.
        status: String,
    },
    /// There are no conversations to teach a generator with.
    #[error("{} is not there, or has no conversations", path.display())]
    NoConversations {
        /// The file.
        path: PathBuf,
    },
    /// There are checkpoints of another training.
    #[error("{} are of a training with other conversations, options or model", path.display())]
    OtherTraining {
        /// Their folder.
        path: PathBuf,
    },
    /// The program that runs Python is not there, or does not.
    #[error("cannot run {}: {source}; the script is written", python.display())]
    NoPython {
        /// The program.
        python: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Packages that the script needs are missing.
    #[error("{} lacks {missing}; the script is written", python.display())]
    NoPackages {
        /// The program that runs Python.
        python: PathBuf,
        /// Their names.
        missing: String,
        /// How to get them.
        hint: String,
    },
    /// The script failed.
    #[error("the trainer failed: {reason}; {} has all that it said", log.display())]
    Script {
        /// The last that it said.
        reason: String,
        /// Where the rest is.
        log: PathBuf,
    },
    /// The record of an adapter is none.
    #[error("{} is no record of a training: {reason}", path.display())]
    NotTrained {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A model or an adapter cannot be read or written.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// The encoder that an adapter was trained on is not where the adapter says.
    #[error("{} was trained on the encoder {named:?}, and there is none in that folder", path.display())]
    NoBase {
        /// The adapter.
        path: PathBuf,
        /// What it calls the encoder.
        named: String,
    },
    /// A folder with a model that is no cross-encoder.
    #[error("{} is no cross-encoder with one or two outputs", path.display())]
    NotAReranker {
        /// The folder.
        path: PathBuf,
    },
    /// The name that a tuned encoder is to be stored under belongs to another.
    #[error("another model is stored as {name:?}, in {}", path.display())]
    NameTaken {
        /// The name.
        name: String,
        /// The other's file.
        path: PathBuf,
    },
    /// The folder is not what `prepare` writes.
    #[error("{} is no folder of prepared pairs: {reason}", path.display())]
    NotPrepared {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
}

impl TuneError {
    /// The stable kebab-case name of the kind of error.
    pub fn code(&self) -> &str {
        match self {
            Self::Dataset(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Llm(error) => error.code(),
            Self::Io { what: "read", .. } => "tune-unreadable",
            Self::Io { .. } => "write-failed",
            Self::Line { .. } => "tune-line",
            Self::Extension { .. } => "tune-extension",
            Self::NothingLinked { .. } => "tune-nothing-linked",
            Self::NotPrepared { .. } => "tune-not-prepared",
            Self::NoTable => "no-table",
            Self::NotTuned { .. } => "not-tuned",
            Self::OtherTable { .. } => "other-table",
            Self::Index(error) => error.code(),
            Self::NoTrainer => "no-trainer",
            Self::Trainer { code, .. } => code,
            Self::TrainerEnded { .. } => "trainer-ended",
            Self::NoConversations { .. } => "no-conversations",
            Self::OtherTraining { .. } => "train-checkpoint",
            Self::NoPython { .. } => "no-python",
            Self::NoPackages { .. } => "no-python-packages",
            Self::Script { .. } => "trainer-failed",
            Self::NotTrained { .. } => "not-trained",
            Self::Models(error) => error.code(),
            Self::NoBase { .. } => "no-base",
            Self::NotAReranker { .. } => "not-a-reranker",
            Self::NameTaken { .. } => "name-taken",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        match self {
            Self::Dataset(_) => "the collection must be in BEIR layout",
            Self::Engine(error) => error.hint(),
            Self::Llm(error) => error.hint(),
            Self::Io { what: "read", .. } => "check the name of the file",
            Self::Io { .. } => "name a folder that can be written",
            Self::Line { .. } => "mend the line, or leave it out",
            Self::Extension { .. } => "give the file one of these endings, and that form",
            Self::NothingLinked { .. } => {
                "the sources must name documents by the ids or addresses of this index: \
                 littoral search INDEX QUERY --json shows them"
            }
            Self::NoTable => "build the index with --embedder table",
            Self::NotTuned { .. } => "make it with littoral tune train DIR --index INDEX -o TUNED",
            Self::OtherTable { .. } => {
                "train again on the index as it is now: littoral tune train DIR --index INDEX -o TUNED"
            }
            Self::NoTrainer => "build it, once: cargo build --release -p littoral-train",
            Self::Trainer { hint, .. } | Self::NoPackages { hint, .. } => hint,
            Self::TrainerEnded { .. } => {
                "run the command again: it goes on from the last checkpoint; with too little memory, \
                 lower --batch, --tokens or --kept-tokens"
            }
            Self::NoConversations { .. } => {
                "make them with littoral tune prepare INDEX -o DIR --format chat --pairs FILE"
            }
            Self::OtherTraining { .. } => {
                "name another folder with --output, or begin anew there with --fresh"
            }
            Self::NoPython { .. } => {
                "name another with --python, or write the script alone with --no-run"
            }
            Self::Script { .. } => {
                "run the command again, and it goes on from the last checkpoint; with too little memory, lower \
                 --at-once or --tokens, or add --qlora"
            }
            Self::NotTrained { .. } => "train again, or remove the file",
            Self::Models(error) => error.hint(),
            Self::NoBase { .. } => {
                "name it with --model FOLDER; littoral model pull minilm --keep FOLDER gets one"
            }
            Self::NotAReranker { .. } => {
                "make one with littoral tune train DIR --target reranker --model FOLDER -o OUT"
            }
            Self::NameTaken { .. } => "name another with --name, or remove the file",
            Self::Index(_) => "train again with a lower rate",
            Self::NotPrepared { .. } => "make it with littoral tune prepare INDEX -o DIR",
        }
    }

    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}
