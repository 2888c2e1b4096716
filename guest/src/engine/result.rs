//! What a search asks for and gives back, in the shape of the JSON contract.

use super::blocks::Fetched;
use super::fuse::Fusion;
use crate::map::Map;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Which retrievers answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Words and vectors together.
    #[default]
    Hybrid,
    /// Words alone.
    Lexical,
    /// Vectors alone.
    Dense,
}

/// How to order hits by a sort key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortOrder {
    /// The key.
    pub key: String,
    /// Highest first.
    pub descending: bool,
}

/// A stronger look at the best candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rerank {
    /// Identifies the cross-encoder to the host.
    pub model: [u8; 8],
    /// Candidates that it reads: few are quick, many find what the rankings put low. What lies
    /// behind them keeps its order.
    pub depth: usize,
}

impl Rerank {
    /// Candidates when nothing else is said.
    pub const DEPTH: usize = 50;
}

/// What a search asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchOptions {
    /// Hits wanted: 1 to [`super::MAX_HITS`].
    pub k: usize,
    /// Which retrievers answer.
    pub mode: Mode,
    /// How words and vectors are joined in [`Mode::Hybrid`]; `None` as the index has it.
    pub fusion: Option<Fusion>,
    /// `(key, value)`: values of one key are alternatives, keys are joined.
    pub filters: Vec<(String, String)>,
    /// Order by a sort key instead of the score.
    pub sort: Option<SortOrder>,
    /// Order the best candidates anew by a cross-encoder.
    pub rerank: Option<Rerank>,
    /// Filter keys to count values of, over everything found.
    pub facets: Vec<String>,
    /// Give every chunk a hit of its own, instead of each document its best chunk.
    pub chunks: bool,
    /// How far hits are to differ from those above them, 0 to 1: 0 orders by relevance alone. Vectors
    /// tell what is alike.
    pub diversity: f64,
    /// Take the last word for the beginning of one, as when results show while one types.
    pub as_you_type: bool,
    /// Look for words that are not in the index with one edit (two in long words).
    pub correct: bool,
    /// Explain each score.
    pub explain: bool,
    /// Length of an excerpt in characters: short shows little, long hides the next hit. 0 gives none, which
    /// is quicker.
    pub excerpt_chars: usize,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            k: 10,
            mode: Mode::Hybrid,
            fusion: None,
            filters: Vec::new(),
            sort: None,
            rerank: None,
            facets: Vec::new(),
            chunks: false,
            diversity: 0.0,
            as_you_type: false,
            correct: true,
            explain: false,
            excerpt_chars: 240,
        }
    }
}

/// The document of a hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentHit {
    /// Stable identity.
    pub id: String,
    /// Where it is.
    pub url: String,
    /// Its title; may be empty.
    pub title: String,
    /// Fields carried along.
    pub meta: Map<String, String>,
}

/// The chunk of a hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkHit {
    /// Its place within the document, from 0.
    pub id: u32,
    /// Headings above it, outermost first.
    pub heading: Vec<String>,
    /// Fragment of the nearest heading.
    pub anchor: Option<String>,
    /// First byte in the document's text.
    pub start: usize,
    /// One past the last byte in the document's text.
    pub end: usize,
    /// Its text.
    pub text: String,
}

/// Scores of a hit by retriever.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
pub struct Scores {
    /// By words.
    pub lexical: Option<f64>,
    /// By vectors.
    pub dense: Option<f64>,
    /// By a reranker.
    pub rerank: Option<f64>,
}

/// Ranks of a hit by retriever, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Ranks {
    /// By words.
    pub lexical: Option<u32>,
    /// By vectors.
    pub dense: Option<u32>,
}

/// A score taken apart: its value is the sum of its parts'.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// What this is.
    pub label: String,
    /// Its value.
    pub value: f64,
    /// What it is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Explanation>,
}

/// A hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// From 1.
    pub rank: u32,
    /// Higher is better; comparable within one result only.
    pub score: f64,
    /// Its document.
    pub document: DocumentHit,
    /// Its best chunk.
    pub chunk: ChunkHit,
    /// The part of the chunk that answers best: text escaped for HTML, the query's words in `mark`.
    pub excerpt: String,
    /// By retriever.
    pub scores: Scores,
    /// By retriever.
    pub ranks: Ranks,
    /// The score taken apart, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explain: Option<Explanation>,
}

/// How much was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Work {
    /// Postings added up.
    pub postings: u64,
    /// Vector distances computed.
    pub distances: u64,
}

/// Something the reader of a result should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Stable kebab-case code.
    pub code: Cow<'static, str>,
    /// In words.
    pub message: String,
    /// A query that may have been meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// A filter value and how many of the documents found carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facet {
    /// The value.
    pub value: String,
    /// Documents.
    pub count: u32,
}

/// Times in milliseconds; the host fills them in, since the engine has no clock.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// From question to answer.
    pub total: f64,
}

/// The answer to a search.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SearchResult {
    /// As asked.
    pub query: String,
    /// Which retrievers answered.
    pub mode: Mode,
    /// Best first.
    pub hits: Vec<Hit>,
    /// Documents that were found in all, as far as lists were read.
    pub n_found: u32,
    /// Counts by filter key, when asked for: over whole lists.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub facets: Map<String, Vec<Facet>>,
    /// What a cold query would have fetched.
    pub fetched: Fetched,
    /// How much was computed.
    pub work: Work,
    /// How long it took.
    pub timings_ms: Timings,
    /// What the reader should know.
    pub notes: Vec<Note>,
}
