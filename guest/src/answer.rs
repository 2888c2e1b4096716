//! Answers out of the documents themselves: the sentences that answer a question, each with its
//! citation, or that nothing here answers it.
//!
//! ```text
//! question ─search→ passages ─units→ sentences ─features→ scores ─┬→ the best, with citations
//!                                                  evidence ──────┴→ or an abstention
//! ```
//!
//! Nothing is written anew, so nothing can be made up: an answer is quoted. What decides are words of
//! the question, rare ones more than frequent ones, in the sentence, about it and in its headings;
//! where its passage ranks; and whether it holds the kind of thing that is asked for. All of it is
//! arithmetic that gives the same bits on every host.
//!
//! Source: the features are those of Surdeanu, Ciaramita, Zaragoza, "Learning to rank answers to
//! non-factoid questions from web collections" (2011), section 4, cut to what needs no model. Their
//! weights and those of the evidence are logistic regressions on SQuAD's development set, one half
//! of its articles; `littoral eval --answers` gives the figures of the other half.

pub(crate) mod cite;
pub(crate) mod evidence;
pub(crate) mod features;
pub mod grounded;
pub mod prompt;
pub(crate) mod question;
pub(crate) mod units;

pub use cite::cited_url;
pub use evidence::{Evidence, THRESHOLD};
pub use units::sentences;

use crate::engine::{ChunkHit, DocumentHit, Note};
use serde::{Deserialize, Serialize};

/// Sentences of an answer when nothing else is said.
pub const SENTENCES: usize = 3;

/// Most sentences of an answer.
pub const MAX_SENTENCES: usize = 10;

/// What an answer is to be like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AnswerOptions {
    /// Sentences at most, 1 to [`MAX_SENTENCES`]: few are precise, many miss less.
    pub sentences: usize,
    /// Evidence below which there is no answer, 0 to 1: low answers much, high answers what is sure.
    /// `None` for the index's own, else [`THRESHOLD`].
    pub threshold: Option<f64>,
}

impl Default for AnswerOptions {
    fn default() -> Self {
        Self {
            sentences: SENTENCES,
            threshold: None,
        }
    }
}

/// A sentence of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerSentence {
    /// Its text, white space as single spaces.
    pub text: String,
    /// Ids of what it is taken from, or rests on.
    pub citations: Vec<String>,
    /// Whether what it cites says so. A quoted sentence is always supported.
    pub supported: bool,
}

/// Where a sentence of an answer stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// What sentences cite it by: 1, 2, …
    pub id: String,
    /// Its document.
    pub document: DocumentHit,
    /// Its passage.
    pub chunk: ChunkHit,
    /// The address of the quote: the document's, the nearest heading's anchor and a text fragment;
    /// empty where the document has none.
    pub url: String,
    /// The words of the document, as they stand there.
    pub quote: String,
    /// First byte of the quote in the document's text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// As asked.
    pub question: String,
    /// Its sentences, one after another; empty when it abstained.
    pub answer: String,
    /// Whether nothing found answers the question well enough.
    pub abstained: bool,
    /// Best first.
    pub sentences: Vec<AnswerSentence>,
    /// What the sentences cite.
    pub citations: Vec<Citation>,
    /// How well what was found answers the question.
    pub evidence: Evidence,
    /// What the reader should know.
    pub notes: Vec<Note>,
}
