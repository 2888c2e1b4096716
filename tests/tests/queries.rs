//! Whatever is typed is answered: without a panic, within bounds, and always the same.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_collect,
    reason = "a test says what it finds, and ends where it cannot go on"
)]

use littoral_guest::engine::{Fusion, Mode, SearchResult, SortOrder};
use littoral_guest::query::{MAX_QUERY_BYTES, parse};
use littoral_guest::{Document, Index, SearchOptions};
use littoral_tests::memory::{MemoryHost, Stored};
use littoral_tests::random::Random;
use littoral_tests::sample;

/// Random queries in one run.
const QUERIES: u64 = 5_000;

/// Pieces of what people and machines type.
const PIECES: &[&str] = &[
    "tide",
    "harbour",
    "the",
    "\"",
    "\"high water\"",
    "„",
    "“",
    "”",
    "«",
    "»",
    "'",
    "+",
    "-",
    "--",
    "title:",
    "heading:",
    "body:",
    "text:",
    "title:\"",
    "-\"",
    "+\"",
    "C++",
    "std::vec",
    "E1042",
    "getUserMedia",
    "client.connect()",
    "Fl(3) 15s",
    "http://a.b/c?d=e&f",
    "…",
    "\u{0}",
    "\n",
    "\t",
    "\u{feff}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{fe0f}",
    "e\u{301}",
    "ﬁ",
    "ẞ",
    "İ",
    "ǅ",
    "Å",
    "日本語",
    "全角",
    "ｶﾞ",
    "हिन्दी",
    "العربية",
    "עברית",
    "ไทย",
    "👩‍👩‍👧",
    "🏴‍☠️",
    "𝔘𝔫𝔦",
    "\u{10ffff}",
    "\u{e0041}",
    "0",
    "-1",
    "1e308",
    "NaN",
    "*",
    "?",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "\\",
    "/",
    "%00",
    "' OR 1=1",
    "<script>",
    "&amp;",
    "${x}",
    "AND",
    "OR",
    "NOT",
    "a",
    "aa",
    "harbuor",
    "lightouse",
];

fn soup(random: &mut Random) -> String {
    let mut query = String::new();
    let limit = match random.below(4) {
        0 => MAX_QUERY_BYTES,
        1 => 200,
        _ => 60,
    };
    let most = 1 + random.below(limit);
    while query.len() < most {
        match random.below(10) {
            0 => {
                let code = random.bits() as u32 % 0x11_0000;
                query.extend(char::from_u32(code));
            }
            1 => query.push((random.below(128) as u8) as char),
            2 => {
                let piece = *random.pick(PIECES);
                let n = 1 + random.below(30);
                query.push_str(&piece.repeat(n));
            }
            _ => query.push_str(random.pick::<&str>(PIECES)),
        }
        if random.once_in(2) {
            query.push(' ');
        }
    }
    query.truncate(query.floor_char_boundary(MAX_QUERY_BYTES));
    query
}

fn pathological() -> Vec<String> {
    let mut list: Vec<String> = [
        "",
        " ",
        "\"",
        "\"\"",
        "-",
        "+",
        "-\"",
        "+\"\"",
        ":",
        "title:",
        "title:\"",
        "-the",
        "+the",
        "the",
        "the of and",
        "\"the of and\"",
        "-\"the of and\"",
        "+zzzz",
        "-tide",
        "+tide -tide",
        "title:title:title:tide",
        "\u{0}",
        "\u{feff}",
    ]
    .map(String::from)
    .to_vec();
    for piece in PIECES {
        for separator in ["", " "] {
            list.push(
                format!("{piece}{separator}").repeat(2 * MAX_QUERY_BYTES / (piece.len() + 1)),
            );
        }
    }
    for n in [
        MAX_QUERY_BYTES - 1,
        MAX_QUERY_BYTES,
        MAX_QUERY_BYTES + 1,
        1 << 20,
    ] {
        list.push("a".repeat(n));
        list.push("é".repeat(n));
        list.push("\"tide ".repeat(n / 6));
        list.push("e\u{301}".repeat(n / 3));
        list.push(format!("e{}", "\u{301}".repeat(n / 2)));
    }
    let words =
        |stem: &str, n: usize| -> String { (0..n).map(|i| format!("{stem}{i} ")).collect() };
    list.push(words("tide", 500));
    list.push(words("-tide", 300));
    list.push(words("+tide", 300));
    list.push(words("\"high water\" ", 100));
    list.push(words("-\"high water\" ", 100));
    list.push(format!("\"{}\"", words("water ", 200)));
    list.push(format!("-\"{}\"", "water ".repeat(300)));
    list.push("abcdefghijklmnopqrstuvwxyz".repeat(70));
    list
}

