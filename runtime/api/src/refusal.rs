//! Errors as callers see them: a status, a code, and words without a path of this machine.

use http::StatusCode;
use littoral_guest::EngineError;
use std::borrow::Cow;
use std::time::Duration;

/// An answer that says why there is no other.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The status of the answer.
    pub status: StatusCode,
    /// Stable, kebab-case.
    pub code: &'static str,
    /// What is wrong.
    pub message: Cow<'static, str>,
    /// What to do about it.
    pub hint: &'static str,
    /// When to ask again.
    pub retry_after: Option<Duration>,
    /// What whoever runs the server should know, and nobody else.
    pub detail: Option<String>,
}

impl Refusal {
    /// An answer with a status.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
        hint: &'static str,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            hint,
            retry_after: None,
            detail: None,
        }
    }

    /// A request that cannot be understood.
    pub fn bad(message: impl Into<Cow<'static, str>>) -> Self {
        let hint = "GET /openapi.json says what there is to ask";
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message, hint)
    }

    /// A request that may be repeated in a while.
    pub fn later(
        status: StatusCode,
        code: &'static str,
        message: &'static str,
        after: Duration,
    ) -> Self {
        Self {
            retry_after: Some(after),
            ..Self::new(
                status,
                code,
                message,
                "ask again after the time in Retry-After",
            )
        }
    }

    /// What went wrong here and is nobody else's business.
    pub fn internal(detail: String) -> Self {
        Self {
            detail: Some(detail),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "the server could not answer",
                "the log of the server has more under this request's id",
            )
        }
    }
}

/// Codes whose messages speak of the request alone, and may be shown.
const ABOUT_REQUESTS: [(&str, &str, &str); 2] = [
    (
        "unknown-field",
        "unknown-field",
        "name a key that the index has",
    ),
    ("unsupported", "unsupported", ""),
];

/// Codes of what is wrong with an index: messages may name files.
const ABOUT_INDEXES: [(&str, StatusCode, &str); 8] = [
    (
        "index-corrupt",
        StatusCode::INTERNAL_SERVER_ERROR,
        "the index is damaged",
    ),
    (
        "index-version",
        StatusCode::INTERNAL_SERVER_ERROR,
        "the index is of another version",
    ),
    (
        "index-too-large",
        StatusCode::INTERNAL_SERVER_ERROR,
        "the index is damaged",
    ),
    (
        "index-mismatch",
        StatusCode::INTERNAL_SERVER_ERROR,
        "the index is damaged",
    ),
    (
        "stale-index",
        StatusCode::SERVICE_UNAVAILABLE,
        "the index is being replaced",
    ),
    (
        "not-found",
        StatusCode::SERVICE_UNAVAILABLE,
        "the index is not there",
    ),
    (
        "unreadable",
        StatusCode::INTERNAL_SERVER_ERROR,
        "the index cannot be read",
    ),
    (
        "missing-language",
        StatusCode::INTERNAL_SERVER_ERROR,
        "the index has a language that this server lacks",
    ),
];

impl Refusal {
    /// What an engine's error with `code` and `message` is to callers.
    pub fn engine(code: &str, message: &str) -> Self {
        if let Some(&(_, code, hint)) = ABOUT_REQUESTS.iter().find(|known| known.0 == code) {
            return Self::new(StatusCode::BAD_REQUEST, code, message.to_owned(), hint);
        }
        let detail = format!("{code}: {message}");
        match ABOUT_INDEXES.iter().find(|known| known.0 == code) {
            Some(&(code, status, message)) => Self {
                detail: Some(detail),
                ..Self::new(
                    status,
                    code,
                    message,
                    "the log of the server has more under this request's id",
                )
            },
            None => Self::internal(detail),
        }
    }
}

impl From<&EngineError> for Refusal {
    fn from(error: &EngineError) -> Self {
        Self::engine(error.code(), &error.to_string())
    }
}
