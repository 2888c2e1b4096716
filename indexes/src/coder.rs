//! An adaptive binary range coder: the entropy coder below every compressed section.
//!
//! Each binary decision is coded with the probability of its context, a [`Bit`] that learns from
//! what was coded before. There are no tables to ship: encoder and decoder start from the same
//! state and learn the same things. All arithmetic is on integers, so every host decodes the same.
//!
//! Source: the carry-propagating range coder of the LZMA specification (Pavlov, 2013), section
//! "Range decoder"; the counters adapt fast at first and slow down, as in Mahoney, "Adaptive
//! Weighing of Context Models for Lossless Data Compression" (2005), section 3.
//!
//! ```
//! use littoral_indexes::coder::{Bit, Decoder, Encoder};
//!
//! let mut context = Bit::default();
//! let mut encoder = Encoder::new();
//! for bit in [true, true, false, true] {
//!     encoder.bit(&mut context, bit);
//! }
//! encoder.direct(0b1011, 4);
//! let bytes = encoder.finish();
//!
//! let mut context = Bit::default();
//! let mut decoder = Decoder::new(&bytes);
//! assert!(decoder.bit(&mut context));
//! assert!(decoder.bit(&mut context));
//! assert!(!decoder.bit(&mut context));
//! assert!(decoder.bit(&mut context));
//! assert_eq!(decoder.direct(4), 0b1011);
//! assert!(!decoder.is_past_end());
//! ```

/// Zero bytes left out at the end of a stream, at most: any number would make a stream that ends in many
/// look as if it had been cut.
const LEFT_OUT: usize = 8;

/// Bits of a probability.
pub const PROBABILITY_BITS: u32 = 12;

/// A context: the probability that the next bit is set, and how often it was seen (up to a limit).
///
/// The upper 12 bits hold the probability, the lower 4 the number of updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bit(u16);

impl Default for Bit {
    fn default() -> Self {
        Self(1 << 15)
    }
}

/// How far a counter moves towards the bit seen, in 1/65536, by the number of updates so far.
const RATE: [i32; 16] = [
    32768, 24576, 18432, 14563, 11915, 10082, 8738, 7710, 6898, 6242, 5698, 5242, 4854, 4096, 3277,
    2731,
];

impl Bit {
    /// A context that expects a set bit with probability `p` / 4096, as if it had learned that
    /// from `seen` bits (at most 15): the more, the slower it changes its mind.
    pub fn expecting(p: u32, seen: u32) -> Self {
        Self(((p.clamp(1, 4095) << 4) | seen.min(15)) as u16)
    }

    /// How often the context was updated, up to 15.
    #[inline]
    pub fn updates(self) -> u32 {
        u32::from(self.0 & 15)
    }

    /// The probability that the next bit is set, in 1/4096, within 1..=4095.
    #[inline]
    pub fn probability(self) -> u32 {
        u32::from(self.0 >> 4).clamp(1, 4095)
    }

    /// Learns from `bit`.
    #[inline]
    pub fn update(&mut self, bit: bool) {
        let seen = self.0 & 15;
        let p = i32::from(self.0 >> 4);
        let target = if bit { 4095 } else { 0 };
        let p = p + (((target - p) * RATE[usize::from(seen)]) >> 16);
        self.0 = ((p as u16) << 4) | if seen < 15 { seen + 1 } else { 15 };
    }
}

/// Writes bits.
#[derive(Debug, Clone)]
pub struct Encoder {
    low: u64,
    range: u32,
    cache: u8,
    pending: u64,
    out: Vec<u8>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder with nothing written.
    pub fn new() -> Self {
        Self {
            low: 0,
            range: u32::MAX,
            cache: 0,
            pending: 0,
            out: Vec::new(),
        }
    }

    /// Writes `bit` with the probability of `context`, which learns from it.
    #[inline]
    pub fn bit(&mut self, context: &mut Bit, bit: bool) {
        self.bit_with(context.probability(), bit);
        context.update(bit);
    }

