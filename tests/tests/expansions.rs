//! Expansions: documents found by words that they do not say, from a file, from records, and from a
//! learned sparse encoder.
#![allow(
    clippy::unwrap_used,
    clippy::format_collect,
    reason = "a test ends where it cannot go on"
)]

use littoral_tests::models::onnx::SparseGraph;
use littoral_tests::program::{self, Ran};
use std::fs;
use std::path::Path;

const DOCUMENTS: &str = concat!(
    r#"{"_id":"coast","title":"Tide tables","text":"High water at the harbour comes twice a day.","lang":"en"}"#,
    "\n",
    r#"{"_id":"inland","title":"Hills","text":"Sheep graze on the hills above the village.","lang":"en"}"#,
    "\n",
    r#"{"_id":"woods","title":"Oaks","text":"The forest has oaks, and a harbour for owls.","lang":"en"}"#,
    "\n",
);

const EXPANSIONS: &str = concat!(
    r###"{"id":"coast","terms":{"Seafaring":1.5,"dog":0.4,"##water":2,"the":3,"spring tides":0.9}}"###,
    "\n",
    r#"{"id":"inland","terms":{"dogs":2,"rural":1,"faint":0.1}}"#,
    "\n",
);

fn run(root: &Path, arguments: &[&str]) -> Ran {
    program::run(root, arguments)
}

/// A folder with `docs.jsonl`, `x.jsonl` and the index `ix` of both.
fn folder() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("docs.jsonl"), DOCUMENTS).unwrap();
    fs::write(root.path().join("x.jsonl"), EXPANSIONS).unwrap();
    let built = build(root.path(), &["--expansions", "x.jsonl"]);
    assert_eq!(built.code, 0, "{built:?}");
    root
}

fn build(root: &Path, more: &[&str]) -> Ran {
    let arguments = ["build", "docs.jsonl", "-o", "ix", "--embedder", "none"];
    run(root, &[&arguments, more, &["--json"]].concat())
}

/// Ids of the documents that `query` finds, best first.
fn found(root: &Path, query: &str) -> Vec<String> {
    let ran = run(root, &["search", "ix", "--json", "--", query]);
    assert!(ran.code < 2, "{ran:?}");
    let hits = ran.json()["hits"].as_array().unwrap().clone();
    let id = |hit: &serde_json::Value| hit["document"]["id"].as_str().unwrap().to_owned();
    hits.iter().map(id).collect()
}

#[test]
fn a_document_is_found_by_a_word_that_only_its_expansion_holds() {
    let root = folder();
    let root = root.path();
    // In any form of the word.
    assert_eq!(found(root, "seafaring"), ["coast"]);
    assert_eq!(found(root, "rural"), ["inland"]);
    assert_eq!(found(root, "dog"), ["inland", "coast"]);
    assert_eq!(found(root, "spring"), ["coast"]);
    // A word that is said and one that is lent add up.
    assert_eq!(found(root, "harbour seafaring"), ["coast", "woods"]);
    // Pieces of words, and weights that are nearer to nothing, are left out.
    assert_eq!(found(root, "##water faint"), ["coast"]);
    assert!(found(root, "faint").is_empty());
}

#[test]
fn what_a_document_does_not_say_fulfils_no_demand() {
    let root = folder();
    let root = root.path();
    // Both words stand in the expansion as one phrase.
    assert!(found(root, "\"spring tides\"").is_empty());
    assert!(found(root, "\"seafaring\"").is_empty());
    assert!(found(root, "title:seafaring").is_empty());
    assert!(found(root, "+dog").is_empty());
    assert_eq!(found(root, "+harbour dog"), ["coast", "woods"]);
    assert_eq!(found(root, "harbour -seafaring"), ["coast", "woods"]);
    // An index without positions tells them apart too.
    fs::write(
        root.join("littoral.toml"),
        "[analysis]\npositions = false\n",
    )
    .unwrap();
    assert_eq!(build(root, &["--expansions", "x.jsonl"]).code, 0);
    assert!(found(root, "\"spring tides\"").is_empty());
    assert_eq!(found(root, "seafaring"), ["coast"]);
}

#[test]
fn a_score_says_what_the_expansion_gives_and_an_excerpt_marks_nothing() {
    let root = folder();
    let root = root.path();
    let ran = run(root, &["search", "ix", "dog", "--explain", "--json"]);
    let hit = &ran.json()["hits"][0];
    assert_eq!(hit["document"]["id"], "inland");
    assert!(
        !hit["excerpt"].as_str().unwrap().contains("<mark>"),
        "{hit}"
    );
    let parts = hit["explain"]["parts"][0]["parts"]
        .as_array()
        .unwrap()
        .clone();
    let part = |label: &str| {
        let part = parts.iter().find(|part| part["label"] == label);
        part.map(|part| part["value"].as_f64().unwrap())
    };
    let score = hit["score"].as_f64().unwrap();
    assert_eq!(part("the document"), Some(0.0));
    assert_eq!(part("this chunk"), Some(0.0));
    assert!(
        (part("its expansion").unwrap() - score).abs() < 1e-9,
        "{hit}"
    );
    // Where nothing is lent, nothing is said of it.
    let ran = run(root, &["search", "ix", "forest", "--explain"]);
    assert!(!ran.out.contains("expansion"), "{}", ran.out);
    let inspected = run(root, &["inspect", "ix"]);
    assert!(
        inspected.out.contains("expansions: from a file"),
        "{}",
        inspected.out
    );
    let json = run(root, &["inspect", "ix", "--json"]).json();
    assert_eq!(json["expansions"]["source"], "file");
    assert_eq!(json["segments"][0]["expanded"], true);
    assert_eq!(run(root, &["check", "ix"]).code, 0);
}

