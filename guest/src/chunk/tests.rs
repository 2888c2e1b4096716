//! Where documents are cut, and that nothing is lost.

use proptest::prelude::*;

use super::*;
use crate::document::{Part, PartKind};

/// A document written as lines: `# ` headings (the anchor is the text), ` ``` ` before code, `0:` or
/// another digit for the weight; everything else is a paragraph.
fn document(title: &str, lines: &[&str]) -> Document {
    let mut document = Document {
        title: title.to_owned(),
        ..Document::default()
    };
    for line in lines {
        let (weight, line) = match line.split_once(':') {
            Some((digits, rest)) if digits.parse::<u8>().is_ok() => {
                (digits.parse().unwrap_or(10), rest)
            }
            _ => (10, *line),
        };
        let level = line.bytes().take_while(|b| *b == b'#').count();
        let (kind, text) = if level > 0 {
            let text = line[level..].trim();
            (
                PartKind::Heading {
                    level: level as u8,
                    anchor: Some(text.to_lowercase()),
                },
                text,
            )
        } else if let Some(code) = line.strip_prefix("```") {
            (PartKind::Code, code)
        } else {
            (PartKind::Paragraph, line)
        };
        let start = document.text.len();
        document.text.push_str(text);
        document.parts.push(Part {
            kind,
            start,
            end: document.text.len(),
            weight,
        });
        document.text.push_str("\n\n");
    }
    document
}

fn texts<'a>(document: &'a Document, chunks: &[Chunk]) -> Vec<&'a str> {
    chunks
        .iter()
        .map(|c| &document.text[c.start..c.end])
        .collect()
}

fn words(n: usize) -> String {
    "word ".repeat(n).trim().to_owned()
}

