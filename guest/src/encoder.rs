//! The encoder: a model of BERT's family as it runs everywhere, in whole numbers.
//!
//! ```text
//! text → tokens → layers → pooling → (dense) → vector of length 1
//! ```
//!
//! Weights have 8 bits and a scale per output, activations 8 or 12 bits and a step per token; products
//! are exact sums of 32 bits. What lies between, softmax, GELU, normalisation, is one portable
//! program. So a browser, a sandbox and a server give the same bytes, whatever instructions they
//! have.
//!
//! **Invariant:** a text's vector depends on the model's file and the text's tokens alone: not on the
//! kernel, not on the other texts of a call.

mod attention;
pub mod format;
mod forward;
mod kernel;
mod math;
pub mod matrix;
pub mod rerank;

#[cfg(test)]
mod tests;

use crate::model::ModelError;
use crate::wordpiece::WordPiece;
use format::{Activation, Pooling};
pub use format::{Config, Model};
use forward::{Forward, Text};
pub use kernel::Kernel;

/// Tokens that go through the layers together.
const BATCH_TOKENS: usize = 256;

/// A loaded model.
#[derive(Debug, Clone)]
pub struct Encoder {
    model: Model,
    id: [u8; 8],
    kernel: Kernel,
}

impl Encoder {
    /// Loads a packed model.
    ///
    /// # Errors
    /// [`ModelError`] for anything but a sound model.
    pub fn load(bytes: &[u8]) -> Result<Self, ModelError> {
        let (model, id) = Model::read(bytes)?;
        Ok(Self {
            model,
            id,
            kernel: Kernel::best(),
        })
    }

    /// The same model on another kernel, of those of [`Kernel::available`].
    #[must_use]
    pub fn with_kernel(mut self, kernel: Kernel) -> Self {
        if Kernel::available().contains(&kernel) {
            self.kernel = kernel;
        }
        self
    }

    /// The first bytes of the file's checksum: models with the same id give the same vectors.
    pub fn id(&self) -> [u8; 8] {
        self.id
    }

    /// Width of a vector.
    pub fn dims(&self) -> usize {
        self.model.config.dims()
    }

    /// Tokens after which a text is to be cut, begin and end included.
    pub fn max_tokens(&self) -> usize {
        self.model.config.max_tokens
    }

    /// Shape and habits.
    pub fn config(&self) -> &Config {
        &self.model.config
    }

    /// Text into tokens.
    pub fn tokenizer(&self) -> &WordPiece {
        &self.model.tokenizer
    }

    /// The model's parts.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The token table's row of `token`, `[hidden]`.
    pub fn token_vector(&self, token: u32) -> Vec<f32> {
        let n = self.model.config.hidden;
        let row = self.model.row_of(token);
        let scale = self.model.token_scales[row];
        let bytes = &self.model.token_rows[row * n..][..n];
        bytes.iter().map(|&byte| f32::from(byte) * scale).collect()
    }

    /// Vectors of texts given as tokens, begin and end included: `[n, dims]`. A text longer than the
    /// position table is cut; an empty one has a vector of zeros.
    pub fn encode(&self, texts: &[Vec<u32>]) -> Vec<f32> {
        let dims = self.dims();
        let mut out = vec![0.0; texts.len() * dims];
        let texts = texts.iter().map(|tokens| Text {
            tokens,
            n_first: usize::MAX,
        });
        self.each(texts, |i, vectors| {
            out[i * dims..][..dims].copy_from_slice(&self.pool(vectors));
        });
        out
    }

    /// Vectors of texts, cut to [`Encoder::max_tokens`]: `[n, dims]`.
    pub fn embed(&self, texts: &[&str]) -> Vec<f32> {
        self.encode(&self.tokens_after("", texts))
    }

    /// The vector of a query, with the prompt that the model wants before one: `[dims]`.
    pub fn embed_query(&self, query: &str) -> Vec<f32> {
        self.encode(&self.tokens_after(&self.model.config.query_prompt, &[query]))
    }

    /// Vectors of documents, with the prompt that the model wants before one: `[n, dims]`.
    pub fn embed_documents(&self, texts: &[&str]) -> Vec<f32> {
        self.encode(&self.document_tokens(texts))
    }

