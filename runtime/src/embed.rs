//! Embeds texts: encodes what is new on all threads, and remembers every vector by the hash of its
//! text, so that what did not change costs nothing the next time. Tables that were fitted to vectors
//! are remembered beside them.

mod cache;
mod gpu;
mod memory;
mod sample;
mod tables;

pub use cache::{CacheError, Processor, VectorCache};
pub use gpu::GpuTexts;
pub(crate) use gpu::mark_in;
pub use sample::Sample;

use crate::pipeline::Pool;
use littoral_guest::Encoder;
use littoral_guest::build::Workers;
use memory::Memory;
use std::sync::Arc;
use tables::TableCache;

/// Texts encoded as one job.
const JOB_TEXTS: usize = 16;

/// Texts of a job where a GPU takes them: enough of them together fill it.
const GPU_JOB_TEXTS: usize = 256;

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
    /// Words that the model knows whole, in lower case: a query table has rows for those near to the
    /// documents' words. None where each would take long to encode.
    fn words(&self) -> Vec<String> {
        Vec::new()
    }
    /// The model, where it is of the family that GPUs have kernels for.
    fn family(self: Arc<Self>) -> Option<Arc<Encoder>> {
        None
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

    fn words(&self) -> Vec<String> {
        let whole =
            |token: &str| token.chars().count() > 1 && token.chars().all(char::is_alphabetic);
        let tokens = self.tokenizer().vocabulary().iter();
        let words = tokens.filter(|(token, _)| whole(token));
        words.map(|(word, _)| word.to_lowercase()).collect()
    }

    fn family(self: Arc<Self>) -> Option<Arc<Encoder>> {
        Some(self)
    }
}

/// An encoder with the memory of what it encoded.
#[derive(Clone)]
pub struct Embedder {
    encoder: Arc<dyn TextEncoder>,
    memory: Memory,
    gpu: Option<(Arc<GpuTexts>, Memory)>,
}

impl Embedder {
    /// Embeds with `encoder`; remembers in `cache` where there is one.
    pub fn new(encoder: Arc<dyn TextEncoder>, cache: Option<VectorCache>) -> Self {
        Self {
            encoder,
            memory: Memory::new(cache),
            gpu: None,
        }
    }

    /// The same by `gpu`, to which the encoder was brought, while it lasts; what it computes is
    /// remembered in `cache`. What the CPU computed and is remembered is taken first.
    #[must_use]
    pub fn with_gpu(mut self, gpu: Arc<GpuTexts>, cache: Option<VectorCache>) -> Self {
        self.gpu = Some((gpu, Memory::new(cache)));
        self
    }

    /// The encoder.
    pub fn encoder(&self) -> &Arc<dyn TextEncoder> {
        &self.encoder
    }

    /// What `created_by` of an index says of who computed its vectors, beside the program.
    pub(crate) fn mark(&self) -> Option<String> {
        self.gpu.as_ref().map(|(gpu, _)| gpu.mark())
    }

    /// Where tables fitted to these vectors are remembered, if vectors are.
    pub(crate) fn tables(&self) -> Option<TableCache> {
        let memory = self.gpu.as_ref().map_or(&self.memory, |(_, memory)| memory);
        memory.tables()
    }

    /// How many may ask at a time where there are `n_threads`: those that wait for a GPU need no
    /// processor.
    pub(crate) fn n_askers(&self, n_threads: usize) -> usize {
        match self.gpu {
            Some(_) => gpu::askers(n_threads),
            None => n_threads,
        }
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
        self.memory.fill(&keys, &mut vectors)?;
        if let Some((_, memory)) = &self.gpu {
            memory.fill(&keys, &mut vectors)?;
        }
        let missing: Vec<usize> = (0..texts.len()).filter(|&i| vectors[i].is_none()).collect();
        let asked: Vec<&str> = missing.iter().map(|&i| texts[i].as_str()).collect();
        let (encoded, memory) = match &self.gpu {
            Some((gpu, of_gpu)) => match gpu.encode(&asked) {
                (encoded, true) => (encoded, of_gpu),
                (encoded, false) => (encoded, &self.memory),
            },
            None => (self.encoder.encode(&asked)?, &self.memory),
        };
        let mut fresh = Vec::with_capacity(missing.len());
        for (&i, vector) in missing.iter().zip(encoded.chunks_exact(dims.max(1))) {
            let rounded = cache::Rounded::of(vector);
            vectors[i] = Some(rounded.vector());
            fresh.push((keys[i], rounded));
        }
        memory.put(fresh)?;
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
        let job_texts = if self.gpu.is_some() {
            GPU_JOB_TEXTS
        } else {
            JOB_TEXTS
        };
        let jobs: Vec<Vec<usize>> = order.chunks(job_texts).map(<[usize]>::to_vec).collect();
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
