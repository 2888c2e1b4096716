//! Rounds vectors to small whole numbers and codes them.
//!
//! A component *y* becomes `c = sign(y) · ⌊|y| / step + 0.45⌋`: rounding with a slightly wider zero,
//! which costs fewer bits than it costs precision. Beside its codes a vector has a **factor** of 8
//! bits, `(y·y) / (y·ŷ)` with ŷ = step · c, that makes `factor · (q·ŷ)` an unbiased estimate of
//! *q·y* for a query *q* in any direction.
//!
//! Each dimension belongs to a **class** by its spread: class *k* holds dimensions whose standard
//! deviation is about 2^((k − 8) / 2) steps. Dimensions of a class share contexts, which start from
//! what was measured on real embeddings.

use super::MAX_CODED;
use crate::coder::{Bit, Decoder, Encoder};
use crate::error::{IndexError, Section};
use std::ops::Range;

/// Classes of dimensions.
pub const N_CLASSES: usize = 17;

/// Added to the magnitude before it is cut off: below a half, zeros are preferred.
const ROUNDING: f32 = 0.45;

/// A factor is `(FACTOR_BASE + byte) / 512`.
pub const FACTOR_BASE: i32 = 460;

/// Largest magnitude of a code.
const MAX_CODE: u32 = 127;

/// Steps of the exponent with a context of their own.
const N_EXPONENTS: usize = 7;

/// How sure the contexts are of what they start from.
const SEEN: u32 = 5;

/// Probabilities, in 1/4096, that a magnitude's exponent goes on beyond its first, second, … step,
/// by class. Measured on the rotated MiniLM vectors of four collections at four steps.
const PRIORS: [[u16; 4]; N_CLASSES] = [
    [1, 1, 1, 1],
    [1, 1, 1, 1],
    [2, 1, 1, 1],
    [13, 1, 1, 1],
    [110, 2, 1, 1],
    [423, 4, 1, 1],
    [960, 8, 2, 1],
    [1596, 15, 4, 1],
    [2207, 113, 8, 2],
    [2713, 426, 12, 4],
    [3107, 1016, 46, 8],
    [3400, 1707, 263, 16],
    [3621, 2368, 758, 24],
    [3799, 2953, 1527, 82],
    [3910, 3393, 2243, 349],
    [4020, 3800, 3100, 1000],
    [4080, 4050, 3900, 2600],
];

/// How the dimensions of a set of vectors are rounded and coded.
#[derive(Debug, Clone, PartialEq)]
pub struct Axes {
    /// Width of a step, above 0.
    step: f32,
    /// Class of each dimension, below [`N_CLASSES`]. `[dims]`
    classes: Vec<u8>,
}

/// A vector's codes: what is stored of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Codes {
    /// Rows of codes, one after another. `[n, dims]`
    pub codes: Vec<i8>,
    /// The factor of each, see the [module](self). `[n]`
    pub factors: Vec<u8>,
}

impl Codes {
    /// The vectors in places `range`, of `dims` dimensions.
    #[must_use]
    pub fn slice(&self, range: Range<u32>, dims: usize) -> Self {
        let (start, end) = (range.start as usize, range.end as usize);
        Self {
            codes: self.codes[start * dims..end * dims].to_vec(),
            factors: self.factors[start..end].to_vec(),
        }
    }
}

impl Axes {
    /// Axes of the width `step` for dimensions with `classes`.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the step is not a positive number or a class does not exist.
    pub fn new(step: f32, classes: Vec<u8>) -> Result<Self, IndexError> {
        let is_class = |&class: &u8| usize::from(class) < N_CLASSES;
        if !(step.is_finite() && step > 0.0 && classes.iter().all(is_class)) {
            let reason = "the axes have no step or an unknown class";
            return Err(IndexError::corrupt(Section::Centroids, 0, reason));
        }
        Ok(Self { step, classes })
    }

