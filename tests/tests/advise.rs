//! Query sets that are drafted, advice from measurements, and what is fitted to queries.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_guest::engine::{Fusion, SearchOptions};
use littoral_indexes::manifest::Tuning;
use littoral_runtime::eval::fit::{fit_fusion, fit_threshold};
use littoral_runtime::eval::{Dataset, Qrels, Query, advise};
use littoral_tests::llm::Model;
use littoral_tests::memory::Stored;
use littoral_tests::program::run;
use littoral_tests::sample::{documents, settings};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const PAGES: [(&str, &str); 4] = [
    (
        "tides.md",
        "# Reading a tide table\n\nA spring tide is a tide whose range is greatest. The harbour master posts \
         corrections for every quay beside the old lighthouse.\n\n## Corrections for a harbour\n\nAdd the \
         correction of your own harbour to the times of the table, and mind the summer clock.\n",
    ),
    (
        "knots.md",
        "# Knots for mooring\n\nThe bowline makes a loop that never slips, and sailors tie it behind the back \
         with one hand. See [tables of high water](tides.md#top) and [read more](tides.md).\n",
    ),
    (
        "sub/crabs.md",
        "# The life of a shore crab\n\nA shore crab sheds its shell as it grows, and hides under flat stones \
         until the new one is hard. Before you moor, read [how to tie a boat](../knots.md).\n",
    ),
    (
        "sub/radio.md",
        "# Calling on the radio\n\nChannel 16 is for calling and for distress. Say the name of the other ship \
         twice, then your own name, and wait a whole minute.\n",
    ),
];

fn site(root: &Path) {
    for (name, text) in PAGES {
        let path = root.join("docs").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let built = run(
        root,
        &["build", "docs", "-o", "index", "--embedder", "none"],
    );
    assert_eq!(built.code, 0, "{built:?}");
}

#[test]
fn a_query_set_is_drafted_that_eval_reads_and_the_seed_decides() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    site(root);
    let arguments = [
        "eval",
        "init",
        "index",
        "--sources",
        "docs",
        "-o",
        "a",
        "--json",
    ];
    let drafted = run(root, &arguments);
    assert_eq!(drafted.code, 0, "{drafted:?}");
    let report = drafted.json();
    assert_eq!(
        (&report["known_item"], &report["notes"][0]["code"]),
        (&json!(true), &json!("known-item"))
    );
    assert_eq!(report["kinds"]["link"], 2, "{report}");
    let queries = fs::read_to_string(root.join("a/queries.jsonl")).unwrap();
    let qrels = fs::read_to_string(root.join("a/qrels/test.tsv")).unwrap();
    let line = |text: &str| {
        let lines = queries
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut lines = lines.filter(|line| line["text"] == text);
        lines
            .next()
            .unwrap_or_else(|| panic!("{text} is not in {queries}"))
    };
    for (text, document) in [
        ("tables of high water", "tides.md"),
        ("how to tie a boat", "knots.md"),
        ("what is a spring tide", "tides.md"),
    ] {
        let id = line(text)["_id"].as_str().unwrap().to_owned();
        assert!(
            qrels.contains(&format!("{id}\t{document}\t1\n")),
            "{text}: {qrels}"
        );
    }
    assert!(!queries.contains("read more"));

    // The same again; from the documents themselves; and with another seed.
    let again = ["eval", "init", "docs", "-o", "b", "--json"];
    assert_eq!(run(root, &again).code, 0);
    assert_eq!(
        fs::read_to_string(root.join("b/queries.jsonl")).unwrap(),
        queries
    );
    let few = |seed: &str, folder: &str| {
        let arguments = [
            "eval", "init", "index", "-o", folder, "--n", "3", "--seed", seed,
        ];
        let ran = run(root, &arguments);
        assert!(ran.out.contains("known-item queries"), "{ran:?}");
        fs::read_to_string(root.join(folder).join("queries.jsonl")).unwrap()
    };
    let first = few("1", "c");
    assert_eq!(first.lines().count(), 3);
    assert!((2..9).any(|seed| few(&seed.to_string(), &format!("d{seed}")) != first));
    // What is there is not written over.
    assert_eq!(run(root, &arguments).error_code(), "already-there");
    assert_eq!(run(root, &[&arguments[..], &["--force"]].concat()).code, 0);

    let measured = [
        "eval",
        "index",
        "--queries",
        "a/queries.jsonl",
        "--qrels",
        "a/qrels/test.tsv",
        "--json",
    ];
    let report = run(root, &measured).json();
    assert_eq!(report["n_queries"], queries.lines().count());
}

