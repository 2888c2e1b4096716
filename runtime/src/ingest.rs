//! Ingest: folders of files become [`Document`]s.
//!
//! ```text
//! inputs ── discover ──→ files ── units ──→ units ── parse ──→ documents
//!           (walk, globs)         (streamed)         (pure, on any thread)
//! ```
//!
//! A [`Unit`] is what becomes one document: a whole file, or one record of a JSONL or CSV file.
//! [`parse`] is a pure function of the unit and the options, so a caller runs it on as many threads
//! as it likes and keeps the order of [`units`]. Input is hostile: every format has bounds
//! ([`Limits`]), formats whose parsers are known to crash run in a child process ([`child_main`]),
//! and whatever fails becomes one [`Skipped`] line while the rest goes on.
//!
//! **Invariant:** ingest opens no network connection and reads nothing outside its inputs.

use std::path::PathBuf;

pub use littoral_guest::Document;

mod charset;
mod child;
mod clean;
mod discover;
mod docx;
mod html;
mod ids;
mod links;
mod markdown;
mod paths;
mod pdf;
mod plain;
mod record;
mod skipped;
mod units;
mod writer;

pub use child::child_main;
pub use discover::{SourceFile, SourceKind, discover};
pub use html::tags_body;
pub use ids::Ids;
pub use links::{Link, links, target_path};
pub use skipped::{IngestError, Skipped};
pub use units::{Unit, units};

/// Bounds on what one input may cost; beyond them it is skipped with a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest file read whole, in bytes (64 MiB). JSONL and CSV files stream and are not bounded.
    pub file_bytes: u64,
    /// Longest JSONL line or CSV record, in bytes (8 MiB).
    pub record_bytes: usize,
    /// Largest extracted text, in bytes (64 MiB).
    pub text_bytes: usize,
    /// Most elements and text runs of one HTML page (1,000,000).
    pub nodes: usize,
    /// Largest Markdown file parsed in this process, in bytes (256 KiB); larger ones go to the
    /// child, since constructed Markdown can cost time quadratic in its length.
    pub markdown_bytes: usize,
    /// Wall-clock seconds a child process may take (10).
    pub child_seconds: u64,
    /// Address space of a child process, in bytes (512 MiB).
    pub child_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 64 << 20,
            record_bytes: 8 << 20,
            text_bytes: 64 << 20,
            nodes: 1_000_000,
            markdown_bytes: 256 << 10,
            child_seconds: 10,
            child_bytes: 512 << 20,
        }
    }
}

/// What to read and how.
#[derive(Debug, Clone, Default)]
pub struct IngestOptions {
    /// Where the input is published: prefixed to every document's relative URL.
    pub base_url: Option<String>,
    /// Language of all documents; `None` takes what a document declares, else leaves it to the
    /// engine to detect.
    pub lang: Option<String>,
    /// Globs over paths relative to an input folder; when not empty, only matching files are read.
    pub include: Vec<String>,
    /// Globs over paths relative to an input folder; matching files are not read.
    pub exclude: Vec<String>,
    /// Selector of the element that holds a page's content, in place of the search for it.
    pub root_selector: Option<String>,
    /// Selectors of elements left out of a page's text (`.ads`, `#comments`, `div[role=log]`).
    pub exclude_selectors: Vec<String>,
    /// Skip HTML pages without `data-pagefind-body` or `data-littoral-body`. Pagefind's rule is to
    /// do so as soon as one page of the site has it; [`tags_body`] tells.
    pub require_body: bool,
    /// The executable that parses hostile formats when called with the argument `__parse`; `None`
    /// is the running one.
    pub executable: Option<PathBuf>,
    /// Bounds.
    pub limits: Limits,
}

/// Turns a unit into a document.
///
/// The result depends on the arguments alone. PDF, DOCX and very long Markdown are parsed in a
/// child process; see [`child_main`].
///
/// # Errors
///
/// [`Skipped`] with the reason when there is no document to be had from the unit.
pub fn parse(unit: &Unit, options: &IngestOptions) -> Result<Document, Skipped> {
    if options.limits.file_bytes < unit.bytes.len() as u64 {
        return Err(unit.skip("too-large", "the file is larger than the limit; split it"));
    }
    let in_child = match unit.kind {
        SourceKind::Pdf | SourceKind::Docx => true,
        SourceKind::Markdown => unit.bytes.len() > options.limits.markdown_bytes,
        _ => false,
    };
    let document = if in_child {
        child::parse(unit, options)?
    } else {
        parse_here(unit, options)?
    };
    if document.parts.is_empty() && document.title.is_empty() {
        return Err(unit.skip(
            "no-text",
            "no text was found; a scanned or empty file has none",
        ));
    }
    Ok(document)
}

/// Parses a unit in this process, whatever its format.
fn parse_here(unit: &Unit, options: &IngestOptions) -> Result<Document, Skipped> {
    let mut document = match unit.kind {
        SourceKind::Html => html::parse(unit, options)?,
        SourceKind::Markdown => markdown::parse(unit, options)?,
        SourceKind::Text => plain::parse(unit, options)?,
        SourceKind::Jsonl | SourceKind::Csv => record::parse(unit, options)?,
        SourceKind::Pdf => pdf::parse(unit, options)?,
        SourceKind::Docx => docx::parse(unit, options)?,
    };
    if let Some(lang) = &options.lang {
        document.lang = Some(lang.clone());
    }
    Ok(document)
}

#[cfg(test)]
mod tests;
