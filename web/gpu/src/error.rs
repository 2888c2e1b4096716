//! Errors with a code.

use js_sys::{Error, Reflect};
use wasm_bindgen::prelude::*;

/// An `Error` with a `code`.
pub(crate) fn error(code: &str, message: &str) -> JsValue {
    let thrown = Error::new(message).into();
    // Setting a property of a fresh object does not fail.
    let _ = Reflect::set(&thrown, &"code".into(), &code.into());
    thrown
}

/// The same of a device.
#[expect(clippy::needless_pass_by_value, reason = "what map_err gives")]
pub(crate) fn of_gpu(reason: littoral_gpu::GpuError) -> JsValue {
    error(reason.code(), &reason.to_string())
}
