//! The host over an index folder.

use crate::embed::TextEncoder;
use crate::rerank::CrossEncoder;
use crate::store::read_limited;
use littoral_guest::{Host, HostError};
use littoral_indexes::envelope::BlockId;
use littoral_indexes::manifest::{ENTRY_NAME, MAX_ENTRY_BYTES};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest file of an index in bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Reads blocks from the files of a folder.
#[derive(Clone)]
pub struct FolderHost {
    path: PathBuf,
    encoder: Option<Arc<dyn TextEncoder>>,
    reranker: Option<Arc<CrossEncoder>>,
}

impl FolderHost {
    /// The host over the index in `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
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
        &self.path
    }

    fn file(&self, name: &str, limit: u64) -> Result<Arc<[u8]>, HostError> {
        let path = self.path.join(name);
        // Read, not mapped: a file cut while it is mapped would end the process.
        match read_limited(&path, limit) {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(HostError::NotFound {
                path: name.to_owned(),
            }),
            Err(error) => Err(HostError::Unreadable {
                path: name.to_owned(),
                reason: error.to_string(),
            }),
        }
    }
}

impl Host for FolderHost {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        self.file(ENTRY_NAME, MAX_ENTRY_BYTES as u64)
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        blocks
            .iter()
            .map(|block| self.file(&block.path(), MAX_FILE_BYTES))
            .collect()
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
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
