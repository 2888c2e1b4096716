//! Finds the elements that hold a page's content.
//!
//! In order: what the page marks, `<main>` or `role=main`, `<article>`, containers that well-known
//! generators name, and last the innermost element that holds most of the text outside links.

use crate::ingest::clean;

use super::boilerplate::{self, Verdict};
use super::selector::Selector;
use super::tag::Tag;
use super::tree::{Id, Tree};

/// Ids and classes that generators give the container of the content.
const CONTAINERS: &[&str] = &[
    "VPContent",
    "article-body",
    "content",
    "documentwrapper",
    "entry-content",
    "main-content",
    "markdown-body",
    "markdown-section",
    "md-content",
    "page-content",
    "post-content",
    "theme-doc-markdown",
];

/// Where the content of a page is.
#[derive(Debug)]
pub(super) struct Content {
    /// Elements to extract, in order, none within another.
    pub(super) roots: Vec<Id>,
    /// Text lengths, where boilerplate is to be judged; `None` where the page marks its content.
    pub(super) lengths: Option<Lengths>,
    /// Text length of all roots.
    whole: u32,
}

impl Content {
    /// The elements that the page itself marks.
    pub(super) fn tagged(roots: Vec<Id>) -> Self {
        Self {
            roots,
            lengths: None,
            whole: 0,
        }
    }

    fn judged(tree: &Tree, roots: Vec<Id>, lengths: Lengths) -> Self {
        let whole = roots.iter().map(|root| lengths.of(tree, *root)).sum();
        Self {
            roots,
            lengths: Some(lengths),
            whole,
        }
    }

    /// The language that the content is said to be in, by itself or by what it stands in: a page may show a
    /// text that was not translated within a frame that was.
    pub(super) fn lang(&self, tree: &Tree) -> Option<String> {
        let mut at = *self.roots.first()?;
        loop {
            if let Some(lang) = tree.attribute(at, "lang").and_then(clean::lang) {
                return Some(lang);
            }
            let parent = tree.node_at(at).parent;
            if parent == at {
                return None;
            }
            at = parent;
        }
    }

    /// Whether an element holds too much of the content to be boilerplate.
    pub(super) fn is_most(&self, tree: &Tree, id: Id) -> bool {
        let Some(lengths) = &self.lengths else {
            return false;
        };
        lengths.of(tree, id) * 2 > self.whole
    }
}

/// Sums of text lengths up to each node, so that any element's length is a difference.
#[derive(Debug)]
pub(super) struct Lengths(Vec<u32>);

impl Lengths {
    fn new(tree: &Tree, counts: impl Fn(Id) -> u32) -> Self {
        let mut sums = Vec::with_capacity(tree.ids().len() + 1);
        let mut sum = 0;
        sums.push(0);
        for id in tree.ids() {
            sum += counts(id);
            sums.push(sum);
        }
        Self(sums)
    }

    fn of(&self, tree: &Tree, id: Id) -> u32 {
        self.0[tree.end(id) as usize] - self.0[id as usize]
    }
}

/// The elements that match a selector, outermost first.
pub(super) fn named(tree: &Tree, selectors: &[Selector]) -> Option<Content> {
    let roots = outermost(tree, |id| selectors.iter().any(|s| s.matches(tree, id)));
    let lengths = Lengths::new(tree, |id| tree.text(id).trim().len() as u32);
    (!roots.is_empty()).then(|| Content::judged(tree, roots, lengths))
}

