//! Embeds texts: encodes what is new on all threads, and remembers every vector by the hash of its
//! text, so that what did not change costs nothing the next time.

mod cache;
mod sample;

pub use cache::{CacheError, VectorCache};
pub use sample::Sample;

use crate::pipeline::Pool;
use littoral_guest::Encoder;
use littoral_guest::build::Workers;
use std::sync::{Arc, Mutex, PoisonError};

/// Texts encoded as one job.
const JOB_TEXTS: usize = 16;

/// Why an encoder gave no vector.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EncodeError(pub String);

/// Why texts have no vectors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// Vectors could not be remembered.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The encoder failed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Turns texts into unit vectors.
pub trait TextEncoder: Send + Sync {
    /// Identifies the model: other bytes of it, another id.
    fn id(&self) -> [u8; 8];
    /// Dimensions of a vector.
    fn dims(&self) -> usize;
    /// Tokens of `text`, cut at the model's length.
    fn n_tokens(&self, text: &str) -> usize;
    /// Unit vectors of documents' `texts`, `[n, dims]`. What a text gives does not depend on the
    /// others.
    ///
    /// # Errors
    /// [`EncodeError`] when the model fails on a text.
    fn encode(&self, texts: &[&str]) -> Result<Vec<f32>, EncodeError>;
    /// The unit vector of a query, `[dims]`: some models want it told apart from a document.
    ///
    /// # Errors
    /// As [`TextEncoder::encode`].
    fn encode_query(&self, query: &str) -> Result<Vec<f32>, EncodeError> {
        self.encode(&[query])
    }
}

impl TextEncoder for Encoder {
    fn id(&self) -> [u8; 8] {
        Self::id(self)
    }

    fn dims(&self) -> usize {
        Self::dims(self)
    }

    fn n_tokens(&self, text: &str) -> usize {
        self.tokenizer().encode(text, self.max_tokens()).len()
    }

    fn encode(&self, texts: &[&str]) -> Result<Vec<f32>, EncodeError> {
        Ok(self.embed_documents(texts))
    }

    fn encode_query(&self, query: &str) -> Result<Vec<f32>, EncodeError> {
        Ok(self.embed_query(query))
    }
}

/// An encoder with the memory of what it encoded.
#[derive(Clone)]
pub struct Embedder {
    encoder: Arc<dyn TextEncoder>,
    cache: Option<Arc<Mutex<VectorCache>>>,
}

impl Embedder {
    /// Embeds with `encoder`; remembers in `cache` where there is one.
    pub fn new(encoder: Arc<dyn TextEncoder>, cache: Option<VectorCache>) -> Self {
        let cache = cache.map(|cache| Arc::new(Mutex::new(cache)));
        Self { encoder, cache }
    }

    /// Identifies the model.
    pub fn id(&self) -> [u8; 8] {
        self.encoder.id()
    }

    /// Dimensions of a vector.
    pub fn dims(&self) -> usize {
        self.encoder.dims()
    }

    /// Vectors of `texts`, `[n, dims]`, on this thread. They are rounded to what the cache holds,
    /// so that a remembered vector is the one that was computed.
    ///
    /// # Errors
    /// [`EmbedError`] when the encoder fails or the cache cannot be written.
    pub fn embed(&self, texts: &[String]) -> Result<Vec<f32>, EmbedError> {
        let dims = self.dims();
        let keys: Vec<_> = texts.iter().map(|text| cache::key(text)).collect();
        let mut vectors = vec![None; texts.len()];
        if let Some(cache) = &self.cache {
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            for (vector, key) in vectors.iter_mut().zip(&keys) {
                *vector = cache.get(key)?;
            }
        }
        let missing: Vec<usize> = (0..texts.len()).filter(|&i| vectors[i].is_none()).collect();
        let asked: Vec<&str> = missing.iter().map(|&i| texts[i].as_str()).collect();
        let encoded = self.encoder.encode(&asked)?;
        let mut fresh = Vec::with_capacity(missing.len());
        for (&i, vector) in missing.iter().zip(encoded.chunks_exact(dims.max(1))) {
            let rounded = cache::Rounded::of(vector);
            vectors[i] = Some(rounded.vector());
            fresh.push((keys[i], rounded));
        }
        if let Some(cache) = &self.cache {
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache.put(fresh)?;
        }
        Ok(vectors.into_iter().flatten().flatten().collect())
    }

    /// Vectors of `texts`, `[n, dims]`, on all threads of `pool`.
    ///
    /// # Errors
    /// [`EmbedError`] when the encoder fails or the cache cannot be written.
    pub fn embed_all(&self, texts: &[String], pool: &Pool) -> Result<Vec<f32>, EmbedError> {
        // Texts of one length together: jobs end at about the same time.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(texts[i].len()), i));
        let jobs: Vec<Vec<usize>> = order.chunks(JOB_TEXTS).map(<[usize]>::to_vec).collect();
        let dims = self.dims();
        let embedded = pool.map(jobs, |job| {
            let own: Vec<String> = job.iter().map(|&i| texts[i].clone()).collect();
            self.embed(&own).map(|vectors| (job, vectors))
        });
        let mut all = vec![0f32; texts.len() * dims];
        for job in embedded {
            let (job, vectors) = job?;
            for (i, vector) in job.into_iter().zip(vectors.chunks_exact(dims)) {
                all[i * dims..(i + 1) * dims].copy_from_slice(vector);
            }
        }
        Ok(all)
    }
}

impl std::fmt::Debug for Embedder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedder")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
