//! What becomes of words, names and scripts.

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use super::TokenKind::{Gram, Part, Stop, Tail, Whole, Word};
use super::*;

fn tokens(code: &str, text: &str) -> Vec<(TokenKind, String, u32)> {
    let mut found = Vec::new();
    let mut analyzer = Analyzer::new(Language::from_code(code), &AnalysisOptions::default());
    analyzer.analyze(text, &mut |t| {
        found.push((t.kind, t.term.to_owned(), t.position));
    });
    found
}

fn check(code: &str, text: &str, expected: &[(TokenKind, &str, u32)]) {
    let found = tokens(code, text);
    let found: Vec<_> = found.iter().map(|(k, t, p)| (*k, t.as_str(), *p)).collect();
    assert_eq!(found, expected, "{text}");
}

fn terms(code: &str, text: &str) -> Vec<String> {
    tokens(code, text)
        .into_iter()
        .map(|(_, term, _)| term)
        .collect()
}

#[test]
fn words_are_stemmed_and_stop_words_marked() {
    check(
        "en",
        "The connections of Running cafés",
        &[
            (Stop, "the", 0),
            (Word, "connect", 1),
            (Stop, "of", 2),
            (Word, "run", 3),
            (Word, "cafe", 4),
        ],
    );
}

#[test]
fn names_are_found_whole_and_by_part() {
    check(
        "en",
        "Array.prototype.map()",
        &[
            (Whole, "array.prototype.map", 0),
            (Word, "array", 0),
            (Word, "prototyp", 1),
            (Word, "map", 2),
        ],
    );
    check(
        "en",
        "getElementById x",
        &[
            (Word, "getelementbyid", 0),
            (Part, "get", 0),
            (Part, "element", 0),
            (Part, "id", 0),
            (Word, "x", 1),
        ],
    );
    check(
        "en",
        "src/my_file.rs",
        &[
            (Whole, "src/my_file.rs", 0),
            (Word, "src", 0),
            (Whole, "my_file.rs", 1),
            (Whole, "my_file", 1),
            (Stop, "my", 1),
            (Word, "file", 2),
            (Word, "rs", 3),
        ],
    );
}

