//! Ranking quality on judged collections, against floors that only rise.
//!
//! The floors are the nDCG@10 of a reference BM25 (k1 = 0.9, b = 0.4, Porter stems, Lucene's stop
//! words) where the engine is above it. To see all figures: `littoral eval --data DIR --split SPLIT`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_collect,
    reason = "a test says what it finds, and ends where it cannot go on"
)]

use littoral_guest::Document;
use littoral_guest::engine::{Index, Mode, SearchOptions};
use littoral_runtime::build::Tools;
use littoral_runtime::build::{build_documents, default_settings};
use littoral_runtime::eval::{Dataset, run};
use littoral_runtime::host::IndexHost;
use littoral_runtime::pipeline::Pool;
use littoral_runtime::store::Folder;
use std::path::Path;

/// Collection, split, and the least nDCG@10.
const FLOORS: [(&str, &str, f64); 6] = [
    ("adi", "test", 0.474),
    ("cranfield", "test", 0.484),
    ("cisi", "test", 0.359),
    ("stackfaq", "train", 0.684),
    ("claude-docs-rag", "test", 0.628),
    ("hotpotqa-mini", "test", 0.787),
];

fn ndcg(data: &Path, split: &str) -> f64 {
    let dataset = Dataset::open(data, split).expect("a collection");
    let folder = tempfile::tempdir().unwrap();
    let mut store = Folder::open(folder.path()).unwrap();
    let documents = dataset.corpus().expect("a corpus").map(|record| {
        let record = record.expect("a record");
        Document::plain(record.id, record.title, record.text)
    });
    let pool = Tools::from(Pool::new(0).unwrap());
    build_documents(documents, &default_settings(), &mut store, &pool).expect("an index");
    let index = pollster::block_on(Index::open(IndexHost::new(folder.path()))).unwrap();
    let options = SearchOptions {
        mode: Mode::Lexical,
        ..SearchOptions::default()
    };
    run(&index, &dataset, &options)
        .expect("answers")
        .metrics
        .ndcg_10
}

#[test]
fn lexical_ranking_is_above_its_floors() {
    let Some(data) = littoral_tests::data::folder() else {
        return;
    };
    let mut below = Vec::new();
    for (name, split, floor) in FLOORS {
        let found = ndcg(&data.join(name), split);
        println!("{name:<16} nDCG@10 {found:.4}, floor {floor:.3}");
        if found < floor {
            below.push(format!("{name}: {found:.4} < {floor}"));
        }
    }
    assert!(below.is_empty(), "{}", below.join("; "));
}
