//! The dense leg as a whole: filters hold inside it, and the probed cells lose little.

use littoral_guest::engine::{Mode, SearchResult};
use littoral_guest::{Document, SearchOptions};
use littoral_tests::memory::Stored;
use littoral_tests::random::Random;
use littoral_tests::sample;
use std::collections::BTreeSet;

/// Documents of the index.
const N: usize = 480;

/// One document in this many has the rarest filter value.
const RARE: usize = 40;

/// Documents of words drawn from the sample's, half about one page and half about any, each with
/// filters of different rarity; and an index of them in two segments, cut into many cells.
fn drawn() -> (Vec<Document>, Stored) {
    let mut random = Random::new(23);
    let pages: Vec<Vec<String>> = sample::documents()
        .iter()
        .map(|page| page.text.split_whitespace().map(str::to_owned).collect())
        .collect();
    let documents: Vec<Document> = (0..N)
        .map(|i| {
            let subject = random.below(pages.len());
            let words: Vec<&str> = (0..20 + random.below(20))
                .map(|_| {
                    let page = if random.once_in(2) {
                        subject
                    } else {
                        random.below(pages.len())
                    };
                    random.pick::<String>(&pages[page]).as_str()
                })
                .collect();
            let mut document = Document::plain(format!("d{i}"), String::new(), words.join(" "));
            let mut filter = |key: &str, n: usize| {
                document
                    .filters
                    .insert(key.into(), vec![format!("{}", i % n)]);
            };
            filter("half", 2);
            filter("rare", RARE);
            document
        })
        .collect();
    let mut settings = sample::settings();
    settings.embedding.rescore = 0;
    // A document is one chunk, so that its score is the same whatever else was read.
    settings.chunk_tokens = 384;
    let stored = Stored::build(&documents[..N - 90], &settings).with(&documents[N - 90..]);
    (documents, stored)
}

fn ids(found: &SearchResult) -> Vec<&str> {
    found
        .hits
        .iter()
        .map(|hit| hit.document.id.as_str())
        .collect()
}

#[test]
fn filters_hold_inside_both_legs_and_leave_as_many_hits_as_there_are() {
    let (documents, stored) = drawn();
    let index = stored.open();
    for mode in [Mode::Lexical, Mode::Dense, Mode::Hybrid] {
        for query in [
            "tide table",
            "a crab under stones",
            "radio channel",
            "mussels",
        ] {
            for (key, value, k) in [("rare", "7", 12), ("rare", "3", 50), ("half", "1", 100)] {
                let options = SearchOptions {
                    k,
                    mode,
                    filters: vec![(key.into(), value.into())],
                    ..SearchOptions::default()
                };
                let found = pollster::block_on(index.search(query, &options)).unwrap();
                let holds = |id: &str| {
                    let document = documents.iter().find(|d| d.id == id).unwrap();
                    document.filters[key] == [value]
                };
                let ids = ids(&found);
                assert!(
                    ids.iter().all(|id| holds(id)),
                    "{mode:?} {query:?}: {ids:?}"
                );
                let distinct: BTreeSet<&&str> = ids.iter().collect();
                assert_eq!(distinct.len(), ids.len(), "{mode:?} {query:?}");
                let exist = documents
                    .iter()
                    .filter(|d| d.filters[key] == [value])
                    .count();
                // Words find only what holds them; vectors are near or far, but always there.
                if mode != Mode::Lexical {
                    assert_eq!(ids.len(), exist.min(k), "{mode:?} {query:?} {key}={value}");
                }
            }
        }
    }
}

#[test]
fn a_filter_takes_out_and_changes_no_order_nor_score() {
    let (_, stored) = drawn();
    let index = stored.open();
    let search = |filters: Vec<(String, String)>| {
        let options = SearchOptions {
            k: N,
            mode: Mode::Dense,
            filters,
            ..SearchOptions::default()
        };
        pollster::block_on(index.search("fish close to the beach", &options)).unwrap()
    };
    // Every value of a filter by itself reads all cells; put together they are the flat scan.
    let mut all = Vec::new();
    for value in 0..RARE {
        let found = search(vec![("rare".into(), value.to_string())]);
        let scores = found.hits.iter().map(|hit| hit.scores.dense.unwrap());
        let scores: Vec<f64> = scores.collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
        let names = ids(&found).into_iter().map(str::to_owned);
        all.extend(scores.iter().copied().zip(names));
    }
    assert_eq!(all.len(), N);
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best: BTreeSet<&str> = all[..20].iter().map(|(_, id)| id.as_str()).collect();

    let free = search(Vec::new());
    for (hit, id) in free.hits.iter().zip(ids(&free)) {
        let (flat, _) = all.iter().find(|(_, name)| name == id).unwrap();
        assert_eq!(hit.scores.dense, Some(*flat), "{id}");
    }
    // The first query reads some cells only; what it finds is most of what there is.
    let held = ids(&free)[..20]
        .iter()
        .filter(|id| best.contains(**id))
        .count();
    assert!(held >= 14, "{held} of the 20 nearest");
}
