//! Errors as JavaScript knows them: an `Error` with a stable kebab-case `code`.

use js_sys::{Error, Reflect};
use littoral_guest::EngineError;
use wasm_bindgen::JsValue;

/// An `Error` with a `code`.
pub(crate) fn error(code: &str, message: &str) -> JsValue {
    let error = Error::new(message).into();
    // Setting a property of a fresh object does not fail.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error
}

/// An engine's error.
pub(crate) fn engine(error: &EngineError) -> JsValue {
    self::error(error.code(), &error.to_string())
}
