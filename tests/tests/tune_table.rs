//! A tuned query table: its training, its measurement, and the gate in front of the index.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_runtime::ingest::{IngestOptions, discover};
use littoral_runtime::store::Folder;
use littoral_runtime::update::{Control, Inputs, update};
use littoral_tests::program::{Ran, run};
use littoral_tests::tuning::{index, judged, lines, prepare, refusals, tools};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// A tuned table of the pairs in `a`: `tuned` in `root`.
fn tuned(root: &Path, more: &[&str]) -> Ran {
    let arguments = [
        "tune", "train", "a", "--index", "index", "-o", "tuned", "--json",
    ];
    run(root, &[&arguments[..], more].concat())
}

fn deploy(root: &Path, more: &[&str]) -> Ran {
    let arguments = ["tune", "deploy", "tuned", "--index", "index", "--json"];
    run(root, &[&arguments[..], more].concat())
}

fn files(root: &Path) -> BTreeSet<(String, Vec<u8>)> {
    let mut all = BTreeSet::new();
    for folder in fs::read_dir(root.join("index")).unwrap().flatten() {
        if folder.path().is_dir() {
            for file in fs::read_dir(folder.path()).unwrap().flatten() {
                let name = format!("{:?}/{:?}", folder.file_name(), file.file_name());
                all.insert((name, fs::read(file.path()).unwrap()));
            }
        }
    }
    all
}

#[test]
fn a_tuned_table_ranks_held_out_queries_better_and_is_deployed_as_a_delta_that_stays() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    index(root);
    judged(root);
    assert_eq!(prepare(root, &["-o", "a", "--data", "data"]).code, 0);
    let eager = [
        "--move-rate",
        "0.005",
        "--map-rate",
        "0.0005",
        "--steps",
        "300",
    ];
    let ran = tuned(root, &eager);
    assert_eq!(ran.code, 0, "{ran:?}");
    let record = ran.json()["record"].clone();
    assert!(record["new_words"].as_u64().unwrap() > 10, "{record}");
    let bytes = fs::read(root.join("tuned")).unwrap();
    let again = [&eager[..], &["--threads", "1"]].concat();
    assert_eq!(tuned(root, &again).code, 0);
    let again = fs::read(root.join("tuned")).unwrap();
    // All but the seconds is the same for any number of threads.
    assert!(bytes.len().abs_diff(again.len()) < 20);
    let numbers = |bytes: &[u8]| {
        let start = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize + 8;
        bytes[start..].to_vec()
    };
    assert_eq!(numbers(&bytes), numbers(&again));

    let measured = run(
        root,
        &["tune", "eval", "tuned", "--index", "index", "--json"],
    );
    assert_eq!(measured.code, 0, "{measured:?}");
    let measured = measured.json();
    let dense = &measured["held_out"]["dense"];
    assert!(
        dense["difference"]["mean"].as_f64().unwrap() > 0.1,
        "{dense}"
    );
    assert!(!measured["held_out"]["wins"].as_array().unwrap().is_empty());
    assert_eq!(measured["general"]["name"], "known items");

    let before = files(root);
    let ran = deploy(root, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let after = files(root);
    assert!(
        after.is_superset(&before),
        "a file that was there has changed"
    );
    assert_eq!(ran.json()["files_written"], after.len() - before.len() + 1);
    assert_eq!(run(root, &["check", "index"]).code, 0);
    let inspected = run(root, &["inspect", "index", "--json"]).json();
    let table = &inspected["tuning"]["table"];
    assert_eq!(table["forced"], false);
    assert_eq!(table["data"], record["data_hash"].as_str().unwrap()[..16]);
    assert!(run(root, &["inspect", "index"]).out.contains("tuned"));
    // The index answers as was measured.
    let eval = [
        "eval",
        "index",
        "--queries",
        "a/queries.jsonl",
        "--qrels",
        "a/qrels/held-out.tsv",
        "--modes",
        "dense",
        "--json",
    ];
    let figure = |root: &Path| {
        run(root, &eval).json()["runs"][0]["metrics"]["ndcg@10"]
            .as_f64()
            .unwrap()
    };
    let deployed = figure(root);
    assert!((deployed - dense["after"]["ndcg@10"].as_f64().unwrap()).abs() < 1e-9);
    // It was tuned from another table than the index has now.
    assert_eq!(deploy(root, &[]).error_code(), "other-table");

    // A damaged block of it is found.
    let (name, _) = after.difference(&before).next().unwrap().clone();
    let path = root.join("index").join(name.replace('"', ""));
    let whole = fs::read(&path).unwrap();
    let mut bad = whole.clone();
    *bad.last_mut().unwrap() ^= 1;
    fs::write(&path, bad).unwrap();
    assert_eq!(run(root, &["check", "index"]).code, 1);
    fs::write(&path, whole).unwrap();

    // Updates and merges keep it.
    let tools = tools();
    fs::create_dir(root.join("more")).unwrap();
    fs::write(
        root.join("more/oar.md"),
        "# The oar\n\nAn oar is a long blade to row with.\n",
    )
    .unwrap();
    let options = IngestOptions::default();
    let (found, _) = discover(&[root.join("more")], &options).unwrap();
    let control = Control {
        stop: &AtomicBool::new(false),
        progress: &|| {},
    };
    for compact in [false, true] {
        let mut folder = Folder::open(&root.join("index")).unwrap();
        let inputs = Inputs::new(if compact { &[] } else { &found }, options.clone());
        update(&inputs, &mut folder, &tools, &control, false, compact).unwrap();
        drop(folder);
        assert_eq!(run(root, &["check", "index"]).code, 0);
        let inspected = run(root, &["inspect", "index", "--json"]).json();
        assert_eq!(&inspected["tuning"]["table"], table, "{compact}");
        assert!((figure(root) - deployed).abs() < 0.03, "{compact}");
    }
}

