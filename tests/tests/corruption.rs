//! Damage of every kind to the files of an index is noticed, named, and never changes an answer.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_collect,
    reason = "a test says what it finds, and ends where it cannot go on"
)]

use littoral_guest::engine::{Check, Problem};
use littoral_guest::{EngineError, Index, SearchOptions};
use littoral_indexes::envelope::{self, BlockId, FORMAT_VERSION, Kind};
use littoral_indexes::manifest::Manifest;
use littoral_indexes::{IndexError, Section};
use littoral_tests::memory::{MemoryHost, Place, Stored};
use littoral_tests::sample;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A query that reads lexicon, positions, filters, sort columns, spelling and passages.
const QUERY: &str = "harbuor \"high water\" tide -gale";

fn options() -> SearchOptions {
    SearchOptions {
        filters: vec![("level".into(), "easy".into())],
        facets: vec!["section".into()],
        ..SearchOptions::default()
    }
}

fn search(index: &Index<MemoryHost<'_>>) -> Result<String, EngineError> {
    let result = pollster::block_on(index.search(QUERY, &options()))?;
    Ok(serde_json::to_string(&result).expect("a result is JSON"))
}

/// What the program's `check` does: a damaged entry is a finding.
fn check(host: MemoryHost<'_>) -> Check {
    match pollster::block_on(Index::open(host)) {
        Ok(index) => pollster::block_on(index.check()),
        Err(error) => Check {
            problems: vec![Problem::of(&error)],
            ..Check::default()
        },
    }
}

/// Runs `job` on `0..n`, on two threads.
fn spread(n: usize, job: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= n {
                        break;
                    }
                    job(i);
                }
            });
        }
    });
}

/// The error that the reader of `place` gives for `file`; where it lies must be within the file.
fn refused(place: Place, file: &[u8], what: &str) -> IndexError {
    let (outcome, section) = match place {
        Place::Entry => (Manifest::read(file).map(drop), Section::Entry),
        Place::Block(block) => (envelope::open(block, file).map(drop), block.kind.section()),
    };
    let error = outcome.expect_err(what);
    match &error {
        IndexError::Corrupt {
            section: found,
            offset,
            reason,
        } => {
            assert_eq!(*found, section, "{what}");
            assert!(
                *offset <= file.len() && !reason.is_empty(),
                "{what}: {error}"
            );
        }
        IndexError::Mismatch { section: found } => assert_eq!(*found, section, "{what}"),
        IndexError::Version { found, .. } => assert_ne!(*found, u32::from(FORMAT_VERSION)),
        other => panic!("{what}: {other}"),
    }
    error
}

/// `file` in `place`: the check names the place, and a search that reads it is refused with its
/// name; one that does not answers as before.
fn noticed(stored: &Stored, expected: &str, place: Place, file: Option<&[u8]>, what: &str) {
    let found = check(stored.host_with(place, file));
    assert!(
        !found.ok && !found.problems.is_empty(),
        "{what}: check saw nothing"
    );
    let path = place.path();
    assert!(
        found.problems.iter().any(|problem| problem.file == path),
        "{what}: {:?}",
        found.problems
    );
    for problem in &found.problems {
        assert!(
            !problem.code.is_empty() && !problem.section.is_empty(),
            "{problem:?}"
        );
    }
    match pollster::block_on(Index::open(stored.host_with(place, file))) {
        Err(_) => assert_eq!(place, Place::Entry, "{what}"),
        Ok(index) => {
            index.host().was_read();
            let answer = search(&index);
            if index.host().was_read() {
                match answer.expect_err(what) {
                    EngineError::Index { path: named, .. } | EngineError::Stale { path: named } => {
                        assert_eq!(named, path, "{what}");
                    }
                    other => panic!("{what}: {other}"),
                }
            } else {
                assert_eq!(answer.expect(what), expected, "{what}");
            }
        }
    }
}

fn places(stored: &Stored) -> Vec<(Place, Vec<u8>)> {
    stored
        .files
        .iter()
        .map(|(&place, file)| (place, file.to_vec()))
        .collect()
}

