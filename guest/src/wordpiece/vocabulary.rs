//! A vocabulary: tokens and their numbers, as stored and as looked up.
//!
//! Stored sorted, each token as what it does not share with the one before it:
//!
//! | field | size | meaning |
//! |---|---|---|
//! | number of tokens | 1–5 | variable-length integer |
//! | per token: shared | 1–2 | leading bytes that are those of the token before |
//! | per token: length | 1–2 | bytes that follow |
//! | per token: bytes | length | the rest of the token, UTF-8 |
//! | per token: id | 1–3 | variable-length integer |
//!
//! A continuation of a word begins with `##`. In memory the tokens lie one after another, found by a
//! hash table of open addresses; the hash of every prefix of a word comes out of one pass over it,
//! so the longest token at a place costs one probe a length.
//!
//! **Parts.** Any subset of a vocabulary divides every word whose tokens it holds exactly as the
//! whole does: the longest token of the whole is in the subset, so it is the longest there too. An
//! index may thus carry only the tokens that its documents have, and may keep them in several parts
//! ([`Vocabulary::parts`]): part 0 has the continuations, the others runs of word beginnings in
//! order, of which [`Vocabulary::part_of`] names those a word can need.

use crate::model::{ModelError, ModelReader, put_number};

/// Most tokens of a vocabulary.
pub const MAX_TOKENS: u32 = 1 << 20;

/// Longest token in bytes.
pub const MAX_TOKEN_BYTES: usize = 1024;

/// What marks a token as the continuation of a word.
const CONTINUATION: &[u8] = b"##";

/// Tokens and their numbers.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// The tokens' bytes in sorted order, one after another.
    text: Vec<u8>,
    /// Where each token begins in `text`, and the end.
    starts: Vec<u32>,
    /// The number of each token.
    ids: Vec<u32>,
    /// Open addressing by the hash of the bytes: position of a token plus one, or zero.
    slots: Vec<u32>,
    longest: usize,
}

/// FNV-1a, one byte further.
fn hash_byte(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

const HASH_START: u32 = 0x811C_9DC5;

/// The hash of a continuation before its first byte.
fn hash_start(is_continuation: bool) -> u32 {
    if is_continuation {
        CONTINUATION
            .iter()
            .fold(HASH_START, |h, &b| hash_byte(h, b))
    } else {
        HASH_START
    }
}

impl Vocabulary {
    /// A vocabulary of `tokens` with their numbers, in any order.
    ///
    /// # Errors
    /// [`ModelError`] when a token is empty, too long or there twice.
    pub fn new(mut tokens: Vec<(String, u32)>) -> Result<Self, ModelError> {
        tokens.sort();
        let mut builder = Builder::default();
        for (token, id) in &tokens {
            builder.push(token.as_bytes(), *id)?;
        }
        Ok(builder.finish())
    }

    /// Reads one or more stored parts; tokens of later parts sort behind those of earlier ones.
    ///
    /// # Errors
    /// [`ModelError::Corrupt`] or [`ModelError::TooLarge`].
    pub fn read(parts: &[&[u8]]) -> Result<Self, ModelError> {
        let mut builder = Builder::default();
        for part in parts {
            let mut reader = ModelReader::new(part, "vocabulary");
            builder.read(&mut reader)?;
            reader.end()?;
        }
        Ok(builder.finish())
    }

    pub(super) fn read_from(reader: &mut ModelReader<'_>) -> Result<Self, ModelError> {
        let mut builder = Builder::default();
        builder.read(reader)?;
        Ok(builder.finish())
    }

    /// The stored form, in one part.
    pub fn write(&self) -> Vec<u8> {
        self.write_range(0..self.len())
    }

    /// The stored form in parts of about `part_bytes`: the continuations, then runs of word
    /// beginnings.
    pub fn parts(&self, part_bytes: usize) -> Vec<Vec<u8>> {
        let is_continuation = |i: usize| self.token_bytes(i).starts_with(CONTINUATION);
        let first = (0..self.len()).position(is_continuation).unwrap_or(0);
        let n = (first..self.len())
            .take_while(|&i| is_continuation(i))
            .count();
        // Tokens before `##` in order are few (`!`, `"`, `#`) and go with the continuations.
        let mut parts = vec![self.write_range(0..first + n)];
        let mut start = first + n;
        while start < self.len() {
            let mut end = start;
            let mut bytes = 0;
            while end < self.len() && bytes < part_bytes {
                bytes += self.stored_bytes(end, end == start);
                end += 1;
            }
            parts.push(self.write_range(start..end));
            start = end;
        }
        parts
    }

    /// The parts that hold tokens with which `word` can begin, given the first token of every part
    /// but the first; part 0 is always needed.
    ///
    /// All of them are prefixes of `word`, so each lies in the part whose first token is the last
    /// not greater than it.
    pub fn part_of<'a>(firsts: &'a [&str], word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let ends = (1..=word.len()).filter(|&end| word.is_char_boundary(end));
        let mut last = 0;
        ends.filter_map(move |end| {
            let part = firsts.partition_point(|&first| first <= &word[..end]);
            let is_new = part > last;
            last = last.max(part);
            is_new.then_some(part)
        })
    }

    fn stored_bytes(&self, i: usize, is_first: bool) -> usize {
        let token = self.token_bytes(i);
        let shared = if is_first { 0 } else { self.shared(i) };
        token.len() - shared + 4
    }

    fn shared(&self, i: usize) -> usize {
        let (before, token) = (self.token_bytes(i - 1), self.token_bytes(i));
        before.iter().zip(token).take_while(|(a, b)| a == b).count()
    }

    fn write_range(&self, range: std::ops::Range<usize>) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, range.len() as u32);
        for i in range.clone() {
            let token = self.token_bytes(i);
            let shared = if i == range.start { 0 } else { self.shared(i) };
            put_number(&mut out, shared as u32);
            put_number(&mut out, (token.len() - shared) as u32);
            out.extend_from_slice(&token[shared..]);
            put_number(&mut out, self.ids[i]);
        }
        out
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The number of `token`, its `##` included.
    pub fn id(&self, token: &str) -> Option<u32> {
        let hash = token.bytes().fold(HASH_START, hash_byte);
        self.find(hash, b"", token.as_bytes())
    }

    /// Tokens and their numbers in the order of the tokens' bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        (0..self.len()).map(|i| {
            let token = std::str::from_utf8(self.token_bytes(i));
            (token.unwrap_or_default(), self.ids[i])
        })
    }

    /// The vocabulary of the tokens whose number `keep` accepts; numbers stay.
    #[must_use]
    pub fn subset(&self, mut keep: impl FnMut(u32) -> bool) -> Self {
        let mut builder = Builder::default();
        for i in (0..self.len()).filter(|&i| keep(self.ids[i])) {
            // Sound here, so sound there.
            let _ = builder.push(self.token_bytes(i), self.ids[i]);
        }
        builder.finish()
    }

    /// The longest token that `rest` begins with, as its length in `rest` and its number.
    ///
    /// `hashes` is room for the hashes of prefixes.
    pub(super) fn longest_prefix(
        &self,
        rest: &str,
        is_continuation: bool,
        hashes: &mut Vec<(usize, u32)>,
    ) -> Option<(usize, u32)> {
        let marker = if is_continuation { CONTINUATION } else { b"" };
        hashes.clear();
        let mut hash = hash_start(is_continuation);
        let bytes = rest.as_bytes();
        for (i, &byte) in bytes.iter().enumerate().take(self.longest) {
            hash = hash_byte(hash, byte);
            if rest.is_char_boundary(i + 1) {
                hashes.push((i + 1, hash));
            }
        }
        hashes.iter().rev().find_map(|&(len, hash)| {
            let id = self.find(hash, marker, &bytes[..len])?;
            Some((len, id))
        })
    }

    fn token_bytes(&self, i: usize) -> &[u8] {
        &self.text[self.starts[i] as usize..self.starts[i + 1] as usize]
    }

    fn find(&self, hash: u32, marker: &[u8], token: &[u8]) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = spread(hash) & mask;
        loop {
            let i = (self.slots[slot] as usize).checked_sub(1)?;
            let stored = self.token_bytes(i);
            if stored
                .strip_prefix(marker)
                .is_some_and(|rest| rest == token)
            {
                return Some(self.ids[i]);
            }
            slot = (slot + 1) & mask;
        }
    }
}

