//! Drafts a query set from the documents themselves, for those who have no judgements yet.
//!
//! Every query is a **known-item query**: it was made from one document, and that document is taken
//! for its answer. Such queries use the documents' own words, so words find them more easily than what
//! people ask, and that another document answers as well is not known. They tell whether something is
//! broken and which of two settings is better; they do not tell how good a system is.
//!
//! | kind | query |
//! |---|---|
//! | `title` | a title that few documents share |
//! | `heading` | a heading that few documents share |
//! | `term` | "what is …" of a term that a sentence defines |
//! | `link` | what another document calls this one |
//! | `sentence` | the rarest words of a sentence, in their order |
//!
//! Source: Azzopardi, de Rijke, Balog, "Building simulated queries for known-item topics" (SIGIR
//! 2007).

mod candidates;

use candidates::candidates;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Queries from one document, at most.
const PER_DOCUMENT: u32 = 3;

/// A document as queries are drafted from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Its id in the index.
    pub id: String,
    /// Its title; may be empty.
    pub title: String,
    /// Its parts: the headings above each, and its text.
    pub sections: Vec<(Vec<String>, String)>,
}

/// Where a query comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum QueryKind {
    /// A title.
    Title,
    /// A heading.
    Heading,
    /// A term that is defined.
    Term,
    /// The words of a link.
    Link,
    /// Words of a sentence.
    Sentence,
}

impl QueryKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Link,
        Self::Term,
        Self::Heading,
        Self::Sentence,
        Self::Title,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Heading => "heading",
            Self::Term => "term",
            Self::Link => "link",
            Self::Sentence => "sentence",
        }
    }
}

/// A drafted query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drafted {
    /// Its id, made of what it is.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// Where it comes from.
    pub kind: QueryKind,
    /// Ids of the documents that are taken for its answers.
    pub documents: BTreeSet<String>,
}

/// Drafts at most `n` queries from `pages` and from `links`, which are words and the id of the
/// document that they lead to: about as many of each kind, drawn by `seed`. The same documents and seed
/// give the same queries.
pub fn draft(pages: &[Page], links: &[(String, String)], seed: u64, n: usize) -> Vec<Drafted> {
    let mut by_kind: Vec<std::vec::IntoIter<Drafted>> = QueryKind::ALL
        .iter()
        .map(|&kind| {
            let mut drafted = candidates(kind, pages, links, seed);
            drafted.sort_by_cached_key(|query| hash(seed, &[kind.name(), &query.text]));
            drafted.into_iter()
        })
        .collect();
    let (mut chosen, mut texts) = (Vec::new(), BTreeSet::new());
    let mut per_document: BTreeMap<String, u32> = BTreeMap::new();
    while chosen.len() < n {
        let before = chosen.len();
        for drafted in &mut by_kind {
            let next = drafted.find(|query| {
                let count = |id| per_document.get(id).copied().unwrap_or(0);
                query.documents.iter().all(|id| count(id) < PER_DOCUMENT)
                    && !texts.contains(&key(&query.text))
            });
            let Some(query) = next.filter(|_| chosen.len() < n) else {
                continue;
            };
            for id in &query.documents {
                *per_document.entry(id.clone()).or_default() += 1;
            }
            texts.insert(key(&query.text));
            chosen.push(query);
        }
        if chosen.len() == before {
            break;
        }
    }
    chosen.sort_by(|a, b| a.id.cmp(&b.id));
    chosen
}

/// A hash that stands for the drawing of a lot.
fn hash(seed: u64, parts: &[&str]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// The words of `text` in small letters: texts with the same are the same query.
pub(crate) fn key(text: &str) -> String {
    words(text).join(" ")
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Vec<Page> {
        let page = |id: &str, title: &str, sections: &[(&str, &str)]| Page {
            id: id.into(),
            title: title.into(),
            sections: sections
                .iter()
                .map(|(heading, text)| (vec![(*heading).to_owned()], (*text).to_owned()))
                .collect(),
        };
        vec![
            page(
                "tides.md",
                "Reading a tide table",
                &[
                    (
                        "Spring tides at new moon",
                        "A spring tide is a tide whose range is greatest. The harbour master posts corrections for every quay beside the old lighthouse.",
                    ),
                    ("Introduction", "It is short."),
                ],
            ),
            page(
                "knots.md",
                "Knots for mooring",
                &[
                    (
                        "The bowline",
                        "The bowline makes a loop that never slips, and sailors tie it behind the back with one hand.",
                    ),
                    ("Introduction", "This is short too."),
                ],
            ),
        ]
    }

    #[test]
    fn each_kind_gives_queries_that_lead_to_their_document() {
        let links = [("tables of high water".to_owned(), "tides.md".to_owned())];
        let drafted = draft(&pages(), &links, 1, 100);
        let has = |kind: QueryKind, text: &str, id: &str| {
            let found = drafted.iter().find(|q| q.kind == kind && q.text == text);
            assert!(
                found.is_some_and(|q| q.documents.iter().eq([id])),
                "{kind:?} {text}: {drafted:#?}"
            );
        };
        has(QueryKind::Link, "tables of high water", "tides.md");
        has(QueryKind::Term, "what is a spring tide", "tides.md");
        has(QueryKind::Heading, "The bowline", "knots.md");
        assert!(drafted.iter().any(|q| q.kind == QueryKind::Sentence));
        assert!(drafted.iter().all(|q| q.text != "Introduction"));
    }

    #[test]
    fn the_same_seed_gives_the_same_queries_and_another_gives_others() {
        let drafted = draft(&pages(), &[], 1, 3);
        assert_eq!(drafted.len(), 3);
        assert_eq!(draft(&pages(), &[], 1, 3), drafted);
        assert!((2..20).any(|seed| draft(&pages(), &[], seed, 3) != drafted));
        let mut turned = pages();
        turned.reverse();
        assert_eq!(draft(&turned, &[], 1, 3), drafted);
        assert!(draft(&[], &[], 1, 3).is_empty());
    }
}
