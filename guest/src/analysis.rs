//! Analysis: text to terms, the same for what is indexed and what is asked.
//!
//! A word becomes a **term**: NFKC, lower case, stemmed by the language's Snowball stemmer while its
//! diacritics are still there, then folded (é → e, ß → ss, й stays). The same word unstemmed is
//! [`Token::word`].
//!
//! Words that are joined are found whole and by part. `Array.prototype.map` gives
//!
//! | kind | term | position |
//! |---|---|---|
//! | [`Whole`](TokenKind::Whole) | `array.prototype.map` | 0 |
//! | [`Word`](TokenKind::Word) | `array` | 0 |
//! | [`Word`](TokenKind::Word) | `prototyp` | 1 |
//! | [`Word`](TokenKind::Word) | `map` | 2 |
//!
//! and `getElementById`, which is one word, gives `getelementbyid` (Word, 0) with `get`, `element`
//! and `id` ([`Part`](TokenKind::Part), all at 0). So words, stop words and n-grams alone make the
//! sequence a phrase is matched against ([`TokenKind::in_phrase`]); wholes and parts are further
//! ways to the same place. A whole keeps its marks and is never stemmed: `--flag`, `c++`, `.net`,
//! `@media`, `<a>`, `e-mail`, `1.2.3`, and operators that stand alone (`===`). Anything without marks is an ordinary word however it is
//! cased, so `getelementbyid` finds `getElementById`.
//!
//! Where a path mixes joints, the closer-knit stretches are wholes too: `src/my_file.rs` also gives
//! `my_file.rs` and `my_file`.
//!
//! Scripts without spaces (Han, kana, Thai, Lao, Khmer, Myanmar and relatives) give overlapping
//! bigrams of characters, each at the position of its first. The last character of a run is a
//! [`Tail`](TokenKind::Tail): with it, every occurrence of a character is the beginning of some
//! term, so a query of one character is answered by its term and the terms it is a prefix of. A
//! query of several ignores tails. Hangul words are words, with their bigrams as parts.
//!
//! An apostrophe ends an elided article (`l'homme` → `l`, `homme`) and a clitic (`John's` → `john`,
//! `she'll` → `she`); elsewhere it is dropped (`don't` → `dont`, `O'Brien` → `obrien`).
//!
//! Source: Unicode Standard Annex #29 (word boundaries) and #15 (NFKC); Porter, Snowball (2001).

mod beginnings;
mod detect;
mod emit;
mod fold;
mod language;
mod memo;
mod scan;
mod stop;
mod synonym;
pub mod unicode;

pub use beginnings::Beginnings;
pub use detect::detect;
pub use language::Language;
pub use synonym::Synonym;

pub(crate) use scan::extends;

use memo::Memo;
use scan::{Class, Compound};
use synonym::Synonyms;

/// Longest term in bytes; longer words are cut there, longer wholes left out.
pub const MAX_TERM_BYTES: usize = 64;

/// How text is analysed.
///
/// `stemming` must be the same for an index and its queries; `synonyms` matter to queries only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisOptions {
    /// Whether words are reduced to their stem, where the language has a stemmer. Off finds only
    /// the form that was written. Default true.
    pub stemming: bool,
    /// Groups of words or phrases that stand for each other; any number of any length. They are
    /// looked up at query time, so changing them needs no new index. Default none.
    pub synonyms: Vec<Vec<String>>,
}

impl Default for AnalysisOptions {
    fn default() -> Self {
        Self {
            stemming: true,
            synonyms: Vec::new(),
        }
    }
}