    /// Documents as tokens, begin and end included, as [`Encoder::embed_documents`] encodes them.
    pub fn document_tokens(&self, texts: &[&str]) -> Vec<Vec<u32>> {
        self.tokens_after(&self.model.config.document_prompt, texts)
    }

    fn tokens_after(&self, prompt: &str, texts: &[&str]) -> Vec<Vec<u32>> {
        let tokens = |text: &str| self.tokenizer().encode(text, self.max_tokens());
        let texts = texts.iter();
        if prompt.is_empty() {
            return texts.map(|text| tokens(text)).collect();
        }
        texts.map(|text| tokens(&[prompt, text].concat())).collect()
    }

    /// What a cross-encoder's classifier gives for pairs of texts, as
    /// [`WordPiece::encode_pair`] makes them: `[n, labels]`. `None` when the model has no classifier.
    pub fn score_pairs(&self, pairs: &[(Vec<u32>, usize)]) -> Option<Vec<f32>> {
        let n_labels = self.model.head.as_ref()?[1].n_out();
        let mut out = vec![0.0; pairs.len() * n_labels];
        let texts = pairs.iter().map(|(tokens, n_first)| Text {
            tokens,
            n_first: *n_first,
        });
        self.each(texts, |i, vectors| {
            let scores = self.classify(&vectors[..self.model.config.hidden]);
            out[i * n_labels..][..n_labels].copy_from_slice(&scores.unwrap_or_default());
        });
        Some(out)
    }

    /// What the classifier gives for the first token's vector, `[labels]`.
    fn classify(&self, first: &[f32]) -> Option<Vec<f32>> {
        let [pooler, classifier] = self.model.head.as_ref()?;
        let pooled = forward::apply(self.kernel, pooler, Activation::Tanh, first);
        let scores = forward::apply(self.kernel, classifier, Activation::Identity, &pooled);
        Some(scores)
    }

    /// Calls `take` with the position and the last layer's vectors of every text that has tokens.
    fn each<'a>(&self, texts: impl Iterator<Item = Text<'a>>, mut take: impl FnMut(usize, &[f32])) {
        let n_positions = self.model.config.positions;
        let mut forward = Forward::default();
        let mut batch: Vec<Text<'_>> = Vec::new();
        let mut batch_is: Vec<usize> = Vec::new();
        let mut n_tokens = 0;
        let mut flush = |batch: &mut Vec<Text<'_>>, is: &mut Vec<usize>| {
            forward.run(&self.model, self.kernel, batch);
            let mut rest = &forward.vectors[..];
            for (text, i) in batch.drain(..).zip(is.drain(..)) {
                let (vectors, after) = rest.split_at(text.tokens.len() * self.model.config.hidden);
                take(i, vectors);
                rest = after;
            }
        };
        for (i, mut text) in texts.enumerate() {
            text.tokens = &text.tokens[..text.tokens.len().min(n_positions)];
            if text.tokens.is_empty() {
                continue;
            }
            if n_tokens + text.tokens.len() > BATCH_TOKENS && !batch.is_empty() {
                flush(&mut batch, &mut batch_is);
                n_tokens = 0;
            }
            n_tokens += text.tokens.len();
            batch.push(text);
            batch_is.push(i);
        }
        if !batch.is_empty() {
            flush(&mut batch, &mut batch_is);
        }
    }

    /// A text's vector from the last layer's vectors of its tokens.
    fn pool(&self, vectors: &[f32]) -> Vec<f32> {
        let config = &self.model.config;
        let n = config.hidden;
        let mut pooled = vectors[..n].to_vec();
        if config.pooling == Pooling::Mean {
            for vector in vectors[n..].chunks_exact(n) {
                for (sum, &x) in pooled.iter_mut().zip(vector) {
                    *sum += x;
                }
            }
            let n_tokens = (vectors.len() / n) as f32;
            for x in &mut pooled {
                *x /= n_tokens;
            }
        }
        if let Some(dense) = &self.model.dense {
            pooled = forward::apply(self.kernel, dense, config.dense_activation, &pooled);
        }
        if config.normalize {
            math::unit(&mut pooled);
        }
        pooled
    }
}
