//! What each way of writing a query means.

use proptest::prelude::*;

use super::ClauseBody::{Phrase, Words};
use super::Occur::{Must, MustNot, Should};
use super::*;

fn clauses(text: &str) -> Vec<(Occur, Option<Field>, ClauseBody)> {
    parse(text)
        .clauses
        .into_iter()
        .map(|c| (c.occur, c.field, c.body))
        .collect()
}

fn words(text: &str) -> ClauseBody {
    Words(text.to_owned())
}

fn phrase(text: &str) -> ClauseBody {
    Phrase(text.to_owned())
}

#[test]
fn words_are_one_clause() {
    assert_eq!(
        clauses("  how to  sort\tan array "),
        [(Should, None, words("how to sort an array"))]
    );
}

#[test]
fn quotation_marks_make_a_phrase() {
    for text in [
        "\"exact phrase\"",
        "“exact phrase”",
        "„exact phrase“",
        "«exact phrase»",
        "「 exact phrase 」",
    ] {
        assert_eq!(
            clauses(text),
            [(Should, None, phrase("exact phrase"))],
            "{text}"
        );
    }
    assert_eq!(
        clauses("a \"b c\" d"),
        [
            (Should, None, words("a")),
            (Should, None, phrase("b c")),
            (Should, None, words("d"))
        ]
    );
    assert_eq!(clauses("a\"b c\"d")[1], (Should, None, phrase("b c")));
}

#[test]
fn an_unbalanced_quotation_is_words() {
    assert_eq!(
        clauses("\"no end here"),
        [(Should, None, words("no end here"))]
    );
    assert_eq!(clauses("19\" rack"), [(Should, None, words("19 rack"))]);
    assert_eq!(clauses("\"\" \" \" x"), [(Should, None, words("x"))]);
}

#[test]
fn signs_exclude_and_require() {
    assert_eq!(
        clauses("jaguar -car +cat -\"big cats\" +title:speed"),
        [
            (Should, None, words("jaguar")),
            (MustNot, None, words("car")),
            (Must, None, words("cat")),
            (MustNot, None, phrase("big cats")),
            (Must, Some(Field::Title), words("speed")),
        ]
    );
}

#[test]
fn signs_within_or_without_a_word_are_words() {
    for text in [
        "--flag", "a-b", "-1", "- x", "C++", "+ 1", "-", "+", "x -- y", "e-mail", "1 -2",
    ] {
        assert_eq!(clauses(text), [(Should, None, words(text))], "{text}");
    }
}

#[test]
fn known_fields_limit_a_clause() {
    assert_eq!(
        clauses("Title:array heading:\"see also\" headings:x body:y text:z"),
        [
            (Should, Some(Field::Title), words("array")),
            (Should, Some(Field::Headings), phrase("see also")),
            (Should, Some(Field::Headings), words("x")),
            (Should, Some(Field::Body), words("y")),
            (Should, Some(Field::Body), words("z")),
        ]
    );
}

#[test]
fn other_colons_are_words() {
    for text in [
        "std::vec",
        "http://a.b/c",
        "TypeError: x",
        "title: x",
        "text::Span",
        "foo:bar",
        "subtitle:x",
    ] {
        assert_eq!(clauses(text), [(Should, None, words(text))], "{text}");
    }
}

#[test]
fn the_last_word_may_be_unfinished() {
    for (text, unfinished) in [
        ("arr", true),
        ("arr ", false),
        ("\"arr\"", false),
        ("\"arr", true),
        ("arr\"", false),
        ("-arr", true),
        ("", false),
        ("title:ar", true),
    ] {
        assert_eq!(parse(text).ends_in_word, unfinished, "{text}");
    }
}

#[test]
fn a_long_query_is_cut_and_says_so() {
    let long = parse(&"é".repeat(3000));
    assert!(long.truncated && !long.ends_in_word);
    assert_eq!(long.clauses[0].end, MAX_QUERY_BYTES);
    let many = parse(&"+a ".repeat(65));
    assert!(many.truncated);
    assert_eq!(many.clauses.len(), MAX_CLAUSES);
    assert!(!parse(&"+a ".repeat(64)).truncated);
}

proptest! {
    #[test]
    fn any_text_is_a_query_whose_clauses_are_in_order(
        text in "([-+\"“”„«»「」:\\\\ ]|title:|text:|[a-c]|é|\\PC){0,40}",
    ) {
        let query = parse(&text);
        let mut from = 0;
        for clause in &query.clauses {
            prop_assert!(from <= clause.start && clause.start < clause.end);
            prop_assert!(text.get(clause.start..clause.end).is_some());
            prop_assert!(!clause.body.text().trim().is_empty());
            from = clause.end;
        }
        if query.ends_in_word {
            prop_assert_eq!(from, text.len());
        }
    }

    #[test]
    fn every_letter_is_in_a_clause(text in "([-+\"“” ]|[a-z]){0,40}") {
        let letters = |s: &str| s.chars().filter(char::is_ascii_lowercase).collect::<String>();
        let kept: String = parse(&text).clauses.iter().map(|c| letters(c.body.text())).collect();
        prop_assert_eq!(kept, letters(&text));
    }
}