/// What a [`Token`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenKind {
    /// A word, with a position of its own.
    Word,
    /// A stop word, with a position of its own; its term is not stemmed.
    Stop,
    /// Several words with their marks as one term, at the position of its first word, which follows
    /// as a token of its own. Also a word with a mark (`--flag`, `c++`, `<a>`) and an
    /// operator (`===`), which has the position of what follows it.
    Whole,
    /// A piece of the word before it, at that word's position: of a camel-case name, of a Hangul
    /// word; or another way to write it (`u.s.` → `us`, `e-mail` → `email`).
    Part,
    /// A bigram of an unspaced script at the position of its first character, or the one character
    /// of a run of one.
    Gram,
    /// The last character of a longer run of an unspaced script, at its position. For indexing; in
    /// a query it adds nothing its bigrams do not say.
    Tail,
}

impl TokenKind {
    /// Whether tokens of this kind make the sequence that a phrase is matched against.
    pub fn in_phrase(self) -> bool {
        matches!(self, Self::Word | Self::Stop | Self::Gram)
    }
}

/// One term at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// The normalised, stemmed word: 1 to [`MAX_TERM_BYTES`] bytes.
    pub term: &'a str,
    /// The normalised word, unstemmed: for spelling and completion.
    pub word: &'a str,
    /// Position, counted in words, or characters of an unspaced script, from 0; never decreases.
    pub position: u32,
    /// First byte in the text; never decreases from token to token.
    pub start: usize,
    /// One past the last byte in the text.
    pub end: usize,
    /// What it is.
    pub kind: TokenKind,
}

/// Turns text of one language into tokens.
///
/// It remembers the stems of words it has seen (at most about a megabyte), so reuse it. Nothing it
/// remembers changes what it gives.
#[derive(Debug)]
pub struct Analyzer {
    language: Language,
    memo: Memo,
    compound: Compound,
    buffer: String,
    synonyms: Synonyms,
}

impl Analyzer {
    /// An analyzer for `language`.
    pub fn new(language: Language, options: &AnalysisOptions) -> Self {
        let mut analyzer = Self {
            language,
            memo: Memo::new(language, options.stemming),
            compound: Compound {
                class: Class::Spaced,
                start: 0,
                end: 0,
                segments: Vec::new(),
                tag: None,
            },
            buffer: String::new(),
            synonyms: Synonyms::default(),
        };
        let mut synonyms = Synonyms::default();
        for group in &options.synonyms {
            synonyms.add(group.iter().map(|member| analyzer.phrase(member)));
        }
        analyzer.synonyms = synonyms;
        analyzer
    }

    /// The language it was made for.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Calls `each` with the tokens of `text` in order.
    ///
    /// Any string is legal. Cost is linear in its length.
    pub fn analyze(&mut self, text: &str, each: &mut dyn FnMut(Token<'_>)) {
        self.send(text, None, each);
    }

    /// As [`Self::analyze`], but for most words that come to no term with one of `beginnings`, which are
    /// passed over.
    pub fn analyze_beginning(
        &mut self,
        text: &str,
        beginnings: &Beginnings,
        each: &mut dyn FnMut(Token<'_>),
    ) {
        let wanted = self.memo.keeps_beginnings().then_some(beginnings);
        self.send(text, wanted, each);
    }

    fn send(&mut self, text: &str, wanted: Option<&Beginnings>, each: &mut dyn FnMut(Token<'_>)) {
        let Self {
            memo,
            compound,
            buffer,
            language,
            ..
        } = self;
        let mut emitter = emit::Emitter::new(text, *language, wanted, memo, buffer, each);
        scan::compounds(text, compound, |compound| emitter.compound(compound));
    }

    /// The terms of `text` that a phrase is matched by, in order.
    pub fn phrase(&mut self, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        self.analyze(text, &mut |token| {
            if token.kind.in_phrase() {
                terms.push(token.term.to_owned());
            }
        });
        terms
    }

    /// The synonyms of every stretch of `terms`, which are a query's in phrase order.
    ///
    /// In order of `first`, then longer stretches first.
    pub fn synonyms(&self, terms: &[&str]) -> Vec<Synonym> {
        self.synonyms.find(terms)
    }
}

#[cfg(test)]
mod tests;
