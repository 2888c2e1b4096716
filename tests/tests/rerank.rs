//! Reranking, from a model folder to the order of hits.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_guest::Encoder;
use littoral_runtime::models::folder::Weights;
use littoral_runtime::models::{pack, reference};
use littoral_tests::{models, program};
use serde_json::Value;
use std::fs;

/// A folder with the model folder `overlap` and the index `ix` of four records.
fn folder() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    models::overlap_reranker(&root.path().join("overlap"));
    // By words a title weighs most, so the one that shares two of the three words comes first.
    let filler =
        "rock gull fish sand low wave light rope sail mast storm wind net bell fog ".repeat(2);
    let all = format!("{filler} moon tide anchor");
    let texts = [
        ("often", "Anchor moon", "anchor moon anchor moon"),
        ("one", "", "moon rock gull"),
        ("two", "", "moon tide rock gull fish net"),
        ("all", "", &all),
    ];
    let records = texts.map(|(id, title, text)| {
        format!("{{\"_id\":\"{id}\",\"title\":\"{title}\",\"text\":\"{text}\"}}\n")
    });
    fs::write(root.path().join("corpus.jsonl"), records.concat()).unwrap();
    let built = program::run(
        root.path(),
        &["build", "corpus.jsonl", "-o", "ix", "--embedder", "none"],
    );
    assert_eq!(built.code, 0, "{}", built.err);
    root
}

fn search(root: &tempfile::TempDir, more: &[&str]) -> Value {
    let arguments = [&["search", "ix", "anchor moon tide", "--json"], more].concat();
    let ran = program::run(root.path(), &arguments);
    assert_eq!(ran.code, 0, "{}", ran.out);
    ran.json()
}

fn ids(result: &Value) -> Vec<&str> {
    let hits = result["hits"].as_array().unwrap().iter();
    hits.map(|hit| hit["document"]["id"].as_str().unwrap())
        .collect()
}

#[test]
fn a_packed_cross_encoder_is_near_the_reference_and_counts_shared_words() {
    let root = tempfile::tempdir().unwrap();
    models::overlap_reranker(root.path());
    let weights = Weights::read(root.path(), "overlap").unwrap();
    let query = "anchor moon tide";
    let texts = [
        "rock gull",
        "moon rock gull",
        "gull moon fish tide",
        "tide rock anchor moon gull",
    ];
    for max in [pack::FAST, pack::FINE] {
        let encoder = Encoder::load(&pack::pack(&weights, max).write()).unwrap();
        let relevance = encoder.rerank(query, &texts).unwrap();
        for (text, &found) in texts.iter().zip(&relevance) {
            let (tokens, n_first) = encoder.tokenizer().encode_pair(query, text, 64);
            let exact = reference::score(&weights, &tokens, n_first).unwrap()[0];
            let exact = 1.0 / (1.0 + f64::from(-exact).exp());
            assert!((found - exact).abs() < 0.02, "{text}: {found}, not {exact}");
        }
        assert!(
            relevance.windows(2).all(|pair| pair[1] > pair[0] + 0.05),
            "{relevance:?}"
        );
    }
}

#[test]
fn hits_come_in_the_order_of_the_reranker() {
    let root = folder();
    let plain = search(&root, &[]);
    assert_eq!(ids(&plain)[0], "often");
    let reranked = search(&root, &["--rerank", "overlap"]);
    assert_eq!(ids(&reranked)[0], "all");
    assert_eq!(ids(&reranked)[3], "one");
    for hit in reranked["hits"].as_array().unwrap() {
        let relevance = hit["scores"]["rerank"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&relevance));
        assert_eq!(hit["score"].as_f64(), Some(relevance));
        assert!(hit["scores"]["lexical"].as_f64().unwrap() > 0.0);
    }
    // The folder packed beforehand is the same model.
    let packed = program::run(
        root.path(),
        &["model", "quantize", "overlap", "-o", "o.litmodel"],
    );
    assert_eq!(packed.code, 0, "{}", packed.err);
    let again = search(&root, &["--rerank", "o.litmodel"]);
    assert_eq!(again["hits"], reranked["hits"]);
    // A single hit is the best of all candidates, not the first of them.
    assert_eq!(
        ids(&search(&root, &["--rerank", "overlap", "-k", "1"])),
        ["all"]
    );
}

#[test]
fn what_lies_behind_the_depth_keeps_its_order() {
    let root = folder();
    let plain = search(&root, &[]);
    let reranked = search(&root, &["--rerank", "overlap", "--rerank-depth", "2"]);
    assert_eq!(ids(&reranked)[2..], ids(&plain)[2..]);
    let hits = reranked["hits"].as_array().unwrap();
    assert!(
        hits[2..]
            .iter()
            .all(|hit| hit["scores"]["rerank"].is_null())
    );
    assert!(
        hits[2..]
            .iter()
            .all(|hit| hit["score"].as_f64() == Some(0.0))
    );
}

#[test]
fn an_evaluation_shows_each_mode_with_and_without_the_reranker() {
    let root = folder();
    fs::write(
        root.path().join("q.jsonl"),
        "{\"_id\":\"q\",\"text\":\"anchor moon tide\"}\n",
    )
    .unwrap();
    fs::write(
        root.path().join("r.tsv"),
        "query-id\tcorpus-id\tscore\nq\tall\t1\n",
    )
    .unwrap();
    let arguments = [
        "eval",
        "ix",
        "--queries",
        "q.jsonl",
        "--qrels",
        "r.tsv",
        "--rerank",
        "overlap",
        "--json",
    ];
    let ran = program::run(root.path(), &arguments);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let report: Value = ran.json();
    let ndcg = |i: usize| report["runs"][i]["metrics"]["ndcg@10"].as_f64().unwrap();
    assert_eq!(report["runs"][0]["name"], "lexical");
    assert_eq!(report["runs"][1]["name"], "lexical+rerank");
    assert!(ndcg(0) < 1.0 && (ndcg(1) - 1.0).abs() < 1e-9);
}

#[test]
fn what_is_no_reranker_is_refused_and_so_is_a_sorted_search() {
    let root = folder();
    let failed = |arguments: &[&str]| {
        let arguments = [&["search", "ix", "tide", "--json"], arguments].concat();
        let ran = program::run(root.path(), &arguments);
        assert_eq!(ran.code, 2, "{}", ran.out);
        ran.error_code()
    };
    assert_eq!(failed(&["--rerank", "nowhere"]), "model-not-found");
    assert_eq!(
        failed(&["--rerank", "overlap", "--sort", "date"]),
        "unsupported"
    );
    fs::write(root.path().join("noise.litmodel"), "noise").unwrap();
    assert_eq!(failed(&["--rerank", "noise.litmodel"]), "model-corrupt");
}
