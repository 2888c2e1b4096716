//! The host over an index, with the models that are here.

use crate::embed::TextEncoder;
use crate::rerank::CrossEncoder;
use crate::source::Source;
use littoral_guest::{Host, HostError};
use littoral_indexes::envelope::BlockId;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Reads blocks where the index is, and asks the models that it was given.
#[derive(Clone)]
pub struct IndexHost {
    source: Source,
    encoder: Option<Arc<dyn TextEncoder>>,
    reranker: Option<Arc<CrossEncoder>>,
}

impl IndexHost {
    /// The host over the index in the folder `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::over(Source::folder(path))
    }

    /// The host over the index in `source`.
    pub fn over(source: Source) -> Self {
        Self {
            source,
            encoder: None,
            reranker: None,
        }
    }

    /// The same host with an encoder for queries.
    #[must_use]
    pub fn with_encoder(mut self, encoder: Arc<dyn TextEncoder>) -> Self {
        self.encoder = Some(encoder);
        self
    }

    /// The same host with a cross-encoder.
    #[must_use]
    pub fn with_reranker(mut self, reranker: Arc<CrossEncoder>) -> Self {
        self.reranker = Some(reranker);
        self
    }
}

impl Host for IndexHost {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        self.source.entry().await
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        self.source.read(blocks).await
    }

    async fn embed(&self, model: [u8; 8], text: &str) -> Option<Vec<f32>> {
        let encoder = self.encoder.as_ref().filter(|e| e.id() == model)?;
        encoder.encode_query(text).ok()
    }

    async fn rerank(
        &self,
        model: [u8; 8],
        query: &str,
        texts: &[&str],
        wanted: usize,
    ) -> Option<Vec<f64>> {
        let reranker = self.reranker.as_ref();
        let reranker = reranker.filter(|r| r.encoder().id() == model)?;
        reranker.rerank(query, texts, wanted)
    }
}

impl fmt::Debug for IndexHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexHost")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