fn options(random: &mut Random) -> SearchOptions {
    SearchOptions {
        k: *random.pick(&[1, 10, 10, 100, 1000, 0, usize::MAX]),
        mode: *random.pick(&[Mode::Hybrid, Mode::Lexical]),
        fusion: *random.pick(&[
            None,
            Some(Fusion::Ranks),
            Some(Fusion::Scores { dense_weight: 128 }),
        ]),
        filters: if random.once_in(4) {
            vec![(
                "level".into(),
                random.pick(&["easy", "hard", "", "\u{0}"]).to_string(),
            )]
        } else {
            Vec::new()
        },
        sort: random.once_in(6).then(|| SortOrder {
            key: (*random.pick(&["date", "weight"])).into(),
            descending: random.once_in(2),
        }),
        facets: if random.once_in(5) {
            vec!["section".into()]
        } else {
            Vec::new()
        },
        rerank: None,
        chunks: random.once_in(5),
        diversity: if random.once_in(4) { 0.4 } else { 0.0 },
        as_you_type: random.once_in(3),
        correct: !random.once_in(4),
        explain: random.once_in(4),
        excerpt_chars: *random.pick(&[240, 0, 1, 20, 100_000, usize::MAX]),
    }
}

fn json(result: &SearchResult) -> String {
    serde_json::to_string(result).expect("a result is JSON")
}

/// Most postings that one query may add up over `index`: every term of a query as long as allowed,
/// in every document.
fn postings_bound(index: &Index<MemoryHost<'_>>) -> u64 {
    let n_documents: u32 = index
        .manifest()
        .segments
        .iter()
        .map(|segment| segment.layout().map_or(0, |layout| layout.n_documents()))
        .sum();
    MAX_QUERY_BYTES as u64 / 2 * u64::from(n_documents)
}

/// Asks a warm and a cold index, the warm one twice, and compares.
fn ask(stored: &Stored, warm: &Index<MemoryHost<'_>>, query: &str, options: &SearchOptions) {
    let shown: String = query.chars().take(100).collect();
    let answer = pollster::block_on(warm.search(query, options));
    let answer = answer.unwrap_or_else(|error| panic!("{shown:?}: {error}"));
    let bound = postings_bound(warm);
    assert!(
        answer.work.postings <= bound,
        "{shown:?}: {:?}",
        answer.work
    );
    assert!(answer.hits.len() <= options.k.clamp(1, 1000));
    for hit in &answer.hits {
        assert!(hit.score.is_finite() && hit.chunk.start <= hit.chunk.end);
        let bare = hit.excerpt.replace("<mark>", "").replace("</mark>", "");
        assert!(
            !bare.contains(['<', '>', '"']),
            "{shown:?}: {}",
            hit.excerpt
        );
    }
    let again = pollster::block_on(warm.search(query, options)).expect("answered before");
    assert_eq!(json(&answer), json(&again), "{shown:?} asked twice");
    let cold = pollster::block_on(stored.open().search(query, options)).expect("answered warm");
    assert_eq!(
        json(&answer),
        json(&cold),
        "{shown:?} asked cold, with {options:?}"
    );
}

#[test]
fn random_queries_are_answered_alike_warm_and_cold() {
    let stored = sample::stored();
    std::thread::scope(|scope| {
        for half in 0..2 {
            let stored = &stored;
            scope.spawn(move || {
                let warm = stored.open();
                // A cache of nothing at all must not change an answer either.
                let bare = stored.open().with_cache_bytes(0);
                for seed in (half..QUERIES).step_by(2) {
                    let mut random = Random::new(seed);
                    let (query, options) = (soup(&mut random), options(&mut random));
                    let index = if random.once_in(5) { &bare } else { &warm };
                    ask(stored, index, &query, &options);
                }
            });
        }
    });
}

