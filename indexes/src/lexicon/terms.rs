//! Codes sorted strings: the length shared with the string before, then the bytes that differ.
//!
//! Bytes are coded in the mixed context of the one and two bytes before them; the more often a
//! context was seen, the more it counts. Source: Cleary, Witten, "Data compression using adaptive
//! coding and partial string matching" (1984), for blending orders by confidence.

use crate::coder::{Bit, Decoder, Encoder, Number};
use crate::error::{IndexError, Section};

/// Longest legal term in bytes.
pub const MAX_TERM_BYTES: usize = 255;

const ORDER2_BITS: u32 = 16;

/// The contexts of sorted strings.
#[derive(Debug, Clone, PartialEq)]
pub struct TermCodec {
    shared: [Number; 2],
    order1: Vec<Bit>,
    order2: Vec<Bit>,
    previous: Vec<u8>,
}

impl Default for TermCodec {
    fn default() -> Self {
        Self {
            shared: [Number::geometric(1), Number::geometric(2)],
            order1: vec![Bit::default(); 256 * 256],
            order2: vec![Bit::default(); 1 << ORDER2_BITS],
            previous: Vec::new(),
        }
    }
}

/// One byte's two contexts.
struct Place {
    order1: usize,
    order2: u32,
}

impl Place {
    fn after(bytes: &[u8]) -> Self {
        let last = bytes.last().copied().unwrap_or(0);
        let before = if bytes.len() > 1 {
            bytes[bytes.len() - 2]
        } else {
            0
        };
        let pair = (u32::from(before) << 8) | u32::from(last);
        Self {
            order1: usize::from(last) << 8,
            order2: (pair + 1).wrapping_mul(0x9E37_79B1),
        }
    }

    fn indices(&self, node: usize) -> (usize, usize) {
        let mixed = self
            .order2
            .wrapping_add((node as u32).wrapping_mul(0x85EB_CA6B));
        let hashed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2C1B_3C6D) >> (32 - ORDER2_BITS);
        (self.order1 | node, hashed as usize)
    }
}

/// The blend of two predictions, each weighted by the square of how often it was right to trust it.
fn blend(a: Bit, b: Bit) -> u32 {
    let (wa, wb) = (a.updates() + 1, 3 * b.updates() * b.updates() + 1);
    ((a.probability() * wa + b.probability() * wb) / (wa + wb)).clamp(1, 4095)
}

impl TermCodec {
    /// A codec that has already learned from `strings`, which both sides know.
    pub fn primed<'a>(strings: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut codec = Self::default();
        let mut encoder = Encoder::new();
        for string in strings {
            codec.encode(&mut encoder, string);
        }
        codec.restart();
        codec
    }

    /// Forgets the string before, so that the next one stands alone; what was learned stays.
    pub fn restart(&mut self) {
        self.previous.clear();
    }

    /// Writes `string`: not above 255 bytes, without zero bytes.
    pub fn encode(&mut self, encoder: &mut Encoder, string: &[u8]) {
        debug_assert!(string.len() <= MAX_TERM_BYTES && !string.contains(&0));
        let shared = self
            .previous
            .iter()
            .zip(string)
            .take_while(|(a, b)| a == b)
            .count();
        let context = usize::from(self.previous.len() > 6);
        self.shared[context].encode(encoder, shared as u32);
        let mut at = shared;
        while at <= string.len() {
            let byte = string.get(at).copied().unwrap_or(0);
            let place = Place::after(&string[..at]);
            let mut node = 1;
            for i in (0..8).rev() {
                let bit = (byte >> i) & 1 == 1;
                let (one, two) = place.indices(node);
                encoder.bit_with(blend(self.order1[one], self.order2[two]), bit);
                self.order1[one].update(bit);
                self.order2[two].update(bit);
                node = 2 * node + usize::from(bit);
            }
            at += 1;
        }
        self.previous.clear();
        self.previous.extend_from_slice(string);
    }

    /// Reads the next string.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when it shares more than the string before has, or has no end.
    pub fn decode(&mut self, d: &mut Decoder<'_>, section: Section) -> Result<&[u8], IndexError> {
        let context = usize::from(self.previous.len() > 6);
        let shared = self.shared[context].decode(d) as usize;
        if shared > self.previous.len() {
            let reason = "a term shares more than the term before it has";
            return Err(IndexError::corrupt(section, d.offset(), reason));
        }
        self.previous.truncate(shared);
        loop {
            let place = Place::after(&self.previous);
            let mut node = 1;
            for _ in 0..8 {
                let (one, two) = place.indices(node);
                let bit = d.bit_with(blend(self.order1[one], self.order2[two]));
                self.order1[one].update(bit);
                self.order2[two].update(bit);
                node = 2 * node + usize::from(bit);
            }
            let byte = (node & 255) as u8;
            if byte == 0 {
                return Ok(&self.previous);
            }
            if self.previous.len() == MAX_TERM_BYTES {
                return Err(IndexError::corrupt(
                    section,
                    d.offset(),
                    "a term does not end",
                ));
            }
            self.previous.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn strings_are_read_as_written(mut strings in prop::collection::vec("[a-zé]{0,12}", 0..40)) {
            strings.sort();
            let prime: Vec<&[u8]> = strings.iter().step_by(3).map(String::as_bytes).collect();
            let mut encoder = Encoder::new();
            let mut codec = TermCodec::primed(prime.iter().copied());
            for s in &strings {
                codec.encode(&mut encoder, s.as_bytes());
            }
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes);
            let mut codec = TermCodec::primed(prime.iter().copied());
            for s in &strings {
                let read = codec.decode(&mut decoder, Section::Lexicon).map(<[u8]>::to_vec);
                prop_assert_eq!(read, Ok(s.clone().into_bytes()));
            }
        }
    }
}
