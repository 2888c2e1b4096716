//! BERT's basic tokenizer: text into words, each a run of characters that a vocabulary divides.
//!
//! Source: Devlin et al., *BERT* (2018), `tokenization.py`; details as in Hugging Face
//! `tokenizers`, whose order of steps this keeps: drop control characters, turn white space into
//! spaces, set CJK ideographs apart, decompose (NFD) and drop nonspacing marks, lower case, split at
//! white space, make each punctuation character a word.

use super::classes::{DROPPED, NONSPACING, PUNCTUATION, is_in};
use crate::analysis::unicode::nfd;

/// What is done to a text before it is divided into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Normalization {
    /// Drop control characters and treat all white space alike.
    pub clean: bool,
    /// Set CJK ideographs apart.
    pub split_ideographs: bool,
    /// Decompose and drop nonspacing marks.
    pub strip_accents: bool,
    /// Lower case.
    pub lowercase: bool,
}

impl Normalization {
    /// As uncased BERT models have it.
    pub const UNCASED: Self = Self {
        clean: true,
        split_ideographs: true,
        strip_accents: true,
        lowercase: true,
    };

    pub(super) fn to_byte(self) -> u8 {
        u8::from(self.clean)
            | u8::from(self.split_ideographs) << 1
            | u8::from(self.strip_accents) << 2
            | u8::from(self.lowercase) << 3
    }

    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        (byte < 16).then_some(Self {
            clean: byte & 1 > 0,
            split_ideographs: byte & 2 > 0,
            strip_accents: byte & 4 > 0,
            lowercase: byte & 8 > 0,
        })
    }

    /// Calls `each` with the words of `text` in their order, until it returns false.
    pub(super) fn words(self, text: &str, each: &mut dyn FnMut(&str) -> bool) {
        let mut splitter = Splitter {
            word: String::new(),
            each,
            goes_on: true,
        };
        let mut rest = text;
        while !rest.is_empty() && splitter.goes_on {
            let n_ascii = rest.bytes().take_while(u8::is_ascii).count();
            let (ascii, after) = rest.split_at(n_ascii);
            for c in ascii.chars() {
                self.ascii(c, &mut splitter);
                if !splitter.goes_on {
                    return;
                }
            }
            // Marks are put in order within a run; no ASCII character is a mark.
            let n_other = after.bytes().take_while(|b| !b.is_ascii()).count();
            let (other, after) = after.split_at(n_other);
            self.other(other, &mut splitter);
            rest = after;
        }
        splitter.end_word();
    }

    fn ascii(self, c: char, out: &mut Splitter<'_>) {
        match c {
            ' ' | '\t' | '\n' | '\r' => out.end_word(),
            // Two control characters are white space, but are dropped where text is cleaned.
            '\x0B' | '\x0C' if !self.clean => out.end_word(),
            '\0'..' ' | '\x7F' if self.clean => {}
            _ if c.is_ascii_punctuation() => out.lone(c),
            _ if self.lowercase => out.word.push(c.to_ascii_lowercase()),
            _ => out.word.push(c),
        }
    }

    /// A run of characters outside ASCII.
    fn other(self, run: &str, out: &mut Splitter<'_>) {
        let cleaned = run
            .chars()
            .filter(|&c| !(self.clean && (c == '\u{FFFD}' || is_in(&DROPPED, c))))
            .map(|c| {
                if self.clean && c.is_whitespace() {
                    ' '
                } else {
                    c
                }
            });
        let apart = cleaned.flat_map(|c| {
            let space = (self.split_ideographs && is_ideograph(c)).then_some(' ');
            space.into_iter().chain([c]).chain(space)
        });
        if self.strip_accents {
            for c in nfd(apart).filter(|&c| !is_in(&NONSPACING, c)) {
                self.cased(c, out);
            }
        } else {
            for c in apart {
                self.cased(c, out);
            }
        }
    }

    fn cased(self, c: char, out: &mut Splitter<'_>) {
        if self.lowercase {
            c.to_lowercase().for_each(|c| out.put(c));
        } else {
            out.put(c);
        }
    }
}

/// Gathers characters into words.
struct Splitter<'a> {
    word: String,
    each: &'a mut dyn FnMut(&str) -> bool,
    goes_on: bool,
}

impl Splitter<'_> {
    fn put(&mut self, c: char) {
        if c.is_whitespace() {
            self.end_word();
        } else if c.is_ascii_punctuation() || is_in(&PUNCTUATION, c) {
            self.lone(c);
        } else {
            self.word.push(c);
        }
    }

    fn lone(&mut self, c: char) {
        self.end_word();
        self.word.push(c);
        self.end_word();
    }

    fn end_word(&mut self) {
        if self.goes_on && !self.word.is_empty() {
            self.goes_on = (self.each)(&self.word);
        }
        self.word.clear();
    }
}

fn is_ideograph(c: char) -> bool {
    matches!(
        u32::from(c),
        0x4E00..=0x9FFF
            | 0x3400..=0x4DBF
            | 0x2_0000..=0x2_A6DF
            | 0x2_A700..=0x2_B73F
            | 0x2_B740..=0x2_B81F
            | 0x2_B920..=0x2_CEAF
            | 0xF900..=0xFAFF
            | 0x2_F800..=0x2_FA1F
    )
}
