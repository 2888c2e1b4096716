//! Compression of small blocks of text: a few passages with their titles, 1 to 8 KB.
//!
//! Every hit of a search costs the block it lies in, so a byte saved here is saved for every
//! reader. Blocks are too small for a compressor to learn from, so what there is to learn comes
//! from a *dictionary*, chosen from the texts by [`train`]. It helps twice: matches may reach into
//! it (LZ77), and the statistics of the entropy coder start as if it had just been coded. A codec
//! learns the dictionary once and keeps a snapshot; each block starts from a copy.
//!
//! # A block
//! ```text
//! length of the text | step | step | …          one stream of binary decisions, range coded
//!
//! step := literal    a byte, by a mix of four contexts                        (literals)
//!       | match      length, then place in the dictionary or distance back    (steps)
//!       | repeat     one of the last two distances again, length
//! ```
//! With the dictionary `edge of the sea`, the block `an edge of the seaside` becomes: the
//! literals `a`, `n`, ` `; a match of 15 bytes that starts at the dictionary's first byte, its
//! place being coded as 14 (bytes from the last one); and the literals `s`, `i`, `d`, `e`, each
//! cheap if the dictionary had made such letters likely. Which steps to take is found by the
//! shortest path through all of them (`parse`).
//!
//! Writer, reader and primer share one piece of code (`block`), generic over what a decision
//! passes through (`coders`), so they cannot differ; all of it is integer arithmetic.
//!
//! # What it costs
//! On 27 MB of Markdown (MDN) in blocks of 4,500 bytes, a dictionary of 16 KiB (7.5 KB compressed)
//! gives 0.270 of the size (zstd 1.5 at level 19 with its own trained dictionary: 0.285), one of
//! 8 KiB 0.281 (0.295). The parse adds a bit to the price of each literal that it weighs
//! against a match, which costs 0.8 % and is read a quarter faster. A codec holds about 250 KB, and so
//! does a block while it is coded.
//!
//! # Bibliography
//! - Ziv and Lempel, "A universal algorithm for sequential data compression" (1977): matches.
//! - Pavlov, "LZMA specification" (2013): the range coder, repeats, contexts of the steps.
//! - Mahoney, "Adaptive Weighing of Context Models for Lossless Data Compression" (2005), and his
//!   lpaq: bit histories and logistic mixing, here for literals only.
//! - Liao, Petri, Moffat and Wirth, "Effective construction of relative Lempel-Ziv dictionaries"
//!   (2016): choosing a dictionary by what its pieces cover.
//!
//! ```
//! use littoral_indexes::text::{TextCodec, train};
//!
//! let texts: Vec<String> = (0..50)
//!     .map(|i| format!("# Page {i}\nThe tide tables of harbour {i} are revised every spring."))
//!     .collect();
//! let samples: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
//! let codec = TextCodec::new(&train(&samples, 4096));
//!
//! let block = b"# Page 77\nThe tide tables of harbour 77 are revised every spring.";
//! let bytes = codec.compress(block);
//! assert!(bytes.len() < block.len() / 4);
//! assert_eq!(codec.decompress(&bytes, 8192).unwrap(), block);
//! ```

mod block;
mod coders;
mod literals;
mod matches;
mod parse;
mod priors;
mod steps;
mod tables;
mod train;

use std::fmt;
use std::sync::OnceLock;

use thiserror::Error;

use crate::coder::{Decoder, Encoder, Number};
use block::{Model, Walk};
use coders::{Estimate, Prices, Prime};
use matches::Places;
use parse::{Costs, MAX_PARSE, Step};
use tables::Tables;

pub use train::train;

/// Bytes that are not a text compressed with this dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("compressed text, byte {offset}: {problem}")]
pub struct TextError {
    /// How far the reader had come; it looks up to four bytes ahead.
    pub offset: usize,
    /// What is wrong there.
    pub problem: TextProblem,
}

/// What can be wrong with a compressed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TextProblem {
    /// The text is longer than the caller allows.
    #[error("the text is longer than allowed")]
    TooLong,
    /// A match starts before the dictionary or goes on past the end.
    #[error("a match reaches outside the text")]
    OutOfRange,
    /// The bytes end before the text does.
    #[error("the bytes end before the text does")]
    Truncated,
}

/// Compresses blocks of text with one dictionary.
///
/// Both sides need the same dictionary, to the byte. The empty one is as good as any other for
/// texts that stand alone, as a dictionary itself does.
pub struct TextCodec {
    dictionary: Vec<u8>,
    tables: Tables,
    primed: Model,
    /// Made by the first [`TextCodec::compress`], so that readers do not pay for it.
    writer: OnceLock<Writer>,
}

/// What only the writer needs to know of the dictionary.
struct Writer {
    places: Places,
    costs: Costs,
    /// What a byte cost after the two before it, in 1/32 bit, by [`literal_slot`].
    literals: Vec<u8>,
}

