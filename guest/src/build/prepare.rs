//! Prepares one document: chunks it, analyses its fields, and counts its terms.

use super::payload::{ChunkOccurrences, Payload};
use crate::analysis::{AnalysisOptions, Analyzer, Language, TokenKind, detect};
use crate::chunk::{ChunkOptions, sentence_ends, split};
use crate::document::Document;
use crate::engine::StoredDocument;
use crate::table::{Span, spans};
use littoral_indexes::impact::{FREQUENCIES, level};
use littoral_indexes::lexicon::MAX_TERM_BYTES;
use littoral_indexes::passages::{ChunkRecord, DocumentRecord};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// The place of a word in the expansion; above all others.
const EXPANSION: u32 = u32::MAX;

/// A weight below this, in 1/1024, is nearer to none than to the lowest level.
const MIN_WEIGHT: u32 = FREQUENCIES[0] * 5 / 6;

/// Positions left free between two headings, so that no phrase spans them.
const HEADING_GAP: u32 = 4;

/// A document ready for [`super::SegmentBuilder::add`].
#[derive(Debug, Clone, Default)]
pub struct PreparedDocument {
    pub(super) record: DocumentRecord,
    pub(super) source: [u8; 8],
    pub(super) filters: BTreeMap<String, Vec<String>>,
    pub(super) sort: BTreeMap<String, String>,
    pub(super) chunks: Vec<ChunkRecord>,
    /// Words of each chunk's text.
    pub(super) words: Vec<u16>,
    /// All terms' strings, then payloads, one after another.
    pub(super) strings: String,
    pub(super) payloads: Vec<u8>,
    pub(super) terms: Vec<PreparedTerm>,
    /// Distinct words, for spelling, separated by zero bytes.
    pub(super) vocabulary: String,
    /// Unit vectors of the chunks, `[n_chunks, dims]`; empty until the host sets them.
    pub(super) vectors: Vec<f32>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct PreparedTerm {
    pub(super) string: (u32, u32),
    pub(super) payload: (u32, u32),
    pub(super) n_chunks: u32,
    pub(super) is_stop: bool,
    /// Whether the document's expansion has it.
    pub(super) is_expanded: bool,
}

impl PreparedDocument {
    /// How many chunks it has; a document without text and title has none and is not indexed.
    pub fn n_chunks(&self) -> usize {
        self.chunks.len()
    }

    /// The document's id.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// What an encoder reads of each chunk: its title, the headings above it and its text.
    pub fn texts(&self) -> Vec<String> {
        let text = |chunk: &ChunkRecord| encoder_text(&self.record, chunk);
        self.chunks.iter().map(text).collect()
    }

    /// Calls `each` with texts shaped like queries: what the fit of a query table takes.
    pub fn each_span(&self, mut each: impl FnMut(Span)) {
        spans::of_title(&self.record.title, &mut each);
        for heading in self.chunks.iter().filter_map(|chunk| chunk.headings.last()) {
            spans::of_title(heading, &mut each);
        }
        for chunk in &self.chunks {
            let mut start = 0;
            sentence_ends(&chunk.text, |end| {
                for line in chunk.text[start..end].lines() {
                    spans::of_sentence(line, &mut each);
                }
                start = end;
            });
        }
    }

    /// Gives its chunks their unit vectors, `[n_chunks, dims]`, in the order of [`Self::texts`].
    pub fn set_vectors(&mut self, vectors: Vec<f32>) {
        self.vectors = vectors;
    }

    /// Estimate of the memory held.
    pub fn size_bytes(&self) -> usize {
        self.chunks
            .iter()
            .map(|c| c.text.len() + 100)
            .sum::<usize>()
            + self.strings.len()
            + self.payloads.len()
            + self.terms.len() * 24
            + self.vocabulary.len()
            + self.vectors.len() * 4
    }
}

/// Prepares documents, one after another, on one thread.
pub struct Preparer {
    chunking: ChunkOptions,
    analysis: AnalysisOptions,
    lang: Option<Language>,
    analyzers: FxHashMap<Language, Analyzer>,
    scratch: Scratchpad,
}

/// What is counted while a document is analysed; kept between documents for its memory.
#[derive(Default)]
struct Scratchpad {
    ids: FxHashMap<Box<str>, u32>,
    order: Vec<(Box<str>, bool)>,
    /// `(term, place, position)`; places are 0 for the title, 1 + 2c for the headings of chunk c, 2 + 2c
    /// for its text, and [`EXPANSION`], with the level in place of a position.
    occurrences: Vec<(u32, u32, u32)>,
    words: FxHashSet<Box<str>>,
}

impl Scratchpad {
    fn clear(&mut self) {
        self.ids.clear();
        self.order.clear();
        self.occurrences.clear();
        self.words.clear();
    }
}

impl Preparer {
    /// A preparer; `lang` declares the language of all documents. Needs the feature `languages`:
    /// built without it, documents would be taken for English that are not.
    #[cfg(feature = "languages")]
    pub fn new(chunking: ChunkOptions, analysis: AnalysisOptions, lang: Option<Language>) -> Self {
        let (analyzers, scratch) = (FxHashMap::default(), Scratchpad::default());
        Self {
            chunking,
            analysis,
            lang,
            analyzers,
            scratch,
        }
    }

