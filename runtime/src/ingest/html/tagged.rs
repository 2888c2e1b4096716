//! What a page says about itself in `data-pagefind-*` and `data-littoral-*` attributes.
//!
//! The semantics are Pagefind's (its documentation, "Indexing"): `body` marks content, the innermost
//! counts; `ignore` leaves an element out of the text but not its metadata, `ignore="all"` both;
//! `meta`, `filter` and `sort` take `key`, `key[attribute]` and, last in a list, `key:value`, and
//! apply to the whole page; `default-meta` gives way to `meta`.

use std::collections::BTreeMap;

use crate::ingest::clean;

use super::boilerplate;
use super::selector::Selector;
use super::tag::Tag;
use super::tree::{Id, Tree};

/// The collected attributes of a page.
#[derive(Debug, Default)]
pub(super) struct Tagged {
    /// Elements marked as content, in order, none within another.
    pub(super) bodies: Vec<Id>,
    /// Elements left out of the text, in order.
    pub(super) ignored: Vec<Id>,
    pub(super) meta: BTreeMap<String, String>,
    pub(super) filters: BTreeMap<String, Vec<String>>,
    pub(super) sort: BTreeMap<String, String>,
    /// Whether any element has a weight or indexed attributes.
    pub(super) inline: bool,
}

impl Tagged {
    /// Whether the page or the options leave the element out.
    pub(super) fn ignores(&self, id: Id) -> bool {
        self.ignored.binary_search(&id).is_ok()
    }
}

/// The name after the prefix, of an attribute that is ours.
pub(super) fn own(name: &str) -> Option<&str> {
    name.strip_prefix("data-pagefind-")
        .or_else(|| name.strip_prefix("data-littoral-"))
}

/// Elements that Pagefind never takes text from.
pub(super) fn is_never_text(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Head
            | Tag::Style
            | Tag::Script
            | Tag::Noscript
            | Tag::Label
            | Tag::Form
            | Tag::Svg
            | Tag::Footer
            | Tag::Nav
            | Tag::Iframe
            | Tag::Template
    )
}

/// Collects the attributes of a page; elements matching `exclude` count as ignored.
pub(super) fn collect(tree: &Tree, exclude: &[Selector]) -> Tagged {
    let mut tagged = Tagged::default();
    image(tree, &mut tagged.meta);
    let mut default_meta = BTreeMap::new();
    let mut own_meta = BTreeMap::new();
    if !tree.mentions_own_attributes() && exclude.is_empty() {
        return tagged;
    }
    let mut silent_until = 0;
    let mut id = 0;
    while id < tree.ids().end {
        let tag = tree.tag(id);
        if tag == Tag::Text {
            id += 1;
            continue;
        }
        let mut ignored = exclude.iter().any(|selector| selector.matches(tree, id));
        let mut excluded = false;
        let mut body = false;
        for (name, value) in tree.attributes(id) {
            match own(name) {
                Some("body") => body = true,
                Some("ignore") => match value.trim().to_ascii_lowercase().as_str() {
                    "" | "index" | "true" => ignored = true,
                    _ => excluded = true,
                },
                Some("weight" | "index-attrs") => tagged.inline = true,
                _ => {}
            }
        }
        if excluded && !body {
            tagged.ignored.push(id);
            id = tree.end(id);
            continue;
        }
        if body && id >= silent_until && !is_never_text(tag) {
            tagged.bodies.push(id);
        } else if ignored {
            tagged.ignored.push(id);
        }
        if ignored && !body || is_never_text(tag) {
            silent_until = silent_until.max(tree.end(id));
        }
        for (name, value) in tree.attributes(id) {
            let Some(kind @ ("meta" | "default-meta" | "filter" | "sort")) = own(name) else {
                continue;
            };
            for (key, value) in pairs(tree, id, value) {
                match kind {
                    "meta" => drop(own_meta.insert(key, value)),
                    "default-meta" => drop(default_meta.insert(key, value)),
                    "sort" => drop(tagged.sort.insert(key, value)),
                    _ => {
                        let values: &mut Vec<String> = tagged.filters.entry(key).or_default();
                        if !values.contains(&value) {
                            values.push(value);
                        }
                    }
                }
            }
        }
        id += 1;
    }
    if own_meta.contains_key("image") {
        tagged.meta.remove("image_alt");
    }
    tagged.meta.extend(default_meta);
    tagged.meta.extend(own_meta);
    let bodies = tagged.bodies.clone();
    let mut next = bodies.iter().skip(1);
    tagged
        .bodies
        .retain(|body| next.next().is_none_or(|next| *next >= tree.end(*body)));
    tagged
}

/// Pagefind's default image: the first after the first `h1`.
fn image(tree: &Tree, meta: &mut BTreeMap<String, String>) {
    let mut ids = tree.ids();
    if !ids.any(|id| tree.tag(id) == Tag::H1) {
        return;
    }
    let image = ids.find_map(|id| {
        let src = (tree.tag(id) == Tag::Img)
            .then(|| tree.attribute(id, "src"))
            .flatten()?;
        (!src.is_empty() && !src.starts_with("data:")).then_some((id, src))
    });
    if let Some((id, src)) = image {
        meta.insert("image".into(), clean::line(src));
        meta.insert(
            "image_alt".into(),
            clean::line(tree.attribute(id, "alt").unwrap_or_default()),
        );
    }
}

/// Keys and values of a `meta`, `filter` or `sort` attribute.
fn pairs(tree: &Tree, id: Id, list: &str) -> Vec<(String, String)> {
    let (captures, literal) = match list.split_once(':') {
        Some((captures, literal)) => (captures, Some(literal)),
        None => (list, None),
    };
    let captures: Vec<&str> = captures.split(',').map(str::trim).collect();
    let last = captures.len() - 1;
    let mut out = Vec::new();
    for (i, capture) in captures.into_iter().enumerate() {
        let pair = match (literal.filter(|_| i == last), capture.split_once('[')) {
            (Some(value), _) => (capture, clean::line(value)),
            (None, Some((key, attribute))) => {
                let attribute = attribute.trim_end_matches(']').trim().to_ascii_lowercase();
                (
                    key.trim(),
                    clean::line(tree.attribute(id, &attribute).unwrap_or_default()),
                )
            }
            (None, None) => (capture, content(tree, id)),
        };
        if !pair.0.is_empty() && !pair.1.is_empty() {
            out.push((clean::line(pair.0), pair.1));
        }
    }
    out
}

/// Longest value taken from the text of an element, in bytes.
const VALUE_BYTES: usize = 64 << 10;

/// The text of an element on one line, without what is ignored or not seen within it.
pub(super) fn content(tree: &Tree, id: Id) -> String {
    let mut out = String::new();
    let mut at = id;
    while at < tree.end(id) && out.len() < VALUE_BYTES {
        let tag = tree.tag(at);
        if tag == Tag::Text {
            out.push_str(tree.text(at));
        } else if at > id
            && (matches!(tag, Tag::Script | Tag::Style | Tag::Svg)
                || boilerplate::is_hidden(tree, at)
                || boilerplate::is_permalink(tree, at)
                || tree
                    .attributes(at)
                    .any(|(name, _)| own(name) == Some("ignore")))
        {
            at = tree.end(at);
            continue;
        } else if tag.is_block() || tag == Tag::Br {
            out.push(' ');
        }
        at += 1;
    }
    clean::line(&out)
}
