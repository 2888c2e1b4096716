//! Lists so long that a query first reads their best part only: what it leaves unread does not change
//! what it shows by more than it may, and what it must know whole it reads at once.
#![allow(
    clippy::unwrap_used,
    reason = "a test says what it finds, and ends where it cannot go on"
)]

use littoral_guest::engine::{Mode, SearchResult};
use littoral_guest::{Document, SearchOptions};
use littoral_indexes::envelope::Kind;
use littoral_runtime::build::default_settings;
use littoral_tests::memory::{Place, Stored};
use littoral_tests::random::Random;
use std::collections::BTreeSet;

const N_DOCUMENTS: usize = 24_000;
const COMMON: [&str; 4] = ["harbour", "tide", "lantern", "anchor"];
const SHORES: [&str; 3] = ["north", "south", "west"];

/// What a document was made of.
struct Made {
    /// Which of the common words it holds.
    words: [bool; 4],
    shore: usize,
}

/// Short documents, most with several of a few common words.
fn made() -> (Vec<Made>, Stored) {
    let mut random = Random::new(8);
    let (mut made, mut documents) = (Vec::new(), Vec::new());
    for i in 0..N_DOCUMENTS {
        let mut words = [false; 4];
        let mut text = format!("Entry {i}.");
        for (word, holds) in COMMON.iter().zip(&mut words) {
            *holds = random.below(3) > 0;
            for _ in 0..if *holds { 1 + random.below(4) } else { 0 } {
                text = format!("{text} The {word} of {}.", random.below(5_000));
            }
        }
        let shore = random.below(SHORES.len());
        let mut document = Document::plain(format!("{i}"), format!("Entry {i}"), text);
        let value = vec![SHORES[shore].to_owned()];
        document.filters.insert("shore".into(), value);
        documents.push(document);
        made.push(Made { words, shore });
    }
    (made, Stored::build(&documents, &default_settings()))
}

fn scores(result: &SearchResult) -> Vec<f64> {
    result.hits.iter().map(|hit| hit.score).collect()
}

#[test]
fn what_is_left_unread_changes_little_and_what_is_needed_comes_at_once() {
    let (made, stored) = made();
    let is_tail = |place: &&Place| matches!(place, Place::Block(b) if b.kind == Kind::Postings);
    assert!(stored.files.keys().filter(is_tail).count() > 4);
    let words = SearchOptions {
        mode: Mode::Lexical,
        ..SearchOptions::default()
    };
    let search = |query: &str, options: &SearchOptions| {
        // An index opened anew, so that each answer counts all that it read.
        pollster::block_on(stored.open().search(query, options)).unwrap()
    };

    // The first ten by heads alone, beside the first ten when a thousand are asked for.
    let wide = SearchOptions {
        k: 1000,
        ..words.clone()
    };
    for query in ["harbour tide", "lantern", "anchor tide lantern harbour"] {
        let (few, many) = (search(query, &words), search(query, &wide));
        let (few, many) = (scores(&few), scores(&many));
        assert_eq!((few.len(), many.len()), (10, 1000));
        let slack = many[9] * 48.0 / 256.0;
        for (found, best) in few.iter().zip(&many) {
            assert!(best - found <= slack, "{query}: {found} of {best}");
        }
    }

    // Words that must be there are read whole, all in one round: entry, words, tails, passages.
    let both = search("+harbour +tide +lantern", &words);
    assert_eq!(both.fetched.round_trips, 4);
    let all = |m: &&Made| m.words[0] && m.words[1] && m.words[2];
    assert_eq!(both.n_found as usize, made.iter().filter(all).count());

    // Counts of filter values are over everything found, however little the ranking read.
    let counted = SearchOptions {
        facets: vec!["shore".into()],
        ..words
    };
    let found = search("harbour tide", &counted);
    let any: Vec<&Made> = made.iter().filter(|m| m.words[0] || m.words[1]).collect();
    assert_eq!(found.n_found as usize, any.len());
    let expected: BTreeSet<(String, u32)> = SHORES
        .iter()
        .enumerate()
        .map(|(s, shore)| {
            let n = any.iter().filter(|m| m.shore == s).count();
            ((*shore).to_owned(), n as u32)
        })
        .collect();
    let facets = found.facets["shore"].iter();
    let counts: BTreeSet<(String, u32)> = facets.map(|f| (f.value.clone(), f.count)).collect();
    assert_eq!(counts, expected);
}
