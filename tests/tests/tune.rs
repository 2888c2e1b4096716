//! Training data from what a user has.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_tests::llm::Model;
use littoral_tests::program::run;
use littoral_tests::tuning::{documents, index, judged, lines, prepare};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

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
    // A document that is right for held-out queries alone would be learned as wrong.
    let kept_out = of(&held, "positive_id");
    let negatives = train
        .iter()
        .flat_map(|r| r["negative_ids"].as_array().unwrap());
    let negatives: BTreeSet<&str> = negatives.map(|id| id.as_str().unwrap()).collect();
    assert!(kept_out.iter().all(|id| !negatives.contains(id.as_str())));
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

#[test]
fn judged_collections_become_training_data_of_the_size_that_training_wants() {
    let Some(data) = littoral_tests::data::folder() else {
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let collection = data.join("stackfaq");
    let corpus = collection.join("corpus.jsonl").display().to_string();
    let built = run(
        root,
        &["build", &corpus, "-o", "index", "--embedder", "none"],
    );
    assert_eq!(built.code, 0, "{built:?}");
    let collection = collection.display().to_string();
    let ran = prepare(root, &["-o", "a", "--data", &collection]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json();
    let count = |name: &str| report["counts"][name].as_u64().unwrap();
    assert_eq!(report["sources"][0]["unknown"], 0);
    let n = count("train_queries") + count("held_out_queries");
    let flagged: u64 = ["too-short", "anchor-is-passage"]
        .iter()
        .filter_map(|flag| report["flags"][flag].as_u64())
        .sum();
    assert!(n + count("duplicates") + flagged >= 600, "{report}");
    let share = count("held_out_queries") as f64 / n as f64;
    assert!((0.2..0.3).contains(&share), "{share}");
    // Without a query table there is nothing to train.
    let ran = run(
        root,
        &[
            "tune", "train", "a", "--index", "index", "-o", "tuned", "--json",
        ],
    );
    assert_eq!(ran.error_code(), "no-table");
}
