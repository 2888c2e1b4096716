//! Sites as generators write them: what is read of each page, and which pages are left out.
//!
//! `corpora/sites/NAME` imitates what NAME writes, frame included; `corpora/sites/NAME.txt` says what is to
//! be read of it.

#![allow(clippy::unwrap_used, reason = "a test may end the program")]

use littoral_guest::{Document, PartKind};
use littoral_runtime::ingest::{IngestOptions, discover, parse, units};
use std::fmt::Write;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

/// A document as a person writes it down: its head, then a line for each part, headings with their anchors.
fn told(document: &Document) -> String {
    let lang = document.lang.as_deref().unwrap_or("-");
    let mut out = format!("{} {lang} {}\n", document.url, document.title);
    for part in &document.parts {
        let text = document.text[part.start..part.end].replace('\n', " ⏎ ");
        match &part.kind {
            PartKind::Heading { level, anchor } => {
                let mark = "#".repeat(usize::from(*level));
                let anchor = anchor.as_deref().unwrap_or("-");
                writeln!(out, "  {mark} {text} ({anchor})").unwrap();
            }
            _ => writeln!(out, "  {text}").unwrap(),
        }
    }
    out
}

fn read(site: &Path) -> String {
    let options = IngestOptions::default();
    let (files, skipped) = discover(&[site.to_owned()], &options).unwrap();
    assert!(skipped.is_empty(), "{skipped:?}");
    let mut out = String::new();
    for file in &files {
        let _ = units(file, &options, &mut |unit| {
            match parse(&unit.unwrap(), &options) {
                Ok(document) => out.push_str(&told(&document)),
                Err(skipped) => {
                    writeln!(out, "{} skipped: {}", file.relative, skipped.code).unwrap();
                }
            }
            ControlFlow::Continue(())
        });
    }
    out
}

#[test]
fn of_each_generators_pages_the_content_is_read_and_nothing_of_the_frame() {
    let sites = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/sites");
    for name in ["docusaurus", "mkdocs", "sphinx", "starlight", "vitepress"] {
        let expected = fs::read_to_string(sites.join(name).with_extension("txt")).unwrap();
        let found = read(&sites.join(name));
        assert_eq!(found, expected, "{name}:\n{found}");
    }
}