#[test]
fn a_weight_in_the_settings_scales_them_and_nothing_turns_them_off() {
    let root = folder();
    let root = root.path();
    let score = |query: &str| {
        let ran = run(root, &["search", "ix", query, "--json"]);
        ran.json()["hits"][0]["score"].as_f64().unwrap_or(0.0)
    };
    let (lent, own) = (score("rural"), score("sheep"));
    fs::write(
        root.join("littoral.toml"),
        "[scoring]\nexpansion_weight = 0.5\n",
    )
    .unwrap();
    assert_eq!(build(root, &["--expansions", "x.jsonl"]).code, 0);
    assert!(score("rural") < lent);
    assert!((score("sheep") - own).abs() < 1e-9);
}

#[test]
fn an_update_expands_what_is_new_and_keeps_what_is_not() {
    let root = folder();
    let root = root.path();
    let update = |more: &[&str]| {
        let arguments = ["update", "ix", "docs.jsonl", "--json"];
        run(root, &[&arguments, more].concat())
    };
    let counts = |ran: &Ran| {
        let json = ran.json();
        (json["documents"].as_u64(), json["unchanged"].as_u64())
    };
    let same = update(&["--expansions", "x.jsonl"]);
    assert_eq!(counts(&same), (Some(0), Some(3)), "{same:?}");
    // Without the file it would take the expansions away: it says so.
    assert_eq!(update(&[]).error_code(), "no-expansions");
    // One expansion changes, and one document comes with its own.
    let changed = EXPANSIONS.replace("rural", "pastoral");
    fs::write(root.join("x.jsonl"), changed).unwrap();
    let more = r#"{"_id":"new","text":"A mill by the brook.","expansions":{"watermill":1.5}}"#;
    fs::write(root.join("docs.jsonl"), [DOCUMENTS, more].concat()).unwrap();
    let ran = update(&["--expansions", "x.jsonl"]);
    assert_eq!(counts(&ran), (Some(2), Some(2)), "{ran:?}");
    assert!(found(root, "rural").is_empty());
    assert_eq!(found(root, "pastoral"), ["inland"]);
    assert_eq!(found(root, "watermill"), ["new"]);
    assert_eq!(found(root, "seafaring"), ["coast"]);
    // A compaction needs no file.
    assert_eq!(run(root, &["update", "ix", "--compact"]).code, 0);
    assert_eq!(found(root, "pastoral"), ["inland"]);
    assert_eq!(found(root, "watermill"), ["new"]);
    // An index that was built without takes none.
    assert_eq!(build(root, &[]).code, 0);
    assert_eq!(found(root, "watermill"), ["new"]);
    assert_eq!(
        update(&["--expansions", "x.jsonl"]).error_code(),
        "other-expansions"
    );
}

#[test]
fn expansions_may_be_named_in_the_configuration_and_unused_ones_are_counted() {
    let root = folder();
    let root = root.path();
    let stranger = "{\"id\":\"nobody\",\"terms\":{\"dog\":1}}\n";
    fs::write(root.join("x.jsonl"), [EXPANSIONS, stranger].concat()).unwrap();
    fs::write(
        root.join("littoral.toml"),
        "[expansions]\nfile = \"x.jsonl\"\n",
    )
    .unwrap();
    let built = build(root, &[]);
    let counted = &built.json()["expansions"];
    assert_eq!(
        (&counted["documents"], &counted["unused"]),
        (&2.into(), &1.into())
    );
    assert_eq!(found(root, "seafaring"), ["coast"]);
    assert_eq!(run(root, &["update", "ix", "docs.jsonl"]).code, 0);
}

