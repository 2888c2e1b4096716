//! Littoral's own documentation, bundled with the program.

use crate::ingest::{Document, IngestOptions, Skipped, SourceKind, Unit, parse};

/// Name and text of each page.
const PAGES: &[(&str, &str)] = &[("FORMAT.md", include_str!("../../indexes/FORMAT.md"))];

/// The pages as documents.
///
/// # Errors
/// [`Skipped`] when a page cannot be parsed.
pub fn documents() -> Result<Vec<Document>, Skipped> {
    let options = IngestOptions::default();
    PAGES
        .iter()
        .map(|&(name, text)| {
            let unit = Unit {
                kind: SourceKind::Markdown,
                id_hint: name.to_owned(),
                path: name.into(),
                line: 0,
                bytes: text.as_bytes().to_vec(),
            };
            parse(&unit, &options)
        })
        .collect()
}
