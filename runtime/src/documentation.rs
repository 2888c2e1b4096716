//! Littoral's own documentation, bundled with the program.

mod page;
mod prebuilt;

pub(crate) use prebuilt::{pack, unpack};

use crate::ingest::{Document, IngestOptions, Skipped, SourceKind, Unit, parse};

/// Name and text of each page.
pub(crate) const PAGES: &[(&str, &str)] = &[
    (
        "what-is-littoral.md",
        include_str!("../../indexes/docs/01-what-is-littoral.md"),
    ),
    (
        "getting-started.md",
        include_str!("../../indexes/docs/02-getting-started.md"),
    ),
    (
        "building-an-index.md",
        include_str!("../../indexes/docs/03-building-an-index.md"),
    ),
    (
        "searching.md",
        include_str!("../../indexes/docs/04-searching.md"),
    ),
    ("html.md", include_str!("../../indexes/docs/05-html.md")),
    (
        "other-formats.md",
        include_str!("../../indexes/docs/06-other-formats.md"),
    ),
    (
        "languages.md",
        include_str!("../../indexes/docs/07-languages.md"),
    ),
    (
        "ranking.md",
        include_str!("../../indexes/docs/08-ranking.md"),
    ),
    (
        "index-format.md",
        include_str!("../../indexes/docs/09-index-format.md"),
    ),
    (
        "updating.md",
        include_str!("../../indexes/docs/10-updating.md"),
    ),
    (
        "checking.md",
        include_str!("../../indexes/docs/11-checking.md"),
    ),
    (
        "evaluating.md",
        include_str!("../../indexes/docs/12-evaluating.md"),
    ),
    (
        "limits-and-security.md",
        include_str!("../../indexes/docs/13-limits-and-security.md"),
    ),
    (
        "exit-codes-and-json.md",
        include_str!("../../indexes/docs/14-exit-codes-and-json.md"),
    ),
    (
        "searching-by-meaning.md",
        include_str!("../../indexes/docs/15-searching-by-meaning.md"),
    ),
    (
        "serving.md",
        include_str!("../../indexes/docs/17-serving.md"),
    ),
    ("asking.md", include_str!("../../indexes/docs/18-asking.md")),
    ("tuning.md", include_str!("../../indexes/docs/19-tuning.md")),
    (
        "site-generators.md",
        include_str!("../../indexes/docs/20-site-generators.md"),
    ),
    (
        "publishing.md",
        include_str!("../../indexes/docs/21-publishing.md"),
    ),
    (
        "a-host-of-your-own.md",
        include_str!("../../indexes/docs/22-a-host-of-your-own.md"),
    ),
    (
        "roadmap.md",
        include_str!("../../indexes/docs/16-roadmap.md"),
    ),
    ("FORMAT.md", include_str!("../../indexes/FORMAT.md")),
];

/// The pages as HTML, by name.
///
/// # Errors
/// [`Skipped`] when a page cannot be parsed.
pub(crate) fn html() -> Result<Vec<(&'static str, String)>, Skipped> {
    let documents = documents()?;
    let pages = PAGES.iter().zip(&documents);
    Ok(pages
        .map(|(&(name, text), document)| (name, page::html(text, document)))
        .collect())
}

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
