//! WordPiece: text into the tokens that BERT's family reads.
//!
//! ```text
//! text → words (normalised) → longest tokens first: "unaffable" → un ##aff ##able
//! ```
//!
//! Token for token what Hugging Face `tokenizers` gives for the same model, special tokens written
//! out in a text included. Padding and truncation are the caller's.
//!
//! Source: Wu et al., *Google's Neural Machine Translation System* (2016), section 4.1; Devlin et
//! al., *BERT* (2018).

mod classes;
mod normalize;
pub mod vocabulary;

#[cfg(test)]
mod tests;

use crate::model::{ModelError, ModelReader, put_number, put_string};
use littoral_indexes::order::sort_by;
pub use normalize::Normalization;
pub use vocabulary::Vocabulary;

/// Longer words, in characters, are unknown as a whole.
const MAX_WORD_CHARS: usize = 100;

/// Most special tokens.
const MAX_SPECIALS: u32 = 64;

/// The numbers of the tokens with a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskTokens {
    /// Stands for a word that cannot be divided.
    pub unknown: u32,
    /// Begins a text, `[CLS]`.
    pub begin: u32,
    /// Ends a text, `[SEP]`.
    pub end: u32,
}

/// Divides text into tokens.
#[derive(Debug, Clone)]
pub struct WordPiece {
    vocabulary: Vocabulary,
    normalization: Normalization,
    /// Tokens that are recognised where a text spells them out, before anything else is done.
    specials: Vec<(String, u32)>,
    task: TaskTokens,
}

