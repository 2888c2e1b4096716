//! An encoder small enough for tests: each word points in a direction of its own, and a text in the
//! direction of their sum. It has no weights, and all that an encoder must have: unit length, the
//! same vector for the same text, near vectors for texts that share words.

use littoral_runtime::embed::{EncodeError, TextEncoder};

/// Identifies the encoder.
pub const TOY: [u8; 8] = *b"toy 0001";

/// Dimensions of its vectors.
pub const DIMS: usize = 24;

/// See the [module](self).
#[derive(Debug, Clone, Copy, Default)]
pub struct ToyEncoder;

impl TextEncoder for ToyEncoder {
    fn id(&self) -> [u8; 8] {
        TOY
    }

    fn dims(&self) -> usize {
        DIMS
    }

    fn n_tokens(&self, text: &str) -> usize {
        text.split(|c: char| !c.is_alphanumeric()).count()
    }

    fn encode(&self, texts: &[&str]) -> Result<Vec<f32>, EncodeError> {
        Ok(texts.iter().flat_map(|text| embed(text)).collect())
    }
}

/// The vector of `text`.
pub fn embed(text: &str) -> Vec<f32> {
    let mut sum = [0f32; DIMS];
    sum[0] = 0.5;
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let hash = blake3::hash(word.to_lowercase().as_bytes());
        for (x, &byte) in sum.iter_mut().zip(hash.as_bytes()) {
            *x += (f32::from(byte) - 127.5) / 128.0;
        }
    }
    let norm = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    sum.iter().map(|x| x / norm).collect()
}
