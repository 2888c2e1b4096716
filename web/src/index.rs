//! An open index.

use crate::error;
use crate::host::JsHost;
use crate::json;
use littoral_guest::SearchOptions;
use littoral_guest::engine::{self, Mode, SortOrder};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// What a search asks for; what is left out has the engine's default.
    pub type Options;

    #[wasm_bindgen(method, getter)]
    fn k(this: &Options) -> Option<u32>;

    #[wasm_bindgen(method, getter)]
    fn mode(this: &Options) -> Option<String>;

    /// Keys and values by turns.
    #[wasm_bindgen(method, getter)]
    fn filters(this: &Options) -> Option<Vec<String>>;

    /// A sort key.
    #[wasm_bindgen(method, getter)]
    fn sort(this: &Options) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    fn descending(this: &Options) -> Option<bool>;

    #[wasm_bindgen(method, getter)]
    fn facets(this: &Options) -> Option<Vec<String>>;

    #[wasm_bindgen(method, getter)]
    fn chunks(this: &Options) -> Option<bool>;

    #[wasm_bindgen(method, getter)]
    fn diversity(this: &Options) -> Option<f64>;

    #[wasm_bindgen(method, getter, js_name = asYouType)]
    fn as_you_type(this: &Options) -> Option<bool>;

    #[wasm_bindgen(method, getter)]
    fn correct(this: &Options) -> Option<bool>;

    #[wasm_bindgen(method, getter)]
    fn explain(this: &Options) -> Option<bool>;

    #[wasm_bindgen(method, getter, js_name = excerptChars)]
    fn excerpt_chars(this: &Options) -> Option<u32>;
}

/// An open index.
#[wasm_bindgen]
pub struct Index(engine::Index<JsHost>);

#[cfg(feature = "answers")]
impl Index {
    pub(crate) fn engine(&self) -> &engine::Index<JsHost> {
        &self.0
    }
}

/// Opens the index that `host` holds.
///
/// # Errors
/// An `Error` with the engine's code.
#[wasm_bindgen]
pub async fn open(host: JsHost) -> Result<Index, JsValue> {
    match engine::Index::open(host).await {
        Ok(index) => Ok(Index(index)),
        Err(error) => Err(error::engine(&error)),
    }
}

#[wasm_bindgen]
impl Index {
    /// The result of `query` as JSON text, in the shape of `littoral search --json`.
    ///
    /// # Errors
    /// An `Error` with the engine's code, or `bad-option`.
    pub async fn search(&self, query: String, options: Options) -> Result<String, JsValue> {
        let options = read(&options)?;
        let result = self.0.search(&query, &options).await;
        let result = result.map_err(|error| error::engine(&error))?;
        json::write(&result).map_err(|e| error::error("internal", &e.to_string()))
    }
}

#[wasm_bindgen]
impl Index {
    /// Whether its vectors are searched only with the encoder that made them: it has no query table.
    #[wasm_bindgen(getter, js_name = needsEncoder)]
    pub fn needs_encoder(&self) -> bool {
        self.0.needs_encoder()
    }

    /// The values of every filter key with their numbers of documents, as JSON text.
    ///
    /// # Errors
    /// An `Error` with the engine's code.
    pub async fn filters(&self) -> Result<String, JsValue> {
        let filters = self.0.filters().await;
        let filters = filters.map_err(|error| error::engine(&error))?;
        json::write(&filters).map_err(|e| error::error("internal", &e.to_string()))
    }
}

pub(crate) fn read(options: &Options) -> Result<SearchOptions, JsValue> {
    let default = SearchOptions::default();
    let mode = match options.mode().as_deref() {
        None => default.mode,
        Some("hybrid") => Mode::Hybrid,
        Some("lexical") => Mode::Lexical,
        Some("dense") => Mode::Dense,
        Some(other) => {
            let message = format!("\"{other}\" is no mode; there are hybrid, lexical and dense");
            return Err(error::error("bad-option", &message));
        }
    };
    let filters = options.filters().unwrap_or_default();
    let (pairs, _) = filters.as_chunks();
    Ok(SearchOptions {
        fusion: None,
        rerank: None,
        k: options.k().map_or(default.k, |k| k as usize),
        mode,
        filters: pairs
            .iter()
            .map(|[key, value]| (key.clone(), value.clone()))
            .collect(),
        sort: options.sort().map(|key| SortOrder {
            key,
            descending: options.descending().unwrap_or_default(),
        }),
        facets: options.facets().unwrap_or_default(),
        chunks: options.chunks().unwrap_or(default.chunks),
        diversity: options.diversity().unwrap_or(default.diversity),
        as_you_type: options.as_you_type().unwrap_or(default.as_you_type),
        correct: options.correct().unwrap_or(default.correct),
        explain: options.explain().unwrap_or(default.explain),
        excerpt_chars: options
            .excerpt_chars()
            .map_or(default.excerpt_chars, |n| n as usize),
    })
}