#[test]
fn a_harmful_training_set_is_refused_and_what_is_forced_says_so() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    index(root);
    judged(root);
    assert_eq!(prepare(root, &["-o", "a", "--data", "data"]).code, 0);
    // Every query of the training is taught the answer of another one.
    let path = root.join("a/train.jsonl");
    let mut rows = lines(&path);
    let answers: Vec<Value> = rows.iter().map(|row| row["positive_id"].clone()).collect();
    let n = rows.len();
    for (i, row) in rows.iter_mut().enumerate() {
        row["positive_id"] = answers[(i + n / 2) % n].clone();
    }
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    fs::write(&path, text).unwrap();
    let trained = tuned(
        root,
        &[
            "--map-rate",
            "0.02",
            "--move-rate",
            "0.02",
            "--gain-rate",
            "0.1",
        ],
    );
    assert!(trained.code <= 1, "{trained:?}");
    let before = files(root);
    let ran = deploy(root, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        refusals(&ran.json()["measured"]).contains(&"no-gain".to_owned()),
        "{ran:?}"
    );
    assert_eq!(files(root), before);
    let ran = deploy(root, &["--force"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["forced"], true);
    let inspected = run(root, &["inspect", "index", "--json"]).json();
    assert_eq!(inspected["tuning"]["table"]["forced"], true);
    assert_eq!(run(root, &["check", "index"]).code, 0);
}

#[test]
fn a_training_set_that_leaks_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    index(root);
    judged(root);
    assert_eq!(prepare(root, &["-o", "a", "--data", "data"]).code, 0);
    let path = root.join("a/train.jsonl");
    let train = fs::read_to_string(&path).unwrap();
    let held = fs::read_to_string(root.join("a/held-out.jsonl")).unwrap();
    let leaking = held.lines().next().unwrap();
    fs::write(&path, format!("{train}{leaking}\n")).unwrap();
    let ran = tuned(root, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.json()["leaks"]["queries"].as_array().unwrap().len(), 1);
    assert!(!root.join("tuned").exists());
    // A document alone leaks too.
    let document = &serde_json::from_str::<Value>(leaking).unwrap()["positive_id"];
    let mut row = lines(&path)[0].clone();
    row["positive_id"] = document.clone();
    row["anchor"] = json!("another query altogether");
    row["query_id"] = json!("q0");
    fs::write(&path, format!("{train}{row}\n")).unwrap();
    let ran = tuned(root, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.json()["leaks"]["documents"], json!([document]));
    assert_eq!(tuned(root, &["--force"]).code, 0);
    let ran = deploy(root, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        refusals(&ran.json()["measured"]).contains(&"leaks".to_owned()),
        "{ran:?}"
    );
    // Other data than it was tuned on proves nothing.
    fs::write(&path, train).unwrap();
    let ran = deploy(root, &[]);
    assert_eq!(
        (ran.code, refusals(&ran.json()["measured"])),
        (1, vec!["other-data".to_owned()])
    );
}
