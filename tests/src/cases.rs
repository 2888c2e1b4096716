//! Questions for one engine on many hosts: an index built of the small corpus, and queries drawn from
//! its words in many ways of asking, with their options as JSON.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a failing test says where"
)]

use crate::encoder::{TOY, ToyEncoder};
use littoral_guest::SearchOptions;
use littoral_guest::engine::{Mode, Rerank, SortOrder};
use littoral_runtime::build::{TABLE, Tools, default_settings};
use littoral_runtime::embed::Embedder;
use littoral_runtime::ingest::{IngestOptions, discover};
use littoral_runtime::pipeline::Pool;
use littoral_runtime::store::Folder;
use littoral_runtime::update::{self, Control, Inputs};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Builds the index with the tests' small encoder and a table for queries.
pub fn build(corpus: &Path, index: &Path, rescore: u16) {
    build_with(corpus, index, rescore, TABLE);
}

/// Builds the index with the tests' small encoder, in two segments; its queries are read as
/// `embedder` says.
pub fn build_with(corpus: &Path, index: &Path, rescore: u16, embedder: &str) {
    let mut settings = default_settings();
    settings.chunk_tokens = 64;
    settings.embedding.embedder = embedder.into();
    settings.embedding.model = TOY;
    settings.embedding.rescore = rescore;
    let tools = Tools {
        pool: Pool::new(2).unwrap(),
        embedder: Some(Embedder::new(Arc::new(ToyEncoder), None)),
        expander: None,
    };
    let control = Control {
        stop: &AtomicBool::new(false),
        progress: &|| {},
    };
    let mut store = Folder::open(index).unwrap();
    for part in ["first", "later"] {
        let options = IngestOptions::default();
        let (found, _) = discover(&[corpus.join(part)], &options).unwrap();
        let inputs = Inputs::new(&found, options);
        if part == "first" {
            update::build(&inputs, &settings, &mut store, &tools, &control).unwrap();
        } else {
            update::update(&inputs, &mut store, &tools, &control, false, false).unwrap();
        }
    }
}

/// The cases of `corpus` as the native engine takes them, every seventh reranked by `model`.
pub fn reranked(corpus: &Path, model: [u8; 8]) -> Vec<(String, SearchOptions)> {
    let cases = cases(corpus).into_iter().enumerate();
    let cases = cases.map(|(i, (query, options))| {
        let mut options = read(&options);
        if i % 7 == 0 {
            options.rerank = Some(Rerank {
                model,
                depth: 5 + i % 20,
            });
        }
        (query, options)
    });
    cases.collect()
}

/// The options of a case, as the native engine takes them.
pub fn read(options: &Value) -> SearchOptions {
    let default = SearchOptions::default();
    let flag = |name: &str, default| options[name].as_bool().unwrap_or(default);
    let number = |name: &str, default| options[name].as_u64().map_or(default, |n| n as usize);
    let filters = options["filters"].as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    SearchOptions {
        k: number("k", default.k),
        mode: match options["mode"].as_str() {
            Some("lexical") => Mode::Lexical,
            Some("dense") => Mode::Dense,
            _ => Mode::Hybrid,
        },
        filters: filters
            .flat_map(|(key, values)| {
                let values = values.as_array().unwrap().iter();
                values.map(move |value| (key.clone(), text(value)))
            })
            .collect(),
        sort: options["sort"].as_str().map(|sort| SortOrder {
            key: sort.trim_end_matches(":desc").to_owned(),
            descending: sort.ends_with(":desc"),
        }),
        facets: options["facets"]
            .as_array()
            .map_or(Vec::new(), |keys| keys.iter().map(text).collect()),
        chunks: flag("chunks", default.chunks),
        diversity: options["diversity"].as_f64().unwrap_or(default.diversity),
        as_you_type: flag("asYouType", default.as_you_type),
        correct: flag("correct", default.correct),
        explain: flag("explain", default.explain),
        fusion: default.fusion,
        rerank: None,
        excerpt_chars: number("excerptChars", default.excerpt_chars),
    }
}