#[test]
fn marks_that_belong_to_a_name_are_kept() {
    for (text, whole) in [
        ("use --flag here", "--flag"),
        ("tar -xzf", "-xzf"),
        ("in C++, too", "c++"),
        ("C# and F#", "c#"),
        ("the .NET runtime", ".net"),
        ("node.js!", "node.js"),
        ("snake_case", "snake_case"),
        ("a kebab-case name", "kebab-case"),
        ("foo::bar", "foo::bar"),
        ("a/b", "a/b"),
        ("version 1.2.3", "1.2.3"),
        ("x86_64-unknown", "x86_64-unknown"),
        ("#id", "#id"),
        ("@media", "@media"),
        ("me@example.org.", "me@example.org"),
        ("`:hover`", ":hover"),
        ("p::before", "p::before"),
        ("__proto__", "__proto__"),
        ("for...of", "for...of"),
        ("<input type=text>", "<input>"),
        ("</a><xsl:if>", "<xsl:if>"),
        ("1,000,000 people", "1000000"),
        ("a\u{2011}b", "a-b"),
        ("this->that", "this->that"),
        ("AT&T", "at&t"),
        ("https://example.org", "https://example.org"),
        ("$100", "$100"),
        ("git commit --no-verify", "no-verify"),
        ("strict equality (===)", "==="),
        ("(a) => b", "=>"),
        ("`...`", "..."),
    ] {
        let found = tokens("en", text);
        assert!(
            found.iter().any(|(k, t, _)| *k == Whole && t == whole),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn marks_of_prose_are_not_part_of_a_word() {
    for text in [
        "Wait... what? (yes) \"no\" - or: so; 'quoted' end.",
        "a -- dash, a--dash, [link](x), **bold**",
        "call().then, {a}.b",
        "a = b / c // comment /* */ --- | & <",
    ] {
        let found = tokens("en", text);
        assert!(
            found.iter().all(|(kind, ..)| *kind != Whole),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn a_name_is_found_however_it_is_cased() {
    for (written, asked) in [
        ("getElementsByTagName", "getelementsbytagname"),
        ("Array.isArray", "isarray"),
        ("HTMLElement", "element"),
        ("Int32Array", "arrays"),
        ("MY_CONST", "my_const"),
        ("U.S.A.", "usa"),
        ("e-mail", "emails"),
        ("9007199254740991n", "9007199254740991N"),
    ] {
        let asked = &terms("en", asked)[0];
        assert!(terms("en", written).contains(asked), "{written} {asked}");
    }
    assert_eq!(terms("en", "URLs"), ["url"]);
    assert_eq!(terms("en", "iPhone"), ["iphon"]);
}

#[test]
fn apostrophes_follow_the_language() {
    assert_eq!(
        terms("en", "don't John's she’ll O'Brien"),
        ["dont", "john", "she", "obrien", "brien"]
    );
    check(
        "fr",
        "l'homme qu’il",
        &[
            (Stop, "l", 0),
            (Word, "homm", 1),
            (Stop, "qu", 2),
            (Stop, "il", 3),
        ],
    );
    assert_eq!(terms("it", "dell'acqua"), ["dell", "acqua"]);
    assert_eq!(terms("tr", "Ankara'da"), terms("tr", "Ankara"));
    assert_eq!(terms("ca", "col·lecció"), terms("ca", "collecció"));
}

#[test]
fn unspaced_scripts_give_bigrams_and_the_last_character() {
    check(
        "ja",
        "東京都、猫 Rustです",
        &[
            (Gram, "東京", 0),
            (Gram, "京都", 1),
            (Tail, "都", 2),
            (Gram, "猫", 3),
            (Word, "rust", 4),
            (Gram, "です", 5),
            (Tail, "す", 6),
        ],
    );
    // A Thai tone mark belongs to its letter.
    check("th", "น้ำ", &[(Gram, "น้ํา", 0), (Tail, "ํา", 1)]);
}

#[test]
fn hangul_words_have_their_bigrams_as_parts() {
    check(
        "ko",
        "학교에서 집",
        &[
            (Word, "학교에서", 0),
            (Part, "학교", 0),
            (Part, "교에", 0),
            (Part, "에서", 0),
            (Word, "집", 1),
        ],
    );
}

#[test]
fn latin_words_in_another_script_are_english() {
    check(
        "ru",
        "команды running",
        &[(Word, "команд", 0), (Word, "run", 1)],
    );
    check(
        "zh",
        "the connections",
        &[(Stop, "the", 0), (Word, "connect", 1)],
    );
}

#[test]
fn words_are_found_with_and_without_their_diacritics() {
    for (code, a, b) in [
        ("de", "Häuser", "hauser"),
        ("de", "Straßen", "STRASSEN"),
        ("fr", "éléphants", "elephants"),
        ("es", "canciones", "canción"),
        ("tr", "IŞIK", "ışık"),
    ] {
        assert_eq!(terms(code, a), terms(code, b), "{code} {a}");
    }
}

#[test]
fn without_stemming_a_word_is_kept() {
    let options = AnalysisOptions {
        stemming: false,
        ..AnalysisOptions::default()
    };
    assert_eq!(
        Analyzer::new(Language::ENGLISH, &options).phrase("Connections"),
        ["connections"]
    );
}

#[test]
fn overlong_words_are_cut_and_overlong_names_left_out() {
    let long = "é".repeat(100);
    assert_eq!(terms("und", &long), ["e".repeat(32)]);
    let path = ["abcdefghij"; 7].join("/");
    assert!(tokens("en", &path).iter().all(|(kind, ..)| *kind == Word));
}

#[test]
fn synonyms_are_found_in_a_query() {
    let options = AnalysisOptions {
        synonyms: vec![
            vec!["js".into(), "JavaScript".into()],
            vec!["single page application".into(), "SPA".into()],
        ],
        ..AnalysisOptions::default()
    };
    let mut analyzer = Analyzer::new(Language::ENGLISH, &options);
    let query = analyzer.phrase("JS single-page applications");
    let query: Vec<&str> = query.iter().map(String::as_str).collect();
    assert_eq!(
        analyzer.synonyms(&query),
        [
            Synonym {
                first: 0,
                len: 1,
                alternatives: vec![vec!["javascript".into()]]
            },
            Synonym {
                first: 1,
                len: 3,
                alternatives: vec![vec!["spa".into()]]
            },
        ]
    );
}

/// Text of the kinds that have rules of their own.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "\\PC{0,6}",
        "[a-zA-Z0-9 ._:/'@#$+-]{0,12}",
        "[äßéİŞ’·\u{301}\u{AD}\u{200D} ]{0,4}",
        "[ก-๛가-힣ぁ-ん一-龠ﾃﾞ\u{1100}-\u{1112}\u{1161}-\u{1170}]{0,5}",
        any::<char>().prop_map(String::from),
        Just("<a>".to_owned()),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn tokens_are_in_order_in_bounds_and_the_same_each_time(
        text in any_text(),
        code in prop::sample::select(vec!["en", "de", "fr", "tr", "ja", "ko", "th", "ar", "hi", "und"]),
    ) {
        let mut analyzer = Analyzer::new(Language::from_code(code), &AnalysisOptions::default());
        let mut first = Vec::new();
        let (mut start, mut position) = (0, 0);
        analyzer.analyze(&text, &mut |t| {
            assert!(t.start < t.end && text.get(t.start..t.end).is_some());
            assert!(start <= t.start && position <= t.position);
            assert!((1..=MAX_TERM_BYTES).contains(&t.term.len()));
            assert!((1..=MAX_TERM_BYTES).contains(&t.word.len()));
            (start, position) = (t.start, t.position);
            first.push((t.term.to_owned(), t.word.to_owned(), t.start, t.end, t.kind));
        });
        let mut again = Vec::new();
        analyzer.analyze(&text, &mut |t| {
            again.push((t.term.to_owned(), t.word.to_owned(), t.start, t.end, t.kind));
        });
        prop_assert_eq!(first, again);
    }

    #[test]
    fn words_of_spaced_scripts_end_where_the_standard_says(text in "([a-zA-Zäéßжщ0-9][\u{301}\u{AD}]?|[ ,!?()]){0,40}") {
        let mut found = Vec::new();
        let mut analyzer = Analyzer::new(Language::ENGLISH, &AnalysisOptions::default());
        analyzer.analyze(&text, &mut |t| if t.kind.in_phrase() { found.push((t.start, t.end)) });
        // 1,000 is one word to the standard and a whole with two words to us.
        let expected: Vec<_> = text
            .unicode_word_indices()
            .flat_map(|(at, word)| {
                let mut start = at;
                word.split(',').map(move |piece| {
                    let span = (start, start + piece.len());
                    start = span.1 + 1;
                    span
                })
            })
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn every_ascii_word_is_found_whole(text in "[ -~]{0,60}") {
        let mut words = Vec::new();
        let mut analyzer = Analyzer::new(Language::UNKNOWN, &AnalysisOptions::default());
        analyzer.analyze(&text, &mut |t| words.push(t.term.to_owned()));
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '\'').filter(|w| !w.contains('\'')) {
            prop_assert!(word.is_empty() || words.contains(&word.to_ascii_lowercase()), "{}", word);
        }
    }
}
