//! Messages between an engine that runs in a sandbox and the host that keeps it there: JSON, so that
//! what the sandbox says is read like any other text of a stranger.

use crate::answer::AnswerOptions;
use crate::engine::{EngineError, SearchOptions};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How an index is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Decoded bytes kept between queries.
    pub cache_bytes: usize,
}

/// What an index is, once it is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Identifies the state of the index: 16 hex digits.
    pub build: String,
    /// Documents that can be found.
    pub documents: u32,
    /// Chunks stored.
    pub chunks: u32,
    /// Name of the embedder; empty when there are no vectors.
    pub embedder: String,
    /// Identifies the encoder of the vectors.
    pub model: [u8; 8],
}

/// A search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search<'a> {
    /// What to look for.
    pub query: Cow<'a, str>,
    /// How.
    pub options: Cow<'a, SearchOptions>,
}

/// A question to answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask<'a> {
    /// The question.
    pub question: Cow<'a, str>,
    /// How its passages are found.
    pub options: Cow<'a, SearchOptions>,
    /// What the answer is to be like.
    pub asked: AnswerOptions,
}

/// Passages of a document to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read<'a> {
    /// The document's id.
    pub document: Cow<'a, str>,
    /// The first chunk.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// An error of the engine as it leaves the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Stable kebab-case code.
    pub code: Cow<'static, str>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Cow<'static, str>,
}

impl From<&EngineError> for Failure {
    fn from(error: &EngineError) -> Self {
        Self {
            code: error.code().into(),
            message: error.to_string(),
            hint: error.hint().into(),
        }
    }
}

/// What a call into the sandbox answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply<T> {
    /// What was asked for.
    Done(T),
    /// Why there is no answer.
    Failed(Failure),
}
