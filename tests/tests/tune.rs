//! Tuning: training data from what a user has, a tuned query table, its measurement, and the gate in
//! front of the index.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_guest::Document;
use littoral_runtime::build::{Tools, build_documents};
use littoral_runtime::embed::Embedder;
use littoral_runtime::ingest::{IngestOptions, discover};
use littoral_runtime::pipeline::Pool;
use littoral_runtime::store::Folder;
use littoral_runtime::update::{Control, Inputs, update};
use littoral_tests::encoder::ToyEncoder;
use littoral_tests::llm::Model;
use littoral_tests::program::{Ran, run};
use littoral_tests::sample::settings;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Things that documents tell of, what people call them instead, and what else is said.
const THINGS: [(&str, &str, &str); 12] = [
    (
        "halyard",
        "hoisting rope",
        "It lifts the sail to the top of the mast and is made fast at its foot.",
    ),
    (
        "bilge",
        "lowest inside",
        "Water gathers there and a pump takes it out again every morning.",
    ),
    (
        "fender",
        "bumper cushion",
        "It hangs over the side and keeps the hull off the stones of the quay.",
    ),
    (
        "sextant",
        "angle finder",
        "It measures how high the sun stands over the horizon at noon.",
    ),
    (
        "barometer",
        "pressure gauge",
        "When it falls quickly a gale is near and the boats stay in.",
    ),
    (
        "capstan",
        "turning winch",
        "Six people walk round it and the cable comes up link by link.",
    ),
    (
        "tiller",
        "steering handle",
        "Pushed to one side it turns the bow to the other.",
    ),
    (
        "galley",
        "ship kitchen",
        "Its stove swings so that the pots stay level in a swell.",
    ),
    (
        "buoy",
        "floating mark",
        "It is chained to the ground and shows where the channel bends.",
    ),
    (
        "keel",
        "bottom beam",
        "It runs from bow to stern and all ribs stand upon it.",
    ),
    (
        "rudder",
        "turning blade",
        "It is hung behind the stern and is moved from the deck.",
    ),
    (
        "anchor",
        "holding iron",
        "Its flukes dig into sand and its chain lies along the ground.",
    ),
];

/// Several documents of each thing, and questions in other words than theirs.
fn documents() -> Vec<Document> {
    let mut all = Vec::new();
    for part in ["care", "history", "price", "repair", "choice"] {
        for (thing, _, text) in THINGS {
            let id = format!("{thing}-{part}.md");
            let text = format!(
                "The {part} of a {thing}. {text} This page is about {part}, and a {thing} is known on \
                 every coast."
            );
            all.push(Document::plain(id, format!("{part} of the {thing}"), text));
        }
    }
    all
}

/// An index of them with a query table, without an encoder to load: `index` in `root`.
fn index(root: &Path) {
    let tools = Tools {
        embedder: Some(Embedder::new(Arc::new(ToyEncoder), None)),
        ..Tools::from(Pool::new(2).unwrap())
    };
    let mut folder = Folder::open(&root.join("index")).unwrap();
    build_documents(documents().into_iter(), &settings(), &mut folder, &tools).unwrap();
}

