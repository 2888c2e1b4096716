//! The engine's errors as the world has them.

use crate::bindings::exports::littoral::retrieval::index::{Damage, Error, ErrorCode};
use littoral_guest::{EngineError, HostError};
use littoral_indexes::IndexError;

/// `error` with the file and the place that it names.
pub(crate) fn of(error: &EngineError) -> Error {
    let (path, damage) = match error {
        EngineError::Index { path, error } => (Some(path), damage(error)),
        EngineError::Host(HostError::NotFound { path } | HostError::Unreadable { path, .. })
        | EngineError::Stale { path } => (Some(path), None),
        _ => (None, None),
    };
    Error {
        code: code(error.code()),
        message: error.to_string(),
        hint: error.hint().to_owned(),
        path: path.cloned(),
        damage,
    }
}

/// An option that is not of its kind.
pub(crate) fn bad_option(message: &str, hint: &str) -> Error {
    Error {
        code: ErrorCode::BadOption,
        message: message.to_owned(),
        hint: hint.to_owned(),
        path: None,
        damage: None,
    }
}

/// A future of the engine that is not done although the host has answered.
pub(crate) fn waits() -> Error {
    Error {
        code: ErrorCode::Internal,
        message: "the engine waits for something that never comes".to_owned(),
        hint: "please report this".to_owned(),
        path: None,
        damage: None,
    }
}

fn damage(error: &IndexError) -> Option<Damage> {
    match error {
        IndexError::Corrupt {
            section, offset, ..
        } => Some(Damage {
            section: section.name().to_owned(),
            offset: *offset as u32,
        }),
        _ => None,
    }
}

/// The case of the world for a code of the engine; `tests/tests/component.rs` has all that there are.
fn code(code: &str) -> ErrorCode {
    match code {
        "index-corrupt" => ErrorCode::IndexCorrupt,
        "index-mismatch" => ErrorCode::IndexMismatch,
        "index-version" => ErrorCode::IndexVersion,
        "index-too-large" => ErrorCode::IndexTooLarge,
        "not-found" => ErrorCode::NotFound,
        "unreadable" => ErrorCode::Unreadable,
        "stale-index" => ErrorCode::StaleIndex,
        "unknown-field" => ErrorCode::UnknownField,
        "missing-language" => ErrorCode::MissingLanguage,
        "unsupported" => ErrorCode::Unsupported,
        _ => ErrorCode::Internal,
    }
}
