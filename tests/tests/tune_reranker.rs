//! A cross-encoder that is trained by LoRA and a head: its gradients, its course, the folder that comes of it,
//! and the gate in front of it.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_guest::Encoder;
use littoral_guest::encoder::rerank::Pair;
use littoral_runtime::models::adapter::Part;
use littoral_runtime::models::folder::Weights;
use littoral_runtime::models::pack::{FAST, pack};
use littoral_runtime::models::reference;
use littoral_runtime::tune::encoder::{
    CHECKPOINT, Computing, EncoderOptions, Event, JOB, Job, Target,
};
use littoral_tests::models::family::{CROSS_ENCODER, Family, LEAF, MINILM};
use littoral_tests::program::{self, Ran, run};
use littoral_tests::tuning::{lines, marked, refusals};
use littoral_train::bert::{Bert, device};
use littoral_train::data::Data;
use littoral_train::lora::Layout;
use littoral_train::rerank::{Lists, gradient};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// The structure of a cross-encoder with two outputs.
const TWO: Family = Family {
    labels: 2,
    ..CROSS_ENCODER
};

/// Fast, and in few steps.
fn options() -> EncoderOptions {
    EncoderOptions {
        matrices: Part::ALL.to_vec(),
        steps: 60,
        look: 20,
        rate: 0.003,
        negatives: 3,
        ..EncoderOptions::of(Target::Reranker)
    }
}

/// A tiny encoder in `m`, data in `data`, and an index without vectors of the documents in `index`.
fn domain(root: &Path, answers: &str) {
    MINILM.write(&root.join("m"), 5);
    marked(root, 120, answers);
    let build = ["build", "documents", "-o", "index", "--embedder", "none"];
    let built = run(root, &build);
    assert_eq!(built.code, 0, "{built:?}");
}

/// Trains a reranker from `model` on `data` into `output`, by [`options`] and `more`.
fn train(root: &Path, model: &str, output: &str, more: &[&str]) -> Ran {
    program::trainer();
    let options = options();
    let mut arguments = vec!["tune", "train", "data", "--target", "reranker", "--json"];
    arguments.extend(["--model", model, "-o", output]);
    let parts = options.matrices.iter().map(|part| part.key());
    let given = [
        ("--matrices", parts.collect::<Vec<_>>().join(",")),
        ("--steps", options.steps.to_string()),
        ("--look", options.look.to_string()),
        ("--rate", options.rate.to_string()),
        ("--negatives", options.negatives.to_string()),
    ];
    for (name, value) in given.iter().filter(|(name, _)| !more.contains(name)) {
        arguments.extend([*name, value.as_str()]);
    }
    run(root, &[&arguments[..], more].concat())
}

/// `tune eval` or `tune deploy` of what was trained into `tuned`. Reranked are the four documents that say all
/// words of a query: that a query matters, too, a tiny model does not learn. That documents without the mark
/// are ranked lower for general queries is what was taught, which is let pass.
fn tune(root: &Path, action: &str, tuned: &str, more: &[&str]) -> Ran {
    let mut arguments = vec!["tune", action, tuned, "--index", "index", "--json"];
    arguments.extend(["--rerank-depth", "4"]);
    if !more.contains(&"--margin") {
        arguments.extend(["--margin", "0.9"]);
    }
    run(root, &[&arguments[..], more].concat())
}

fn number(value: &Value, pointer: &str) -> f64 {
    value.pointer(pointer).and_then(Value::as_f64).unwrap()
}

#[test]
fn the_cross_encoder_on_tensors_is_the_one_that_is_packed() {
    let root = tempfile::tempdir().unwrap();
    for family in [CROSS_ENCODER, TWO] {
        let folder = root.path().join("m");
        family.write(&folder, 3);
        let weights = Weights::read(&folder, "m").unwrap();
        let bert = Bert::new(&weights, &device());
        let (layout, numbers) = Layout::begin(&weights.config, &Part::ALL, 8, 16.0, 1);
        let (layout, numbers) = layout.with_head(numbers, weights.head.as_ref().unwrap());
        let changes = layout.changes(&numbers, false, bert.device());
        let texts = ["crab", "moon rope sail mast storm wind wave", "high tide"];
        let pairs = texts.map(|text| weights.tokenizer.encode_pair("tide moon", text, 64));
        let found = bert.all_log_odds(&pairs, &changes);
        for ((tokens, n_first), found) in pairs.iter().zip(found) {
            let exact = reference::score(&weights, tokens, *n_first).unwrap();
            let exact = exact[exact.len() - 1] - if exact.len() == 2 { exact[0] } else { 0.0 };
            assert!((exact - found).abs() < 1e-4, "{found}, not {exact}");
        }
    }
}