/// Prices of literals kept.
const LITERAL_BITS: u32 = 15;
/// The price of a literal never seen, in 1/32 bit.
const UNSEEN: u8 = 96;
/// Added to the price of a literal, in 1/32 bit, since literals take longer to read than matches. At
/// 0 a text is 0.8 % smaller and takes a third longer to read; at 64 it is 0.8 % larger and takes a
/// tenth less.
const LITERAL_BIAS: u32 = 32;

impl TextCodec {
    /// A codec that has learned `dictionary`; about 0.2 ms per KB, with the empty one 0.1 ms.
    pub fn new(dictionary: &[u8]) -> Self {
        let tables = Tables::new();
        let mut primed = Model::new();
        primed.prime(&tables, dictionary, &mut Prime, |_, _| ());
        Self {
            dictionary: dictionary.to_vec(),
            tables,
            primed,
            writer: OnceLock::new(),
        }
    }

    /// Compresses `block`, which is shorter than 4 GiB less the dictionary.
    ///
    /// The same dictionary and block give the same bytes everywhere.
    pub fn compress(&self, block: &[u8]) -> Vec<u8> {
        let writer = self.writer.get_or_init(|| self.prepare());
        let mut encoder = Encoder::new();
        Number::default().encode(&mut encoder, block.len() as u32);
        let window = [&self.dictionary, block].concat();
        let mut walk = Walk::new(&self.tables, self.primed.clone(), &self.dictionary);
        let mut at = self.dictionary.len();
        while at < window.len() {
            let parsed = &window[..window.len().min(at + MAX_PARSE)];
            let price = |at| u32::from(writer.literals[literal_slot(parsed, at)]) + LITERAL_BIAS;
            let from = (walk.run, walk.repeats);
            for step in parse::parse(parsed, at, from, &writer.places, &writer.costs, price) {
                walk.step(&mut encoder, &window[..at], step, window[at]);
                let next = at + step.length();
                walk.push(&window[at..next]);
                at = next;
            }
        }
        encoder.finish()
    }

    /// Restores a text of at most `limit` bytes.
    ///
    /// Memory is bounded by `limit` and the dictionary, time by `limit`. Bytes that were damaged
    /// may well give some other text: whoever needs to know keeps a checksum.
    ///
    /// # Errors
    /// If the text is longer than `limit`, a match reaches outside it, or the bytes end early.
    pub fn decompress(&self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, TextError> {
        let mut decoder = Decoder::new(bytes);
        let fail = |offset, problem| Err(TextError { offset, problem });
        let n = Number::default().decode(&mut decoder) as usize;
        if n > limit {
            return fail(0, TextProblem::TooLong);
        }
        let start = self.dictionary.len();
        let end = start + n;
        let mut window = Vec::with_capacity(end);
        window.extend_from_slice(&self.dictionary);
        let mut walk = Walk::new(&self.tables, self.primed.clone(), &self.dictionary);
        while window.len() < end && !decoder.is_past_end() {
            let at = window.len();
            let (step, byte) = walk.step(&mut decoder, &window, Step::Literal, 0);
            if let Step::Literal = step {
                window.push(byte);
            } else {
                let (length, distance) = (step.length(), walk.repeats[0] as usize);
                if distance > at || length > end - at {
                    return fail(decoder.offset(), TextProblem::OutOfRange);
                }
                let from = at - distance;
                if distance >= length {
                    window.extend_from_within(from..from + length);
                } else {
                    // The match overlaps what it writes.
                    for i in from..from + length {
                        window.push(window[i]);
                    }
                }
            }
            walk.push(&window[at..]);
        }
        if decoder.is_past_end() {
            return fail(bytes.len(), TextProblem::Truncated);
        }
        Ok(window.split_off(start))
    }

    fn prepare(&self) -> Writer {
        let prices = Prices::new();
        let mut literals = vec![UNSEEN; 1 << LITERAL_BITS];
        let mut estimate = Estimate {
            prices: &prices,
            cost: 0,
        };
        // Learns the dictionary a second time, now with an eye on the price.
        Model::new().prime(&self.tables, &self.dictionary, &mut estimate, |seen, at| {
            let slot = &mut literals[literal_slot(&self.dictionary, at)];
            *slot = ((u32::from(*slot) + seen.cost.min(255)).div_ceil(2)) as u8;
            seen.cost = 0;
        });
        Writer {
            places: Places::new(&self.dictionary),
            costs: Costs::new(&self.primed.steps, &prices, self.dictionary.len()),
            literals,
        }
    }
}

impl fmt::Debug for TextCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextCodec")
            .field("dictionary_bytes", &self.dictionary.len())
            .finish_non_exhaustive()
    }
}

