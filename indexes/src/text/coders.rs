//! What a binary decision can pass through: a writer, a reader, a learner, or a scale.
//!
//! The models are written once, over [`Coder`]; so what is written is what is read.

use crate::coder::{Bit, Decoder, Encoder};

/// Something a binary decision passes through: written, read, or only learned from.
pub(super) trait Coder {
    /// Codes `bit`, set with probability `p` / 4096, and returns it; a reader ignores `bit`.
    fn code(&mut self, p: u32, bit: bool) -> bool;
}

impl Coder for Encoder {
    #[inline]
    fn code(&mut self, p: u32, bit: bool) -> bool {
        self.bit_with(p, bit);
        bit
    }
}

impl Coder for Decoder<'_> {
    #[inline]
    fn code(&mut self, p: u32, _: bool) -> bool {
        self.bit_with(p)
    }
}

/// Learns without coding.
pub(super) struct Prime;

impl Coder for Prime {
    #[inline]
    fn code(&mut self, _: u32, bit: bool) -> bool {
        bit
    }
}

/// Learns, and sums what coding would have cost.
pub(super) struct Estimate<'a> {
    pub(super) prices: &'a Prices,
    pub(super) cost: u32,
}

impl Coder for Estimate<'_> {
    #[inline]
    fn code(&mut self, p: u32, bit: bool) -> bool {
        self.cost += self.prices.bit(p, bit);
        bit
    }
}

/// What a decision costs, in 1/32 bit, by its probability.
pub(super) struct Prices([u16; 256]);

impl Prices {
    /// Computes the table.
    pub(super) fn new() -> Self {
        let mut prices = [0; 256];
        for (i, price) in prices.iter_mut().enumerate() {
            // -log2 of (i + 1/2) / 256: squaring doubles the logarithm, one bit at a time.
            let mut x = 2 * i as u64 + 1;
            let mut bits = 0u32;
            for _ in 0..5 {
                x *= x;
                bits *= 2;
                while x >= 1 << 16 {
                    x >>= 1;
                    bits += 1;
                }
            }
            // What is left in x is between 15 and 16 bits.
            *price = (9 * 32 - 15 - bits.min(9 * 32 - 15)) as u16;
        }
        Self(prices)
    }

    /// The price of `bit`, set with probability `p` / 4096.
    #[inline]
    pub(super) fn bit(&self, p: u32, bit: bool) -> u32 {
        let p = if bit { p } else { 4095 - p };
        u32::from(self.0[(p >> 4) as usize])
    }

    /// The price of `bit` in `context`.
    pub(super) fn of(&self, context: Bit, bit: bool) -> u32 {
        self.bit(context.probability(), bit)
    }

    /// The price of a value of `n` bits along a tree of contexts, as [`tree`] codes it.
    pub(super) fn tree(&self, nodes: &[Bit], n: u32, value: u32) -> u32 {
        let mut node = 1u32;
        let mut price = 0;
        for i in (0..n).rev() {
            let bit = (value >> i) & 1 == 1;
            price += self.of(nodes[node as usize], bit);
            node = 2 * node + u32::from(bit);
        }
        price
    }
}

/// Codes `bit` in `context`, which learns from it.
#[inline]
pub(super) fn bit<C: Coder>(coder: &mut C, context: &mut Bit, bit: bool) -> bool {
    let bit = coder.code(context.probability(), bit);
    context.update(bit);
    bit
}

/// Codes the lowest `n` bits of `value` along a tree of 2^n contexts, most significant bit first.
#[inline]
pub(super) fn tree<C: Coder>(coder: &mut C, nodes: &mut [Bit], n: u32, value: u32) -> u32 {
    let mut node = 1u32;
    for i in (0..n).rev() {
        let b = bit(coder, &mut nodes[node as usize], (value >> i) & 1 == 1);
        node = 2 * node + u32::from(b);
    }
    node - (1 << n)
}

/// Codes the lowest `n` bits of `value` after `found`, one bit each.
#[inline]
pub(super) fn direct<C: Coder>(coder: &mut C, n: u32, value: u32, mut found: u32) -> u32 {
    for i in (0..n).rev() {
        found = found << 1 | u32::from(coder.code(2048, (value >> i) & 1 == 1));
    }
    found
}
