//! The links of a page.

use super::tag::Tag;
use super::tree::Tree;
use crate::ingest::clean;
use crate::ingest::links::Link;

/// Most elements and texts of a page whose links are looked at.
const MAX_NODES: usize = 1_000_000;

/// The links of `page`, in order.
pub(in crate::ingest) fn links(page: &str) -> Vec<Link> {
    let Some(tree) = Tree::parse(page, MAX_NODES) else {
        return Vec::new();
    };
    let elements = tree.ids().filter(|&id| tree.tag(id) == Tag::A);
    let link = |id| {
        Some(Link {
            text: clean::line(&tree.texts(id).collect::<String>()),
            target: tree.attribute(id, "href")?.to_owned(),
        })
    };
    elements.filter_map(link).collect()
}