    /// Writes `bit`, expected to be set with probability `p` / 4096; `p` within 1..=4095.
    #[inline]
    pub fn bit_with(&mut self, p: u32, bit: bool) {
        debug_assert!((1..=4095).contains(&p));
        let bound = (self.range >> PROBABILITY_BITS) * p;
        if bit {
            self.range = bound;
        } else {
            self.low += u64::from(bound);
            self.range -= bound;
        }
        while self.range < 1 << 24 {
            self.range <<= 8;
            self.shift();
        }
    }

    /// Writes the lowest `n` bits of `value`, most significant first, each costing one bit.
    #[inline]
    pub fn direct(&mut self, value: u32, n: u32) {
        for i in (0..n).rev() {
            self.range >>= 1;
            if (value >> i) & 1 == 1 {
                self.low += u64::from(self.range);
            }
            while self.range < 1 << 24 {
                self.range <<= 8;
                self.shift();
            }
        }
    }

    fn shift(&mut self) {
        if self.low < 0xFF00_0000 || self.low > 0xFFFF_FFFF {
            let carry = (self.low >> 32) as u8;
            let mut byte = self.cache;
            loop {
                self.out.push(byte.wrapping_add(carry));
                byte = 0xFF;
                if self.pending == 0 {
                    break;
                }
                self.pending -= 1;
            }
            self.cache = (self.low >> 24) as u8;
        } else {
            self.pending += 1;
        }
        self.low = (self.low << 8) & 0xFFFF_FFFF;
    }

    /// Bytes written so far, without those still held back for a carry.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing has been written out.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Ends the stream and returns its bytes; up to eight trailing zero bytes are left out,
    /// since the decoder reads zeros past the end.
    pub fn finish(mut self) -> Vec<u8> {
        // Choose the value within [low, low + range) with the most trailing zero bits.
        let top = self.low + u64::from(self.range) - 1;
        for keep in (0..32).rev() {
            let mask = (1u64 << keep) - 1;
            let value = (self.low + mask) & !mask;
            if value <= top {
                self.low = value;
                break;
            }
        }
        for _ in 0..5 {
            self.shift();
        }
        // The first byte is the initial cache: always zero, or the carry that cannot happen.
        self.out.remove(0);
        let zeros = self.out.iter().rev().take_while(|&&byte| byte == 0);
        let n = self.out.len() - zeros.take(LEFT_OUT).count();
        self.out.truncate(n);
        self.out
    }
}

/// Reads what an [`Encoder`] wrote.
///
/// Reading past the end yields zeros and never fails; [`Decoder::is_past_end`] tells afterwards.
/// A caller must bound its own loops, since hostile bytes decode to *something*.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    position: usize,
    range: u32,
    code: u32,
}

impl<'a> Decoder<'a> {
    /// Starts reading `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self {
            bytes,
            position: 0,
            range: u32::MAX,
            code: 0,
        };
        for _ in 0..4 {
            decoder.code = (decoder.code << 8) | u32::from(decoder.next());
        }
        decoder
    }

    #[inline]
    fn next(&mut self) -> u8 {
        let byte = self.bytes.get(self.position).copied().unwrap_or(0);
        self.position += 1;
        byte
    }

    /// Reads a bit written by [`Encoder::bit`] in the same context.
    #[inline]
    pub fn bit(&mut self, context: &mut Bit) -> bool {
        let bit = self.bit_with(context.probability());
        context.update(bit);
        bit
    }

    /// Reads a bit written by [`Encoder::bit_with`] with the same `p`.
    #[inline]
    pub fn bit_with(&mut self, p: u32) -> bool {
        let bound = (self.range >> PROBABILITY_BITS) * p;
        let bit = self.code < bound;
        if bit {
            self.range = bound;
        } else {
            self.code -= bound;
            self.range -= bound;
        }
        while self.range < 1 << 24 {
            self.range <<= 8;
            self.code = (self.code << 8) | u32::from(self.next());
        }
        bit
    }

    /// Reads `n` bits written by [`Encoder::direct`].
    #[inline]
    pub fn direct(&mut self, n: u32) -> u32 {
        let mut value = 0;
        for _ in 0..n {
            self.range >>= 1;
            let bit = self.code >= self.range;
            if bit {
                self.code -= self.range;
            }
            value = (value << 1) | u32::from(bit);
            while self.range < 1 << 24 {
                self.range <<= 8;
                self.code = (self.code << 8) | u32::from(self.next());
            }
        }
        value
    }

    /// Bytes consumed so far, at most the length of the input.
    pub fn offset(&self) -> usize {
        self.position.min(self.bytes.len())
    }

    /// Whether more was read than an encoder could have written: all it wrote and the zero bytes left
    /// out by [`Encoder::finish`].
    pub fn is_past_end(&self) -> bool {
        self.position > self.bytes.len() + LEFT_OUT
    }
}

