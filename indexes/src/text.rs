//! Compression of small blocks of text.
#![allow(missing_docs)]
mod matches;
mod model;
mod parse;
mod tables;
mod train;

use crate::coder::{Decoder, Encoder, Number};
use matches::Chains;
use model::{
    Before, Coder, Estimate, Literals, MAX_EXTRA, MIN_MATCH, MIN_REPEAT, Prices, Prime, Tokens,
};
use parse::{Costs, Token};
use std::sync::OnceLock;
use tables::Tables;
use thiserror::Error;
pub use train::train;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("text at byte {offset}: {problem}")]
pub struct TextError {
    pub offset: usize,
    pub problem: TextProblem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TextProblem {
    #[error("longer than the reader allows")]
    TooLong,
    #[error("a match reaches before the dictionary or past the end")]
    OutOfRange,
    #[error("ends early")]
    Truncated,
}

#[derive(Clone)]
struct State {
    literals: Literals,
    tokens: Tokens,
}

pub struct TextCodec {
    dictionary: Vec<u8>,
    tables: Tables,
    primed: State,
    writer: OnceLock<Writer>,
}

struct Writer {
    chains: Chains,
    costs: Costs,
    literals: Vec<u8>,
}

const LITERAL_BITS: u32 = 15;

#[inline]
fn literal_slot(window: &[u8], at: usize) -> usize {
    let byte = |back: usize| at.checked_sub(back).map_or(0, |i| u32::from(window[i]));
    let key = byte(0) << 16 | byte(1) << 8 | byte(2);
    (key.wrapping_mul(0x9E37_79B1) >> (32 - LITERAL_BITS)) as usize
}

/// Follows the text behind the current position.
#[derive(Clone, Copy)]
struct Trail {
    last: u32,
    word: u32,
}

impl Trail {
    fn push(&mut self, byte: u8) {
        self.last = self.last << 8 | u32::from(byte);
        self.word = if byte.is_ascii_alphanumeric() || byte >= 128 {
            (self.word + u32::from(byte) + 1).wrapping_mul(0x2F0B_4C47)
        } else {
            0
        };
    }
}

fn prime<C: Coder>(
    state: &mut State,
    tables: &Tables,
    dictionary: &[u8],
    coder: &mut C,
    mut each: impl FnMut(&mut C, usize),
) -> Trail {
    let mut trail = Trail { last: 0, word: 0 };
    for (i, &byte) in dictionary.iter().enumerate() {
        let before = Before {
            last: trail.last,
            word: trail.word,
            expected: 0,
        };
        state.literals.code(tables, coder, before, byte);
        trail.push(byte);
        each(coder, i);
    }
    trail
}

impl TextCodec {
    pub fn new(dictionary: &[u8]) -> Self {
        let tables = Tables::new();
        let mut primed = State {
            literals: Literals::new(),
            tokens: Tokens::new(),
        };
        prime(&mut primed, &tables, dictionary, &mut Prime, |_, _| ());
        Self {
            dictionary: dictionary.to_vec(),
            tables,
            primed,
            writer: OnceLock::new(),
        }
    }

    fn writer(&self) -> &Writer {
        self.writer.get_or_init(|| {
            let prices = Prices::new();
            let mut literals = vec![3 * 32; 1 << LITERAL_BITS];
            let mut state = State {
                literals: Literals::new(),
                tokens: Tokens::new(),
            };
            let mut estimate = Estimate {
                prices: &prices,
                cost: 0,
            };
            prime(
                &mut state,
                &self.tables,
                &self.dictionary,
                &mut estimate,
                |e, i| {
                    let slot = &mut literals[literal_slot(&self.dictionary, i)];
                    *slot = (u32::from(*slot) + e.cost.min(255) + 1 >> 1) as u8;
                    e.cost = 0;
                },
            );
            let mut chains = Chains::new(0, self.dictionary.len());
            for i in 0..self.dictionary.len() {
                chains.insert(&self.dictionary, i);
            }
            Writer {
                chains,
                costs: Costs::new(&self.primed.tokens, &prices, self.dictionary.len()),
                literals,
            }
        })
    }

    pub fn compress(&self, block: &[u8]) -> Vec<u8> {
        let mut encoder = Encoder::new();
        Number::default().encode(&mut encoder, block.len() as u32);
        self.write(block, &mut encoder);
        encoder.finish()
    }

    fn write<C: Coder>(&self, block: &[u8], coder: &mut C) {
        let writer = self.writer();
        let mut window = Vec::with_capacity(self.dictionary.len() + block.len());
        window.extend_from_slice(&self.dictionary);
        window.extend_from_slice(block);
        let start = self.dictionary.len();
        let steps = parse::parse(&window, start, &writer.chains, &writer.costs, |at| {
            u32::from(writer.literals[literal_slot(&window, at)]) + 32
        });
        let mut model = Model::new(&self.tables, self.primed.clone(), &self.dictionary);
        let mut at = start;
        for step in steps {
            model.step(coder, &window[..at], step, window[at]);
            let next = at + step.length();
            model.push(&window[at..next]);
            at = next;
        }
    }