#[test]
fn the_sample_is_sound_and_holds_every_section_of_a_small_index() {
    let stored = sample::stored();
    assert!(stored.size_bytes() < 24 << 10, "{}", stored.size_bytes());
    let index = stored.open();
    let found = pollster::block_on(index.check());
    assert!(found.ok, "{:?}", found.problems);
    assert_eq!(found.files as usize, stored.files.len());
    assert_eq!(found.bytes as usize, stored.size_bytes());
    let mut kinds: Vec<char> = stored
        .files
        .keys()
        .filter_map(|place| match place {
            Place::Block(block) => Some(block.kind.letter()),
            Place::Entry => None,
        })
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.iter().collect::<String>(), "cfiloqrstvwx");
    let answer = search(&index).unwrap();
    assert!(answer.contains("\"id\":\"tides\""), "{answer}");
}

#[test]
fn every_flipped_bit_of_every_file_is_refused_where_the_file_is_opened() {
    let stored = sample::stored();
    let places = places(&stored);
    spread(places.len(), |i| {
        let (place, file) = &places[i];
        let mut bad = file.clone();
        for bit in 0..file.len() * 8 {
            bad[bit / 8] ^= 1 << (bit % 8);
            refused(*place, &bad, &format!("bit {bit} of {}", place.path()));
            bad[bit / 8] ^= 1 << (bit % 8);
        }
    });
}

#[test]
fn a_flip_in_every_fourth_byte_is_found_by_the_check_and_changes_no_answer() {
    let stored = sample::stored();
    let expected = search(&stored.open()).unwrap();
    let bytes: Vec<(Place, usize)> = stored
        .files
        .iter()
        .flat_map(|(&place, file)| (0..file.len()).step_by(4).map(move |byte| (place, byte)))
        .collect();
    spread(bytes.len(), |i| {
        let (place, byte) = bytes[i];
        let mut bad = stored.files[&place].to_vec();
        bad[byte] ^= 1 << (i * 5 % 8);
        let what = format!("byte {byte} of {}", place.path());
        noticed(&stored, &expected, place, Some(&bad), &what);
    });
}

#[test]
fn every_cut_and_every_appended_byte_is_noticed() {
    let stored = sample::stored();
    let expected = search(&stored.open()).unwrap();
    let places = places(&stored);
    spread(places.len(), |i| {
        let (place, file) = &places[i];
        for n in 0..file.len() {
            let what = format!("{} cut at {n}", place.path());
            refused(*place, &file[..n], &what);
            if n % 16 == 0 || n + 1 == file.len() {
                noticed(&stored, &expected, *place, Some(&file[..n]), &what);
            }
        }
        for n in (1..=64).chain([255, 4096]) {
            for byte in [0, 0xFF, b'\n', file[file.len() - 1]] {
                let mut bad = file.clone();
                bad.resize(file.len() + n, byte);
                let what = format!("{n} bytes {byte} after {}", place.path());
                refused(*place, &bad, &what);
                if n == 1 {
                    noticed(&stored, &expected, *place, Some(&bad), &what);
                }
            }
        }
        let twice = [&file[..], &file[..]].concat();
        refused(*place, &twice, &format!("{} twice", place.path()));
    });
}

#[test]
fn a_file_that_is_gone_is_noticed() {
    let stored = sample::stored();
    let expected = search(&stored.open()).unwrap();
    for &place in stored.files.keys() {
        let what = format!("{} gone", place.path());
        noticed(&stored, &expected, place, None, &what);
    }
}

#[test]
fn a_file_in_the_place_of_any_other_is_noticed() {
    let stored = sample::stored();
    let expected = search(&stored.open()).unwrap();
    let places = places(&stored);
    let n = places.len();
    spread(n * n, |i| {
        let ((from, file), (to, _)) = (&places[i / n], &places[i % n]);
        if from != to {
            let what = format!("{} in place of {}", from.path(), to.path());
            noticed(&stored, &expected, *to, Some(file), &what);
        }
    });
}

