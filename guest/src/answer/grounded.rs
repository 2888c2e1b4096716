//! What a model wrote, held against the passages that it was given.
//!
//! ```text
//! pieces ─cut→ sentences ─citations→ ids of passages ─plain→ text ─support→ supported or not
//! ```
//!
//! A sentence comes out when the next one has begun, so that nothing is shown before it was looked at.
//! Citations of passages that there are not are taken out. A sentence that cites nothing gets the
//! citation of a passage that says the same, and is left out where there is none. What is left is text
//! alone: no markup, no address but those of the cited documents, no character that a terminal obeys.

mod citation;
mod plain;
mod support;

pub use plain::printable;

use super::{AnswerSentence, sentences};
use crate::engine::Note;
use citation::Lead;
use plain::Removed;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use support::Texts;

/// A passage that the model was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it is cited by.
    pub id: String,
    /// The address of its document; empty where it has none.
    pub url: String,
    /// Title and headings above it.
    pub heading: String,
    /// Its text.
    pub text: String,
}

/// How alike two texts are by their vectors, -1 to 1; `None` where nobody knows.
pub type Similar<'a> = dyn FnMut(&str, &str) -> Option<f64> + 'a;

/// Takes what a model writes, piece by piece, and gives sentences with citations that hold.
#[derive(Debug)]
pub struct Grounder {
    sources: Vec<Source>,
    texts: Texts,
    buffer: String,
    /// For each source that is cited, the part of it that the first citation rests on.
    quotes: BTreeMap<usize, Range<usize>>,
    /// Ids that no passage has.
    unknown: BTreeSet<String>,
    removed: Removed,
    n_uncited: u32,
    n_unsupported: u32,
}

impl Grounder {
    /// For a reply to a prompt with `sources`.
    pub fn new(sources: Vec<Source>) -> Self {
        Self {
            texts: Texts::new(&sources),
            sources,
            buffer: String::new(),
            quotes: BTreeMap::new(),
            unknown: BTreeSet::new(),
            removed: Removed::default(),
            n_uncited: 0,
            n_unsupported: 0,
        }
    }

    /// The passages that the model was given.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Takes a piece of the reply; gives the sentences that are complete with it.
    pub fn push(&mut self, piece: &str, similar: &mut Similar<'_>) -> Vec<AnswerSentence> {
        self.buffer.push_str(piece);
        // A citation that follows a full stop at once would hide the end of its sentence.
        for (joined, apart) in [(".[", ". ["), ("?[", "? ["), (".【", ". 【")] {
            if self.buffer.contains(joined) {
                self.buffer = self.buffer.replace(joined, apart);
            }
        }
        let mut complete = Vec::new();
        while let Some(end) = first_end(&self.buffer) {
            let sentence: String = self.buffer.drain(..end).collect();
            complete.extend(self.sentence(&sentence, similar));
        }
        complete
    }

    /// Takes the end of the reply; gives the sentences that are left.
    pub fn finish(&mut self, similar: &mut Similar<'_>) -> Vec<AnswerSentence> {
        // What follows can be no citation any more.
        let mut left = self.push("\n\n.", similar);
        let rest = std::mem::take(&mut self.buffer);
        let rest = rest.strip_suffix("\n\n.").unwrap_or(&rest);
        left.extend(self.sentence(rest, similar));
        left
    }

    /// The passages that are cited, each with the part that a sentence rests on.
    pub fn quotes(&self) -> impl Iterator<Item = (usize, Range<usize>)> + '_ {
        self.quotes.iter().map(|(&i, range)| (i, range.clone()))
    }

    /// What was taken out, and what is to be doubted.
    pub fn notes(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        let mut note = |code: &'static str, message: String| {
            notes.push(Note {
                code: code.into(),
                message,
                suggestion: None,
            });
        };
        if !self.unknown.is_empty() {
            let ids: Vec<String> = self.unknown.iter().map(|id| format!("[{id}]")).collect();
            let ids = ids.join(", ");
            note(
                "citation-removed",
                format!("the model cited {ids}, which it was not given; taken out"),
            );
        }
        if self.n_uncited > 0 {
            let n = self.n_uncited;
            note(
                "uncited-left-out",
                format!("{n} sentences that no passage bears out were left out"),
            );
        }
        if self.n_unsupported > 0 {
            let n = self.n_unsupported;
            note(
                "unsupported",
                format!("{n} sentences say more than the passages that they cite"),
            );
        }
        if self.removed.n > 0 {
            let n = self.removed.n;
            note(
                "markup-removed",
                format!("{n} addresses, images or tags that the model wrote were taken out"),
            );
        }
        notes
    }

    /// Looks at one sentence; `None` where nothing of it may be shown.
    fn sentence(&mut self, written: &str, similar: &mut Similar<'_>) -> Option<AnswerSentence> {
        let text = plain::without_links(&printable(written), &mut self.removed);
        let (text, ids) = citation::take(&text);
        let mut cited: Vec<usize> = Vec::new();
        for id in ids {
            match self.sources.iter().position(|source| source.id == id) {
                Some(i) if !cited.contains(&i) => cited.push(i),
                Some(_) => {}
                None => {
                    self.unknown.insert(id);
                }
            }
        }
        let urls: Vec<&str> = cited.iter().map(|&i| &*self.sources[i].url).collect();
        let text = plain::without_addresses(&text, &urls, &mut self.removed);
        if !text.contains(char::is_alphanumeric) || declines(&text) {
            return None;
        }
        if cited.is_empty() {
            let Some(i) = self.texts.bearing_out(&text) else {
                self.n_uncited += 1;
                return None;
            };
            cited.push(i);
        }
        let support = self.texts.support(&text, &cited, &self.sources, similar);
        self.n_unsupported += u32::from(!support.holds);
        for (&i, quote) in cited.iter().zip(support.quotes) {
            self.quotes.entry(i).or_insert(quote);
        }
        Some(AnswerSentence {
            text,
            citations: cited.iter().map(|&i| self.sources[i].id.clone()).collect(),
            supported: support.holds,
        })
    }
}

/// Where the first sentence of `text` ends, with the citations behind it; `None` while it may go on.
fn first_end(text: &str) -> Option<usize> {
    let next = sentences(text).get(1)?.start;
    match citation::lead(&text[next..]) {
        Lead::Of(bytes) => Some(next + bytes),
        Lead::Unknown => None,
    }
}

/// Whether a model says that the passages have no answer, as it was told to.
fn declines(text: &str) -> bool {
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    letters.eq_ignore_ascii_case("notfound")
}

#[cfg(test)]
mod tests;