/// Contexts for unsigned integers of any size up to 32 bits: an Elias-gamma code with a learned
/// exponent and learned two leading bits of the mantissa.
///
/// Small values cost a fraction of a bit once they are frequent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    exponent: [Bit; 33],
    mantissa: [[Bit; 3]; 33],
}

impl Default for Number {
    fn default() -> Self {
        Self {
            exponent: [Bit::default(); 33],
            mantissa: [[Bit::default(); 3]; 33],
        }
    }
}

/// How sure a prior is, in updates.
pub(crate) const PRIOR_UPDATES: u32 = 4;

/// `exp(-2^d)` in 1/4096 for `d` from -6 to 3: how likely a geometric variable of mean `2^k` that
/// has reached `2^(k + d)` reaches twice that.
const DOUBLES: [u16; 10] = [4032, 3970, 3848, 3615, 3190, 2484, 1507, 554, 75, 8];

impl Number {
    /// Contexts that start from the geometric distribution with mean `2^log2_mean`.
    pub fn geometric(log2_mean: i32) -> Self {
        let mut number = Self::default();
        for (exponent, context) in number.exponent.iter_mut().enumerate() {
            let i = (exponent as i32 - log2_mean + 6).clamp(0, 9);
            *context = Bit::expecting(u32::from(DOUBLES[i as usize]), PRIOR_UPDATES);
        }
        number
    }

    /// Writes `value`.
    #[inline]
    pub fn encode(&mut self, encoder: &mut Encoder, value: u32) {
        let shifted = u64::from(value) + 1;
        let exponent = shifted.ilog2() as usize;
        for context in &mut self.exponent[..exponent] {
            encoder.bit(context, true);
        }
        if exponent < 32 {
            encoder.bit(&mut self.exponent[exponent], false);
        }
        let contexts = &mut self.mantissa[exponent];
        let mut rest = exponent as u32;
        let mut node = 0;
        while rest > 0 && node < 3 {
            rest -= 1;
            let bit = (shifted >> rest) & 1 == 1;
            encoder.bit(&mut contexts[node], bit);
            node = 2 * node + 1 + usize::from(bit);
        }
        encoder.direct(shifted as u32 & ((1u64 << rest) - 1) as u32, rest);
    }

    /// Reads a value.
    #[inline]
    pub fn decode(&mut self, decoder: &mut Decoder<'_>) -> u32 {
        let mut exponent = 0;
        while exponent < 32 && decoder.bit(&mut self.exponent[exponent]) {
            exponent += 1;
        }
        let contexts = &mut self.mantissa[exponent];
        let mut shifted = 1u64;
        let mut rest = exponent as u32;
        let mut node = 0;
        while rest > 0 && node < 3 {
            rest -= 1;
            let bit = decoder.bit(&mut contexts[node]);
            shifted = (shifted << 1) | u64::from(bit);
            node = 2 * node + 1 + usize::from(bit);
        }
        shifted = (shifted << rest) | u64::from(decoder.direct(rest));
        (shifted - 1).min(u64::from(u32::MAX)) as u32
    }
}

/// Contexts for a symbol of `BITS` bits, coded most significant bit first along a binary tree.
#[derive(Debug, Clone)]
pub struct Symbol<const SIZE: usize> {
    nodes: [Bit; SIZE],
}

impl<const SIZE: usize> Default for Symbol<SIZE> {
    fn default() -> Self {
        Self {
            nodes: [Bit::default(); SIZE],
        }
    }
}