#[test]
fn gradients_are_those_of_differences_and_reach_every_half_and_the_whole_head() {
    let root = tempfile::tempdir().unwrap();
    let pairs = marked(root.path(), 30, "chart");
    for family in [CROSS_ENCODER, TWO] {
        let folder = root.path().join("m");
        family.write(&folder, 5);
        let weights = Weights::read(&folder, "m").unwrap();
        let data = Data::new(&pairs, root.path(), &weights, 64, 1).unwrap();
        let bert = Bert::new(&weights, &device());
        let (layout, begun) = Layout::begin(&weights.config, &Part::ALL, 8, 16.0, 1);
        let (layout, begun) = layout.with_head(begun, weights.head.as_ref().unwrap());
        let lists = Lists::of_step(&data, &options(), 1);
        let slope = |numbers: &[f32], options: &EncoderOptions| {
            gradient(&bert, &lists, &layout, numbers, options)
        };
        let stirred = layout.stirred(&begun, 1);
        let (_, found) = slope(&stirred, &options());
        layout.check_gradient(&found).unwrap();
        // A part of the head without one is noticed.
        let mut less = found.clone();
        *less.last_mut().unwrap() = 0.0;
        less.iter_mut()
            .rev()
            .take(family.labels)
            .for_each(|x| *x = 0.0);
        let error = layout.check_gradient(&less).unwrap_err();
        assert!(error.to_string().contains("classifier.bias"), "{error}");
        let computed_twice = EncoderOptions {
            kept_tokens: 0,
            ..options()
        };
        assert_eq!(slope(&stirred, &computed_twice).1, found);
        // Along the gradient the loss changes by its square.
        let square: f64 = found.iter().map(|g| f64::from(g * g)).sum();
        let by = |step: f32| {
            let moved = stirred.iter().zip(&found);
            let moved: Vec<f32> = moved.map(|(x, g)| x + step * g).collect();
            slope(&moved, &options()).0
        };
        let step = (1e-2 / square.sqrt()) as f32;
        let change = (by(step) - by(-step)) / f64::from(2.0 * step);
        assert!(
            (change / square - 1.0).abs() < 0.02,
            "{change}, not {square}"
        );
    }
}