/// Judged questions: `data` in `root`.
fn judged(root: &Path) {
    let (mut queries, mut qrels) = (String::new(), "query-id\tcorpus-id\tscore\n".to_owned());
    for part in ["care", "history", "price", "repair", "choice"] {
        for (thing, other, _) in THINGS {
            for (i, frame) in ["what about the", "tell me of the", "is there any"]
                .iter()
                .enumerate()
            {
                let id = format!("{thing}-{part}-{i}");
                let text = format!("{frame} {part} of a {other}");
                queries.push_str(&format!("{}\n", json!({"_id": id, "text": text})));
                qrels.push_str(&format!("{id}\t{thing}-{part}.md\t1\n"));
            }
        }
    }
    fs::create_dir_all(root.join("data/qrels")).unwrap();
    fs::write(root.join("data/queries.jsonl"), queries).unwrap();
    fs::write(root.join("data/qrels/train.tsv"), qrels).unwrap();
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn prepare(root: &Path, more: &[&str]) -> Ran {
    let arguments = ["tune", "prepare", "index", "--json"];
    run(root, &[&arguments[..], more].concat())
}

#[test]
fn judged_queries_become_rows_without_leaks_and_with_hard_negatives() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    index(root);
    judged(root);
    let ran = prepare(root, &["-o", "a", "--data", "data"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json();
    let counts = &report["counts"];
    let count = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(
        count("train_pairs") + count("held_out_pairs"),
        180,
        "{report}"
    );
    assert!((30..=50).contains(&count("held_out_pairs")), "{report}");
    assert_eq!(report["notes"][0]["code"], "few-pairs");
    assert_eq!(report["sources"][0]["read"], 180);
    let stored: Value =
        serde_json::from_str(&fs::read_to_string(root.join("a/prepared.json")).unwrap()).unwrap();
    assert_eq!(stored, report);

    let (train, held) = (
        lines(&root.join("a/train.jsonl")),
        lines(&root.join("a/held-out.jsonl")),
    );
    let of = |rows: &[Value], key: &str| -> BTreeSet<String> {
        rows.iter()
            .map(|row| row[key].as_str().unwrap().to_owned())
            .collect()
    };
    for key in ["anchor", "query_id", "positive_id"] {
        assert!(of(&train, key).is_disjoint(&of(&held, key)), "{key}");
    }
    for row in train.iter().chain(&held) {
        let ids = row["negative_ids"].as_array().unwrap();
        assert_eq!(ids.len(), 5, "{row}");
        assert!(row["negative_5"].is_string() && row["negative_6"].is_null());
        assert!(!ids.contains(&row["positive_id"]), "{row}");
        let thing = row["positive_id"]
            .as_str()
            .unwrap()
            .split('-')
            .next()
            .unwrap();
        assert!(row["positive"].as_str().unwrap().contains(thing), "{row}");
    }
    // What `eval` reads is the same.
    let measured = run(
        root,
        &[
            "eval",
            "index",
            "--queries",
            "a/queries.jsonl",
            "--qrels",
            "a/qrels/held-out.tsv",
            "--json",
        ],
    );
    assert_eq!(measured.code, 0, "{measured:?}");
    assert_eq!(measured.json()["n_queries"], counts["held_out_queries"]);

    // The same again, on one thread too; and another split with another seed.
    let hash = |folder: &str, more: &[&str]| {
        let ran = prepare(root, &[&["-o", folder, "--data", "data"], more].concat());
        ran.json()["hash"].as_str().unwrap().to_owned()
    };
    assert_eq!(hash("b", &["--threads", "1"]), report["hash"]);
    assert_ne!(hash("c", &["--seed", "2"]), report["hash"]);
    assert_eq!(
        prepare(root, &["-o", "a", "--data", "data"]).error_code(),
        "already-there"
    );
    assert_eq!(prepare(root, &["-o", "d"]).error_code(), "no-sources");
}

#[test]
fn pairs_clicks_and_documents_are_joined_and_poor_pairs_are_flagged() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    index(root);
    let passage = &documents()[3].text;
    fs::write(
        root.join("faq.csv"),
        format!(
            "Question,Answer\nHow high stands the sun?,\"{passage}\"\nHOW HIGH STANDS the sun,\"{passage}\"\n\
             \"{passage}\",\"{passage}\"\nsun,\"{passage}\"\nwhat is elsewhere,nothing that any page here says at all\n"
        ),
    )
    .unwrap();
    fs::write(
        root.join("clicks.tsv"),
        "query\turl\tcount\npumping out water\tbilge-care.md\t3\npumping out water\tkeel-care.md\t1\n\
         no such page\tgone.md\t9\n",
    )
    .unwrap();
    let sources = [
        "-o",
        "a",
        "--pairs",
        "faq.csv",
        "--clicks",
        "clicks.tsv",
        "--min-clicks",
        "2",
        "--from-documents",
    ];
    let ran = prepare(root, &sources);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json();
    let source = |kind: &str| {
        let sources = report["sources"].as_array().unwrap();
        sources
            .iter()
            .find(|source| source["kind"] == kind)
            .unwrap()
            .clone()
    };
    assert_eq!(
        (&source("pairs")["read"], &source("pairs")["unknown"]),
        (&json!(5), &json!(1))
    );
    assert_eq!(
        (&source("clicks")["read"], &source("clicks")["unknown"]),
        (&json!(3), &json!(1))
    );
    assert!(
        report["counts"]["duplicates"].as_u64().unwrap() >= 1,
        "{report}"
    );
    assert_eq!(report["flags"]["anchor-is-passage"], 1, "{report}");
    assert_eq!(report["flags"]["too-short"], 1, "{report}");
    let flagged = lines(&root.join("a/flagged.jsonl"));
    assert!(
        flagged
            .iter()
            .any(|line| line["flag"] == "too-short" && line["anchor"] == "sun")
    );
    let rows = [
        lines(&root.join("a/train.jsonl")),
        lines(&root.join("a/held-out.jsonl")),
    ]
    .concat();
    let answering = |anchor: &str| -> Vec<&Value> {
        let of = rows.iter().filter(|row| row["anchor"] == anchor);
        of.map(|row| &row["positive_id"]).collect()
    };
    assert_eq!(answering("pumping out water"), [&json!("bilge-care.md")]);
    assert_eq!(
        answering("How high stands the sun?"),
        [&json!("sextant-care.md")]
    );
    // Held out is what people asked, and no drafted query that would give it away is trained on.
    let held = lines(&root.join("a/held-out.jsonl"));
    assert!(
        held.iter().all(|row| row["source"] != "documents"),
        "{held:?}"
    );

    // Errors name the file and the line.
    fs::write(
        root.join("bad.jsonl"),
        "{\"anchor\":\"a b\",\"positive\":\"c\"}\n{\"anchor\":\"d\"}\n",
    )
    .unwrap();
    let ran = prepare(root, &["-o", "e", "--pairs", "bad.jsonl"]);
    assert_eq!(ran.error_code(), "tune-line");
    assert!(ran.out.contains("bad.jsonl:2"), "{ran:?}");
    fs::write(
        root.join("bad.tsv"),
        "query\tdocument\tcount\na\tkeel-care.md\tmany\n",
    )
    .unwrap();
    let ran = prepare(root, &["-o", "e", "--clicks", "bad.tsv"]);
    assert!(
        ran.out.contains("bad.tsv:2") && ran.out.contains("many"),
        "{ran:?}"
    );
    let ran = prepare(root, &["-o", "e", "--pairs", "faq.docx"]);
    assert_eq!(ran.error_code(), "tune-unreadable");
    fs::write(
        root.join("lost.jsonl"),
        "{\"query\":\"a b\",\"document\":\"nowhere\"}\n",
    )
    .unwrap();
    let ran = prepare(root, &["-o", "e", "--clicks", "lost.jsonl"]);
    assert_eq!(ran.error_code(), "tune-nothing-linked");
}

#[test]
fn a_model_writes_questions_for_passages() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    index(root);
    let model = Model::saying(|_| "which page tells of this thing".into());
    let sources = [
        "-o",
        "a",
        "--llm",
        model.url(),
        "--llm-model",
        "tiny",
        "--llm-questions",
        "3",
    ];
    let ran = prepare(root, &sources);
    let report = ran.json();
    assert_eq!(report["sources"][0]["kind"], "llm", "{ran:?}");
    assert_eq!(report["sources"][0]["read"], 3);
    // All of them are the same question: one query with three answers, on one side alone.
    assert_eq!(report["counts"]["duplicates"], 2);
    assert_eq!(ran.code, 1);
    let codes = report["notes"].as_array().unwrap().iter();
    assert!(
        codes
            .map(|note| note["code"].as_str().unwrap())
            .any(|code| code == "known-item")
    );
}

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

fn codes(measured: &Value) -> Vec<String> {
    let refusals = measured["gate"]["refusals"].as_array().unwrap().iter();
    refusals
        .map(|r| r["code"].as_str().unwrap().to_owned())
        .collect()
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
    let ran = tuned(root, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let record = ran.json()["record"].clone();
    assert!(record["new_words"].as_u64().unwrap() > 10, "{record}");
    let bytes = fs::read(root.join("tuned")).unwrap();
    assert_eq!(tuned(root, &["--threads", "1"]).code, 0);
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
    let tools = Tools {
        embedder: Some(Embedder::new(Arc::new(ToyEncoder), None)),
        ..Tools::from(Pool::new(2).unwrap())
    };
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
        codes(&ran.json()["measured"]).contains(&"no-gain".to_owned()),
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
        codes(&ran.json()["measured"]).contains(&"leaks".to_owned()),
        "{ran:?}"
    );
    // Other data than it was tuned on proves nothing.
    fs::write(&path, train).unwrap();
    let ran = deploy(root, &[]);
    assert_eq!(
        (ran.code, codes(&ran.json()["measured"])),
        (1, vec!["other-data".to_owned()])
    );
}