    pub fn decompress(&self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, TextError> {
        let mut decoder = Decoder::new(bytes);
        let n = Number::default().decode(&mut decoder) as usize;
        if n > limit {
            return Err(TextError {
                offset: 0,
                problem: TextProblem::TooLong,
            });
        }
        let start = self.dictionary.len();
        let end = start + n;
        let mut window = Vec::with_capacity(end);
        window.extend_from_slice(&self.dictionary);
        let mut model = Model::new(&self.tables, self.primed.clone(), &self.dictionary);
        while window.len() < end && !decoder.is_past_end() {
            let at = window.len();
            let (step, byte) = model.step(&mut decoder, &window, Token::Literal, 0);
            if let Token::Literal = step {
                window.push(byte);
                model.push(&[byte]);
                continue;
            }
            let (length, distance) = (step.length(), model.repeats[0] as usize);
            if distance > at || length > end - at {
                return Err(TextError {
                    offset: decoder.offset(),
                    problem: TextProblem::OutOfRange,
                });
            }
            if distance >= length {
                window.extend_from_within(at - distance..at - distance + length);
            } else {
                for i in at - distance..at - distance + length {
                    window.push(window[i]);
                }
            }
            model.push(&window[at..]);
        }
        if decoder.is_past_end() {
            return Err(TextError {
                offset: bytes.len(),
                problem: TextProblem::Truncated,
            });
        }
        Ok(window.split_off(start))
    }
}

/// The state of coding one block.
struct Model<'a> {
    tables: &'a Tables,
    state: State,
    trail: Trail,
    run: usize,
    repeats: [u32; 2],
    /// Bytes of dictionary in front of the window.
    start: usize,
}

impl<'a> Model<'a> {
    fn new(tables: &'a Tables, state: State, dictionary: &[u8]) -> Self {
        let mut trail = Trail { last: 0, word: 0 };
        for &byte in &dictionary[dictionary.len().saturating_sub(32)..] {
            trail.push(byte);
        }
        Self {
            tables,
            state,
            trail,
            run: 3,
            repeats: [1; 2],
            start: dictionary.len(),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.trail.push(byte);
        }
    }

    fn step<C: Coder>(
        &mut self,
        coder: &mut C,
        window: &[u8],
        step: Token,
        byte: u8,
    ) -> (Token, u8) {
        let run = self.run;
        let tokens = &mut self.state.tokens;
        let flag = &mut tokens.is_match[run][class(self.trail.last as u8)];
        if !model::bit(coder, flag, !matches!(step, Token::Literal)) {
            let before = Before {
                last: self.trail.last,
                word: self.trail.word,
                expected: expected(window, window.len(), self.repeats[0], run),
            };
            let byte = self.state.literals.code(self.tables, coder, before, byte);
            self.run = (run + 1).min(3);
            return (Token::Literal, byte);
        }
        self.run = 0;
        let length = step.length() as u32;
        if model::bit(
            coder,
            &mut tokens.is_repeat[run],
            matches!(step, Token::Repeat { .. }),
        ) {
            let which = matches!(step, Token::Repeat { which: 1, .. });
            let which = model::bit(coder, &mut tokens.is_repeat1[run], which);
            if which {
                self.repeats.swap(0, 1);
            }
            let extra = length.wrapping_sub(MIN_REPEAT as u32);
            let extra = tokens.length[1].code(coder, extra);
            (
                Token::Repeat {
                    which: u32::from(which),
                    length: extra + MIN_REPEAT as u32,
                },
                0,
            )
        } else {
            let distance = if let Token::Match { distance, .. } = step {
                distance
            } else {
                1
            };
            let extra = length.wrapping_sub(MIN_MATCH as u32);
            let extra = tokens.length[0].code(coder, extra);
            let written = (window.len() - self.start) as u32;
            let far = &mut tokens.is_far[far_context(written)];
            let distance = if self.start > 0 && model::bit(coder, far, distance > written) {
                // The distance from the end of the dictionary, less one.
                let bits = place_bits(self.start);
                let place = tokens.place(coder, bits, distance.wrapping_sub(written + 1));
                place + written + 1
            } else {
                tokens
                    .distance(coder, extra, distance - 1)
                    .saturating_add(1)
            };
            self.repeats = [distance, self.repeats[0]];
            (
                Token::Match {
                    length: extra + MIN_MATCH as u32,
                    distance,
                },
                0,
            )
        }
    }
}

#[inline]
fn expected(window: &[u8], at: usize, distance: u32, run: usize) -> u32 {
    match at.checked_sub(distance as usize) {
        Some(i) if run == 0 => 256 + u32::from(window[i]),
        _ => 0,
    }
}

/// Bits of a position in a dictionary of `n` bytes.
fn place_bits(n: usize) -> u32 {
    usize::BITS - n.saturating_sub(1).leading_zeros()
}

/// The context of whether a match lies in the dictionary.
#[inline]
fn far_context(written: u32) -> usize {
    (32 - (written >> 3).leading_zeros()).min(15) as usize
}

#[inline]
fn class(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' => 0,
        b' ' | b'\n' => 1,
        128.. => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(codec: &TextCodec, block: &[u8]) {
        let bytes = codec.compress(block);
        assert_eq!(codec.decompress(&bytes, block.len()).as_deref(), Ok(block));
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_back(
            dictionary in prop::collection::vec(any::<u8>(), 0..200),
            block in prop::collection::vec(any::<u8>(), 0..2000),
            alphabet in 1u8..=255,
        ) {
            let block: Vec<u8> = block.iter().map(|b| b % alphabet).collect();
            round_trip(&TextCodec::new(&dictionary), &block);
        }

        #[test]
        fn hostile_bytes_decode_to_an_error_or_to_a_bounded_text(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let codec = TextCodec::new(b"a dictionary");
            if let Ok(text) = codec.decompress(&bytes, 5000) {
                prop_assert!(text.len() <= 5000);
            }
        }
    }
}
