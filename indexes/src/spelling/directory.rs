//! The directory: which block holds what, and the prior that every block's model starts from.

use super::block::{MAX_WORD_BYTES, Words};
use super::model::{Model, Priming};
use crate::coder::{Decoder, Encoder, Number};
use crate::error::{IndexError, Section};
use crate::order::sort_by;

/// Longest word, in characters, that stands in the runs of short words.
pub(super) const SHORT_CHARS: usize = 5;
/// Runs of blocks: short and long words forwards, short and long words reversed.
pub(super) const N_RUNS: usize = 4;
const MAX_BLOCKS: usize = 1 << 16;
const PRIOR_COUNT_BITS: u32 = 10;

/// What the manifest knows of the vocabulary: the separators of the blocks and a prior.
#[derive(Debug, Clone)]
pub struct SpellingDirectory {
    prior: Vec<String>,
    runs: [Vec<Entry>; N_RUNS],
}

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// No key of this block is below it and none of the block before reaches it; empty for the
    /// first block of a run.
    pub(super) separator: Vec<char>,
    /// The highest frequency class within.
    pub(super) class: u8,
}

impl SpellingDirectory {
    /// Reads what [`super::SpellingWriter::write`] wrote.
    ///
    /// # Errors
    ///
    /// [`IndexError::Corrupt`] where the bytes contradict themselves.
    pub fn read(bytes: &[u8]) -> Result<Self, IndexError> {
        let corrupt = |offset, reason| IndexError::corrupt(Section::Spelling, offset, reason);
        let mut decoder = Decoder::new(bytes);
        let mut words = Words::new(Model::new());
        let mut prior = Vec::new();
        for _ in 0..decoder.direct(PRIOR_COUNT_BITS) {
            prior.push(read_key(&mut words, &mut decoder, bytes)?);
        }
        let models = [primed(&prior, false), primed(&prior, true)];
        let mut runs: [Vec<Entry>; N_RUNS] = Default::default();
        for (run, entries) in runs.iter_mut().enumerate() {
            let n_blocks = Number::default().decode(&mut decoder) as usize;
            if n_blocks > MAX_BLOCKS {
                return Err(corrupt(decoder.offset(), "too many blocks"));
            }
            let mut words = Words::new(models[run / 2].clone());
            for block in 0..n_blocks {
                let separator = if block == 0 {
                    Vec::new()
                } else {
                    read_key(&mut words, &mut decoder, bytes)?.chars().collect()
                };
                words.frequency(&mut decoder, 0);
                let class = words.class();
                entries.push(Entry { separator, class });
            }
        }
        if decoder.is_past_end() {
            return Err(corrupt(bytes.len(), "the directory ends early"));
        }
        Ok(Self { prior, runs })
    }

    pub(super) fn new(prior: Vec<String>, runs: [Vec<Entry>; N_RUNS]) -> Self {
        Self { prior, runs }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut encoder = Encoder::new();
        write_prior(&self.prior, &mut encoder);
        let models = [primed(&self.prior, false), primed(&self.prior, true)];
        for (run, entries) in self.runs.iter().enumerate() {
            Number::default().encode(&mut encoder, entries.len() as u32);
            let mut words = Words::new(models[run / 2].clone());
            for (block, entry) in entries.iter().enumerate() {
                if block > 0 {
                    let separator: String = entry.separator.iter().collect();
                    words.next(&mut encoder, separator.as_bytes());
                }
                words.frequency(&mut encoder, entry.class);
            }
        }
        encoder.finish()
    }

    /// The number of blocks of both orders.
    pub fn n_blocks(&self) -> u32 {
        self.runs.iter().map(Vec::len).sum::<usize>() as u32
    }

    /// The words that every block's model is primed with.
    pub(super) fn prior(&self) -> &[String] {
        &self.prior
    }

    pub(super) fn run(&self, run: usize) -> &[Entry] {
        &self.runs[run]
    }

    /// The number of the first block of `run`.
    pub(super) fn first_block(&self, run: usize) -> u32 {
        self.runs[..run].iter().map(Vec::len).sum::<usize>() as u32
    }
}

fn read_key(
    words: &mut Words,
    decoder: &mut Decoder<'_>,
    bytes: &[u8],
) -> Result<String, IndexError> {
    let corrupt = |reason| IndexError::corrupt(Section::Spelling, bytes.len(), reason);
    if !words.next(decoder, &[]) {
        return Err(corrupt("a separator is too long or out of order"));
    }
    if decoder.is_past_end() {
        return Err(corrupt("the directory ends early"));
    }
    let key = std::str::from_utf8(words.key()).map_err(|_| corrupt("a separator is not UTF-8"))?;
    Ok(key.to_owned())
}

fn write_prior(prior: &[String], encoder: &mut Encoder) {
    write_prior_within(prior, encoder, usize::MAX);
}

/// Writes a prior until it takes more than `limit` bytes.
fn write_prior_within(prior: &[String], encoder: &mut Encoder, limit: usize) {
    encoder.direct(prior.len() as u32, PRIOR_COUNT_BITS);
    let mut words = Words::new(Model::new());
    for word in prior {
        if encoder.len() > limit {
            return;
        }
        words.next(encoder, word.as_bytes());
    }
}

/// Whether a prior of these sorted words takes at most `limit` bytes.
pub(super) fn prior_fits(prior: &[String], limit: usize) -> bool {
    let mut encoder = Encoder::new();
    write_prior_within(prior, &mut encoder, limit + 8);
    encoder.finish().len() <= limit
}

/// The most words a prior may have.
pub(super) const MAX_PRIOR_WORDS: usize = (1 << PRIOR_COUNT_BITS) - 1;

/// The model of one order after the words of the prior: once each from its first letter on, so
/// that it knows how words begin, and once as a block would tell them.
pub(super) fn primed(prior: &[String], reversed: bool) -> Model {
    let mut keys = prior.to_vec();
    if reversed {
        keys = keys.iter().map(|word| reverse(word)).collect();
        sort_by(&mut keys, Ord::cmp);
    }
    let mut words = Words::new(Model::new());
    for key in &keys {
        words.restart();
        words.next(&mut Priming, key.as_bytes());
    }
    words.restart();
    for key in &keys {
        words.next(&mut Priming, key.as_bytes());
    }
    words.into_model()
}

/// The word from its last character to its first.
pub(super) fn reverse(word: &str) -> String {
    word.chars().rev().collect()
}

/// Whether a word may be stored.
pub(super) fn is_storable(word: &str) -> bool {
    !word.is_empty() && word.len() <= MAX_WORD_BYTES && !word.contains('\0')
}