/// Finds the content of a page that does not mark it.
pub(super) fn find(tree: &Tree) -> Content {
    let lengths = Lengths::new(tree, |id| tree.text(id).trim().len() as u32);
    let whole = lengths.of(tree, 0);
    let holds = |id: Id, percent: u32| {
        u64::from(lengths.of(tree, id)) * 100 >= u64::from(whole) * u64::from(percent)
    };
    let roots = main(tree, &lengths)
        .filter(|id| holds(*id, 10) || lengths.of(tree, *id) >= 200)
        .map(|id| vec![id])
        .or_else(|| {
            let articles = outermost(tree, |id| tree.tag(id) == Tag::Article);
            let sum: u32 = articles.iter().map(|id| lengths.of(tree, *id)).sum();
            (!articles.is_empty() && u64::from(sum) * 10 >= u64::from(whole) * 3)
                .then_some(articles)
        })
        .or_else(|| {
            let container = |id: Id| {
                ["id", "class", "itemprop"].iter().any(|name| {
                    tree.attribute(id, name).is_some_and(|value| {
                        value.split_ascii_whitespace().any(|word| {
                            CONTAINERS.binary_search(&word).is_ok() || word == "articleBody"
                        })
                    })
                })
            };
            let found = outermost(tree, container);
            found
                .into_iter()
                .find(|id| holds(*id, 40))
                .map(|id| vec![id])
        })
        .unwrap_or_else(|| vec![densest(tree, &lengths)]);
    Content::judged(tree, roots, lengths)
}

fn outermost(tree: &Tree, fits: impl Fn(Id) -> bool) -> Vec<Id> {
    let mut out = Vec::new();
    let mut id = 0;
    while id < tree.ids().end {
        if tree.tag(id) != Tag::Text && fits(id) {
            out.push(id);
            id = tree.end(id);
        } else {
            id += 1;
        }
    }
    out
}

/// The main element, or the one article that makes up most of it.
fn main(tree: &Tree, lengths: &Lengths) -> Option<Id> {
    let mains = outermost(tree, |id| {
        tree.tag(id) == Tag::Main || tree.attribute(id, "role") == Some("main")
    });
    let main = mains
        .into_iter()
        .max_by_key(|id| (lengths.of(tree, *id), std::cmp::Reverse(*id)))?;
    let mut articles = tree.within(main).filter(|id| tree.tag(*id) == Tag::Article);
    let Some(first) = articles.next() else {
        return Some(main);
    };
    let others: u32 = articles
        .filter(|id| *id >= tree.end(first))
        .map(|id| lengths.of(tree, id))
        .sum();
    let alone = lengths.of(tree, first);
    let most = alone * 2 > lengths.of(tree, main) && others * 4 < alone;
    Some(if most { first } else { main })
}

/// Goes down from the top while one element holds most of the text outside links.
fn densest(tree: &Tree, lengths: &Lengths) -> Id {
    let mut skip_until = 0;
    let mut link_until = 0;
    let mut counts = vec![0; tree.ids().len()];
    for id in tree.ids() {
        let tag = tree.tag(id);
        if id < skip_until {
            continue;
        }
        if tag == Tag::Text {
            counts[id as usize] = if id < link_until {
                0
            } else {
                tree.text(id).trim().len() as u32
            };
            continue;
        }
        if tag == Tag::A {
            link_until = tree.end(id);
        }
        let likely = boilerplate::judge(tree, id) != Verdict::Content
            && lengths.of(tree, id) * 2 <= lengths.of(tree, 0);
        if boilerplate::is_machinery(tag) || likely {
            skip_until = tree.end(id);
        }
    }
    let plain = Lengths::new(tree, |id| counts[id as usize]);
    let mut at = 0;
    loop {
        let mut child = at + 1;
        let mut next = None;
        while child < tree.end(at) {
            let holds = u64::from(plain.of(tree, child)) * 10 >= u64::from(plain.of(tree, at)) * 7;
            if holds && plain.of(tree, child) > 0 && is_container(tree.tag(child)) {
                next = Some(child);
                break;
            }
            child = tree.end(child);
        }
        match next {
            Some(child) => at = child,
            None => return at,
        }
    }
}

fn is_container(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Html
            | Tag::Body
            | Tag::Div
            | Tag::Section
            | Tag::Article
            | Tag::Center
            | Tag::Form
            | Tag::Table
            | Tag::Tbody
            | Tag::Tr
            | Tag::Td
            | Tag::Other
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_for_binary_search() {
        assert!(CONTAINERS.is_sorted());
    }
}