    /// Chunks and analyses `document`; `source` is the hash of what it was made from.
    pub fn prepare(&mut self, document: &Document, source: [u8; 8]) -> PreparedDocument {
        let language = self.lang.unwrap_or_else(|| match &document.lang {
            Some(code) => Language::from_code(code),
            None => detect(&document.text),
        });
        let chunks = split(document, &self.chunking)
            .into_iter()
            .map(|chunk| ChunkRecord {
                headings: chunk.headings,
                anchor: chunk.anchor,
                start: chunk.start as u32,
                weight: chunk.weight,
                text: document.text[chunk.start..chunk.end].to_owned(),
            })
            .collect();
        let record = DocumentRecord {
            id: document.id.clone(),
            url: document.url.clone(),
            title: document.title.clone(),
            lang: language.code().to_owned(),
            meta: document.meta.clone().into_iter().collect(),
        };
        let prepared = PreparedDocument {
            record,
            source,
            filters: document.filters.clone(),
            sort: document.sort.clone(),
            chunks,
            ..PreparedDocument::default()
        };
        let analyzer = self.analyzer(language);
        let mut expansion = Vec::new();
        for (text, &weight) in &document.expansions {
            expand(analyzer, text, weight, &mut expansion);
        }
        self.analyse(prepared, language, &expansion)
    }

    /// Analyses a document as it is stored, as when segments are merged: what comes out is what
    /// [`Self::prepare`] gave.
    pub fn restore(&mut self, stored: StoredDocument) -> PreparedDocument {
        let language = Language::from_code(&stored.record.lang);
        let prepared = PreparedDocument {
            record: stored.record,
            source: stored.source,
            filters: stored.filters,
            sort: stored.sort,
            chunks: stored.chunks,
            ..PreparedDocument::default()
        };
        self.analyse(prepared, language, &stored.expansion)
    }

    fn analyzer(&mut self, language: Language) -> &mut Analyzer {
        self.analyzers
            .entry(language)
            .or_insert_with(|| Analyzer::new(language, &self.analysis))
    }

    /// Counts the terms of a document whose expansion has these, each with its level.
    fn analyse(
        &mut self,
        mut prepared: PreparedDocument,
        language: Language,
        expansion: &[(String, u8)],
    ) -> PreparedDocument {
        let analyzer = self
            .analyzers
            .entry(language)
            .or_insert_with(|| Analyzer::new(language, &self.analysis));
        let scratch = &mut self.scratch;
        scratch.clear();
        scratch.field(analyzer, &prepared.record.title, 0, 0);
        for (c, chunk) in prepared.chunks.iter().enumerate() {
            let place = 1 + 2 * c as u32;
            let mut position = 0;
            for heading in &chunk.headings {
                position = scratch.field(analyzer, heading, place, position).0 + HEADING_GAP;
            }
            let (_, words) = scratch.field(analyzer, &chunk.text, place + 1, 0);
            prepared.words.push(words.min(u32::from(u16::MAX)) as u16);
        }
        for (term, level) in expansion {
            let id = scratch.id(term, false);
            scratch.occurrences.push((id, EXPANSION, u32::from(*level)));
        }
        scratch.collect(&mut prepared);
        prepared
    }
}

/// Adds to `out` the terms of a word, or words, of an expansion, with the level of its weight. Stop
/// words tell nothing, and what is a piece of a word, as `##ing`, is no word.
fn expand(analyzer: &mut Analyzer, text: &str, weight: u32, out: &mut Vec<(String, u8)>) {
    if weight < MIN_WEIGHT || text.starts_with("##") {
        return;
    }
    analyzer.analyze(text, &mut |token| {
        let fits = !token.term.is_empty() && token.term.len() <= MAX_TERM_BYTES;
        if fits && token.kind != TokenKind::Stop {
            out.push((token.term.to_owned(), level(weight)));
        }
    });
}

impl Scratchpad {
    /// The number of a term.
    fn id(&mut self, term: &str, is_stop: bool) -> u32 {
        if let Some(&id) = self.ids.get(term) {
            return id;
        }
        let next = self.order.len() as u32;
        self.ids.insert(term.into(), next);
        self.order.push((term.into(), is_stop));
        next
    }

