//! The engine's own Unicode tables against the crate they are made from: every character alone,
//! every character in company, and random strings.

use littoral_guest::analysis::unicode;
use littoral_tests::random::Random;
use littoral_tests::unicode::{characters, decomposed, tables};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

#[test]
fn the_tables_are_what_the_example_writes() {
    let full = include_bytes!("../../guest/src/analysis/unicode/tables.bin");
    let common = include_bytes!("../../guest/src/analysis/unicode/common.bin");
    assert!(
        tables(|_| true) == full && tables(|c| unicode::is_common(c.into())) == common,
        "run `cargo run -p littoral-tests --example unicode-tables`"
    );
}

#[test]
fn what_two_common_characters_compose_to_is_common() {
    // What decomposes compatibly is not there any more when characters compose.
    let is_common =
        |c: char| unicode::is_common(c.into()) && decomposed(c, true) == decomposed(c, false);
    for c in characters().filter(|&c| !is_common(c)) {
        let parts = decomposed(c, false);
        let Some((&last, before)) = parts.split_last() else {
            continue;
        };
        let before: String = before.iter().collect::<String>().nfc().collect();
        let mut before = before.chars();
        if let (Some(first), None) = (before.next(), before.next()) {
            assert!(!is_common(first) || !is_common(last), "{c:?}");
        }
    }
}

#[test]
fn every_character_has_the_standard_forms() {
    for c in characters() {
        let mut parts = Vec::new();
        unicode::canonical(c, &mut |part| parts.push(part));
        assert_eq!(parts, decomposed(c, false), "{c:?}");
        assert_eq!(unicode::is_mark(c), is_combining_mark(c), "{c:?}");
        let lower = c.to_lowercase().next();
        assert_eq!(Some(unicode::lower(c)), lower, "{c:?}");
    }
}

#[test]
fn every_character_is_normalised_alone_and_in_company() {
    let mut text = String::new();
    for c in characters() {
        // Behind letters, marks of several classes, and letters of Hangul; and before them.
        for around in ["", "a", "q\u{323}", "ᄀ", "가", "\u{9C7}"] {
            text.clear();
            text.push_str(around);
            text.push(c);
            text.push_str("\u{302}\u{316}\u{1161}");
            assert_same(&text);
        }
    }
}

#[test]
fn random_strings_are_normalised_alike() {
    let decomposing: Vec<char> = characters()
        .filter(|&c| decomposed(c, true) != [c] || is_combining_mark(c))
        .collect();
    let parts: Vec<char> = decomposing
        .iter()
        .flat_map(|&c| decomposed(c, true))
        .collect();
    let mut random = Random::new(18);
    for _ in 0..300_000 {
        let text: String = (0..random.below(9))
            .map(|_| match random.below(4) {
                0 => decomposing[random.below(decomposing.len())],
                1 => char::from(b'a' + random.below(26) as u8),
                _ => parts[random.below(parts.len())],
            })
            .collect();
        assert_same(&text);
    }
}

fn assert_same(text: &str) {
    assert!(
        unicode::nfkc(text).into_iter().eq(text.nfkc()),
        "{:?}",
        text.escape_unicode().to_string()
    );
}
