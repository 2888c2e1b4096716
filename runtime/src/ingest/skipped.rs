//! What ingest reports when an input yields no document.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// An input that yields no document, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Path of the file, with `:line` where it is one record of it.
    pub path: String,
    /// Stable kebab-case code.
    pub code: &'static str,
    /// What happened and what to do about it.
    pub message: String,
}

/// Every code a [`Skipped`] can carry.
pub(super) const CODES: &[&str] = &[
    "bad-csv",
    "bad-docx",
    "bad-expansions",
    "bad-id",
    "bad-json",
    "bad-path",
    "bad-pdf",
    "binary",
    "duplicate-id",
    "duplicate-page",
    "encrypted",
    "error-page",
    "listing-page",
    "missing-id",
    "missing-text",
    "no-body-attribute",
    "no-root",
    "no-text",
    "noindex",
    "not-regular-file",
    "not-utf8",
    "parser-crashed",
    "parser-timeout",
    "parser-unavailable",
    "redirect",
    "search-page",
    "too-complex",
    "too-large",
    "too-much-text",
    "unreadable",
    "unsupported-format",
];

impl Skipped {
    /// A skip of `path` with its code and message.
    pub(super) fn new(
        path: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        debug_assert!(CODES.contains(&code), "unlisted code {code}");
        Self {
            path: path.into(),
            code,
            message: message.into(),
        }
    }
}

/// A [`Skipped`] without its path, as a child process reports it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reason {
    pub(super) code: String,
    pub(super) message: String,
}

impl Reason {
    /// The skip of `path` for this reason; a code that is not ours reads as a crash.
    pub(super) fn at(self, path: &str) -> Skipped {
        let code = CODES.iter().find(|code| **code == self.code);
        Skipped::new(
            path,
            code.copied().unwrap_or("parser-crashed"),
            self.message,
        )
    }
}

/// Why the inputs could not be listed at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// An input that does not exist.
    #[error("no such file or folder: {0}; check the path, or quote a glob", path.display())]
    NoSuchInput {
        /// As given.
        path: PathBuf,
    },
    /// A pattern that cannot be read.
    #[error("cannot read the pattern `{pattern}`: {source}")]
    BadPattern {
        /// As given.
        pattern: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// A selector that cannot be read.
    #[error(
        "cannot read the selector `{selector}`; it may use tags, .class, #id, [attribute] and \
         descendants"
    )]
    BadSelector {
        /// As given.
        selector: String,
    },
}

impl IngestError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchInput { .. } => "no-such-input",
            Self::BadPattern { .. } => "bad-pattern",
            Self::BadSelector { .. } => "bad-selector",
        }
    }
}
