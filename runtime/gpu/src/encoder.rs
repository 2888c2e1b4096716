//! The encoder on the device: a model of BERT's family, from the same packed file as on the CPU.
//!
//! ```text
//! tokens → tables → norm ┬→ [ matrix → attention → matrix → norm → matrix → GELU → matrix → norm ]ⁿ
//!                        └──── pool → (dense) → length 1
//! ```
//!
//! Of a cross-encoder the vector of the first token is read back, and the CPU applies the classifier.
//!
//! Weights and activations are cut as on the CPU, their products are exact sums, and the floats in
//! between go through the same operations in the same order. They have to: where activations have 8
//! bits, one bit that is rounded another way moves one of them by a step, that moves others, and the
//! vector ends at a cosine of 0.992 to 0.998. Vectors are then those of the CPU in every bit on an
//! emulated device; on an NVIDIA H100 about half are, and the others differ in their last bits alone
//! (cosine 1.000000). Texts lie one after another without padding.

mod room;
mod shader;

#[cfg(test)]
pub(crate) mod tests;

use crate::{Gpu, GpuError};
use littoral_guest::encoder::format::{Activation, Model, Norm, Pooling};
use littoral_guest::encoder::matrix::Matrix;
use room::Room;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most tokens that go through the layers together: enough to fill a large device.
const MAX_TOKENS: usize = 32_768;

/// A matrix on the device.
#[derive(Debug)]
struct Weights {
    n_in: usize,
    n_out: usize,
    activation_max: u32,
    words: wgpu::Buffer,
    /// Scales, then biases.
    outputs: wgpu::Buffer,
}

/// A layer on the device.
#[derive(Debug)]
struct Layer {
    attention_in: Weights,
    attention_out: Weights,
    attention_norm: wgpu::Buffer,
    expansion: Weights,
    contraction: Weights,
    norm: wgpu::Buffer,
}

/// A model on the device.
#[derive(Debug)]
struct Loaded {
    token_rows: wgpu::Buffer,
    /// Positions, then types.
    tables: wgpu::Buffer,
    norm: wgpu::Buffer,
    layers: Vec<Layer>,
    dense: Option<Weights>,
}

/// Where a token's vector begins.
#[derive(Debug)]
struct Rows {
    scales: Vec<f32>,
    unknown: usize,
    n_positions: usize,
    n_types: usize,
}

/// A text as tokens, and how many of them are of type 0.
pub type Text<'a> = (&'a [u32], usize);

/// An encoder on a device.
#[derive(Debug)]
pub struct GpuEncoder {
    gpu: Arc<Gpu>,
    loaded: Loaded,
    rows: Rows,
    shape: Shape,
    /// Most tokens that go through the layers together; fewer once memory was short.
    max_tokens: AtomicUsize,
    room: Mutex<Option<Room>>,
}

/// A model's sizes and habits.
#[derive(Debug, Clone)]
struct Shape {
    hidden: usize,
    heads: usize,
    intermediate: usize,
    dims: usize,
    epsilon: f32,
    activation: Activation,
    dense_activation: Activation,
    pooling: Pooling,
    normalize: bool,
}