#[inline]
fn literal_slot(window: &[u8], at: usize) -> usize {
    let byte = |back: usize| at.checked_sub(back).map_or(0, |i| u32::from(window[i]));
    let key = byte(0) << 16 | byte(1) << 8 | byte(2);
    (key.wrapping_mul(0x9E37_79B1) >> (32 - LITERAL_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(codec: &TextCodec, block: &[u8]) -> usize {
        let bytes = codec.compress(block);
        assert_eq!(codec.decompress(&bytes, block.len()).as_deref(), Ok(block));
        bytes.len()
    }

    /// The worked example, compressed: if these bytes change, so did the format.
    const EXAMPLE: &[u8] = &[13, 201, 42, 180, 59, 118, 242, 177, 147, 224];

    /// Bytes of a linear congruential generator.
    fn noise(n: usize) -> Vec<u8> {
        let mut x = 1u64;
        (0..n)
            .map(|_| {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (x >> 56) as u8
            })
            .collect()
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_back(
            dictionary in prop::collection::vec(any::<u8>(), 0..300),
            block in prop::collection::vec(any::<u8>(), 0..2000),
            alphabet in 1u8..=255,
        ) {
            let few = |bytes: &[u8]| -> Vec<u8> { bytes.iter().map(|b| b % alphabet).collect() };
            round_trip(&TextCodec::new(&few(&dictionary)), &few(&block));
        }

        #[test]
        fn repetitive_text_comes_back(
            words in prop::collection::vec("[a-z]{1,6} ", 1..8),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..1500),
        ) {
            let block: String = order.iter().map(|i| i.get(&words).as_str()).collect();
            round_trip(&TextCodec::new(words.concat().as_bytes()), block.as_bytes());
        }

        #[test]
        fn hostile_bytes_give_an_error_or_a_bounded_text(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            limit in 0usize..6000,
        ) {
            let codec = TextCodec::new(b"a dictionary of nothing much");
            if let Ok(text) = codec.decompress(&bytes, limit) {
                prop_assert!(text.len() <= limit);
            }
        }

        #[test]
        fn a_damaged_text_never_panics(at in any::<prop::sample::Index>(), flip in 1u8.., cut in any::<bool>()) {
            let codec = TextCodec::new(b"the sea, the tide, the shore");
            let text = b"the tide turns, and the shore of the sea turns with the tide ".repeat(9);
            let mut bytes = codec.compress(&text);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            if cut {
                bytes.truncate(at);
            }
            if let Ok(text) = codec.decompress(&bytes, 1000) {
                prop_assert!(text.len() <= 1000);
            }
        }
    }

    #[test]
    fn the_smallest_texts_are_small() {
        let codec = TextCodec::new(b"");
        assert!(round_trip(&codec, b"") <= 1);
        assert!(round_trip(&codec, b"x") <= 2);
    }

    #[test]
    fn noise_grows_by_little_and_repetition_shrinks_to_little() {
        let codec = TextCodec::new(b"");
        assert!(round_trip(&codec, &noise(65_536)) < 67_500);
        assert!(round_trip(&codec, &b"a".repeat(65_536)) < 250);
        let long = b"tide and shore, ".repeat(1 + MAX_PARSE / 16 + 100);
        assert!(round_trip(&codec, &long) < 20_000);
    }

    #[test]
    fn a_dictionary_stands_in_for_what_was_said_before() {
        let text = b"Returns a promise that is fulfilled with the response of the server.";
        let alone = round_trip(&TextCodec::new(b""), text);
        assert!(alone < text.len());
        assert!(round_trip(&TextCodec::new(text), text) * 8 < alone);
    }

    #[test]
    fn a_text_longer_than_allowed_is_refused() {
        let codec = TextCodec::new(b"");
        let error = codec.decompress(&codec.compress(&[7; 100]), 99);
        let problem = TextProblem::TooLong;
        assert_eq!(error, Err(TextError { offset: 0, problem }));
    }

    #[test]
    fn bytes_that_end_early_are_refused() {
        let codec = TextCodec::new(b"");
        let bytes = codec.compress(&noise(1000));
        let error = codec.decompress(&bytes[..500], 1000);
        assert!(matches!(error, Err(TextError { .. })), "{error:?}");
    }

    /// The worked example of the module.
    #[test]
    fn the_example_is_cut_as_described() {
        let (dictionary, block) = (b"edge of the sea", b"an edge of the seaside");
        let codec = TextCodec::new(dictionary);
        let bytes = codec.compress(block);
        assert_eq!(bytes, EXAMPLE);
        let mut decoder = Decoder::new(&bytes);
        assert_eq!(Number::default().decode(&mut decoder), 22);
        let mut walk = Walk::new(&codec.tables, codec.primed.clone(), dictionary);
        let window = [&dictionary[..], block].concat();
        let (mut at, mut lengths) = (dictionary.len(), Vec::new());
        while at < window.len() {
            let (step, byte) = walk.step(&mut decoder, &window[..at], Step::Literal, 0);
            match step {
                Step::Literal => assert_eq!(byte, window[at]),
                step => assert_eq!(
                    step,
                    Step::Match {
                        length: 15,
                        distance: 18
                    }
                ),
            }
            walk.push(&window[at..at + step.length()]);
            at += step.length();
            lengths.push(step.length());
        }
        assert_eq!(lengths, [1, 1, 1, 15, 1, 1, 1, 1]);
    }

    #[test]
    fn a_codec_is_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<TextCodec>();
    }
}