#[test]
fn a_model_puts_drafted_queries_in_other_words() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    site(root);
    let model = Model::saying(|request| format!("\"so to say: {}\"\n", request.prompt()));
    let arguments = [
        "eval",
        "init",
        "index",
        "-o",
        "a",
        "--n",
        "3",
        "--llm",
        model.url(),
        "--llm-model",
        "m",
    ];
    assert_eq!(run(root, &arguments).code, 0);
    for line in fs::read_to_string(root.join("a/queries.jsonl"))
        .unwrap()
        .lines()
    {
        let line: Value = serde_json::from_str(line).unwrap();
        let drafted = line["drafted"].as_str().unwrap();
        assert_eq!(line["text"], format!("so to say: {drafted}"));
    }
    let model = Model::saying(|_| "x".repeat(300));
    let arguments = [
        "eval",
        "init",
        "index",
        "-o",
        "b",
        "--json",
        "--llm",
        model.url(),
        "--llm-model",
        "m",
    ];
    assert_eq!(run(root, &arguments).error_code(), "llm-bad-reply");
    assert!(!root.join("b").exists());
}

#[test]
fn advice_names_the_limit_with_its_evidence_and_there_is_none_without_data() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    site(root);
    let none = run(root, &["advise", "index", "--json"]);
    assert_eq!((none.code, &none.json()["next"]), (1, &Value::Null));
    fs::write(root.join("q.jsonl"), "{\"_id\": \"q1\", \"text\": \"bowline loop\"}\n{\"_id\": \"q2\", \"text\": \"moon landing\"}\n{\"_id\": \"q3\", \"text\": \"seabird census\"}\n").unwrap();
    fs::write(root.join("none.tsv"), "q9\tknots.md\t1\n").unwrap();
    let unjudged = [
        "advise",
        "index",
        "--queries",
        "q.jsonl",
        "--qrels",
        "none.tsv",
    ];
    let ran = run(root, &unjudged);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.contains("No advice") && ran.out.contains("eval init"),
        "{ran:?}"
    );

    fs::write(
        root.join("r.tsv"),
        "q1\tknots.md\t1\nq2\tmoon.md\t1\nq3\tsub/crabs.md\t1\n",
    )
    .unwrap();
    let arguments = [
        "advise",
        "index",
        "--queries",
        "q.jsonl",
        "--qrels",
        "r.tsv",
    ];
    let advice = run(root, &[&arguments[..], &["--json"]].concat());
    assert_eq!(advice.code, 0, "{advice:?}");
    let advice = advice.json();
    let limit = |name: &str| {
        let limits = advice["limits"].as_array().unwrap();
        let found = limits.iter().find(|limit| limit["limit"] == name).unwrap();
        (
            found["queries"].as_u64().unwrap(),
            found["examples"][0]["query"].clone(),
        )
    };
    assert_eq!(limit("none").0, 1);
    assert_eq!(limit("missing"), (1, json!("q2")));
    assert_eq!(limit("lexical-mismatch"), (1, json!("q3")));
    assert_eq!(advice["next"]["step"], "add-documents");
    assert_eq!(
        advice["pairs"],
        json!({"judged": 3, "wanted": [500, 10000]})
    );
    assert_eq!(advice["notes"][0]["code"], "few-queries");
    let tried = advice["remedies"].as_array().unwrap();
    assert!(
        tried
            .iter()
            .any(|remedy| remedy["remedy"] == "chunks-of-128" && remedy["tried"] == true)
    );
    let shown = run(root, &arguments).out;
    assert!(
        shown.contains("33.3 %  the relevant documents are not in the index (q2)"),
        "{shown}"
    );
    assert!(shown.contains("next: add-documents"), "{shown}");
}

/// A query about each of the sample's documents, judged to be answered by it.
fn judged(queries: &[(String, String)]) -> (Vec<Query>, Qrels) {
    let asked = (0..).zip(queries).map(|(i, (_, text)): (u32, _)| Query {
        id: format!("q{i}"),
        text: text.clone(),
    });
    let grades = (0..)
        .zip(queries)
        .map(|(i, (id, _)): (u32, _)| (format!("q{i}"), id.clone(), 1));
    (asked.collect(), grades.collect())
}