#[test]
fn files_of_another_index_are_noticed() {
    let (stored, other) = (sample::stored(), sample::other());
    let expected = search(&stored.open()).unwrap();
    for (place, _) in places(&stored) {
        let Place::Block(block) = place else { continue };
        for (&of_other, file) in &other.files {
            let Place::Block(id) = of_other else { continue };
            if (id.kind, id.number) == (block.kind, block.number) {
                let what = format!("{} from another index", place.path());
                noticed(&stored, &expected, place, Some(file), &what);
            }
        }
    }
    // Its entry names segments that are not there.
    let mut mixed = stored.clone();
    mixed
        .files
        .insert(Place::Entry, other.files[&Place::Entry].clone());
    let found = check(mixed.host());
    assert!(
        found
            .problems
            .iter()
            .all(|problem| problem.code == "missing")
            && !found.ok
    );
    assert!(matches!(
        search(&mixed.open()),
        Err(EngineError::Stale { .. })
    ));
}

#[test]
fn the_entry_of_before_an_update_still_answers_as_then() {
    let (first, stored) = (sample::first(), sample::stored());
    let mut mixed = stored.clone();
    mixed
        .files
        .insert(Place::Entry, first.files[&Place::Entry].clone());
    assert_eq!(search(&mixed.open()), search(&first.open()));
    assert!(check(mixed.host()).ok);
    // An entry of after the update over the files of before names what is not there.
    let mut early = first.clone();
    early
        .files
        .insert(Place::Entry, stored.files[&Place::Entry].clone());
    assert!(matches!(
        search(&early.open()),
        Err(EngineError::Stale { .. })
    ));
    assert!(
        check(early.host())
            .problems
            .iter()
            .any(|problem| problem.code == "missing")
    );
}

#[test]
fn a_sealed_file_that_the_inventory_does_not_know_is_found_by_the_check() {
    let stored = sample::stored();
    for (place, file) in places(&stored) {
        let Place::Block(block) = place else { continue };
        let mut payload = file[envelope::HEADER_BYTES..].to_vec();
        let Some(last) = payload.last_mut() else {
            continue;
        };
        *last ^= 1;
        let found = check(stored.host_with(place, Some(&envelope::seal(block, &payload))));
        let path = place.path();
        assert!(
            found.problems.iter().any(|problem| problem.file == path),
            "{path}: {:?}",
            found.problems
        );
    }
}

#[test]
fn another_version_is_named_as_such() {
    let stored = sample::stored();
    for (place, mut file) in places(&stored) {
        let Place::Block(block) = place else { continue };
        let block: BlockId = block;
        file[3] = FORMAT_VERSION + 1;
        let error = refused(place, &file, "another version");
        assert_eq!(error.code(), "index-version", "{}", block.path());
    }
    let entry = br#"{"littoral":7,"build":"0000000000000000","manifest":""}"#;
    assert_eq!(
        refused(Place::Entry, entry, "another version").code(),
        "index-version"
    );
}

#[test]
fn damage_to_a_dictionary_is_found_where_it_lies_and_in_what_needs_it() {
    let stored = sample::large();
    let index = stored.open();
    let options = SearchOptions::default();
    let found = pollster::block_on(index.check());
    assert!(found.ok, "{:?}", found.problems);
    let dictionaries: Vec<(Place, Vec<u8>)> = places(&stored)
        .into_iter()
        .filter(|(place, _)| matches!(place, Place::Block(block) if block.kind == Kind::Dictionary))
        .collect();
    assert_eq!(
        dictionaries.len(),
        1,
        "one segment has the dictionary of both"
    );
    let (place, file) = &dictionaries[0];
    let step = file.len() / 12;
    for byte in (0..file.len()).step_by(step) {
        let mut bad = file.clone();
        bad[byte] ^= 1 << (byte % 8);
        let found = check(stored.host_with(*place, Some(&bad)));
        assert!(
            found
                .problems
                .iter()
                .any(|problem| problem.file == place.path())
        );
        let index = pollster::block_on(Index::open(stored.host_with(*place, Some(&bad)))).unwrap();
        let answer = pollster::block_on(index.search("tide harbour", &options));
        match answer {
            Err(EngineError::Index { path, .. }) => assert_eq!(path, place.path()),
            other => panic!("{other:?}"),
        }
    }
    let found = check(stored.host_with(*place, None));
    assert!(
        found
            .problems
            .iter()
            .any(|problem| problem.code == "missing")
    );
}
