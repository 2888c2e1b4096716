//! What can be asked of documents, by kind.

use super::{Drafted, Page, QueryKind, hash, key, words};
use littoral_guest::answer::sentences;
use std::collections::{BTreeMap, BTreeSet};

/// Documents that a query may stand for: more, and it is not about one of them.
const MAX_DOCUMENTS: usize = 3;

/// Words of a query.
const WORDS: std::ops::RangeInclusive<usize> = 2..=15;

/// Words of a term.
const MAX_TERM_WORDS: usize = 4;

/// Words that a sentence must have, so that some can be left out.
const SENTENCE_WORDS: usize = 8;

/// Words of a sentence that make a query.
const RAREST: usize = 5;

/// Letters of a word that can be rare and mean something.
const WORD_CHARS: usize = 3;

/// What links say that say nothing.
const EMPTY_LINKS: [&str; 12] = [
    "click here",
    "read more",
    "learn more",
    "see also",
    "this page",
    "this section",
    "next page",
    "previous page",
    "more information",
    "edit this page",
    "back to top",
    "table of contents",
];

/// Words that begin a sentence and name nothing.
const NO_TERMS: [&str; 40] = [
    "it", "this", "that", "these", "those", "there", "they", "he", "she", "we", "you", "i", "here",
    "which", "what", "who", "if", "when", "such", "one", "whether", "how", "why", "where", "while",
    "because", "in", "on", "at", "for", "to", "with", "by", "every", "all", "no", "not", "and",
    "but", "each",
];

/// What stands between a term and its definition.
const DEFINES: [&str; 5] = [" is a ", " is an ", " is the ", " means ", " refers to "];

/// The queries of one `kind` that the documents give, in no order that means anything.
pub(super) fn candidates(
    kind: QueryKind,
    pages: &[Page],
    links: &[(String, String)],
    seed: u64,
) -> Vec<Drafted> {
    let mut found: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    let mut add = |text: &str, id: &str| {
        // Of several spellings the first in order counts, whatever the order of documents.
        let entry = found
            .entry(key(text))
            .or_insert_with(|| (text.to_owned(), BTreeSet::new()));
        if text < entry.0.as_str() {
            text.clone_into(&mut entry.0);
        }
        entry.1.insert(id.to_owned());
    };
    match kind {
        QueryKind::Title => pages.iter().for_each(|page| add(&page.title, &page.id)),
        QueryKind::Heading => {
            for page in pages {
                for (headings, _) in &page.sections {
                    if let Some(heading) = headings.last().filter(|h| key(h) != key(&page.title)) {
                        add(heading, &page.id);
                    }
                }
            }
        }
        QueryKind::Term => {
            for page in pages {
                for (_, text) in &page.sections {
                    for place in sentences(text) {
                        if let Some(term) = term(&text[place]) {
                            add(&format!("what is {term}"), &page.id);
                        }
                    }
                }
            }
        }
        QueryKind::Link => {
            for (text, id) in links {
                if !EMPTY_LINKS.contains(&&*key(text)) {
                    add(text, id);
                }
            }
        }
        QueryKind::Sentence => {
            let frequencies = frequencies(pages);
            for page in pages {
                if let Some(query) = rare_words(page, &frequencies, seed) {
                    add(&query, &page.id);
                }
            }
        }
    }
    let fits = |text: &str, documents: &BTreeSet<String>| {
        WORDS.contains(&words(text).len()) && documents.len() <= MAX_DOCUMENTS
    };
    found
        .into_iter()
        .filter(|(_, (text, documents))| fits(text, documents))
        .map(|(key, (text, documents))| Drafted {
            id: format!("{}-{}", kind.name(), short(&hash(0, &[&key]))),
            text,
            kind,
            documents,
        })
        .collect()
}

fn short(hash: &[u8; 32]) -> String {
    hash[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The term that `sentence` defines, in small letters but for names.
fn term(sentence: &str) -> Option<String> {
    let sentence = sentence.trim_start_matches(['-', '*', '•', ' ']);
    let ends = DEFINES.iter().filter_map(|mark| sentence.find(mark));
    let end = ends.min()?;
    let term = sentence[..end].trim();
    let n_words = words(term).len();
    let is_plain = term
        .chars()
        .all(|c| c.is_alphanumeric() || " -_./'".contains(c));
    let first = term.split_whitespace().next()?.to_lowercase();
    let starts = term.chars().next()?.is_uppercase();
    if !(1..=MAX_TERM_WORDS).contains(&n_words)
        || !is_plain
        || !starts
        || NO_TERMS.contains(&&*first)
    {
        return None;
    }
    // A sentence begins with a capital; a name keeps its own.
    let is_article = matches!(&*first, "a" | "an" | "the");
    Some(if is_article {
        first + &term[term.find(' ')?..]
    } else {
        term.to_owned()
    })
}

/// Documents that have each word.
fn frequencies(pages: &[Page]) -> BTreeMap<String, u32> {
    let mut frequencies = BTreeMap::new();
    for page in pages {
        let own: BTreeSet<String> = page
            .sections
            .iter()
            .flat_map(|(_, text)| words(text))
            .collect();
        for word in own {
            *frequencies.entry(word).or_default() += 1;
        }
    }
    frequencies
}

/// The rarest words of a sentence of `page` that `seed` draws.
fn rare_words(page: &Page, frequencies: &BTreeMap<String, u32>, seed: u64) -> Option<String> {
    let all = page.sections.iter().flat_map(|(_, text)| {
        let places = sentences(text);
        places.into_iter().map(|place| words(&text[place]))
    });
    let long = all.filter(|words| words.len() >= SENTENCE_WORDS);
    let drawn = long.min_by_key(|words| hash(seed, &[&page.id, &words.join(" ")]))?;
    let df = |word: &str| frequencies.get(word).copied().unwrap_or(0);
    let mut rare: Vec<(u32, usize)> = drawn
        .iter()
        .enumerate()
        .filter(|(_, word)| word.chars().count() >= WORD_CHARS)
        .map(|(i, word)| (df(word), i))
        .collect();
    rare.sort_unstable();
    let mut seen = BTreeSet::new();
    rare.retain(|&(_, i)| seen.insert(&drawn[i]));
    rare.truncate(RAREST);
    let mut places: Vec<usize> = rare.into_iter().map(|(_, i)| i).collect();
    places.sort_unstable();
    let chosen: Vec<&str> = places.iter().map(|&i| drawn[i].as_str()).collect();
    (chosen.len() == RAREST).then(|| chosen.join(" "))
}
