//! The engine over one index: opens it, and answers queries by reading the few blocks they need.
//!
//! A cold query takes three rounds: the entry; then the lexicon blocks of all its words together
//! with what filters and sorting need; then the passages of its hits. A misspelt word adds a round
//! for candidates and one for their postings; a very long posting list may add one for its tail, and
//! vectors add one for their cells.
//!
//! ```text
//! text ─plan→ terms ─read→ posting lists ─rank→ documents ─read→ passages ─excerpt→ hits
//! ```

mod answer;
mod blocks;
mod cache;
mod check;
mod decimal;
mod decode;
mod dense;
mod diverse;
mod excerpt;
mod expansions;
mod explain;
mod export;
mod filter;
mod fuse;
mod learn;
mod legs;
mod lexical;
mod lookup;
mod phrase;
mod plan;
mod present;
mod probe;
mod rank;
mod ranking;
mod rare;
mod read;
mod rerank;
mod restrict;
mod result;
mod search;
mod segment;
mod similar;
mod spell;
mod tuned;
mod verify;

pub use answer::PASSAGES;
pub use blocks::{Fetched, Index};
pub use check::{Check, Problem};
pub use export::StoredDocument;
pub use fuse::Fusion;
pub use ranking::{RankedDocument, Ranking};
pub use read::{MAX_CHUNKS_READ, ReadDocument};
pub use result::{
    ChunkHit, DocumentHit, Explanation, Facet, Hit, Mode, Note, Ranks, Rerank, Scores,
    SearchOptions, SearchResult, SortOrder, Timings, Work,
};

use crate::host::HostError;
use littoral_indexes::IndexError;

/// Most hits of a search.
pub const MAX_HITS: usize = 1000;

/// Why a query was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The index is damaged or of another version.
    #[error("{path}: {error}")]
    Index {
        /// The file, within the index folder.
        path: String,
        /// What is wrong with it.
        error: IndexError,
    },
    /// The host could not give a file.
    #[error(transparent)]
    Host(HostError),
    /// A file that the manifest names is gone: the index was replaced while it was open.
    #[error("the index was replaced while it was open: {path} is gone; open it again")]
    Stale {
        /// The missing file.
        path: String,
    },
    /// The query asks for something the index does not have.
    #[error("the index has no {what} \"{name}\"; it has: {known}")]
    Unknown {
        /// `filter` or `sort key`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// This build of the engine cannot analyse a language of the index as it was analysed.
    #[error("this build of the engine lacks the language \"{language}\" of the index")]
    MissingLanguage {
        /// Its BCP 47 primary subtag.
        language: String,
    },
    /// The index cannot do what was asked.
    #[error("{what}")]
    Unsupported {
        /// What, and what to do instead.
        what: String,
    },
}

impl EngineError {
    /// The stable kebab-case code of the error, the same in every language binding.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Index { error, .. } => error.code(),
            Self::Host(HostError::NotFound { .. }) => "not-found",
            Self::Host(_) => "unreadable",
            Self::Stale { .. } => "stale-index",
            Self::Unknown { .. } => "unknown-field",
            Self::MissingLanguage { .. } => "missing-language",
            Self::Unsupported { .. } => "unsupported",
        }
    }

    /// What to do about it; empty where the error says all.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Index { .. } => {
                "littoral check lists all damage; build the index anew from its documents"
            }
            Self::Host(_) => "check that the folder is whole and can be read",
            Self::Stale { .. } => "open the index again, or run the command again",
            _ => "",
        }
    }
}