/// Queries with their options: written ones, and every stretch of the corpus' words in some of many
/// ways of asking.
pub fn cases(corpus: &Path) -> Vec<(String, Value)> {
    let mut cases: Vec<(String, Value)> = WRITTEN
        .iter()
        .map(|&(query, options)| (query.to_owned(), serde_json::from_str(options).unwrap()))
        .collect();
    cases.push(("tide ".repeat(600), json!({})));
    let words = words(corpus);
    for (i, stretch) in words.chunks(3).enumerate() {
        let first = &stretch[0];
        let joined = stretch.join(" ");
        // Each stretch in three of the ways.
        cases.extend([0, 3, 7].map(|shift| match (i + shift) % 10 {
            0 => (joined.clone(), json!({"k": 30})),
            1 => (first.clone(), json!({"mode": "lexical", "explain": true})),
            2 => (but_last(first), json!({"asYouType": true, "k": 5})),
            3 => (misspelt(first), json!({"excerptChars": 60})),
            4 => (
                joined.clone(),
                json!({"filters": {"section": ["tides", "weather"]}}),
            ),
            5 => (
                joined.clone(),
                json!({"chunks": true, "facets": ["section"]}),
            ),
            6 => (format!("{joined} -tide"), json!({"correct": false})),
            7 => (
                joined.clone(),
                json!({"mode": "dense", "explain": true, "diversity": 0.5}),
            ),
            8 => (
                joined.clone(),
                json!({"mode": "dense", "k": 40, "filters": {"section": ["weather"]}}),
            ),
            _ => (format!("+{first} water"), json!({"sort": "date:desc"})),
        }));
    }
    cases
}

/// The distinct words of the corpus in the order of their letters turned round, so that neighbours
/// are of different documents.
fn words(corpus: &Path) -> Vec<String> {
    let mut words = BTreeSet::new();
    for file in [
        "first/records.jsonl",
        "first/pilot-book.md",
        "later/records.jsonl",
    ] {
        let text = fs::read_to_string(corpus.join(file)).unwrap();
        let found = text.split(|c: char| !c.is_alphanumeric());
        words.extend(
            found
                .filter(|word| !word.is_empty())
                .map(|word| word.chars().rev().collect::<String>()),
        );
    }
    let turned = |word: String| word.chars().rev().collect();
    words.into_iter().map(turned).collect()
}

fn but_last(word: &str) -> String {
    let n = word.chars().count().max(2) - 1;
    word.chars().take(n).collect()
}

/// The word with its second and third characters exchanged.
fn misspelt(word: &str) -> String {
    let mut chars: Vec<char> = word.chars().collect();
    if chars.len() > 3 {
        chars.swap(1, 2);
    }
    chars.into_iter().collect()
}

const WRITTEN: &[(&str, &str)] = &[
    ("", "{}"),
    ("   ", "{}"),
    ("the of and", "{}"),
    ("zzzzqqqq", "{}"),
    ("spring tide", r#"{"k":1}"#),
    ("spring tide", r#"{"k":1000,"chunks":true}"#),
    ("\"spring tide\"", r#"{"explain":true}"#),
    ("\"high water\" -table", "{}"),
    ("+tide +\"low water\"", "{}"),
    ("title:tides body:moon", r#"{"explain":true}"#),
    ("heading:anchorages sand", r#"{"chunks":true}"#),
    ("storm at sea", r#"{"diversity":0.3,"chunks":true}"#),
    ("getNextHighWater", "{}"),
    ("next high water station_id", "{}"),
    ("--json c++ 2.4.1", "{}"),
    ("src/tide_station.rs", "{}"),
    ("naive cafe resume", "{}"),
    ("O'Brien e-mail", "{}"),
    ("< & > \"'\"", "{}"),
    ("angle bracket", r#"{"excerptChars":1}"#),
    (
        "Gezeiten Nordsee Hochwasser",
        r#"{"facets":["section","level"]}"#,
    ),
    ("Deiche", "{}"),
    ("pleine mer", "{}"),
    ("mareas vivas", "{}"),
    ("приливы", "{}"),
    ("大潮", "{}"),
    ("潮", r#"{"asYouType":true}"#),
    ("潮汐", "{}"),
    ("tdie tabel harbuor", "{}"),
    ("anchr", r#"{"asYouType":true}"#),
    ("moorings", r#"{"sort":"date"}"#),
    ("water", r#"{"sort":"date:desc","k":40}"#),
    (
        "water",
        r#"{"filters":{"section":["tides"],"level":["basic"]}}"#,
    ),
    ("water", r#"{"filters":{"section":["nowhere"]}}"#),
    ("water", r#"{"filters":{"colour":["blue"]}}"#),
    ("water", r#"{"sort":"price"}"#),
    ("water", r#"{"facets":["colour"]}"#),
    ("water", r#"{"mode":"dense"}"#),
    (
        "when does the last boat leave if a storm surge from the north is forecast on spring tides",
        "{}",
    ),
];
