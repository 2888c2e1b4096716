//! Encoders in ONNX: vectors as computed by hand, and an index built and searched with one.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_runtime::models::{self, ModelsError, onnx};
use littoral_tests::models::onnx::{DIMS, Graph, QUERY_PROMPT};
use littoral_tests::program::{self, Ran};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Tokens of the words at these places of the vocabulary, between begin and end.
fn tokens(words: &[u32]) -> Vec<u32> {
    [&[2], words, &[3]].concat()
}

fn unit(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter().map(|x| x / length).collect()
}

fn near(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

fn load(folder: &Path) -> Result<Arc<dyn littoral_runtime::embed::TextEncoder>, ModelsError> {
    onnx::load_graph(&models::graph(folder.to_str().unwrap()).unwrap())
}

#[test]
fn vectors_are_those_computed_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let graph = Graph::new(5);
    // "tide", "moon" and the prompt's "light".
    let (tide, moon, light) = (4, 5, 10);
    for first_token in [false, true] {
        graph.write(folder.path(), first_token);
        let encoder = load(folder.path()).unwrap();
        assert_eq!(encoder.dims(), DIMS);
        let pooled = |tokens: &[u32]| {
            let vectors = graph.vectors(tokens);
            if first_token {
                return unit(&vectors[..DIMS]);
            }
            let sums = (0..DIMS).map(|d| vectors[d..].iter().step_by(DIMS).sum::<f32>());
            unit(&sums.collect::<Vec<_>>())
        };
        let found = encoder.encode(&["tide moon", "moon"]).unwrap();
        near(&found[..DIMS], &pooled(&tokens(&[tide, moon])));
        near(&found[DIMS..], &pooled(&tokens(&[moon])));
        assert!(QUERY_PROMPT.starts_with("light"));
        let query = encoder.encode_query("tide").unwrap();
        near(&query, &pooled(&tokens(&[light, tide])));
    }
    // The same graph used otherwise is another model.
    let ids = [false, true].map(|first_token| {
        graph.write(folder.path(), first_token);
        load(folder.path()).unwrap().id()
    });
    assert_ne!(ids[0], ids[1]);
}

fn run(root: &Path, arguments: &[&str]) -> Ran {
    program::run(root, arguments)
}

#[test]
fn an_index_is_built_searched_and_measured_with_one() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    Graph::new(5).write(&root.join("model"), false);
    Graph::new(6).write(&root.join("other"), false);
    let words = ["tide moon", "harbour anchor", "crab shore", "fog bell gull"];
    let records = words
        .iter()
        .enumerate()
        .map(|(i, text)| format!("{{\"_id\":\"{i}\",\"text\":\"{text}\"}}\n"));
    fs::write(root.join("corpus.jsonl"), records.collect::<String>()).unwrap();
    let built = run(
        root,
        &["build", "corpus.jsonl", "-o", "ix", "--embedder", "model"],
    );
    assert_eq!(built.code, 0, "{}", built.err);

    let dense = |more: &[&str]| {
        let arguments = [
            &["search", "ix", "crab shore", "--mode", "dense", "--json"],
            more,
        ];
        run(root, &arguments.concat())
    };
    let found = dense(&[]);
    assert_eq!(found.code, 0, "{}", found.out);
    assert_eq!(found.json()["hits"][0]["document"]["id"], "2");

    let queries = "{\"_id\":\"q\",\"text\":\"fog bell gull\"}\n";
    fs::write(root.join("q.jsonl"), queries).unwrap();
    fs::write(root.join("r.tsv"), "query-id\tcorpus-id\tscore\nq\t3\t1\n").unwrap();
    let measured = run(
        root,
        &[
            "eval",
            "ix",
            "--queries",
            "q.jsonl",
            "--qrels",
            "r.tsv",
            "--modes",
            "dense",
            "--json",
        ],
    );
    assert_eq!(measured.code, 0, "{}", measured.out);
    let report: Value = measured.json();
    assert_eq!(report["runs"][0]["metrics"]["ndcg@10"].as_f64(), Some(1.0));

    // Another model where it lay, or named, is refused; the model itself may lie elsewhere.
    assert_eq!(
        dense(&["--embedder", "other"]).error_code(),
        "model-mismatch"
    );
    fs::rename(root.join("model"), root.join("moved")).unwrap();
    assert_eq!(dense(&[]).error_code(), "unsupported");
    assert_eq!(
        dense(&["--embedder", "moved"]).json()["hits"],
        found.json()["hits"]
    );
    fs::rename(root.join("other"), root.join("model")).unwrap();
    assert_eq!(dense(&[]).error_code(), "model-mismatch");
    assert_eq!(
        dense(&["--embedder", "gone"]).error_code(),
        "model-not-found"
    );
    let updated = run(root, &["update", "ix", "corpus.jsonl", "--json"]);
    assert_eq!(updated.error_code(), "no-encoder");
}

#[test]
fn what_is_no_encoder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let graph = Graph::new(5);
    let code = |change: &dyn Fn(&Path)| {
        graph.write(folder.path(), false);
        change(folder.path());
        load(folder.path()).err().map(|error| error.code())
    };
    let put = |name: &'static str, bytes: Vec<u8>| {
        move |folder: &Path| fs::write(folder.join(name), &bytes).unwrap()
    };
    assert_eq!(code(&|_| {}), None);
    let bytes = graph.bytes();
    for n in [0, 1, 17, bytes.len() / 2, bytes.len() - 1] {
        let found = code(&put("model.onnx", bytes[..n].to_vec()));
        assert!(
            matches!(found, Some("model-invalid" | "model-failed")),
            "{n}: {found:?}"
        );
    }
    // An input that no tokenizer gives.
    let mut renamed = bytes.clone();
    for at in 0..renamed.len() - 14 {
        if renamed[at..].starts_with(b"attention_mask") {
            renamed[at..at + 14].copy_from_slice(b"pixels_of_them");
        }
    }
    assert_eq!(code(&put("model.onnx", renamed)), Some("model-invalid"));
    // A number that is none.
    let mut broken = Graph::new(5);
    broken.mixer[3] = f32::NAN;
    assert_eq!(
        code(&put("model.onnx", broken.bytes())),
        Some("model-invalid")
    );
    assert_eq!(
        code(&put("tokenizer.json", b"{}".to_vec())),
        Some("model-invalid")
    );
    let max = br#"{"pooling_mode_mean_sqrt_len_tokens": true}"#.to_vec();
    assert_eq!(
        code(&put("1_Pooling/config.json", max)),
        Some("model-invalid")
    );
    let outside = br#"[{"type": "x.Pooling", "path": "../elsewhere"}]"#.to_vec();
    assert_eq!(code(&put("modules.json", outside)), Some("model-invalid"));
    let dense = br#"[{"type": "x.Dense", "path": "2_Dense"}]"#.to_vec();
    assert_eq!(code(&put("modules.json", dense)), Some("model-invalid"));
    fs::remove_file(folder.path().join("modules.json")).unwrap();
    let gone = |folder: &Path| fs::remove_file(folder.join("tokenizer.json")).unwrap();
    assert_eq!(code(&gone), Some("model-unreadable"));
}
