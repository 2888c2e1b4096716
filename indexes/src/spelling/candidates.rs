//! Ranks the words of fetched blocks.

use super::TWO_EDITS_CHARS;
use super::block;
use super::directory::{SpellingDirectory, primed, reverse};
use super::distance::damerau_chars;
use crate::error::{IndexError, Section};
use crate::order::sort_by;
use std::borrow::Borrow;

/// The words of a block, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpellingBlock {
    /// Whether its keys are words from their last letter to their first.
    is_reversed: bool,
    /// The keys, one after the other.
    text: String,
    /// For each key, one past its last byte, and its frequency class.
    keys: Vec<(u32, u8)>,
}

impl SpellingBlock {
    /// Reads block `number` of `directory`. Decoding takes about a microsecond a word: it pays to
    /// keep what is read.
    ///
    /// # Errors
    /// [`IndexError::Mismatch`] where there is no such block, [`IndexError::Corrupt`] where its
    /// bytes contradict themselves.
    pub fn read(
        number: u32,
        bytes: &[u8],
        directory: &SpellingDirectory,
    ) -> Result<Self, IndexError> {
        if number >= directory.n_blocks() {
            return Err(IndexError::Mismatch {
                section: Section::Spelling,
            });
        }
        let is_reversed = number >= directory.first_block(2);
        let mut read = Self {
            is_reversed,
            text: String::new(),
            keys: Vec::new(),
        };
        let model = primed(directory.prior(), is_reversed);
        block::decode(&model, bytes, |key, class| {
            read.text.push_str(key);
            read.keys.push((read.text.len() as u32, class));
        })?;
        Ok(read)
    }

    /// Whether its keys are words from their last letter to their first.
    pub(super) fn is_reversed(&self) -> bool {
        self.is_reversed
    }

    /// Its keys in order, each with its frequency class.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&str, u8)> {
        let mut start = 0;
        self.keys.iter().map(move |&(end, class)| {
            let key = &self.text[start..end as usize];
            start = end as usize;
            (key, class)
        })
    }

    /// Bytes held in memory.
    pub fn size_bytes(&self) -> usize {
        self.text.len() + 8 * self.keys.len()
    }
}

/// A word of the index that may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The word.
    pub word: String,
    /// Edits from what was typed; for a completion the characters still to type, at most 255.
    pub edits: u8,
    /// The binary logarithm of the number of documents that hold the word, 0 to 15.
    pub frequency: u8,
}

/// The words of `blocks` within one edit of `word` (two if it has eight characters or more), best
/// first; `word` itself is left out.
///
/// Order: fewer edits; then the likelier of slip and word together; then the more frequent; then
/// by the bytes of the word. Duplicate blocks do no harm.
pub fn corrections(word: &str, blocks: &[impl Borrow<SpellingBlock>]) -> Vec<Candidate> {
    let typed: Vec<char> = word.chars().collect();
    let max = if typed.len() >= TWO_EDITS_CHARS { 2 } else { 1 };
    let mut found: Vec<(i32, Candidate)> = Vec::new();
    let mut meant: Vec<char> = Vec::new();
    for block in blocks.iter().map(Borrow::borrow) {
        for (key, frequency) in block.keys() {
            // A key has no more characters than bytes.
            if key.len() + usize::from(max) < typed.len() {
                continue;
            }
            meant.clear();
            meant.extend(key.chars());
            if meant.len().abs_diff(typed.len()) > usize::from(max) {
                continue;
            }
            if block.is_reversed() {
                meant.reverse();
            }
            if let Some(edits @ 1..) = damerau_chars(&typed, &meant, max) {
                let score = i32::from(frequency) + slip(&typed, &meant, edits);
                let candidate = Candidate {
                    word: meant.iter().collect(),
                    edits,
                    frequency,
                };
                found.push((score, candidate));
            }
        }
    }
    sort_by(&mut found, |(_, a), (_, b)| {
        (a.word.cmp(&b.word)).then(b.frequency.cmp(&a.frequency))
    });
    found.dedup_by(|(_, a), (_, b)| a.word == b.word);
    sort_by(&mut found, |(a_score, a), (b_score, b)| {
        (a.edits.cmp(&b.edits))
            .then(b_score.cmp(a_score))
            .then(b.frequency.cmp(&a.frequency))
            .then_with(|| a.word.cmp(&b.word))
    });
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// The words of `blocks` that begin with `prefix`, the prefix itself left out: the most frequent
/// first, then the shorter, then by bytes; at most `limit`.
pub fn completions(
    prefix: &str,
    blocks: &[impl Borrow<SpellingBlock>],
    limit: usize,
) -> Vec<Candidate> {
    let mut found = Vec::new();
    for block in blocks.iter().map(Borrow::borrow) {
        for (key, frequency) in block.keys() {
            let word = if block.is_reversed() {
                reverse(key)
            } else {
                key.to_owned()
            };
            if word.len() > prefix.len() && word.starts_with(prefix) {
                let edits = word[prefix.len()..].chars().count().min(255) as u8;
                found.push(Candidate {
                    word,
                    edits,
                    frequency,
                });
            }
        }
    }
    sort_by(&mut found, |a, b| {
        (a.word.cmp(&b.word)).then(b.frequency.cmp(&a.frequency))
    });
    found.dedup_by(|a, b| a.word == b.word);
    sort_by(&mut found, |a, b| {
        (b.frequency.cmp(&a.frequency))
            .then(a.edits.cmp(&b.edits))
            .then_with(|| a.word.cmp(&b.word))
    });
    found.truncate(limit);
    found
}

/// How much likelier, as a binary logarithm, this one slip is than another.
///
/// A given word can lose a letter or have two swapped in about as many ways as it has letters, but
/// a wrong or an extra letter is one of some twenty: those slips are each about 2⁴ times rarer.
/// Half of that is given back where the extra letter repeats its neighbour, as a held key does;
/// and the first letter is rarely wrong.
///
/// Source: Kernighan, Church and Gale, "A Spelling Correction Program Based on a Noisy Channel Model"
/// (1990): the prior of the word times the probability of the slip, here as sums of logarithms.
fn slip(typed: &[char], meant: &[char], edits: u8) -> i32 {
    let same_start = if typed.first() == meant.first() { 3 } else { 0 };
    if edits != 1 {
        return same_start;
    }
    let at = typed.iter().zip(meant).take_while(|(a, b)| a == b).count();
    let kind = if typed.len() < meant.len() {
        4
    } else if typed.len() > meant.len() {
        if at > 0 && typed.get(at) == Some(&typed[at - 1]) {
            2
        } else {
            0
        }
    } else if typed.get(at + 1) == meant.get(at) && typed.get(at) == meant.get(at + 1) {
        4
    } else {
        0
    };
    same_start + kind
}
