//! Pages that serve the site and are no documents: shown in place of missing ones, repeating others, listing
//! others, or made to search.

use crate::ingest::{Skipped, Unit};

use super::tag::Tag;
use super::tree::Tree;

/// A page named for searching that has no more text than this, in bytes, is a form that waits for scripts.
const SEARCH_BYTES: usize = 200;

/// Skips pages that are known by their names.
pub(super) fn by_name(unit: &Unit) -> Result<(), Skipped> {
    let name = unit.id_hint.rsplit('/').next().unwrap_or_default();
    let head = &unit.bytes[..unit.bytes.len().min(4096)];
    if name == "print.html" && memchr::memmem::find(head, b"mdBook").is_some() {
        return Err(unit.skip(
            "duplicate-page",
            "the print page repeats every page of the book",
        ));
    }
    let is_error = matches!(name, "404.html" | "500.html" | "_not-found.html")
        || matches!(&*unit.id_hint, "404/index.html" | "_not-found/index.html");
    if is_error {
        return Err(unit.skip("error-page", "the page is shown in place of missing ones"));
    }
    // Sphinx writes them.
    if matches!(name, "genindex.html" | "py-modindex.html") {
        return Err(listing(unit));
    }
    Ok(())
}

/// Skips pages whose generator says that they list others: Docusaurus gives `<html>` a class for each kind of
/// page.
pub(super) fn by_mark(unit: &Unit, tree: &Tree) -> Result<(), Skipped> {
    let mut pages = tree.ids().filter(|id| tree.tag(*id) == Tag::Html);
    let Some(classes) = pages.find_map(|id| tree.attribute(id, "class")) else {
        return Ok(());
    };
    let has = |wanted: &str| classes.split_ascii_whitespace().any(|name| name == wanted);
    let is_listing = classes
        .split_ascii_whitespace()
        .any(|name| name.ends_with("-list-page"))
        || has("plugin-blog") && !has("blog-post-page");
    if is_listing {
        return Err(listing(unit));
    }
    Ok(())
}

/// Skips a page made to search that holds nothing else.
pub(super) fn by_text(unit: &Unit, text: &str) -> Result<(), Skipped> {
    let id = &*unit.id_hint;
    let file = id.strip_suffix("/index.html").or(id.strip_suffix(".html"));
    let is_search = file.and_then(|file| file.rsplit('/').next()) == Some("search");
    if is_search && text.len() <= SEARCH_BYTES {
        return Err(unit.skip("search-page", "the page is there to search the others"));
    }
    Ok(())
}

fn listing(unit: &Unit) -> Skipped {
    unit.skip("listing-page", "the page lists others, which are read")
}
