//! The host over an index folder.

use crate::embed::TextEncoder;
use crate::rerank::CrossEncoder;
use littoral_api::files::Files;
use littoral_guest::{Host, HostError};
use littoral_indexes::envelope::BlockId;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads blocks from the files of a folder, and asks the models that it was given.
#[derive(Clone)]
pub struct FolderHost {
    files: Files,
    encoder: Option<Arc<dyn TextEncoder>>,
    reranker: Option<Arc<CrossEncoder>>,
}

impl FolderHost {
    /// The host over the index in `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            files: Files::new(path),
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

    /// The folder.
    pub fn path(&self) -> &Path {
        self.files.path()
    }
}

impl Host for FolderHost {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        self.files.entry().await
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        self.files.read(blocks).await
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

impl fmt::Debug for FolderHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderHost")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
