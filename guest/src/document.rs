//! A document as ingest hands it to the engine: plain text with its structure marked by spans.

use std::collections::BTreeMap;

/// What kind of text a [`Part`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartKind {
    /// A heading of level 1 to 6, with the anchor a link can point at.
    Heading {
        /// 1 to 6.
        level: u8,
        /// Fragment without `#`.
        anchor: Option<String>,
    },
    /// A paragraph, list item, quotation, table row: running text.
    Paragraph,
    /// Preformatted text or program code; its line breaks are kept.
    Code,
}

/// One block of a document's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// First byte, in [`Document::text`].
    pub start: usize,
    /// One past the last byte, in [`Document::text`].
    pub end: usize,
    /// Weight of its words in scoring, in tenths: 10 is normal, 0 to 100 is legal.
    pub weight: u8,
}

/// A document, extracted from its file.
///
/// **Invariant:** parts are in order, do not overlap, lie within `text` and on character
/// boundaries; text outside every part is white space.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// Stable and unique within an index: `_id` in JSONL, else the path within its input folder.
    pub id: String,
    /// Where a hit leads.
    pub url: String,
    /// The title; may be empty.
    pub title: String,
    /// Declared language, BCP 47 (`en`, `pt-BR`); `None` lets the engine detect it.
    pub lang: Option<String>,
    /// Fields carried along and returned with a hit (`image`, `author`, …).
    pub meta: BTreeMap<String, String>,
    /// Filter keys and their values.
    pub filters: BTreeMap<String, Vec<String>>,
    /// Sort keys and their value.
    pub sort: BTreeMap<String, String>,
    /// Words that it is to be found by beside its own, each with a weight in 1/1024: 1,024 counts as
    /// an occurrence in a text of usual length.
    pub expansions: BTreeMap<String, u32>,
    /// The whole extracted text, parts separated by blank lines. Spans of chunks and citations are
    /// byte offsets into it.
    pub text: String,
    /// The structure of `text`.
    pub parts: Vec<Part>,
}

impl Document {
    /// A document of running text: paragraphs are separated by blank lines.
    pub fn plain(id: impl Into<String>, title: impl Into<String>, text: impl Into<String>) -> Self {
        let text: String = text.into();
        let mut parts = Vec::new();
        let mut start = 0;
        for piece in text.split_inclusive("\n\n") {
            let trimmed = piece.trim();
            if !trimmed.is_empty() {
                let lead = piece.len() - piece.trim_start().len();
                let first = start + lead;
                parts.push(Part {
                    kind: PartKind::Paragraph,
                    start: first,
                    end: first + trimmed.len(),
                    weight: 10,
                });
            }
            start += piece.len();
        }
        let id = id.into();
        Self {
            url: id.clone(),
            id,
            title: title.into(),
            text,
            parts,
            ..Self::default()
        }
    }
}
