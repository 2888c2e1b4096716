//! The statistical model that both sides of a block share: mixed contexts over the range coder.
//!
//! A block of 3 KB is too small for one good context to learn from, so several contexts of
//! different sharpness each give a probability and a small neural mixer, trained as it goes, weighs
//! them. All arithmetic is on integers: every host decodes the same.
//!
//! Source: Mahoney, "Adaptive Weighing of Context Models for Lossless Data Compression" (2005),
//! sections 3.2 to 3.4, in the integer form of his `lpaq1`.

use crate::coder::{Decoder, Encoder};

/// Contexts mixed per bit.
pub(super) const N_CONTEXTS: usize = 7;
/// Counters: a block of 3 KB meets about 10⁵ contexts; 2¹⁶ cost 3 % more bytes than 2¹⁸ (1 MiB).
const TABLE_BITS: u32 = 18;
/// Two inputs a context and a constant one.
const N_INPUTS: usize = 2 * N_CONTEXTS + 1;
/// Sets of mixer weights: by the kind of decision.
const N_SETS: usize = 1024;
/// A counter at one half, never seen.
const UNSEEN: u32 = 1 << 31;
/// Learning rate of the mixer: from 10 to 30 the sizes differ by less than 1 %.
const LEARNING: i32 = 18;
/// Counts stop here.
const COUNT_LIMIT: u32 = 255;
/// How far a counter moves by the times it was seen, n: 1 / (n + 1.5), in 1/32768.
const RATE: [i32; 256] = {
    let mut rates = [0; 256];
    let mut n = 0;
    while n < 256 {
        rates[n] = 65536 / (2 * n as i32 + 3);
        n += 1;
    }
    rates
};

/// What a bit passes through: an encoder, a decoder, or nothing while the model is primed.
pub(super) trait BitCoder {
    /// Codes a bit that is set with probability `p` / 4096 and returns it.
    fn code(&mut self, p: u32, bit: bool) -> bool;
}

impl BitCoder for Encoder {
    fn code(&mut self, p: u32, bit: bool) -> bool {
        self.bit_with(p, bit);
        bit
    }
}

impl BitCoder for Decoder<'_> {
    fn code(&mut self, p: u32, _bit: bool) -> bool {
        self.bit_with(p)
    }
}

/// Lets the model learn without a stream.
pub(super) struct Priming;

impl BitCoder for Priming {
    fn code(&mut self, _p: u32, bit: bool) -> bool {
        bit
    }
}

/// Learned state: counters by hashed context, and mixer weights.
#[derive(Clone)]
pub(super) struct Model {
    /// 16 bits of probability, 8 bits of count, 8 bits of the context's hash: a slot met by another
    /// context starts anew.
    counters: Vec<u32>,
    weights: Vec<[i32; N_INPUTS]>,
    stretch: Vec<i16>,
}

/// ln(p / (1 - p)) inverted, scaled: -2047..=2047 to 1..=4095.
fn squash(x: i32) -> i32 {
    const KNOTS: [i32; 33] = [
        1, 2, 3, 6, 10, 16, 27, 45, 73, 120, 194, 310, 488, 747, 1101, 1546, 2047, 2549, 2994,
        3348, 3607, 3785, 3901, 3975, 4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094,
    ];
    let x = x.clamp(-2047, 2047) + 2048;
    let (knot, part) = ((x >> 7) as usize, x & 127);
    (KNOTS[knot] * (128 - part) + KNOTS[knot + 1] * part + 64) >> 7
}

impl Model {
    pub(super) fn new() -> Self {
        let mut stretch = Vec::with_capacity(4096);
        for x in -2047..=2047 {
            let p = squash(x) as usize;
            while stretch.len() <= p {
                stretch.push(x as i16);
            }
        }
        stretch.resize(4096, 2047);
        let mut weights = [0; N_INPUTS];
        for (i, weight) in weights.iter_mut().enumerate() {
            *weight = if i % 2 == 0 { 13 << 10 } else { 0 };
        }
        Self {
            counters: vec![UNSEEN; 1 << TABLE_BITS],
            weights: vec![weights; N_SETS],
            stretch,
        }
    }

    /// Codes one bit under `contexts` (hashes), with the mixer weights of `set`.
    pub(super) fn bit(
        &mut self,
        coder: &mut impl BitCoder,
        set: usize,
        contexts: &[u32; N_CONTEXTS],
        node: u32,
        bit: bool,
    ) -> bool {
        let mut slots = [0usize; N_CONTEXTS];
        let mut inputs = [0i32; N_INPUTS];
        for (k, &context) in contexts.iter().enumerate() {
            let hash = (context ^ node.wrapping_mul(0x9E37_79B1)).wrapping_mul(0x85EB_CA6B);
            let hash = (hash ^ (hash >> 15)).wrapping_mul(0x2C1B_3C6D);
            let hash = hash ^ (hash >> 13);
            slots[k] = (hash >> (32 - TABLE_BITS)) as usize;
            let counter = &mut self.counters[slots[k]];
            if (*counter ^ hash) & 0xFF != 0 {
                *counter = UNSEEN | (hash & 0xFF);
            }
            let p = (*counter >> 20) as i32;
            inputs[2 * k] = i32::from(self.stretch[p as usize]);
            let count = ((*counter >> 8) & 0xFF).min(15) as i32;
            inputs[2 * k + 1] = ((p - 2048) * count) >> 5;
        }
        inputs[2 * N_CONTEXTS] = 256;
        let weights = &mut self.weights[set % N_SETS];
        let mut sum = 0i64;
        for (input, weight) in inputs.iter().zip(weights.iter()) {
            sum += i64::from(*input) * i64::from(*weight);
        }
        let p = squash((sum >> 16).clamp(-2047, 2047) as i32);
        let bit = coder.code(p as u32, bit);
        let error = ((i32::from(bit) << 12) - p) * LEARNING;
        for (input, weight) in inputs.iter().zip(weights.iter_mut()) {
            *weight += (input * error + 0x8000) >> 16;
        }
        for slot in slots {
            let counter = &mut self.counters[slot];
            let count = (*counter >> 8) & 0xFF;
            let p = (*counter >> 16) as i32;
            let target = if bit { (1 << 16) - 1 } else { 0 };
            let p = p + (((target - p) * RATE[count as usize]) >> 15);
            let seen = ((count + 1).min(COUNT_LIMIT) << 8) | (*counter & 0xFF);
            *counter = ((p as u32) << 16) | seen;
        }
        bit
    }
}

/// Mixes a value into a context hash.
pub(super) fn hash(seed: u32, value: u32) -> u32 {
    (seed ^ value.wrapping_mul(0x9E37_79B1))
        .rotate_left(13)
        .wrapping_mul(0x85EB_CA6B)
        .wrapping_add(0x27D4_EB2F)
}
