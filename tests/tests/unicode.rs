//! The engine's own Unicode tables against the crate they are made from: every character alone,
//! every character in company, and random strings.

use littoral_guest::analysis::unicode;
use littoral_tests::random::Random;
use littoral_tests::unicode::{characters, decomposed, tables};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

#[test]
fn the_tables_are_what_the_example_writes() {
    let committed = include_bytes!("../../guest/src/analysis/unicode/tables.bin");
    assert!(
        tables() == committed,
        "run `cargo run -p littoral-tests --example unicode-tables`"
    );
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