#[test]
fn small_sections_join_and_large_ones_stand_alone() {
    let long = words(150);
    let document = document(
        "T",
        &[
            "# T", "intro", "## A", &long, "## B", "one", "## C", "two", "## D", &long, "### E",
            &long,
        ],
    );
    let chunks = split(&document, &ChunkOptions::default());
    let seen: Vec<(Vec<&str>, Option<&str>)> = chunks
        .iter()
        .map(|c| {
            (
                c.headings.iter().map(String::as_str).collect(),
                c.anchor.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (vec![], Some("t")),
            (vec!["D"], Some("d")),
            (vec!["D", "E"], Some("e"))
        ]
    );
    assert!(document.text[chunks[0].start..chunks[0].end].ends_with("two"));
}

#[test]
fn sections_under_different_parents_stay_apart() {
    let document = document("", &["# A", "a", "## AA", "aa", "# B", "b", "### BB", "bb"]);
    let options = ChunkOptions {
        min_tokens: 0,
        ..ChunkOptions::default()
    };
    assert_eq!(split(&document, &options).len(), 4);
    let long = words(100);
    let deep = super::tests::document(
        "",
        &["# A", &long, "## AA", &long, "### AAA", "x", "## AB", "y"],
    );
    let options = ChunkOptions {
        min_tokens: 51,
        ..ChunkOptions::default()
    };
    let chunks = split(&deep, &options);
    assert_eq!(
        chunks.iter().map(|c| c.headings.len()).collect::<Vec<_>>(),
        [1, 1]
    );
    let far = super::tests::document(
        "",
        &["# A", "## B", &long, &long, &long, "### C", "x", "# D", "y"],
    );
    let last = split(&far, &ChunkOptions::default())
        .pop()
        .expect("a chunk");
    assert_eq!(
        (last.headings, &far.text[last.start..last.end]),
        (vec!["D".to_owned()], "D\n\ny")
    );
}

#[test]
fn a_large_section_is_cut_between_paragraphs_into_like_pieces() {
    let paragraph = words(100);
    let document = document("", &["# A", &paragraph, &paragraph, &paragraph, &paragraph]);
    let chunks = split(
        &document,
        &ChunkOptions {
            overlap_tokens: 0,
            ..ChunkOptions::default()
        },
    );
    let sizes: Vec<u32> = texts(&document, &chunks)
        .into_iter()
        .map(estimate_tokens)
        .collect();
    assert_eq!(sizes, [201, 200]);
    assert!(chunks.iter().all(|c| c.headings == ["A"]));
}

#[test]
fn whole_sentences_are_repeated_within_a_section() {
    let text: Vec<String> = (0..60)
        .map(|i| format!("Sentence {i} has some seven words."))
        .collect();
    let document = document("", &["# A", &text.join(" ")]);
    let options = ChunkOptions {
        max_tokens: 256,
        overlap_tokens: 32,
        ..ChunkOptions::default()
    };
    let chunks = split(&document, &options);
    assert!(chunks.len() > 1);
    for pair in chunks.windows(2) {
        let repeated = &document.text[pair[1].start..pair[0].end];
        assert!(
            repeated.starts_with("Sentence") && repeated.ends_with("words."),
            "{repeated}"
        );
        assert!((1..=32).contains(&estimate_tokens(repeated)));
    }
}

#[test]
fn code_stays_whole_where_it_fits_and_is_cut_at_lines() {
    let fits = format!("```{}", "let x = 1;\n".repeat(40));
    let document = document("", &[&words(200), &fits]);
    let chunks = split(&document, &ChunkOptions::default());
    assert_eq!(texts(&document, &chunks)[1], fits[3..].to_owned());
    let large = format!("```{}", "    let x = 1;\n".repeat(100));
    let document = super::tests::document("", &[&large]);
    let chunks = split(&document, &ChunkOptions::default());
    assert!(chunks.len() > 1);
    for text in texts(&document, &chunks) {
        assert!(
            text.starts_with("    let") && text.ends_with("= 1;"),
            "{text:?}"
        );
    }
}

#[test]
fn parts_of_another_weight_are_chunks_of_their_own() {
    let document = document("", &["a", "20:b", "c", "0:hidden", "d"]);
    let chunks = split(&document, &ChunkOptions::default());
    assert_eq!(texts(&document, &chunks), ["a", "b", "c", "d"]);
    assert_eq!(
        chunks.iter().map(|c| c.weight).collect::<Vec<_>>(),
        [10, 20, 10, 10]
    );
}

#[test]
fn a_document_of_a_title_alone_is_one_empty_chunk() {
    let only = |title: &str| split(&Document::plain("d", title, ""), &ChunkOptions::default());
    assert_eq!(
        only("Title"),
        [Chunk {
            weight: 10,
            ..Chunk::default()
        }]
    );
    assert_eq!(only(" "), []);
    assert_eq!(split(&document("", &["0:x"]), &ChunkOptions::default()), []);
}

/// Parts of every kind, with text that has words, sentences and neither.
fn any_document() -> impl Strategy<Value = Document> {
    let text = prop_oneof![
        "[a-z]{1,12}( [a-zA-Z]{1,9}[.!]?){0,80}",
        "[ぁ-ん一-龠。]{1,200}",
        "[a-z0-9]{1,900}",
        "(\\PC|\n){0,80}",
        "[a\u{301}\u{E49}]{1,300}",
        Just("x = 1;\n  y".repeat(60)),
    ];
    let part = (
        text,
        0_u8..9,
        prop::sample::select(vec![0_u8, 10, 10, 10, 30]),
    );
    proptest::collection::vec(part, 0..14).prop_map(|parts| {
        let mut document = Document {
            title: "t".into(),
            ..Document::default()
        };
        for (text, kind, weight) in parts {
            let kind = match kind {
                level @ 1..=4 => PartKind::Heading {
                    level,
                    anchor: None,
                },
                5 => PartKind::Code,
                _ => PartKind::Paragraph,
            };
            let start = document.text.len();
            document.text.push_str(&text);
            document.parts.push(Part {
                kind,
                start,
                end: document.text.len(),
                weight,
            });
            document.text.push_str("\n\n");
        }
        document
    })
}

proptest! {
    #[test]
    fn chunks_cover_the_text_in_order_and_within_the_budget(
        document in any_document(),
        max_tokens in 16_u32..300,
        overlap_tokens in 0_u32..80,
        min_tokens in 0_u32..80,
    ) {
        let options = ChunkOptions { max_tokens, overlap_tokens, min_tokens };
        let chunks = split(&document, &options);
        let mut covered = vec![0_u8; document.text.len()];
        for pair in chunks.windows(2) {
            prop_assert!(pair[0].start < pair[1].start && pair[0].end < pair[1].end);
        }
        for chunk in &chunks {
            let text = document.text.get(chunk.start..chunk.end);
            prop_assert!(text.is_some());
            let text = text.unwrap_or_default();
            prop_assert!(estimate_tokens(text) <= max_tokens, "{} {:?}", estimate_tokens(text), text);
            if chunk.end > 0 {
                covered[chunk.start..chunk.end].fill(chunk.weight);
            }
        }
        for part in &document.parts {
            for (at, c) in document.text[part.start..part.end].char_indices() {
                if !c.is_whitespace() {
                    prop_assert_eq!(covered[part.start + at], part.weight);
                }
            }
        }
    }

    #[test]
    fn an_estimate_is_at_most_that_of_the_pieces(a in "\\PC{0,30}", b in "\\PC{0,30}") {
        let whole = estimate_tokens(&format!("{a}{b}"));
        prop_assert!(whole <= estimate_tokens(&a) + estimate_tokens(&b));
    }
}
