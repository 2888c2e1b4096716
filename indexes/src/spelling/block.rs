//! A block: words in sorted order, each told by how it leaves the word before it.
//!
//! One walk, [`Words::next`], serves the writer and the reader; which of them it is, the
//! [`BitCoder`] decides, so they cannot disagree.

use super::model::{BitCoder, Model, N_CONTEXTS, hash};
use crate::coder::{Decoder, Encoder};
use crate::error::{IndexError, Section};

/// Longest word in bytes.
pub const MAX_WORD_BYTES: usize = 64;
/// Most words in one block.
pub(super) const MAX_WORDS: usize = 4096;
const COUNT_BITS: u32 = 13;

/// Mixer sets: below 512 a letter by its place in the bit tree, above it flags and classes.
const SET_SAME: usize = 512;
const SET_CLASS: usize = 640;
const SET_DIVERGING: usize = 256;

/// The state between two words of a block.
pub(super) struct Words {
    model: Model,
    /// The word before, in the order of the block.
    key: Vec<u8>,
    class: u8,
    /// Bytes the word before shared with the one before it.
    shared: usize,
    /// How many words in a row have shared this byte of the word before.
    runs: Vec<u32>,
}

impl Words {
    pub(super) fn new(model: Model) -> Self {
        Self {
            model,
            key: Vec::new(),
            class: 0,
            shared: 0,
            runs: Vec::new(),
        }
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(super) fn class(&self) -> u8 {
        self.class
    }

    pub(super) fn into_model(self) -> Model {
        self.model
    }

    /// Forgets the word before, not what was learned.
    pub(super) fn restart(&mut self) {
        self.key.clear();
        self.runs.clear();
        self.class = 0;
        self.shared = 0;
    }

    /// Codes one word, greater than the one before; `next` is read only where the coder writes.
    /// Returns whether the stream can be true.
    pub(super) fn next(&mut self, coder: &mut impl BitCoder, next: &[u8]) -> bool {
        let mut at = 0;
        // How far the word goes along with the one before.
        while at < self.key.len() {
            if !self.same(coder, at, next.get(at) == Some(&self.key[at])) {
                break;
            }
            at += 1;
        }
        let left_at = self.key.get(at).copied().unwrap_or(0);
        if left_at == u8::MAX || at == MAX_WORD_BYTES {
            return false;
        }
        self.key.truncate(at);
        self.runs.truncate(at);
        for run in &mut self.runs {
            *run += 1;
        }
        self.shared = at;
        let first = self.letter(coder, Some(left_at), next.get(at).copied());
        self.key.push(first);
        self.runs.push(0);
        loop {
            let byte = self.letter(coder, None, next.get(self.key.len()).copied());
            if byte == 0 {
                return true;
            }
            if self.key.len() == MAX_WORD_BYTES {
                return false;
            }
            self.key.push(byte);
            self.runs.push(0);
        }
    }

    fn order(&self, end: usize, n: usize) -> u32 {
        let mut h = n as u32;
        for k in 1..=n {
            let byte = if k <= end { self.key[end - k] } else { 0 };
            h = hash(h, u32::from(byte));
        }
        h
    }

    fn same(&mut self, coder: &mut impl BitCoder, at: usize, same: bool) -> bool {
        let run = self.runs[at].min(40);
        let c = u32::from(self.key[at]);
        let rest = (self.key.len() - at) as u32;
        let held = (at as u32).min(12) * 2 + u32::from(at < self.shared);
        let contexts: [u32; N_CONTEXTS] = [
            hash(101, held),
            hash(hash(102, rest), held),
            hash(hash(103, run), at as u32),
            hash(hash(104, self.order(at, 1)), c),
            hash(hash(105, self.order(at, 2)), c),
            hash(hash(106, run), hash(self.shared as u32, at as u32)),
            hash(hash(107, c), rest),
        ];
        let set = SET_SAME + at.min(15) * 2 + usize::from(at < self.shared);
        self.model.bit(coder, set, &contexts, 1, same)
    }

    /// A byte, zero where the word ends. Where it leaves the word before, it is above `left_at`,
    /// and the bits that follow from this are not coded.
    fn letter(&mut self, coder: &mut impl BitCoder, left_at: Option<u8>, byte: Option<u8>) -> u8 {
        let byte = byte.unwrap_or(0);
        let end = self.key.len();
        let tag = left_at.map_or(0, |c| 1 + u32::from(c));
        let contexts: [u32; N_CONTEXTS] = [
            hash(hash(1, tag), 0),
            hash(2, self.order(end, 1)),
            hash(3, self.order(end, 2)),
            hash(4, self.order(end, 3)),
            hash(hash(5, self.order(end, 1)), tag),
            hash(hash(6, self.order(end, 4)), tag),
            hash(7, end as u32),
        ];
        let mut node = 1u32;
        let mut on_path = left_at.is_some();
        let floor = left_at.unwrap_or(0);
        let set = if on_path { SET_DIVERGING } else { 0 };
        for place in (0..8).rev() {
            let bit = (byte >> place) & 1 == 1;
            let bit = if on_path {
                let rest = floor & ((1u8 << place) - 1);
                let floor_bit = (floor >> place) & 1 == 1;
                let full = rest == (1u8 << place) - 1;
                let forced = floor_bit || full;
                let bit = forced
                    || self
                        .model
                        .bit(coder, set + node as usize, &contexts, node, bit);
                on_path = bit == floor_bit;
                bit
            } else {
                self.model
                    .bit(coder, set + node as usize, &contexts, node, bit)
            };
            node = 2 * node + u32::from(bit);
        }
        node as u8
    }

    /// Codes the frequency class of the word just coded.
    pub(super) fn frequency(&mut self, coder: &mut impl BitCoder, class: u8) {
        let end = self.key.len();
        let len = end as u32;
        let last = u32::from(self.class);
        let stem = u32::from(
            self.runs
                .get(end.saturating_sub(2))
                .is_some_and(|&run| run > 0),
        );
        let contexts: [u32; N_CONTEXTS] = [
            hash(201, 0),
            hash(202, len),
            hash(hash(203, last), stem),
            hash(204, self.order(end, 2)),
            hash(hash(205, self.shared as u32), len),
            hash(206, self.order(end, 3)),
            hash(hash(207, last), len),
        ];
        let mut node = 1u32;
        for place in (0..4).rev() {
            let bit = (class >> place) & 1 == 1;
            let bit = self
                .model
                .bit(coder, SET_CLASS + node as usize, &contexts, node, bit);
            node = 2 * node + u32::from(bit);
        }
        self.class = node as u8 & 15;
    }
}

/// A block of `n_words` keys, at most [`MAX_WORDS`], that are still to be told.
pub(super) fn begin(n_words: usize) -> Encoder {
    let mut encoder = Encoder::new();
    encoder.direct(n_words as u32, COUNT_BITS);
    encoder
}

/// Reads a block, calling `each` with every key, in order, and its frequency class.
pub(super) fn decode(
    model: &Model,
    bytes: &[u8],
    mut each: impl FnMut(&str, u8),
) -> Result<(), IndexError> {
    let corrupt = |offset, reason| IndexError::corrupt(Section::Spelling, offset, reason);
    let mut decoder = Decoder::new(bytes);
    let n_words = decoder.direct(COUNT_BITS) as usize;
    if n_words > MAX_WORDS {
        return Err(corrupt(0, "too many words in a block"));
    }
    let mut state = Words::new(model.clone());
    for _ in 0..n_words {
        if !state.next(&mut decoder, &[]) {
            return Err(corrupt(
                decoder.offset(),
                "a word is too long or out of order",
            ));
        }
        state.frequency(&mut decoder, 0);
        if decoder.is_past_end() {
            return Err(corrupt(bytes.len(), "the block ends within a word"));
        }
        let word = std::str::from_utf8(state.key())
            .map_err(|_| corrupt(decoder.offset(), "a word is not UTF-8"))?;
        each(word, state.class());
    }
    Ok(())
}