    /// Axes for vectors whose dimensions have `variances`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn fit(step: f32, variances: &[f32]) -> Result<Self, IndexError> {
        let classes = variances.iter().map(|&variance| {
            // Between the classes k and k + 1 lies a variance of 2^(k − 8 + 1/2) squared steps.
            let mut edge = std::f32::consts::SQRT_2 / 256.0;
            let mut class = 0;
            while class + 1 < N_CLASSES as u8 && variance / (step * step) >= edge {
                class += 1;
                edge *= 2.0;
            }
            class
        });
        Self::new(step, classes.collect())
    }

    /// The same dimensions with a step `times` as wide.
    #[must_use]
    pub fn coarser(&self, times_log2: u8) -> Self {
        let classes = self
            .classes
            .iter()
            .map(|&class| class.saturating_sub(2 * times_log2))
            .collect();
        let step = self.step * f32::from(1u8 << times_log2.min(7));
        Self { step, classes }
    }

    /// Number of dimensions.
    pub fn dims(&self) -> usize {
        self.classes.len()
    }

    /// Width of a step.
    pub fn step(&self) -> f32 {
        self.step
    }

    /// Class of each dimension. `[dims]`
    pub fn classes(&self) -> &[u8] {
        &self.classes
    }

    /// Rounds `vectors`, `[n, dims]`.
    pub fn quantise(&self, vectors: &[f32]) -> Codes {
        let mut codes = Codes::default();
        for vector in vectors.chunks_exact(self.dims().max(1)) {
            let (mut own, mut along) = (0f32, 0f32);
            for &y in vector {
                let magnitude = (y.abs() / self.step + ROUNDING).min(MAX_CODE as f32) as i8;
                let code = if y < 0.0 { -magnitude } else { magnitude };
                own += y * y;
                along += y * (f32::from(code) * self.step);
                codes.codes.push(code);
            }
            let factor = if along > 0.0 { own / along } else { 1.0 };
            let byte = factor * 512.0 - FACTOR_BASE as f32 + 0.5;
            codes.factors.push(byte.clamp(0.0, 255.0) as u8);
        }
        codes
    }

    /// Codes `vectors` one after another.
    pub(super) fn encode(&self, vectors: &Codes, encoder: &mut Encoder) {
        let mut contexts = Contexts::new();
        let rows = vectors.codes.chunks_exact(self.dims().max(1));
        for (row, &factor) in rows.zip(&vectors.factors) {
            encoder.direct(u32::from(factor), 8);
            for (&code, &class) in row.iter().zip(&self.classes) {
                contexts.encode(encoder, class, code);
            }
        }
    }

    /// Decodes `n` vectors.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when they are more than [`MAX_CODED`], or the stream ends before the
    /// last.
    pub(super) fn decode(
        &self,
        n: usize,
        decoder: &mut Decoder<'_>,
        section: Section,
    ) -> Result<Codes, IndexError> {
        if n > MAX_CODED {
            let reason = "a block has too many vectors";
            return Err(IndexError::corrupt(section, decoder.offset(), reason));
        }
        let mut contexts = Contexts::new();
        let mut vectors = Codes::default();
        for _ in 0..n {
            vectors.factors.push(decoder.direct(8) as u8);
            for &class in &self.classes {
                vectors.codes.push(contexts.decode(decoder, class));
            }
            if decoder.is_past_end() {
                let reason = "the vectors end too early";
                return Err(IndexError::corrupt(section, decoder.offset(), reason));
            }
        }
        Ok(vectors)
    }
}

/// Exponents of magnitudes by class.
struct Contexts(Vec<[Bit; N_EXPONENTS]>);

impl Contexts {
    fn new() -> Self {
        let expect = |priors: &[u16; 4]| {
            let mut contexts = [Bit::expecting(8, SEEN); N_EXPONENTS];
            for (context, &p) in contexts.iter_mut().zip(priors) {
                *context = Bit::expecting(u32::from(p), SEEN);
            }
            contexts
        };
        Self(PRIORS.iter().map(expect).collect())
    }

    /// The magnitude plus one is coded by the place of its highest bit, in unary, and the bits
    /// below; then comes the sign of what is not zero.
    fn encode(&mut self, encoder: &mut Encoder, class: u8, code: i8) {
        let shifted = u32::from(code.unsigned_abs()).min(MAX_CODE) + 1;
        let exponent = shifted.ilog2() as usize;
        let contexts = &mut self.0[usize::from(class)];
        for (i, context) in contexts.iter_mut().enumerate().take(exponent + 1) {
            encoder.bit(context, i < exponent);
        }
        if exponent > 0 {
            let sign = u32::from(code < 0) << exponent;
            let low = shifted - (1 << exponent);
            encoder.direct(sign | low, exponent as u32 + 1);
        }
    }

    fn decode(&mut self, decoder: &mut Decoder<'_>, class: u8) -> i8 {
        let contexts = &mut self.0[usize::from(class)];
        let mut exponent = 0;
        while exponent < N_EXPONENTS && decoder.bit(&mut contexts[exponent]) {
            exponent += 1;
        }
        if exponent == 0 {
            return 0;
        }
        let bits = decoder.direct(exponent as u32 + 1);
        let low = bits & ((1 << exponent) - 1);
        let magnitude = ((1u32 << exponent) + low - 1).min(MAX_CODE) as i8;
        if bits >> exponent == 1 {
            -magnitude
        } else {
            magnitude
        }
    }
}
