//! Ranks the words of fetched blocks.

use super::TWO_EDITS_CHARS;
use super::directory::{SpellingDirectory, reverse};
use super::distance::damerau_chars;
use crate::error::IndexError;
use crate::order::sort_by;

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
///
/// # Errors
///
/// [`IndexError::Corrupt`] where a block contradicts itself, [`IndexError::Mismatch`] where the
/// directory has no block of that number.
pub fn corrections(
    word: &str,
    blocks: &[(u32, &[u8])],
    directory: &SpellingDirectory,
) -> Result<Vec<Candidate>, IndexError> {
    let typed: Vec<char> = word.chars().collect();
    let max = if typed.len() >= TWO_EDITS_CHARS { 2 } else { 1 };
    let mut found: Vec<(i32, Candidate)> = Vec::new();
    let mut meant: Vec<char> = Vec::new();
    directory.each_key(blocks, |key, reversed, frequency| {
        meant.clear();
        meant.extend(key.chars());
        if meant.len().abs_diff(typed.len()) > usize::from(max) {
            return;
        }
        if reversed {
            meant.reverse();
        }
        if let Some(edits @ 1..) = damerau_chars(&typed, &meant, max) {
            let word = if reversed {
                reverse(key)
            } else {
                key.to_owned()
            };
            let score = i32::from(frequency) + slip(&typed, &meant, edits);
            found.push((
                score,
                Candidate {
                    word,
                    edits,
                    frequency,
                },
            ));
        }
    })?;
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
    Ok(found.into_iter().map(|(_, candidate)| candidate).collect())
}

/// The words of `blocks` that begin with `prefix`, the prefix itself left out: the most frequent
/// first, then the shorter, then by bytes; at most `limit`.
///
/// # Errors
///
/// As [`corrections`].
pub fn completions(
    prefix: &str,
    blocks: &[(u32, &[u8])],
    directory: &SpellingDirectory,
    limit: usize,
) -> Result<Vec<Candidate>, IndexError> {
    let mut found = Vec::new();
    directory.each_key(blocks, |key, reversed, frequency| {
        let word = if reversed {
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
    })?;
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
    Ok(found)
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