impl GpuEncoder {
    /// Brings `model` to the device.
    ///
    /// # Errors
    /// [`GpuError`] when it does not take it.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load(gpu: &Arc<Gpu>, model: &Model) -> Result<Self, GpuError> {
        gpu.wait_for(Self::load_async(gpu, model))
    }

    /// As [`GpuEncoder::load`], where nothing may wait.
    ///
    /// # Errors
    /// As there.
    pub async fn load_async(gpu: &Arc<Gpu>, model: &Model) -> Result<Self, GpuError> {
        let config = &model.config;
        let is_classifier = model.head.is_some();
        let shape = Shape {
            hidden: config.hidden,
            heads: config.heads,
            intermediate: config.intermediate,
            dims: if is_classifier {
                config.hidden
            } else {
                config.dims()
            },
            epsilon: config.epsilon,
            activation: config.activation,
            dense_activation: config.dense_activation,
            pooling: if is_classifier {
                Pooling::First
            } else {
                config.pooling
            },
            normalize: config.normalize && !is_classifier,
        };
        if config.head_width() > shader::MAX_HEAD {
            return Err(GpuError::TooLarge {
                what: "an attention head's width",
                size: config.head_width() as u64,
                limit: shader::MAX_HEAD as u64,
            });
        }
        let loaded = gpu.run(async || Loaded::new(gpu, model)).await?;
        let has_row = |token: usize| token < config.vocabulary;
        let unknown = model.tokenizer.task_tokens().unknown as usize;
        let widest = (3 * shape.hidden).max(shape.intermediate) as u64 * 4;
        let fitting = (gpu.max_binding() / widest) as usize / shader::TILE * shader::TILE;
        let longest = config.positions.next_multiple_of(shader::TILE);
        if fitting < longest {
            return Err(GpuError::TooLarge {
                what: "a text's activations",
                size: widest * longest as u64,
                limit: gpu.max_binding(),
            });
        }
        Ok(Self {
            gpu: Arc::clone(gpu),
            loaded,
            rows: Rows {
                scales: model.token_scales.clone(),
                unknown: if has_row(unknown) { unknown } else { 0 },
                n_positions: config.positions,
                n_types: config.types,
            },
            shape,
            max_tokens: fitting.min(MAX_TOKENS).into(),
            room: Mutex::default(),
        })
    }

    /// The device.
    pub fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }

    /// Width of a vector.
    pub fn dims(&self) -> usize {
        self.shape.dims
    }

    /// Vectors of texts given as tokens, begin and end included, `[n, dims]`, as
    /// [`littoral_guest::Encoder::encode`] gives them. Many together cost less.
    ///
    /// # Errors
    /// [`GpuError`], after which none is known.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn encode(&self, texts: &[Vec<u32>]) -> Result<Vec<f32>, GpuError> {
        let texts = texts.iter().map(|tokens| (&tokens[..], usize::MAX));
        self.encode_texts(&texts.collect::<Vec<_>>())
    }

    /// As [`GpuEncoder::encode`], of texts whose tokens are of two types; of a cross-encoder the vectors
    /// of the first tokens, `[n, hidden]`.
    ///
    /// # Errors
    /// As there.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn encode_texts(&self, texts: &[Text<'_>]) -> Result<Vec<f32>, GpuError> {
        self.gpu.wait_for(self.encode_texts_async(texts))
    }

    /// As [`GpuEncoder::encode_texts`], where nothing may wait.
    ///
    /// # Errors
    /// As there.
    pub async fn encode_texts_async(&self, texts: &[Text<'_>]) -> Result<Vec<f32>, GpuError> {
        let dims = self.shape.dims;
        let stride = dims.next_multiple_of(4);
        let mut all = vec![0.0; texts.len() * dims];
        // Whoever comes meanwhile makes a room of its own.
        let mut room = self.kept_room().take();
        let mut next = 0;
        while next < texts.len() {
            let (batch, who, end) = self.batch(texts, next);
            if who.is_empty() {
                next = end;
                continue;
            }
            let words = self.gpu.run(async || self.run(&mut room, &batch).await);
            let words = words.await;
            if words.is_err() {
                // What is left of it may not be sound.
                room = None;
            }
            if words == Err(GpuError::OutOfMemory) && self.shrink(batch.n_tokens()) {
                continue;
            }
            for (i, vector) in who.into_iter().zip(words?.chunks_exact(stride)) {
                for (to, &word) in all[i * dims..][..dims].iter_mut().zip(vector) {
                    *to = f32::from_bits(word);
                }
            }
            next = end;
        }
        *self.kept_room() = room;
        Ok(all)
    }

    fn kept_room(&self) -> MutexGuard<'_, Option<Room>> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As many of `texts` from place `start` on as go through the layers together: which of them have
    /// tokens, and where the rest begins.
    fn batch(&self, texts: &[Text<'_>], start: usize) -> (Batch, Vec<usize>, usize) {
        let max_tokens = self.max_tokens.load(Ordering::Relaxed);
        let (mut batch, mut who) = (Batch::default(), Vec::new());
        for (i, &(tokens, n_first)) in texts.iter().enumerate().skip(start) {
            let tokens = &tokens[..tokens.len().min(self.rows.n_positions)];
            if batch.n_tokens() + tokens.len() > max_tokens {
                return (batch, who, i);
            }
            if !tokens.is_empty() {
                batch.push(&self.rows, (tokens, n_first), self.shape.pooling);
                who.push(i);
            }
        }
        (batch, who, texts.len())
    }

    /// Takes fewer tokens together from now on, since there was no memory for `n_tokens`; false where
    /// that is not possible.
    fn shrink(&self, n_tokens: usize) -> bool {
        let fewer = n_tokens / 2;
        // A text as long as any goes through in one piece.
        if fewer < self.rows.n_positions {
            return false;
        }
        self.max_tokens.store(fewer, Ordering::Relaxed);
        true
    }

    async fn run(&self, room: &mut Option<Room>, batch: &Batch) -> Result<Vec<u32>, GpuError> {
        let n_tokens = batch.n_tokens();
        if room.as_ref().is_none_or(|room| room.n_tokens < n_tokens) {
            // The old one's memory first.
            *room = None;
            // Room for more than what is asked for, but not more than there was memory for.
            let most = self.max_tokens.load(Ordering::Relaxed).max(n_tokens);
            let n_tokens = n_tokens.next_power_of_two().max(1024).min(most);
            *room = Some(Room::new(self, n_tokens)?);
        }
        match room {
            Some(room) => room.run(&self.gpu, batch).await,
            None => Err(GpuError::OutOfMemory),
        }
    }
}

impl Loaded {
    fn new(gpu: &Gpu, model: &Model) -> Result<Self, GpuError> {
        let layers = model.layers.iter().map(|layer| {
            Ok(Layer {
                attention_in: Weights::new(gpu, &layer.attention_in)?,
                attention_out: Weights::new(gpu, &layer.attention_out)?,
                attention_norm: norm(gpu, &layer.attention_norm)?,
                expansion: Weights::new(gpu, &layer.expansion)?,
                contraction: Weights::new(gpu, &layer.contraction)?,
                norm: norm(gpu, &layer.norm)?,
            })
        });
        let tables = [&model.positions[..], &model.types[..]].concat();
        let dense = model.dense.as_ref();
        Ok(Self {
            token_rows: gpu.storage(&words(model.token_rows.iter().copied()))?,
            tables: floats(gpu, &tables)?,
            norm: norm(gpu, &model.norm)?,
            layers: layers.collect::<Result<_, GpuError>>()?,
            dense: dense.map(|dense| Weights::new(gpu, dense)).transpose()?,
        })
    }
}

impl Weights {
    fn new(gpu: &Gpu, matrix: &Matrix) -> Result<Self, GpuError> {
        let outputs = [matrix.scales(), matrix.biases()].concat();
        let bytes = matrix.lines().iter().flat_map(|line| line.0);
        Ok(Self {
            n_in: matrix.n_in(),
            n_out: matrix.n_out(),
            activation_max: matrix.activation_max(),
            words: gpu.storage(&words(bytes))?,
            outputs: floats(gpu, &outputs)?,
        })
    }
}

/// Bytes, four a word.
fn words(bytes: impl Iterator<Item = i8>) -> Vec<u32> {
    let bytes: Vec<u8> = bytes.map(|byte| byte as u8).collect();
    let words = bytes.as_chunks::<4>().0;
    words.iter().map(|&word| u32::from_le_bytes(word)).collect()
}

fn floats(gpu: &Gpu, values: &[f32]) -> Result<wgpu::Buffer, GpuError> {
    let bits: Vec<u32> = values.iter().map(|x| x.to_bits()).collect();
    gpu.storage(&bits)
}

fn norm(gpu: &Gpu, norm: &Norm) -> Result<wgpu::Buffer, GpuError> {
    floats(gpu, &[&norm.gain[..], &norm.shift[..]].concat())
}

/// Texts that go through the layers together, as the kernels read them.
#[derive(Debug, Default)]
struct Batch {
    /// Of a token: its row, its position's and its type's, the row's scale.
    tokens: Vec<[u32; 4]>,
    /// Of a text: its first token, its tokens, how many of them make its vector.
    texts: Vec<[u32; 4]>,
    /// Of a group of attention: the text's first token, its tokens, the first query.
    items: Vec<[u32; 4]>,
}

impl Batch {
    fn n_tokens(&self) -> usize {
        self.tokens.len()
    }

    fn push(&mut self, rows: &Rows, (tokens, n_first): Text<'_>, pooling: Pooling) {
        let (first, n) = (self.tokens.len() as u32, tokens.len() as u32);
        for (position, &token) in (0..).zip(tokens) {
            let known = (token as usize) < rows.scales.len();
            let row = if known { token as usize } else { rows.unknown };
            let scale = rows.scales[row].to_bits();
            let of_second = usize::from(position as usize >= n_first).min(rows.n_types - 1);
            let of_type = (rows.n_positions + of_second) as u32;
            self.tokens.push([row as u32, position, of_type, scale]);
        }
        let n_pooled = if pooling == Pooling::Mean { n } else { 1 };
        self.texts.push([first, n, n_pooled, 0]);
        for query in (0..n).step_by(shader::QUERIES) {
            self.items.push([first, n, query, 0]);
        }
    }
}
