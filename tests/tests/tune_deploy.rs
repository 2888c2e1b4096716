//! A tuned encoder: its measurement, and the gate in front of an index.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_runtime::models::adapter::Part;
use littoral_runtime::models::folder::Weights;
use littoral_tests::models::WORDS;
use littoral_tests::models::family::MINILM;
use littoral_tests::program::{self, Ran, run};
use littoral_tests::tuning::{held_out_ndcg, lines, refusals, twins};
use littoral_train::lora::Layout;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A tiny encoder in `m`, data in `data`, documents in `documents`, and an index of them by `embedder`.
fn domain(root: &Path, embedder: &str) {
    MINILM.write(&root.join("m"), 5);
    twins(root, 240);
    // A table's documents are encoded by the model of this name.
    let name = if embedder == "table" {
        "minilm"
    } else {
        embedder
    };
    let packed = run(root, &["model", "quantize", "m", "--name", name]);
    assert_eq!(packed.code, 0, "{packed:?}");
    let build = ["build", "documents", "-o", "index", "--embedder", embedder];
    let built = run(root, &build);
    assert_eq!(built.code, 0, "{built:?}");
}

/// Trains the encoder in `m` on `data` into `tuned`.
fn train(root: &Path, more: &[&str]) -> Ran {
    program::trainer();
    let arguments = [
        "tune",
        "train",
        "data",
        "--target",
        "encoder",
        "--model",
        "m",
        "-o",
        "tuned",
        "--json",
        "--matrices",
        "query,key,value,attention-output,intermediate,output",
        "--steps",
        "80",
        "--look",
        "20",
        "--batch",
        "24",
        "--rate",
        "0.005",
        "--temperature",
        "0.1",
    ];
    run(root, &[&arguments[..], more].concat())
}

/// `tune eval` or `tune deploy` of that. What documents of twins say in their own words is forgotten a
/// little by design, which is let pass.
fn tune(root: &Path, action: &str, more: &[&str]) -> Ran {
    let arguments = [
        "tune", action, "tuned", "--index", "index", "--json", "--margin", "0.2",
    ];
    run(root, &[&arguments[..], more].concat())
}

fn inspected(root: &Path) -> Value {
    run(root, &["inspect", "index", "--json"]).json()
}

