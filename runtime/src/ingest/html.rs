//! HTML: the main content of a page, with its headings, metadata and `data-pagefind-*` attributes.
//!
//! ```text
//! bytes ── charset ──→ text ── tree ──→ flat tree ──┬─ head ────→ title, language, robots
//!                                                   ├─ tagged ──→ meta, filters, sort
//!                                                   ├─ content ─→ root, what is boilerplate
//!                                                   └─ extract ─→ parts
//! ```
//!
//! The tree is an array in document order, each node with the end of its subtree, so every pass is
//! a loop: nesting costs no stack. Depth is bounded, so time is linear in the length of the page.

use littoral_guest::Document;

use super::{IngestError, IngestOptions, Skipped, SourceFile, SourceKind, Unit, charset, paths};

mod boilerplate;
mod content;
mod extract;
mod head;
mod links;
mod purpose;
mod selector;
mod tag;
mod tagged;
#[cfg(test)]
mod tests;
mod tree;

pub(super) use extract::fragment;
pub(super) use links::links;
use selector::Selector;
use tree::Tree;

pub(super) fn parse(unit: &Unit, options: &IngestOptions) -> Result<Document, Skipped> {
    purpose::by_name(unit)?;
    let text = charset::html(&unit.bytes);
    let tree = Tree::parse(&text, options.limits.nodes)
        .ok_or_else(|| unit.skip("too-complex", "the page has too many elements; split it"))?;
    purpose::by_mark(unit, &tree)?;
    let selectors = Selectors::new(options);
    let tagged = tagged::collect(&tree, &selectors.exclude);
    if options.require_body && tagged.bodies.is_empty() {
        return Err(unit.skip(
            "no-body-attribute",
            "other pages mark their content with data-pagefind-body and this one does not",
        ));
    }
    let head = head::read(&tree);
    if head.noindex {
        return Err(unit.skip("noindex", "the page asks robots not to index it"));
    }
    if let Some(target) = &head.redirect {
        return Err(unit.skip("redirect", format!("the page only leads to {target}")));
    }
    let content = match &selectors.root {
        Some(root) => content::named(&tree, root)
            .ok_or_else(|| unit.skip("no-root", "no element matches the root selector"))?,
        None if !tagged.bodies.is_empty() => content::Content::tagged(tagged.bodies.clone()),
        None => content::find(&tree),
    };
    let title = match tagged.meta.get("title") {
        Some(title) => title.clone(),
        None => head::title(&tree, &head, &content, &tagged),
    };
    let mut document = extract::extract(&tree, &content, &tagged, title, options.limits.text_bytes)
        .ok_or_else(|| unit.too_much_text())?;
    if document.parts.is_empty() {
        return Err(unit.skip("no-text", "the page has no text of its own"));
    }
    purpose::by_text(unit, &document.text)?;
    document.id.clone_from(&unit.id_hint);
    document.url = paths::url(&unit.id_hint, SourceKind::Html, options);
    document.lang = content.lang(&tree);
    document.meta = tagged.meta;
    document.meta.remove("title");
    if let Some(description) = head.description {
        document
            .meta
            .entry("description".into())
            .or_insert(description);
    }
    document.filters = tagged.filters;
    document.sort = tagged.sort;
    Ok(document)
}

/// The selectors of the options, read.
#[derive(Default)]
struct Selectors {
    root: Option<Vec<Selector>>,
    exclude: Vec<Selector>,
}

impl Selectors {
    fn new(options: &IngestOptions) -> Self {
        // `discover` refuses selectors that cannot be read.
        Self {
            root: options
                .root_selector
                .as_deref()
                .and_then(|text| selector::list(text).ok()),
            exclude: options
                .exclude_selectors
                .iter()
                .filter_map(|text| selector::list(text).ok())
                .flatten()
                .collect(),
        }
    }
}

/// Refuses selectors that cannot be read.
pub(super) fn check_selectors(options: &IngestOptions) -> Result<(), IngestError> {
    for text in options
        .root_selector
        .iter()
        .chain(&options.exclude_selectors)
    {
        selector::list(text).map_err(|()| IngestError::BadSelector {
            selector: text.clone(),
        })?;
    }
    Ok(())
}

/// Whether any page marks its content with `data-pagefind-body` or `data-littoral-body`. Pagefind
/// then leaves out all pages that do not; see [`IngestOptions::require_body`].
///
/// Reads the HTML files until one does; files without the words cost one scan.
pub fn tags_body(files: &[SourceFile], options: &IngestOptions) -> bool {
    let names = [
        memchr::memmem::Finder::new("data-pagefind-body"),
        memchr::memmem::Finder::new("data-littoral-body"),
    ];
    files
        .iter()
        .filter(|file| file.kind == SourceKind::Html)
        .any(|file| {
            let small = std::fs::symlink_metadata(&file.path)
                .is_ok_and(|found| found.is_file() && found.len() <= options.limits.file_bytes);
            let Some(bytes) = small.then(|| std::fs::read(&file.path).ok()).flatten() else {
                return false;
            };
            names.iter().any(|name| name.find(&bytes).is_some())
                && Tree::parse(&charset::html(&bytes), options.limits.nodes).is_some_and(|tree| {
                    !tagged::collect(&tree, &Selectors::new(options).exclude)
                        .bodies
                        .is_empty()
                })
        })
}