    /// Analyses one field; returns the position after its last word and its number of words.
    fn field(&mut self, analyzer: &mut Analyzer, text: &str, place: u32, first: u32) -> (u32, u32) {
        let (mut end, mut words) = (first, 0);
        analyzer.analyze(text, &mut |token| {
            let position = first + token.position;
            end = position + 1;
            if token.kind.in_phrase() {
                words += 1;
            }
            if token.term.is_empty() || token.term.len() > MAX_TERM_BYTES {
                return;
            }
            let id = self.id(token.term, token.kind == TokenKind::Stop);
            self.occurrences.push((id, place, position));
            let is_word = matches!(token.kind, TokenKind::Word | TokenKind::Part);
            if is_word && is_correctable(token.word) && !self.words.contains(token.word) {
                self.words.insert(token.word.into());
            }
        });
        (end, words)
    }

    fn collect(&mut self, prepared: &mut PreparedDocument) {
        self.occurrences.sort_unstable();
        let mut payload = Payload::default();
        for group in self.occurrences.chunk_by(|a, b| a.0 == b.0) {
            payload.clear();
            for &(_, place, position) in group {
                if place == 0 {
                    payload.title.add(position);
                    continue;
                }
                if place == EXPANSION {
                    // Words of one stem: the highest comes last and stays.
                    payload.expansion = Some(position as u8);
                    continue;
                }
                let chunk = (place - 1) / 2;
                if payload.chunks.last().is_none_or(|last| last.chunk != chunk) {
                    payload.chunks.push(ChunkOccurrences {
                        chunk,
                        ..Default::default()
                    });
                }
                if let Some(last) = payload.chunks.last_mut() {
                    let field = if place % 2 == 1 {
                        &mut last.headings
                    } else {
                        &mut last.body
                    };
                    field.add(position);
                }
            }
            let (term, is_stop) = &self.order[group[0].0 as usize];
            let string = (prepared.strings.len() as u32, term.len() as u32);
            prepared.strings.push_str(term);
            let start = prepared.payloads.len() as u32;
            payload.write(&mut prepared.payloads);
            prepared.terms.push(PreparedTerm {
                string,
                payload: (start, prepared.payloads.len() as u32 - start),
                n_chunks: payload.chunks.len() as u32,
                is_stop: *is_stop,
                is_expanded: payload.expansion.is_some(),
            });
        }
        let mut words: Vec<_> = self.words.iter().collect();
        words.sort_unstable();
        for word in words {
            prepared.vocabulary.push_str(word);
            prepared.vocabulary.push('\0');
        }
    }
}

/// What an encoder reads of a chunk, and what the fit of a query table takes for its words: the title
/// of its document, the headings above it, and its text, each on a line.
pub fn encoder_text(record: &DocumentRecord, chunk: &ChunkRecord) -> String {
    let headings = chunk.headings.iter().filter(|h| **h != record.title);
    let above = std::iter::once(&record.title).chain(headings);
    let mut text = String::new();
    for line in above.filter(|line| !line.is_empty()) {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(&chunk.text);
    text
}

/// Whether a word is one that spelling correction may suggest: 3 to 24 letters, perhaps with inner
/// apostrophes.
fn is_correctable(word: &str) -> bool {
    let n = word.chars().count();
    (3..=24).contains(&n) && word.chars().all(|c| c.is_alphabetic() || c == '\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_reads_title_headings_and_text_once_each() {
        let record = DocumentRecord {
            title: "Tides".to_owned(),
            ..DocumentRecord::default()
        };
        let chunk = ChunkRecord {
            headings: vec!["Tides".to_owned(), String::new(), "Ebb".to_owned()],
            text: "It falls.".to_owned(),
            ..ChunkRecord::default()
        };
        assert_eq!(encoder_text(&record, &chunk), "Tides\nEbb\nIt falls.");
        let untitled = DocumentRecord::default();
        assert_eq!(encoder_text(&untitled, &chunk), "Tides\nEbb\nIt falls.");
    }
}
