//! The seam: the engine asks a JavaScript object for bytes.

use js_sys::{Float32Array, Uint8Array};
use littoral_guest::{Host, HostError};
use littoral_indexes::envelope::BlockId;
use littoral_indexes::manifest::ENTRY_NAME;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// An object with `entry(): Promise<Uint8Array>`,
    /// `read(paths: string[]): Promise<Uint8Array[]>`, the answers in the order of the paths, and
    /// `embed(model: Uint8Array, text: string): Promise<Float32Array | undefined>`.
    pub type JsHost;

    #[wasm_bindgen(method, catch)]
    async fn entry(this: &JsHost) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn read(this: &JsHost, paths: Vec<String>) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn embed(this: &JsHost, model: Vec<u8>, text: &str) -> Result<JsValue, JsValue>;

    /// What a host rejects with: an `Error`, where a file is missing with the code `not-found`,
    /// best with the file's `path`.
    type Rejection;

    #[wasm_bindgen(method, getter)]
    fn code(this: &Rejection) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    fn path(this: &Rejection) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    fn message(this: &Rejection) -> Option<String>;
}

impl Host for JsHost {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        let answer = self.entry().await.map_err(|e| rejected(e, ENTRY_NAME))?;
        bytes(&answer, ENTRY_NAME)
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        let paths: Vec<String> = blocks.iter().map(|block| block.path()).collect();
        let first = paths.first().cloned().unwrap_or_default();
        let answer = self
            .read(paths)
            .await
            .map_err(|error| rejected(error, &first))?;
        let files = js_sys::Array::from(&answer);
        blocks
            .iter()
            .zip(0..)
            .map(|(block, i)| bytes(&files.get(i), &block.path()))
            .collect()
    }

    async fn embed(&self, model: [u8; 8], text: &str) -> Option<Vec<f32>> {
        let answer = self.embed(model.to_vec(), text).await.ok()?;
        Some(answer.dyn_ref::<Float32Array>()?.to_vec())
    }
}

fn rejected(error: JsValue, path: &str) -> HostError {
    if !error.is_object() {
        return unreadable(path, error.as_string());
    }
    let rejection: Rejection = error.unchecked_into();
    let path = rejection.path().unwrap_or_else(|| path.to_owned());
    match rejection.code().as_deref() {
        Some("not-found") => HostError::NotFound { path },
        _ => unreadable(&path, rejection.message()),
    }
}

fn unreadable(path: &str, reason: Option<String>) -> HostError {
    HostError::Unreadable {
        path: path.to_owned(),
        reason: reason.unwrap_or_default(),
    }
}

fn bytes(answer: &JsValue, path: &str) -> Result<Arc<[u8]>, HostError> {
    match answer.dyn_ref::<Uint8Array>() {
        Some(array) => Ok(array.to_vec().into()),
        None => Err(unreadable(path, Some("the host gave no bytes".into()))),
    }
}
