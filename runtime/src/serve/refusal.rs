//! Errors as callers see them: a status, a code, and words without a path of this machine.

use crate::sandbox::SandboxError;
use hyper::StatusCode;
use std::borrow::Cow;
use std::time::Duration;

/// An answer that says why there is no other.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: Cow<'static, str>,
    pub(super) hint: &'static str,
    /// When to ask again.
    pub(super) retry_after: Option<Duration>,
    /// What whoever runs the server should know, and nobody else.
    pub(super) detail: Option<String>,
}

impl Refusal {
    pub(super) fn new(
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
    pub(super) fn bad(message: impl Into<Cow<'static, str>>) -> Self {
        let hint = "GET /openapi.json says what there is to ask";
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message, hint)
    }

    /// A request that may be repeated in a while.
    pub(super) fn later(
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
    pub(super) fn internal(detail: String) -> Self {
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

impl From<SandboxError> for Refusal {
    fn from(error: SandboxError) -> Self {
        let detail = Some(error.to_string());
        let hint = "the log of the server has more under this request's id";
        let of = |status, code, message: &'static str| Self {
            detail: detail.clone(),
            ..Self::new(status, code, message, hint)
        };
        match &error {
            SandboxError::Engine(failure) => {
                let asked = ABOUT_REQUESTS
                    .iter()
                    .find(|(code, ..)| *code == failure.code);
                if let Some(&(_, code, hint)) = asked {
                    let message = failure.message.clone();
                    return Self::new(StatusCode::BAD_REQUEST, code, message, hint);
                }
                let known = ABOUT_INDEXES
                    .iter()
                    .find(|(code, ..)| *code == failure.code);
                match known {
                    Some(&(code, status, message)) => of(status, code, message),
                    None => Self::internal(error.to_string()),
                }
            }
            SandboxError::OutOfMemory { .. } => of(
                StatusCode::INTERNAL_SERVER_ERROR,
                "out-of-memory",
                "the query needs more memory than it may have",
            ),
            SandboxError::OutOfTime { .. } => of(
                StatusCode::GATEWAY_TIMEOUT,
                "out-of-time",
                "the query needs more time than it may have",
            ),
            SandboxError::Trapped { .. } => of(
                StatusCode::INTERNAL_SERVER_ERROR,
                "trapped",
                "the engine was ended while it searched this index",
            ),
            SandboxError::BadReply { .. } => of(
                StatusCode::INTERNAL_SERVER_ERROR,
                "bad-reply",
                "the engine gave no proper answer for this index",
            ),
            SandboxError::Busy { .. } => Self::later(
                StatusCode::SERVICE_UNAVAILABLE,
                "sandbox-busy",
                "all sandboxes are in use",
                Duration::from_secs(1),
            ),
            SandboxError::Unavailable { .. } => Self::internal(error.to_string()),
        }
    }
}
