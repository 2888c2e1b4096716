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

    /// The tokens of a document's text, begin and end included, with the prompt that the model wants
    /// before one.
    #[wasm_bindgen(js_name = documentTokens)]
    pub fn document_tokens(&self, text: &str) -> Vec<u32> {
        self.0.document_tokens(&[text]).concat()
    }

    /// Width of a vector.
    #[wasm_bindgen(getter)]
    pub fn dims(&self) -> usize {
        self.0.dims()
    }

    /// Width of the layers: of a cross-encoder that of a first token's vector.
    #[wasm_bindgen(getter)]
    pub fn hidden(&self) -> usize {
        self.0.config().hidden
    }

    /// Tokens that the model knows.
    #[wasm_bindgen(getter)]
    pub fn vocabulary(&self) -> usize {
        self.0.config().vocabulary
    }

    /// Tokens of a text that it reads, at most.
    #[wasm_bindgen(getter, js_name = maxTokens)]
    pub fn max_tokens(&self) -> usize {
        self.0.max_tokens()
    }

    /// Whether it is a cross-encoder.
    #[wasm_bindgen(getter, js_name = isReranker)]
    pub fn is_reranker(&self) -> bool {
        self.0.is_reranker()
    }

    /// A query and a text as the tokens that a cross-encoder reads, and before them how many are the
    /// query's.
    pub fn pair(&self, query: &str, text: &str) -> Vec<u32> {
        let pairs = self.0.pairs(query, &[text]);
        let pair = pairs.into_iter().next();
        let (tokens, first) = pair.unwrap_or_default();
        [&[first as u32], &tokens[..]].concat()
    }

    /// The log odds of such a pair; none where the model is no cross-encoder.
    #[wasm_bindgen(js_name = logOdds)]
    pub fn log_odds(&self, tokens: Vec<u32>, first: usize) -> Option<f64> {
        self.0.log_odds(&[(tokens, first)])?.first().copied()
    }

    /// The log odds of a pair of whose first token a GPU gives the vector.
    #[wasm_bindgen(js_name = logOddsOf)]
    pub fn log_odds_of(&self, vector: &[f32]) -> Option<f64> {
        self.0.log_odds_of(vector)
    }

    /// Log odds as a relevance from 0 to 1.
    pub fn relevance(&self, log_odds: f64) -> f64 {
        littoral_guest::encoder::rerank::relevance(log_odds)
    }
}
