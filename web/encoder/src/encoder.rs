//! A loaded model.

use js_sys::{Error, Reflect};
use wasm_bindgen::prelude::*;

/// A loaded model.
#[wasm_bindgen]
pub struct Encoder(littoral_guest::Encoder);

/// Loads a packed model.
///
/// # Errors
/// An `Error` with the code of what is wrong with it.
#[wasm_bindgen]
pub fn load(bytes: Vec<u8>) -> Result<Encoder, JsValue> {
    match littoral_guest::Encoder::load(&bytes) {
        Ok(encoder) => Ok(Encoder(encoder)),
        Err(error) => {
            let thrown = Error::new(&error.to_string()).into();
            // Setting a property of a fresh object does not fail.
            let _ = Reflect::set(&thrown, &"code".into(), &error.code().into());
            Err(thrown)
        }
    }
}

#[wasm_bindgen]
impl Encoder {
    /// Identifies the model: 8 bytes.
    #[wasm_bindgen(getter)]
    pub fn id(&self) -> Vec<u8> {
        self.0.id().to_vec()
    }

    /// The vector of a query, `[dims]`, with the prompt that the model wants before one.
    pub fn query(&self, text: &str) -> Vec<f32> {
        self.0.embed_query(text)
    }

    /// The vector of a text, `[dims]`, as it is.
    pub fn embed(&self, text: &str) -> Vec<f32> {
        self.0.embed(&[text])
    }

    /// Tokens of a text as it is encoded, begin and end included.
    pub fn tokens(&self, text: &str) -> usize {
        let tokens = self.0.tokenizer().encode(text, self.0.max_tokens());
        tokens.len()
    }

    /// The vector of a text given as tokens, begin and end included.
    pub fn encode(&self, tokens: Vec<u32>) -> Vec<f32> {
        self.0.encode(&[tokens])
    }
}