impl WordPiece {
    /// A tokenizer of these parts. `specials` are recognised where a text spells them out.
    ///
    /// # Errors
    /// [`ModelError`] when a special token is empty or there are too many.
    pub fn new(
        vocabulary: Vocabulary,
        normalization: Normalization,
        mut specials: Vec<(String, u32)>,
        task: TaskTokens,
    ) -> Result<Self, ModelError> {
        if specials.len() > MAX_SPECIALS as usize {
            return Err(ModelError::TooLarge {
                what: "number of special tokens",
                size: specials.len() as u64,
                limit: MAX_SPECIALS.into(),
            });
        }
        if specials.iter().any(|(token, _)| token.is_empty()) {
            return Err(ModelError::Unsupported {
                reason: "a special token is empty",
            });
        }
        // The longest of several that begin alike is meant.
        sort_by(&mut specials, |a, b| {
            b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b))
        });
        Ok(Self {
            vocabulary,
            normalization,
            specials,
            task,
        })
    }

    /// Reads what [`WordPiece::write`] wrote.
    ///
    /// # Errors
    /// [`ModelError::Corrupt`] or [`ModelError::TooLarge`].
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        let mut reader = ModelReader::new(bytes, "tokenizer");
        let byte = reader.byte()?;
        let normalization = Normalization::from_byte(byte)
            .ok_or_else(|| reader.error("a normalisation that is not known"))?;
        let task = TaskTokens {
            unknown: reader.number()?,
            begin: reader.number()?,
            end: reader.number()?,
        };
        let n = reader.number()?;
        if n > MAX_SPECIALS {
            return Err(reader.error("too many special tokens"));
        }
        let mut specials = Vec::new();
        for _ in 0..n {
            let token = reader.string()?.to_owned();
            specials.push((token, reader.number()?));
        }
        let vocabulary = Vocabulary::read_from(&mut reader)?;
        reader.end()?;
        Self::new(vocabulary, normalization, specials, task)
    }

    /// The stored form:
    ///
    /// | field | size | meaning |
    /// |---|---|---|
    /// | normalisation | 1 | bits: clean, set ideographs apart, strip accents, lower case |
    /// | task tokens | 3 × 1–3 | numbers of the unknown, begin and end tokens |
    /// | number of specials | 1 | at most 64 |
    /// | per special | | string with its length in front, number |
    /// | vocabulary | | as in [`vocabulary`] |
    pub fn write(&self) -> Vec<u8> {
        let mut out = vec![self.normalization.to_byte()];
        for id in [self.task.unknown, self.task.begin, self.task.end] {
            put_number(&mut out, id);
        }
        put_number(&mut out, self.specials.len() as u32);
        for (token, id) in &self.specials {
            put_string(&mut out, token);
            put_number(&mut out, *id);
        }
        out.extend(self.vocabulary.write());
        out
    }

    /// The tokens and their numbers.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The numbers of all tokens, special ones included.
    pub(crate) fn all_ids(&self) -> impl Iterator<Item = u32> {
        let specials = self.specials.iter().map(|&(_, id)| id);
        let tokens = self.vocabulary.iter().map(|(_, id)| id);
        specials.chain(tokens).chain([self.task.unknown])
    }

    /// The numbers of the tokens with a task.
    pub fn task_tokens(&self) -> TaskTokens {
        self.task
    }

    /// The tokenizer with only the tokens whose number `keep` accepts. It divides every word whose
    /// tokens it holds as the whole does.
    #[must_use]
    pub fn subset(&self, keep: impl FnMut(u32) -> bool) -> Self {
        Self {
            vocabulary: self.vocabulary.subset(keep),
            ..self.clone()
        }
    }

    /// The first `max_tokens` tokens of `text`, without begin and end.
    pub fn tokens(&self, text: &str, max_tokens: usize) -> Vec<u32> {
        let mut out = Vec::new();
        self.append(text, max_tokens, &mut out);
        out
    }

    /// The tokens of `text` between begin and end, cut so that there are at most `max_tokens`.
    pub fn encode(&self, text: &str, max_tokens: usize) -> Vec<u32> {
        let mut out = vec![self.task.begin];
        self.append(text, max_tokens.saturating_sub(2), &mut out);
        out.push(self.task.end);
        out
    }

    /// Two texts as a cross-encoder reads them, `[CLS] a [SEP] b [SEP]`, and how many tokens belong
    /// to the first. Tokens are taken from the end of the longer one until both fit.
    pub fn encode_pair(&self, a: &str, b: &str, max_tokens: usize) -> (Vec<u32>, usize) {
        let room = max_tokens.saturating_sub(3);
        let mut a = self.tokens(a, room);
        let mut b = self.tokens(b, room);
        let excess = (a.len() + b.len()).saturating_sub(room);
        for _ in 0..excess {
            if a.len() > b.len() {
                a.pop();
            } else {
                b.pop();
            }
        }
        let mut out = vec![self.task.begin];
        out.extend(a);
        out.push(self.task.end);
        let n_first = out.len();
        out.extend(b);
        out.push(self.task.end);
        (out, n_first)
    }

    /// Appends at most `max_tokens` tokens of `text`.
    fn append(&self, text: &str, max_tokens: usize, out: &mut Vec<u32>) {
        let end = out.len() + max_tokens;
        let mut rest = text;
        while !rest.is_empty() && out.len() < end {
            let (plain, special) = self.next_special(rest);
            let mut hashes = Vec::new();
            self.normalization.words(plain, &mut |word| {
                self.divide(word, out, &mut hashes);
                out.len() < end
            });
            rest = &rest[plain.len()..];
            if let Some((token, id)) = special {
                out.push(*id);
                rest = &rest[token.len()..];
            }
        }
        out.truncate(end);
    }

    /// What stands before the next special token, and that token.
    fn next_special<'t>(&self, text: &'t str) -> (&'t str, Option<&(String, u32)>) {
        let bytes = text.as_bytes();
        let at = |i: usize| {
            let mut specials = self.specials.iter();
            specials.find(|(token, _)| bytes[i..].starts_with(token.as_bytes()))
        };
        let mut found = (0..bytes.len()).filter_map(|i| Some((i, at(i)?)));
        match found.next() {
            Some((i, special)) => (&text[..i], Some(special)),
            None => (text, None),
        }
    }

    /// Appends the tokens of `word`.
    fn divide(&self, word: &str, out: &mut Vec<u32>, hashes: &mut Vec<(usize, u32)>) {
        let n_before = out.len();
        let mut rest = word;
        if word.len() > MAX_WORD_CHARS && word.chars().count() > MAX_WORD_CHARS {
            out.push(self.task.unknown);
            return;
        }
        while !rest.is_empty() {
            let is_continuation = rest.len() < word.len();
            let found = self
                .vocabulary
                .longest_prefix(rest, is_continuation, hashes);
            let Some((len, id)) = found else {
                out.truncate(n_before);
                out.push(self.task.unknown);
                return;
            };
            out.push(id);
            rest = &rest[len..];
        }
    }
}
