//! Words to terms, remembered.
//!
//! Text repeats its words: in documentation nine words of ten were seen shortly before. A
//! direct-mapped table from the word as written to its normal form and stem skips case folding and
//! stemming for those. It is bounded, and a forgotten word is only computed again.

use frostem::{Algorithm, Stemmer};

use super::MAX_TERM_BYTES;
use super::fold::{fold, lower};
use super::language::Language;
use super::stop::stop_words;

/// Slots of the table; a power of two.
const SLOTS: usize = 1 << 14;
/// Bytes of remembered words after which all are forgotten.
const ARENA_BYTES: usize = 1 << 20;

/// A word's forms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forms<'a> {
    pub(super) word: &'a str,
    pub(super) term: &'a str,
    pub(super) stop: bool,
}

/// Where the forms of a word lie in the arena.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    hash: u32,
    offset: u32,
    key_len: u8,
    word_len: u8,
    term_len: u8,
    stop: bool,
}

/// Stemming and stop words of one script.
#[derive(Debug, Clone, Copy)]
struct Rules {
    stemmer: Option<Stem>,
    stops: &'static [&'static str],
}

#[derive(Clone, Copy)]
struct Stem(Stemmer);

impl std::fmt::Debug for Stem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.algorithm().name())
    }
}

/// Words to terms for one language.
#[derive(Debug)]
pub(super) struct Memo {
    /// For words of the language's own script.
    own: Rules,
    /// For ASCII words: English where the language is not written in Latin letters.
    ascii: Rules,
    dotless: bool,
    slots: Vec<Slot>,
    arena: String,
    lowered: String,
}

impl Memo {
    pub(super) fn new(language: Language, stemming: bool) -> Self {
        let rules = |language: Language| Rules {
            stemmer: language.stemmer().filter(|_| stemming).map(Stem),
            stops: stop_words(language),
        };
        let own = rules(language);
        Self {
            own,
            ascii: if language.is_non_latin() {
                rules(Language::ENGLISH)
            } else {
                own
            },
            dotless: matches!(language.code(), "tr" | "az"),
            slots: Vec::new(),
            arena: String::new(),
            lowered: String::new(),
        }
    }

    /// Whether terms of ASCII words begin as these do, as [`super::beginnings`] has it.
    pub(super) fn keeps_beginnings(&self) -> bool {
        let stemmer = self.ascii.stemmer.map(|Stem(stemmer)| stemmer.algorithm());
        !self.dotless && matches!(stemmer, None | Some(Algorithm::English))
    }

    /// The forms of a run of letters and digits; empty where nothing of it can be indexed.
    pub(super) fn forms(&mut self, written: &str) -> Forms<'_> {
        let written = cut(written, MAX_TERM_BYTES);
        let hash = hash(written.as_bytes());
        if self.slots.is_empty() {
            self.slots = vec![Slot::default(); SLOTS];
        }
        let at = (hash >> (64 - SLOTS.trailing_zeros())) as usize;
        let slot = self.slots[at];
        let start = slot.offset as usize;
        let known = slot.hash == hash as u32
            && self
                .arena
                .as_bytes()
                .get(start..start + slot.key_len as usize)
                == Some(written.as_bytes());
        let slot = if known {
            slot
        } else {
            let slot = Slot {
                hash: hash as u32,
                ..self.remember(written)
            };
            self.slots[at] = slot;
            slot
        };
        let word = slot.offset as usize + slot.key_len as usize;
        let term = word + slot.word_len as usize;
        Forms {
            word: &self.arena[word..term],
            term: &self.arena[term..term + slot.term_len as usize],
            stop: slot.stop,
        }
    }

    fn remember(&mut self, written: &str) -> Slot {
        if self.arena.len() > ARENA_BYTES {
            self.arena.clear();
            self.slots.fill(Slot::default());
        }
        let offset = self.arena.len();
        self.arena.push_str(written);
        self.lowered.clear();
        if written.is_ascii() && !self.dotless {
            let letters = written.bytes().filter(u8::is_ascii_alphanumeric);
            self.lowered
                .extend(letters.map(|b| char::from(b.to_ascii_lowercase())));
        } else {
            lower(written, self.dotless, &mut self.lowered);
        }
        let rules = if self.lowered.is_ascii() {
            self.ascii
        } else {
            self.own
        };

        let word = self.arena.len();
        fold(&self.lowered, &mut self.arena);
        limit(&mut self.arena, word);
        let stop = rules.stops.contains(&&self.arena[word..]);

        let term = self.arena.len();
        let plain = stop || self.lowered.bytes().any(|b| b.is_ascii_digit());
        match rules.stemmer {
            Some(Stem(stemmer)) if !plain => fold(&stemmer.stem(&self.lowered), &mut self.arena),
            _ => {}
        }
        limit(&mut self.arena, term);
        if self.arena.len() == term {
            let word = self.arena[word..term].to_owned();
            self.arena.push_str(&word);
        }
        Slot {
            hash: 0,
            offset: offset as u32,
            key_len: written.len() as u8,
            word_len: (term - word) as u8,
            term_len: (self.arena.len() - term) as u8,
            stop,
        }
    }
}

/// `text` up to `max` bytes, cut between characters.
pub(super) fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// Cuts what follows `start` to the length of a term.
fn limit(text: &mut String, start: usize) {
    text.truncate(text.floor_char_boundary(start + MAX_TERM_BYTES));
}

/// Multiplicative hash, eight bytes a step. It only picks a slot, so a bad case costs time alone.
fn hash(bytes: &[u8]) -> u64 {
    const K: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut hash = bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(K);
    }
    let rest = chunks.remainder();
    let mut word = [0; 8];
    word[..rest.len()].copy_from_slice(rest);
    hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(K);
    hash ^ (hash << 32)
}
