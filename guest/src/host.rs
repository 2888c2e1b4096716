//! The one seam: what the engine asks of the place it runs in.

use littoral_indexes::envelope::BlockId;
use std::future::Future;
use std::sync::Arc;

/// Why a host could not give bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The file is not there. For a block that the manifest names, this means that the index was
    /// replaced while it was open.
    #[error("{path} is not there")]
    NotFound {
        /// Path within the index.
        path: String,
    },
    /// The file is there but could not be read.
    #[error("{path} could not be read: {reason}")]
    Unreadable {
        /// Path within the index.
        path: String,
        /// What the place reported.
        reason: String,
    },
}

/// What the engine asks of the place it runs in. Answers are bytes as stored; the engine verifies
/// them.
///
/// No `Send` bound: in a browser nothing is.
#[expect(
    async_fn_in_trait,
    reason = "callers are generic; browsers have no Send"
)]
pub trait Host {
    /// The bytes of the entry file.
    ///
    /// # Errors
    /// [`HostError`] when there are none.
    async fn entry(&self) -> Result<Arc<[u8]>, HostError>;

    /// The files of `blocks`, in their order: all of one round, asked for together.
    ///
    /// # Errors
    /// [`HostError`] for the first that cannot be had.
    fn read(&self, blocks: &[BlockId]) -> impl Future<Output = Result<Vec<Arc<[u8]>>, HostError>>;

    /// The vector of `text` by the encoder that `model` identifies, of unit length and in the
    /// encoder's own space. `None` when this host does not have the encoder.
    fn embed(&self, model: [u8; 8], text: &str) -> impl Future<Output = Option<Vec<f32>>> {
        let _ = (model, text);
        std::future::ready(None)
    }

    /// How relevant each of `texts` is to `query` by the cross-encoder that `model` identifies, from
    /// 0 to 1, as [`crate::Encoder::rerank`] gives it. `None` when this host does not have the model.
    ///
    /// The best `wanted` of them must have just that relevance; of the others it is enough that theirs
    /// is lower.
    fn rerank(
        &self,
        model: [u8; 8],
        query: &str,
        texts: &[&str],
        wanted: usize,
    ) -> impl Future<Output = Option<Vec<f64>>> {
        let _ = (model, query, texts, wanted);
        std::future::ready(None)
    }
}
