//! A sandbox's errors as callers see them.

use crate::sandbox::SandboxError;
use hyper::StatusCode;
pub(super) use littoral_api::refusal::Refusal;
use std::time::Duration;

impl From<SandboxError> for Refusal {
    fn from(error: SandboxError) -> Self {
        let detail = Some(error.to_string());
        let hint = "the log of the server has more under this request's id";
        let of = |status, code, message: &'static str| Self {
            detail: detail.clone(),
            ..Self::new(status, code, message, hint)
        };
        match &error {
            SandboxError::Engine(failure) => Self::engine(&failure.code, &failure.message),
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
