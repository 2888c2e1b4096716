//! An index of so many cells that their centroids are read by groups.

use littoral_guest::engine::{Index, Mode, SearchResult};
use littoral_guest::{Document, SearchOptions};
use littoral_indexes::envelope::{BlockId, Kind};
use littoral_tests::memory::{MemoryHost, Place, Stored};
use littoral_tests::random::Random;
use littoral_tests::sample;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Documents of the index: a cell for 32 of them.
const N: usize = 34_000;

/// Subjects of the documents, each with words of its own.
const N_SUBJECTS: usize = 400;

/// One document in this many has the rarest filter value.
const RARE: usize = 6_800;

/// Queries that are asked.
const N_QUERIES: usize = 40;

/// Some words about subject `subject`.
fn words(random: &mut Random, subject: usize, n: usize) -> String {
    let word = |_| format!("w{subject}x{}", random.below(12));
    (0..n).map(word).collect::<Vec<_>>().join(" ")
}

/// The index, made once.
static STORED: LazyLock<Stored> = LazyLock::new(|| {
    let mut random = Random::new(41);
    let documents: Vec<Document> = (0..N)
        .map(|i| {
            let text = words(&mut random, i % N_SUBJECTS, 4);
            let mut document = Document::plain(format!("d{i}"), String::new(), text);
            let value = (i % RARE).to_string();
            document.filters.insert("rare".into(), vec![value]);
            document
        })
        .collect();
    let mut settings = sample::settings();
    settings.embedding.embedder = "toy".into();
    settings.embedding.rescore = 0;
    Stored::build(&documents, &settings)
});

fn search(index: &Index<MemoryHost<'_>>, query: &str, filters: &[(&str, &str)]) -> SearchResult {
    let own = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
    let options = SearchOptions {
        k: 10,
        mode: Mode::Dense,
        filters: filters.iter().map(own).collect(),
        ..SearchOptions::default()
    };
    pollster::block_on(index.search(query, &options)).unwrap()
}

fn ids(found: &SearchResult) -> BTreeSet<String> {
    found.hits.iter().map(|h| h.document.id.clone()).collect()
}

#[test]
fn a_query_reads_the_groups_near_it_and_loses_little() {
    let index = STORED.open();
    let vectors = index.manifest().segments[0].vectors.clone().unwrap();
    assert!(vectors.n_cells >= 1_024, "{vectors:?}");
    assert!(
        (2..vectors.n_groups).contains(&vectors.group_probes),
        "{vectors:?}"
    );
    let check = pollster::block_on(index.check());
    assert!(check.problems.is_empty(), "{:?}", check.problems);

    // The same index, read whole.
    let mut whole = STORED.clone();
    let mut manifest = STORED.manifest();
    if let Some(vectors) = &mut manifest.segments[0].vectors {
        (vectors.probes, vectors.group_probes) = (vectors.n_cells, vectors.n_groups);
    }
    whole.put(&manifest);
    let whole = whole.open();
    let mut random = Random::new(5);
    let mut held = 0;
    for _ in 0..N_QUERIES {
        let subject = random.below(N_SUBJECTS);
        let query = words(&mut random, subject, 3);
        let found = search(&index, &query, &[]);
        let exact = search(&whole, &query, &[]);
        assert_eq!(
            exact.work.distances,
            N as u64 + u64::from(vectors.n_cells + vectors.n_groups)
        );
        assert!(
            found.work.distances < N as u64 / 5,
            "{}",
            found.work.distances
        );
        held += ids(&found).intersection(&ids(&exact)).count();
    }
    let recall = held as f64 / (10 * N_QUERIES) as f64;
    assert!(recall > 0.8, "{recall}");
}

#[test]
fn filters_find_what_lies_in_groups_far_away() {
    let index = STORED.open();
    for value in [3, 999, 5_001] {
        let found = search(&index, "w7x1 w7x2", &[("rare", &value.to_string())]);
        let expected = (value..N).step_by(RARE).map(|i| format!("d{i}"));
        assert_eq!(ids(&found), expected.collect());
    }
}

#[test]
fn a_block_of_a_group_that_is_missing_is_an_error_that_names_it() {
    let index = STORED.open();
    let segment = index.manifest().segments[0].segment();
    let block = |number| BlockId {
        segment,
        kind: Kind::Centroids,
        number,
    };
    let n_groups = index.manifest().segments[0]
        .vectors
        .clone()
        .unwrap()
        .n_groups;
    let broken = (1..=n_groups).find_map(|number| {
        let place = Place::Block(block(number));
        let index = pollster::block_on(Index::open(STORED.host_with(place, None))).unwrap();
        let options = SearchOptions {
            mode: Mode::Dense,
            ..SearchOptions::default()
        };
        let failed = pollster::block_on(index.search("w7x1 w7x2", &options)).err()?;
        Some((block(number).path(), failed.to_string()))
    });
    let (path, message) = broken.expect("some group is read");
    assert!(message.contains(&path), "{message}");
}