#[test]
fn pathological_queries_are_answered_alike_warm_and_cold() {
    let stored = sample::stored();
    let warm = stored.open();
    for query in pathological() {
        ask(&stored, &warm, &query, &SearchOptions::default());
        let typing = SearchOptions {
            as_you_type: true,
            chunks: true,
            ..SearchOptions::default()
        };
        ask(&stored, &warm, &query, &typing);
    }
}

#[test]
fn the_parser_keeps_its_bounds() {
    for query in pathological() {
        let parsed = parse(&query);
        for clause in &parsed.clauses {
            assert!(clause.start < clause.end && clause.end <= query.len().min(MAX_QUERY_BYTES));
            assert!(query.is_char_boundary(clause.start) && query.is_char_boundary(clause.end));
            assert!(!clause.body.text().trim().is_empty());
        }
        assert!(
            parsed
                .clauses
                .windows(2)
                .all(|pair| pair[0].end <= pair[1].start)
        );
    }
}

#[test]
fn what_the_index_does_not_have_is_named() {
    let stored = sample::stored();
    let index = stored.open();
    let unknown = [
        SearchOptions {
            filters: vec![("nope".into(), "x".into())],
            ..SearchOptions::default()
        },
        SearchOptions {
            facets: vec!["nope".into()],
            ..SearchOptions::default()
        },
        SearchOptions {
            sort: Some(SortOrder {
                key: "nope".into(),
                descending: false,
            }),
            ..SearchOptions::default()
        },
    ];
    for options in unknown {
        let error = pollster::block_on(index.search("tide", &options)).unwrap_err();
        assert_eq!(error.code(), "unknown-field");
        assert!(error.to_string().contains("nope"), "{error}");
    }
    // Vectors know no order other than their own, and cannot tell a phrase.
    let dense = SearchOptions {
        mode: Mode::Dense,
        ..SearchOptions::default()
    };
    let sorted = SearchOptions {
        sort: Some(SortOrder {
            key: "date".into(),
            descending: false,
        }),
        ..dense.clone()
    };
    let error = pollster::block_on(index.search("tide", &sorted)).unwrap_err();
    assert_eq!(error.code(), "unsupported");
    let phrase = pollster::block_on(index.search("\"high water\"", &dense)).unwrap();
    assert!(
        phrase
            .notes
            .iter()
            .any(|note| note.code == "phrase-unverified")
    );
    let found = pollster::block_on(index.search("high water", &dense)).unwrap();
    assert!(
        found
            .hits
            .iter()
            .all(|hit| hit.scores.dense.is_some() && hit.scores.lexical.is_none())
    );
    assert_eq!(found.hits.len(), 10);
}

/// Documents `0` to `n` - 1 with a common phrase.
fn alike(n: usize) -> Stored {
    let document = |i: usize| {
        let text = format!("The spring tide of day {i} came with wind and rain.");
        Document::plain(format!("{i}.md"), format!("Day {i}"), text)
    };
    let documents: Vec<Document> = (0..n).map(document).collect();
    Stored::build(&documents, &sample::settings())
}

#[test]
fn a_phrase_left_out_of_more_documents_than_are_checked_is_noted() {
    for (n, is_noted) in [(200, false), (300, true)] {
        let stored = alike(n);
        let index = stored.open();
        let options = SearchOptions::default();
        let query = "wind -\"spring tide\"";
        let result = pollster::block_on(index.search(query, &options)).unwrap();
        let noted = result.notes.iter().any(|note| note.code == "phrase-limit");
        assert_eq!(noted, is_noted, "{n}");
        assert_eq!(result.hits.is_empty(), !is_noted, "{n}");
    }
}

#[test]
fn a_ranking_is_that_of_the_search() {
    let stored = sample::stored();
    let index = stored.open();
    for query in [
        "tide",
        "harbor",
        "\"high water\"",
        "spring -tide",
        "nothingofthekind",
    ] {
        let options = SearchOptions::default();
        let result = pollster::block_on(index.search(query, &options)).unwrap();
        let ranking = pollster::block_on(index.ranking(query, &options)).unwrap();
        let scores: Vec<f64> = ranking.documents.iter().map(|d| d.score).collect();
        let expected: Vec<f64> = result.hits.iter().map(|hit| hit.score).collect();
        assert_eq!(scores, expected, "{query}");
        assert_eq!(ranking.work, result.work, "{query}");
    }
}