impl<const SIZE: usize> Symbol<SIZE> {
    const BITS: u32 = SIZE.ilog2();

    /// Contexts that expect symbols in the proportion of `counts`, as sure of it as after `seen`
    /// updates.
    pub fn expecting(counts: &[u32; SIZE], seen: u32) -> Self {
        let mut symbol = Self::default();
        // The sums of the subtrees, leaves last, as in a heap.
        let mut sums = vec![0u32; 2 * SIZE];
        sums[SIZE..].copy_from_slice(counts);
        for node in (1..SIZE).rev() {
            sums[node] = sums[2 * node] + sums[2 * node + 1];
            symbol.nodes[node] =
                Bit::expecting(4096 * sums[2 * node + 1] / sums[node].max(1), seen);
        }
        symbol
    }

    /// Writes `value`, which is below `SIZE` (a power of two).
    #[inline]
    pub fn encode(&mut self, encoder: &mut Encoder, value: u32) {
        debug_assert!((value as usize) < SIZE);
        let mut node = 1usize;
        for i in (0..Self::BITS).rev() {
            let bit = (value >> i) & 1 == 1;
            encoder.bit(&mut self.nodes[node], bit);
            node = 2 * node + usize::from(bit);
        }
    }

    /// Reads a value below `SIZE`.
    #[inline]
    pub fn decode(&mut self, decoder: &mut Decoder<'_>) -> u32 {
        let mut node = 1usize;
        for _ in 0..Self::BITS {
            node = 2 * node + usize::from(decoder.bit(&mut self.nodes[node]));
        }
        (node - SIZE) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(ops in prop::collection::vec((0u8..4, any::<u32>()), 0..400)) {
            let mut e = Encoder::new();
            let (mut bits, mut n, mut s) = ([Bit::default(); 4], Number::default(), Symbol::<16>::default());
            for &(kind, v) in &ops {
                match kind {
                    0 => e.bit(&mut bits[(v >> 1) as usize & 3], v & 1 == 1),
                    1 => e.direct(v >> 7, 25),
                    2 => n.encode(&mut e, v >> (v & 31)),
                    _ => s.encode(&mut e, v & 15),
                }
            }
            let bytes = e.finish();
            let mut d = Decoder::new(&bytes);
            let (mut bits, mut n, mut s) = ([Bit::default(); 4], Number::default(), Symbol::<16>::default());
            for &(kind, v) in &ops {
                match kind {
                    0 => prop_assert_eq!(d.bit(&mut bits[(v >> 1) as usize & 3]), v & 1 == 1),
                    1 => prop_assert_eq!(d.direct(25), v >> 7),
                    2 => prop_assert_eq!(n.decode(&mut d), v >> (v & 31)),
                    _ => prop_assert_eq!(s.decode(&mut d), v & 15),
                }
            }
            prop_assert!(!d.is_past_end());
        }

        #[test]
        fn hostile_bytes_decode_to_something_and_end(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut d = Decoder::new(&bytes);
            let mut n = Number::default();
            for _ in 0..4096 {
                n.decode(&mut d);
            }
            prop_assert!(d.offset() <= bytes.len());
        }
    }

    #[test]
    fn an_empty_stream_takes_no_bytes() {
        assert!(Encoder::new().finish().is_empty());
    }

    #[test]
    fn a_stream_that_ends_in_many_zeros_is_not_taken_for_a_cut_one() {
        for n in 0..40 {
            let mut e = Encoder::new();
            (0..n).for_each(|_| e.direct(0, 25));
            let bytes = e.finish();
            let mut d = Decoder::new(&bytes);
            assert!((0..n).all(|_| d.direct(25) == 0));
            assert!(!d.is_past_end(), "{n} times 25 bits");
        }
    }

    #[test]
    fn a_certain_bit_costs_little() {
        let mut e = Encoder::new();
        let mut context = Bit::default();
        for _ in 0..10_000 {
            e.bit(&mut context, true);
        }
        assert!(e.finish().len() < 60);
    }
}