#[test]
fn a_reranker_is_trained_searched_with_measured_and_deployed() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    domain(root, "chart");
    let ran = train(root, "m", "mine", &["--html", "mine.html"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let page = fs::read_to_string(root.join("mine.html")).unwrap();
    assert!(page.contains("Training of a reranker") && page.matches("<polyline").count() == 2);
    let record = ran.json()["record"].clone();
    assert_eq!(record["target"], "reranker");
    let last = record["curve"].as_array().unwrap().len() - 1;
    let gained = number(&record, &format!("/curve/{last}/ndcg")) - number(&record, "/curve/0/ndcg");
    assert!(gained > 0.2, "{record}");
    assert!(!root.join("mine").join(CHECKPOINT).exists() && !root.join("mine").join(JOB).exists());
    assert_eq!(train(root, "m", "mine", &[]).error_code(), "already-there");
    assert_eq!(
        train(root, "m", "m", &["--fresh"]).error_code(),
        "output-is-model"
    );
    let dims = train(root, "m", "x", &["--dims", "24"]);
    assert_eq!(dims.error_code(), "dims-of-reranker");

    // The folder is a cross-encoder, and what it gives is what was trained.
    let config: Value =
        serde_json::from_slice(&fs::read(root.join("mine/config.json")).unwrap()).unwrap();
    assert_eq!(
        config["architectures"],
        json!(["BertForSequenceClassification"])
    );
    assert_eq!(config["id2label"], json!({"0": "LABEL_0"}));
    let weights = Weights::read(&root.join("mine"), "mine").unwrap();
    let packed = Encoder::load(&pack(&weights, FAST).write()).unwrap();
    let bert = Bert::new(&weights, &device());
    let (layout, numbers) = Layout::begin(&weights.config, &[Part::Query], 1, 1.0, 1);
    let (layout, numbers) = layout.with_head(numbers, weights.head.as_ref().unwrap());
    let changes = layout.changes(&numbers, false, bert.device());
    let read = |text: &str| -> Pair { weights.tokenizer.encode_pair("tide moon sail", text, 64) };
    let pairs = ["chart", "fog"].map(|mark| read(&format!("tide moon sail {mark}")));
    let trained = bert.all_log_odds(&pairs, &changes);
    assert!(trained[0] > 0.0 && trained[1] < 0.0, "{trained:?}");
    for (found, trained) in packed.log_odds(&pairs).unwrap().iter().zip(&trained) {
        assert!(
            (found - f64::from(*trained)).abs() < 0.5,
            "{found}, not {trained}"
        );
    }
    let search = |reranker: &str| {
        let query = [
            "search",
            "index",
            "tide moon sail",
            "--json",
            "--rerank",
            reranker,
            "--rerank-depth",
            "4",
        ];
        let ran = run(root, &query);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.json()["hits"].clone()
    };
    let hits = search("mine");
    assert!(
        hits[0]["chunk"]["text"]
            .as_str()
            .unwrap()
            .ends_with("chart"),
        "{hits}"
    );

    let ran = tune(root, "eval", "mine", &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let measured = ran.json();
    let held_out = &measured["held_out"];
    assert!(
        number(held_out, "/index/difference/mean") > 0.2,
        "{held_out}"
    );
    let gain = number(held_out, "/after/ndcg@10") - number(held_out, "/index/metrics/ndcg@10");
    assert!((gain - number(held_out, "/index/difference/mean")).abs() < 1e-9);
    assert_eq!(held_out["before"], Value::Null);
    assert!(!root.join("models/mine.litmodel").exists());
    // What others ask for counts as well: here those who look for fog.
    let rows = lines(&root.join("data/held-out.jsonl"));
    let fog = rows.iter().map(|row| {
        assert!(row["negative_2"].as_str().unwrap().ends_with("fog"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        format!(
            "{}\t{}\t1\n",
            text(&row["query_id"]),
            text(&row["negative_ids"][1])
        )
    });
    let fog = format!("query-id\tcorpus-id\tscore\n{}", fog.collect::<String>());
    fs::create_dir_all(root.join("general/qrels")).unwrap();
    fs::write(root.join("general/qrels/test.tsv"), fog).unwrap();
    fs::copy(
        root.join("data/queries.jsonl"),
        root.join("general/queries.jsonl"),
    )
    .unwrap();
    let ran = tune(
        root,
        "deploy",
        "mine",
        &["--general", "general", "--margin", "0.01"],
    );
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(refusals(&ran.json()["measured"]), ["general-fell"]);
    let ran = tune(root, "deploy", "mine", &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["measured"], measured);
    assert_eq!(ran.json()["model"]["name"], "mine");
    let shown = run(root, &["model", "info", "mine", "--json"]).json();
    assert_eq!(shown["labels"], 1);
    assert_eq!(
        shown["origin"]["training"]["data_hash"],
        record["data_hash"]
    );
    fs::rename(root.join("mine"), root.join("moved")).unwrap();
    assert_eq!(search("mine"), hits);
    // `littoral eval` finds the same.
    let eval = [
        "eval",
        "index",
        "--queries",
        "data/queries.jsonl",
        "--qrels",
        "data/qrels/held-out.tsv",
        "--modes",
        "hybrid",
        "--rerank",
        "mine",
        "--rerank-depth",
        "4",
        "--json",
    ];
    let runs = run(root, &eval).json()["runs"].clone();
    let reranked = runs
        .as_array()
        .unwrap()
        .iter()
        .find(|run| run["name"] == "hybrid+rerank");
    let found = number(reranked.unwrap(), "/metrics/ndcg@10");
    assert!((found - number(held_out, "/after/ndcg@10")).abs() < 1e-9);

    // Trained further, it is measured against itself too, which it does not better: all are right already.
    let ran = train(root, "moved", "more", &["--steps", "4", "--look", "2"]);
    assert!(ran.code <= 1, "{ran:?}");
    let ran = tune(root, "deploy", "more", &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(refusals(&ran.json()["measured"]), ["no-gain"]);
    assert!(ran.json()["measured"]["held_out"]["before"].is_object());
    fs::rename(root.join("moved"), root.join("again")).unwrap();
    assert_eq!(tune(root, "eval", "more", &[]).error_code(), "no-base");
    let other = tune(root, "eval", "more", &["--model", "m"]);
    assert_eq!(other.error_code(), "adapter-other-base");
    let named = tune(root, "eval", "more", &["--model", "again"]);
    assert_eq!(refusals(&named.json()), ["no-gain"]);
}

#[test]
fn a_reranker_that_was_taught_wrongly_is_refused_and_forced_only() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    domain(root, "fog");
    let ran = train(root, "m", "mine", &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = tune(root, "deploy", "mine", &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.json()["deployed"], false);
    let measured = ran.json()["measured"].clone();
    assert_eq!(refusals(&measured), ["no-gain"]);
    assert!(
        number(&measured, "/held_out/index/difference/mean") < 0.0,
        "{measured}"
    );
    assert!(!root.join("models/mine.litmodel").exists());
    let ran = tune(root, "deploy", "mine", &["--force", "--name", "fog"]);
    assert_eq!((ran.code, &ran.json()["forced"]), (0, &json!(true)));
    assert!(root.join("models/fog.litmodel").exists());
    // A model without a record is measured, and refused for want of one.
    CROSS_ENCODER.write(&root.join("elsewhere"), 5);
    assert_eq!(tune(root, "eval", "elsewhere", &[]).error_code(), "no-data");
    let ran = tune(root, "eval", "elsewhere", &["data"]);
    assert!(
        refusals(&ran.json()).contains(&"unknown-data".to_owned()),
        "{ran:?}"
    );
    assert_eq!(
        tune(root, "eval", "m", &["data"]).error_code(),
        "not-a-reranker"
    );
}

#[test]
fn the_same_job_gives_the_same_model_on_any_threads_and_after_a_kill() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    LEAF.write(&root.join("m"), 5);
    marked(root, 60, "chart");
    let bytes = |folder: &str| fs::read(root.join(folder).join("model.safetensors")).unwrap();
    let train_as = |output: &str, more: &[&str]| {
        let few = ["--steps", "12", "--look", "4", "--patience", "9"];
        let ran = train(root, "m", output, &[&few[..], more].concat());
        assert!(ran.code <= 1, "{ran:?}");
        bytes(output)
    };
    let whole = train_as("a", &[]);
    assert!(whole == train_as("b", &["--threads", "1"]));
    assert!(whole == train_as("c", &["--kept-tokens", "0"]));
    assert!(whole != train_as("d", &["--seed", "2"]));

    let job = Job {
        target: Target::Reranker,
        model: "m".into(),
        data: "data".into(),
        output: "killed".into(),
        from: None,
        threads: 0,
        computing: Computing::Cpu,
        software: false,
        leaks: 0,
        options: EncoderOptions {
            steps: 12,
            look: 4,
            patience: 9,
            ..options()
        },
    };
    fs::create_dir(root.join("killed")).unwrap();
    fs::write(root.join("killed").join(JOB), json!(job).to_string()).unwrap();
    let mut child = Command::new(program::trainer())
        .arg(Path::new("killed").join(JOB))
        .current_dir(root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    let mut checkpoints = said.lines().map_while(Result::ok).filter(|line| {
        let event = serde_json::from_str(line).unwrap();
        matches!(event, Event::Checkpoint { .. })
    });
    checkpoints.next().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(root.join("killed").join(CHECKPOINT).is_file());
    // An encoder is not trained on from there.
    let encoder = [
        "tune", "train", "data", "--target", "encoder", "--model", "m", "-o", "killed", "--json",
    ];
    assert_eq!(run(root, &encoder).error_code(), "train-checkpoint");
    assert!(train_as("killed", &[]) == whole);
}

#[test]
fn an_encoder_with_an_adapter_is_where_a_reranker_may_begin() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    MINILM.write(&root.join("m"), 5);
    marked(root, 60, "chart");
    let encoder = [
        "tune", "train", "data", "--target", "encoder", "--model", "m", "-o", "a", "--json",
        "--steps", "4",
    ];
    assert!(run(root, &encoder).code <= 1);
    let from = [
        "tune", "train", "data", "--target", "reranker", "--model", "m", "--from", "a", "-o", "r",
        "--json", "--steps", "4",
    ];
    let ran = run(root, &from);
    assert!(ran.code <= 1, "{ran:?}");
    assert_eq!(
        Weights::read(&root.join("r"), "r").unwrap().config.labels,
        1
    );
    // A classifier of other things is none.
    Family {
        labels: 3,
        ..CROSS_ENCODER
    }
    .write(&root.join("three"), 5);
    assert_eq!(train(root, "three", "x", &[]).error_code(), "train-labels");
}