#[test]
fn what_an_index_was_fitted_to_is_what_searches_and_answers_take() {
    let stored = Stored::build(&documents(), &settings());
    let plain = stored.open();
    let search = |index: &littoral_guest::Index<_>, fusion| {
        let options = SearchOptions {
            fusion,
            ..SearchOptions::default()
        };
        let found = pollster::block_on(index.search("tide table harbour", &options)).unwrap();
        let scores: Vec<f64> = found.hits.iter().map(|hit| hit.score).collect();
        scores
    };
    assert_eq!(
        search(&plain, None),
        search(&plain, Some(Fusion::default()))
    );
    let mut manifest = plain.manifest().clone();
    manifest.tuning = Tuning {
        fusion: Some(Fusion::Ranks.setting()),
        threshold: Some(990),
        ..Tuning::default()
    };
    let mut fitted = stored.clone();
    fitted.put(&manifest);
    let tuned = fitted.open();
    assert_eq!(search(&tuned, None), search(&plain, Some(Fusion::Ranks)));
    assert_ne!(search(&tuned, None), search(&plain, None));
    let options = SearchOptions::default();
    let asked = littoral_guest::answer::AnswerOptions::default();
    let answer = pollster::block_on(tuned.answer("moon", &options, &asked)).unwrap();
    assert!((answer.evidence.threshold - 0.99).abs() < 1e-9);
}

#[test]
fn a_fit_needs_queries_and_keeps_only_what_is_better_where_it_was_not_chosen() {
    let documents = documents();
    let stored = Stored::build(&documents, &settings());
    let index = stored.open();
    let queries: Vec<(String, String)> = documents
        .iter()
        .flat_map(|document| {
            let words: Vec<&str> = document.text.split_whitespace().collect();
            let parts: Vec<String> = words
                .chunks(6)
                .take(4)
                .map(|words| words.join(" "))
                .collect();
            parts.into_iter().map(|text| (document.id.clone(), text))
        })
        .collect();
    let root = tempfile::tempdir().unwrap();
    let dataset = |queries: &[(String, String)]| {
        let (asked, qrels) = judged(queries);
        let lines: String = asked
            .iter()
            .map(|q| json!({"_id": q.id, "text": q.text}).to_string() + "\n")
            .collect();
        fs::write(root.path().join("q.jsonl"), lines).unwrap();
        let lines: String = qrels
            .iter()
            .flat_map(|(query, grades)| grades.keys().map(move |id| format!("{query}\t{id}\t1\n")))
            .collect();
        fs::write(root.path().join("r.tsv"), lines).unwrap();
        Dataset::from_files(&root.path().join("q.jsonl"), &root.path().join("r.tsv")).unwrap()
    };
    let options = SearchOptions::default();
    let before = Fusion::default();
    assert!(
        fit_fusion(&index, &dataset(&queries[..10]), &options, before)
            .unwrap()
            .is_none()
    );
    let all = dataset(&queries);
    let fitted = fit_fusion(&index, &all, &options, before).unwrap().unwrap();
    assert_eq!(fitted.n_queries, queries.len() as u64);
    assert_eq!(
        fitted.kept,
        fitted.difference.mean > 0.0 && fitted.difference.p < 0.05
    );
    // The same queries give the same fit.
    assert_eq!(
        fit_fusion(&index, &all, &options, before).unwrap().unwrap(),
        fitted
    );

    let other: Vec<Query> = (0..40)
        .map(|i| Query {
            id: format!("other{i}"),
            text: format!("quantum chromodynamics lattice gauge {i}"),
        })
        .collect();
    // A threshold that refuses everything is worse than any between the two.
    let fitted = fit_threshold(&index, &all, &other, &options, 1.0)
        .unwrap()
        .unwrap();
    assert!(fitted.kept && fitted.chosen < 1.0, "{fitted:?}");
    assert!(fitted.held_out > fitted.held_out_before, "{fitted:?}");
    assert!(
        fit_threshold(&index, &all, &[], &options, 0.5)
            .unwrap()
            .is_none()
    );

    let found = advise::locate(&index, &all, None, &options).unwrap();
    assert_eq!(found.queries.len(), queries.len());
    assert!(found.best_order > 0.5);
}