#[test]
fn what_is_no_expansion_is_refused_with_its_line_or_its_record() {
    let root = folder();
    let root = root.path();
    for (bad, word) in [
        ("{\"id\":\"coast\",\"terms\":{\"dog\":NaN}}", "JSON"),
        ("{\"id\":\"coast\",\"terms\":{\"dog\":-1}}", "dog"),
        ("{\"id\":\"woods\",\"terms\":[]}", "object"),
        ("{\"id\":\"inland\",\"terms\":{}}", "line 2"),
    ] {
        fs::write(root.join("bad.jsonl"), [EXPANSIONS, bad].concat()).unwrap();
        let ran = build(root, &["--expansions", "bad.jsonl"]);
        assert_eq!(
            (ran.code, ran.error_code()),
            (2, "expansions-invalid".into())
        );
        let message = ran.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(
            message.contains("bad.jsonl:3: ") && message.contains(word),
            "{message}"
        );
    }
    assert_eq!(
        build(root, &["--expansions", "gone"]).error_code(),
        "expansions-unreadable"
    );
    // The index that was there is untouched.
    assert_eq!(found(root, "seafaring"), ["coast"]);
    // A record of a document with bad ones is skipped, as other bad records are.
    let bad = r#"{"_id":"bad","text":"A mill.","expansions":{"dog":0}}"#;
    fs::write(root.join("docs.jsonl"), [DOCUMENTS, bad].concat()).unwrap();
    let built = build(root, &[]);
    assert_eq!(built.json()["skipped"][0]["code"], "bad-expansions");
    assert_eq!(built.json()["documents"], 3);
}

#[test]
fn a_learned_sparse_encoder_expands_documents_window_by_window() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    // The weight of a word is ln(1 + logit): 1.4, and 0.7 for the words themselves.
    let graph = SparseGraph::new(1.0, &[("tide", "moon", 3.0), ("gull", "wave", 3.0)]);
    graph.write(&root.join("model"), 6);
    let filler = "sand rock ferry rope sail mast storm wind";
    let documents = [
        format!("{{\"_id\":\"near\",\"text\":\"tide {filler}\"}}\n"),
        format!("{{\"_id\":\"far\",\"text\":\"{filler} {filler} gull\"}}\n"),
    ];
    fs::write(root.join("docs.jsonl"), documents.concat()).unwrap();
    let built = build(root, &["--sparse-encoder", "model"]);
    assert_eq!(built.code, 0, "{built:?}");
    assert_eq!(found(root, "moon"), ["near"]);
    // The last of several windows.
    assert_eq!(found(root, "wave"), ["far"]);
    assert!(found(root, "[CLS] bell").is_empty());
    let json = run(root, &["inspect", "ix", "--json"]).json();
    assert_eq!(json["expansions"]["source"], "model");
    // An update finds the model again, and refuses another where it lay.
    let more = "{\"_id\":\"more\",\"text\":\"tide bell\"}\n";
    fs::write(root.join("more.jsonl"), more).unwrap();
    let update = |file: &str| run(root, &["update", "ix", file, "--json"]);
    assert_eq!(update("more.jsonl").code, 0);
    assert_eq!(found(root, "moon"), ["near", "more"]);
    fs::write(root.join("more.jsonl"), more.replace("bell", "fog")).unwrap();
    SparseGraph::new(2.0, &[]).write(&root.join("model"), 6);
    assert_eq!(update("more.jsonl").error_code(), "other-expansions");
    fs::remove_dir_all(root.join("model")).unwrap();
    assert_eq!(update("more.jsonl").error_code(), "model-unreadable");
    // What is in the index needs no model; averages are computed anew.
    assert_eq!(run(root, &["update", "ix", "--compact"]).code, 0);
    assert_eq!(found(root, "moon"), ["more", "near"]);
}

#[test]
fn what_is_no_sparse_encoder_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::write(root.join("docs.jsonl"), DOCUMENTS).unwrap();
    let model = root.join("model");
    let code = |change: &dyn Fn(&Path)| {
        SparseGraph::new(1.0, &[]).write(&model, 64);
        change(&model);
        let ran = build(root, &["--sparse-encoder", "model"]);
        (ran.code == 2).then(|| ran.error_code())
    };
    assert_eq!(code(&|_| {}), None);
    let bytes = SparseGraph::new(1.0, &[]).bytes();
    for n in [0, 17, bytes.len() / 2] {
        let found = code(&|model| fs::write(model.join("model.onnx"), &bytes[..n]).unwrap());
        let found = found.unwrap();
        assert!(
            ["model-invalid", "model-failed"].contains(&&*found),
            "{n}: {found}"
        );
    }
    let mut broken = SparseGraph::new(1.0, &[]);
    broken.logits[5] = f32::NAN;
    let put = |model: &Path| fs::write(model.join("model.onnx"), broken.bytes()).unwrap();
    assert_eq!(code(&put).as_deref(), Some("model-invalid"));
    // An encoder of vectors gives no row as long as the vocabulary.
    let dense = littoral_tests::models::onnx::Graph::new(5).bytes();
    let put = |model: &Path| fs::write(model.join("model.onnx"), &dense).unwrap();
    assert_eq!(code(&put).as_deref(), Some("model-failed"));
    let sum = r#"{"pooling_strategy":"sum"}"#;
    let put = |model: &Path| {
        fs::create_dir_all(model.join("1_SpladePooling")).unwrap();
        fs::write(model.join("1_SpladePooling/config.json"), sum).unwrap();
    };
    assert_eq!(code(&put).as_deref(), Some("model-invalid"));
    let both = build(
        root,
        &["--sparse-encoder", "model", "--expansions", "x.jsonl"],
    );
    assert_eq!(both.code, 2);
}