#[test]
fn a_tuned_encoder_is_measured_and_deployed_into_indexes_with_a_table_and_without() {
    for embedder in ["plain", "table"] {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        domain(root, embedder);
        let trained = train(root, &[]);
        assert_eq!(trained.code, 0, "{trained:?}");
        let record = trained.json()["record"].clone();
        let entry = fs::read(root.join("index/littoral.json")).unwrap();
        let ran = tune(root, "eval", &[]);
        assert_eq!(ran.code, 0, "{embedder}: {ran:?}");
        let measured = ran.json();
        let dense = &measured["held_out"]["dense"];
        assert!(
            dense["difference"]["mean"].as_f64().unwrap() > 0.1,
            "{embedder}: {dense}"
        );
        assert!(
            (dense["before"]["ndcg@10"].as_f64().unwrap() - held_out_ndcg(root, "index")).abs()
                < 1e-9
        );
        assert!(!measured["held_out"]["wins"].as_array().unwrap().is_empty());
        assert_eq!(measured["general"]["name"], "known items");
        // To measure changes nothing.
        assert_eq!(fs::read(root.join("index/littoral.json")).unwrap(), entry);
        assert!(!root.join("models/tuned.litmodel").exists());

        let ran = tune(root, "deploy", &[]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let deployed = ran.json();
        assert_eq!(deployed["measured"], measured, "{embedder}");
        assert_eq!(deployed["model"]["name"], "tuned");
        assert_eq!(run(root, &["check", "index"]).code, 0);
        let shown = inspected(root);
        let own = if embedder == "table" {
            "table"
        } else {
            "tuned"
        };
        assert_eq!(shown["embedder"], own);
        let encoder = &shown["tuning"]["encoder"];
        assert_eq!(encoder["forced"], false);
        let hash = |name: &str| record[name].as_str().unwrap()[..16].to_owned();
        assert_eq!(encoder["data"], hash("data_hash"));
        assert_eq!(encoder["base"], hash("base"));
        assert_eq!(encoder["pairs"], record["n_pairs"]);
        assert!(
            run(root, &["inspect", "index"])
                .out
                .contains("encoder tuned")
        );
        let after = dense["after"]["ndcg@10"].as_f64().unwrap();
        let found = held_out_ndcg(root, "index");
        assert!(
            (found - after).abs() < 1e-9,
            "{embedder}: {found}, not {after}"
        );

        // An update finds the encoder again, and what it says stays.
        fs::write(root.join("documents/new.md"), "tide moon rope").unwrap();
        let updated = run(root, &["update", "index", "documents", "--json"]);
        assert_eq!(updated.code, 0, "{updated:?}");
        assert_eq!(&inspected(root)["tuning"]["encoder"], encoder);
        // A table is fitted anew to them, with the new document.
        let updated = held_out_ndcg(root, "index");
        let before = dense["before"]["ndcg@10"].as_f64().unwrap();
        let least = if embedder == "table" {
            before + 0.1
        } else {
            after - 0.05
        };
        assert!(updated > least, "{embedder}: {before} → {after}, {updated}");
        // The next tuning is measured against this one, which it does not better.
        let again = tune(root, "deploy", &[]);
        assert_eq!(again.code, 1, "{embedder}: {again:?}");
        assert_eq!(refusals(&again.json()["measured"]), ["no-gain"]);
    }
}

#[test]
fn an_encoder_that_was_taught_wrongly_is_refused_and_what_is_forced_says_so() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    domain(root, "plain");
    // Every word of an answer is another one.
    let path = root.join("data/train.jsonl");
    let wrong = |word: &str| {
        let place = WORDS.iter().position(|known| *known == word).unwrap();
        WORDS[place ^ 2]
    };
    let rows = lines(&path).into_iter().map(|mut row| {
        let words = row["positive"].as_str().unwrap().split(' ').map(wrong);
        row["positive"] = json!(words.collect::<Vec<_>>().join(" "));
        format!("{row}\n")
    });
    fs::write(&path, rows.collect::<String>()).unwrap();
    let trained = train(root, &[]);
    assert_eq!(trained.code, 0, "{trained:?}");
    let before = inspected(root)["build"].clone();
    let ran = tune(root, "deploy", &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.json()["deployed"], false);
    let measured = ran.json()["measured"].clone();
    assert!(
        refusals(&measured).contains(&"no-gain".to_owned()),
        "{measured}"
    );
    assert!(
        !measured["held_out"]["losses"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(inspected(root)["build"], before);
    assert!(!root.join("models/tuned.litmodel").exists());
    let ran = tune(root, "deploy", &["--force", "--name", "bad-1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["forced"], true);
    let shown = inspected(root);
    assert_eq!(shown["tuning"]["encoder"]["forced"], true);
    assert_eq!(shown["embedder"], "bad-1");
    assert!(run(root, &["inspect", "index"]).out.contains("by force"));
}

#[test]
fn an_encoder_trained_on_what_it_is_measured_with_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    domain(root, "plain");
    let path = root.join("data/train.jsonl");
    let train_rows = fs::read_to_string(&path).unwrap();
    let held = fs::read_to_string(root.join("data/held-out.jsonl")).unwrap();
    fs::write(&path, format!("{train_rows}{held}")).unwrap();
    let ran = train(root, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.json()["trained"], false);
    assert!(!root.join("tuned").exists());
    assert_eq!(train(root, &["--force"]).code, 0);
    let ran = tune(root, "deploy", &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(refusals(&ran.json()["measured"]), ["leaks"]);
    // Other pairs than it was trained on prove nothing.
    fs::write(&path, train_rows).unwrap();
    let ran = tune(root, "eval", &[]);
    assert_eq!(
        (ran.code, refusals(&ran.json())),
        (1, vec!["other-data".to_owned()])
    );
    // Nor does anything where no record tells what it was trained on.
    fs::remove_file(root.join("tuned/training.json")).unwrap();
    assert_eq!(tune(root, "eval", &[]).error_code(), "no-data");
    let ran = tune(root, "eval", &["data"]);
    assert_eq!(
        (ran.code, refusals(&ran.json())),
        (1, vec!["unknown-data".to_owned()])
    );
}

#[test]
fn what_does_not_belong_together_is_named() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    domain(root, "plain");
    let weights = Weights::read(&root.join("m"), "m").unwrap();
    let (layout, numbers) = Layout::begin(&weights.config, &Part::ALL, 2, 4.0, 1);
    let adapter = |base: &str| {
        let adapter = layout.adapter(&layout.stirred(&numbers, 1), base);
        adapter.write(&root.join("tuned"), "m").unwrap();
    };
    adapter(&"0".repeat(64));
    assert_eq!(
        tune(root, "eval", &["data"]).error_code(),
        "adapter-other-base"
    );
    fs::rename(root.join("m"), root.join("moved")).unwrap();
    assert_eq!(tune(root, "eval", &["data"]).error_code(), "no-base");
    adapter(
        &littoral_runtime::models::fetch::verify(&root.join("moved/model.safetensors"), None)
            .unwrap(),
    );
    let more = ["data", "--model", "moved", "--force", "--name"];
    let named = |name: &str| tune(root, "deploy", &[&more[..], &[name]].concat());
    assert_eq!(named("plain").error_code(), "name-taken");
    assert_eq!(named("table").error_code(), "bad-name");
    assert_eq!(named("../x").error_code(), "bad-name");
    let words = ["build", "documents", "-o", "index", "--embedder", "none"];
    assert_eq!(run(root, &words).code, 0);
    assert_eq!(named("other").error_code(), "no-vectors");
}