/// FNV's low bits are its weakest.
fn spread(hash: u32) -> usize {
    (hash ^ (hash >> 15)) as usize
}

/// Gathers tokens in order.
#[derive(Default)]
struct Builder {
    text: Vec<u8>,
    starts: Vec<u32>,
    ids: Vec<u32>,
}

impl Builder {
    fn last(&self) -> Option<&[u8]> {
        let start = *self.starts.last()? as usize;
        Some(&self.text[start..])
    }

    fn push(&mut self, token: &[u8], id: u32) -> Result<(), ModelError> {
        let error = |reason| ModelError::Corrupt {
            part: "vocabulary",
            offset: self.ids.len(),
            reason,
        };
        if token.is_empty() {
            return Err(error("a token is empty"));
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err(ModelError::TooLarge {
                what: "longest token",
                size: token.len() as u64,
                limit: MAX_TOKEN_BYTES as u64,
            });
        }
        if id >= MAX_TOKENS {
            return Err(ModelError::TooLarge {
                what: "token number",
                size: id.into(),
                limit: MAX_TOKENS.into(),
            });
        }
        if self.last().is_some_and(|last| last >= token) {
            return Err(error("tokens are not in ascending order"));
        }
        self.starts.push(self.text.len() as u32);
        self.text.extend_from_slice(token);
        self.ids.push(id);
        Ok(())
    }

    fn read(&mut self, reader: &mut ModelReader<'_>) -> Result<(), ModelError> {
        let n = reader.number()?;
        let limit = MAX_TOKENS;
        if n > limit || self.ids.len() as u32 + n > limit {
            return Err(ModelError::TooLarge {
                what: "number of tokens",
                size: n.into(),
                limit: limit.into(),
            });
        }
        let mut token: Vec<u8> = Vec::new();
        for _ in 0..n {
            let shared = reader.number()? as usize;
            if shared > token.len() {
                return Err(reader.error("a token shares more than there is"));
            }
            token.truncate(shared);
            let rest = reader.number()? as usize;
            token.extend_from_slice(reader.take(rest)?);
            if token.len() > MAX_TOKEN_BYTES || std::str::from_utf8(&token).is_err() {
                return Err(reader.error("a token is too long or not UTF-8"));
            }
            let id = reader.number()?;
            self.push(&token, id)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Vocabulary {
        self.starts.push(self.text.len() as u32);
        let mut vocabulary = Vocabulary {
            slots: vec![0; (self.ids.len() * 2).next_power_of_two().max(2)],
            text: self.text,
            starts: self.starts,
            ids: self.ids,
            longest: 0,
        };
        let mask = vocabulary.slots.len() - 1;
        for i in 0..vocabulary.len() {
            let token = vocabulary.token_bytes(i);
            let hash = token.iter().fold(HASH_START, |h, &b| hash_byte(h, b));
            let mut slot = spread(hash) & mask;
            while vocabulary.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            vocabulary.longest = vocabulary.longest.max(token.len());
            vocabulary.slots[slot] = i as u32 + 1;
        }
        vocabulary
    }
}
