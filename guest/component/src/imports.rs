//! The seam: the engine asks the host of the world.

use crate::bindings::littoral::retrieval::host;
use littoral_guest::{Host, HostError};
use littoral_indexes::envelope::BlockId;
use std::sync::Arc;

/// The host of the world.
pub(crate) struct Imports;

impl Host for Imports {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        host::entry().map(Arc::from).map_err(error)
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        if blocks.is_empty() {
            return Ok(Vec::new());
        }
        let paths: Vec<String> = blocks.iter().map(|block| block.path()).collect();
        let files = host::read(&paths).map_err(error)?;
        Ok(files.into_iter().map(Arc::from).collect())
    }

    async fn embed(&self, model: [u8; 8], text: &str) -> Option<Vec<f32>> {
        host::embed(&model, text)
    }

    async fn rerank(
        &self,
        model: [u8; 8],
        query: &str,
        texts: &[&str],
        wanted: usize,
    ) -> Option<Vec<f64>> {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        host::rerank(&model, query, &texts, wanted as u32)
    }
}

fn error(error: host::HostError) -> HostError {
    match error {
        host::HostError::NotFound(path) => HostError::NotFound { path },
        host::HostError::Unreadable(host::Unreadable { path, reason }) => {
            HostError::Unreadable { path, reason }
        }
    }
}
