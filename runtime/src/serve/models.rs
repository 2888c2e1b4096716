//! Encoders and the reranker of a server, loaded once.

use crate::build::TABLE;
use crate::embed::TextEncoder;
use crate::models;
use crate::rerank::CrossEncoder;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The encoder that made the vectors of an index with a query table.
const TEACHER: &str = "minilm";

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Models {
    loaded: Mutex<BTreeMap<String, Option<Arc<dyn TextEncoder>>>>,
    reranker: Option<Arc<CrossEncoder>>,
}

impl Models {
    /// Models with `reranker` for those who ask for one.
    pub(crate) fn new(reranker: Option<Arc<CrossEncoder>>) -> Self {
        Self {
            loaded: Mutex::default(),
            reranker,
        }
    }

    /// The cross-encoder.
    pub(crate) fn reranker(&self) -> Option<&Arc<CrossEncoder>> {
        self.reranker.as_ref()
    }

    /// The encoder of queries for an index whose embedder is `name`; `None` where queries need none,
    /// or where it is not here, which a search then says.
    pub(crate) fn for_queries(&self, name: &str) -> Option<Arc<dyn TextEncoder>> {
        (!name.is_empty() && name != TABLE).then(|| self.load(name))?
    }

    /// The encoder of the texts of an index whose embedder is `name`.
    pub(crate) fn for_texts(&self, name: &str) -> Option<Arc<dyn TextEncoder>> {
        let name = if name == TABLE { TEACHER } else { name };
        (!name.is_empty()).then(|| self.load(name))?
    }

    fn load(&self, name: &str) -> Option<Arc<dyn TextEncoder>> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let load = || models::text_encoder(name).ok();
        loaded.entry(name.to_owned()).or_insert_with(load).clone()
    }
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Models").finish_non_exhaustive()
    }
}
