//! An encoder that is tuned by LoRA: its gradients, its course, its adapter, and the packed model that comes
//! of it.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_guest::Encoder;
use littoral_runtime::models::adapter::{Adapter, CONFIG, NUMBERS, Part};
use littoral_runtime::models::folder::Weights;
use littoral_runtime::models::pack::{FAST, pack};
use littoral_runtime::models::{load, reference};
use littoral_runtime::tune::encoder::{
    CHECKPOINT, Computing, EncoderOptions, Event, JOB, Job, Target,
};
use littoral_tests::models::family::{ALL, BGE, CROSS_ENCODER, LEAF, MINILM};
use littoral_tests::program::{self, Ran, run};
use littoral_tests::tuning::{held_out_ndcg, twins};
use littoral_train::bert::{Bert, device};
use littoral_train::data::Data;
use littoral_train::lora::Layout;
use littoral_train::step::{Batch, gradient};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Fast, and in few steps.
fn options() -> EncoderOptions {
    EncoderOptions {
        matrices: Part::ALL.to_vec(),
        steps: 40,
        look: 20,
        batch: 24,
        rate: 0.005,
        temperature: 0.1,
        ..EncoderOptions::default()
    }
}

/// A tiny encoder in `m`, data in `data`, documents in `documents`.
fn domain(root: &Path) {
    MINILM.write(&root.join("m"), 5);
    twins(root, 240);
}

/// Trains the encoder in `m` on `data` into `output`, by [`options`] and `more`.
fn train(root: &Path, output: &str, more: &[&str]) -> Ran {
    program::trainer();
    let options = options();
    let mut arguments = vec![
        "tune", "train", "data", "--target", "encoder", "--model", "m",
    ];
    arguments.extend(["-o", output, "--json"]);
    let parts = options.matrices.iter().map(|part| part.key());
    let given = [
        ("--matrices", parts.collect::<Vec<_>>().join(",")),
        ("--steps", options.steps.to_string()),
        ("--look", options.look.to_string()),
        ("--batch", options.batch.to_string()),
        ("--rate", options.rate.to_string()),
        ("--temperature", options.temperature.to_string()),
    ];
    for (name, value) in given.iter().filter(|(name, _)| !more.contains(name)) {
        arguments.extend([*name, value.as_str()]);
    }
    run(root, &[&arguments[..], more].concat())
}

#[test]
fn the_model_on_tensors_is_the_one_that_is_packed() {
    let root = tempfile::tempdir().unwrap();
    for (name, family) in ALL.iter().filter(|(_, family)| family.labels == 0) {
        let folder = root.path().join(name);
        family.write(&folder, 3);
        let weights = Weights::read(&folder, name).unwrap();
        let bert = Bert::new(&weights, &device());
        let (layout, numbers) = Layout::begin(&weights.config, &Part::ALL, 8, 16.0, 1);
        let texts = [
            "tide",
            "moon rope sail mast storm wind wave",
            "crab shore light",
        ];
        let texts: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| weights.tokenizer.encode(text, 64))
            .collect();
        let tokens: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        // A change that begins at nothing changes nothing.
        let changes = layout.changes(&numbers, false, bert.device());
        let found = bert.vectors(&tokens, &changes);
        for (text, vector) in tokens.iter().zip(found.chunks_exact(bert.dims())) {
            let exact = reference::encode(&weights, text);
            let cosine = cosine(&exact, vector);
            assert!(cosine > 0.999_999, "{name}: {cosine}");
        }
    }
}

#[test]
fn gradients_are_those_of_differences_reach_every_half_and_do_not_depend_on_what_is_kept() {
    let root = tempfile::tempdir().unwrap();
    for family in [MINILM, BGE, LEAF] {
        let folder = root.path().join("m");
        family.write(&folder, 5);
        let weights = Weights::read(&folder, "m").unwrap();
        let pairs = twins(root.path(), 30);
        let data = Data::new(&pairs, root.path(), &weights, 64, 1).unwrap();
        let bert = Bert::new(&weights, &device());
        let options = EncoderOptions {
            batch: 12,
            dims: vec![24],
            temperature: 0.5,
            ..options()
        };
        let (layout, begun) = Layout::begin(&weights.config, &Part::ALL, 8, 16.0, 1);
        let batch = Batch::of_step(&data, &options, 1);
        let slope = |numbers: &[f32], options: &EncoderOptions| {
            gradient(&bert, &data, &batch, &layout, numbers, options)
        };
        // The first halves have none where the second are nothing, which is noticed.
        let (_, at_begin) = slope(&begun, &options);
        assert!(layout.check_gradient(&at_begin).is_err());
        let stirred = layout.stirred(&begun, 1);
        let (_, found) = slope(&stirred, &options);
        layout.check_gradient(&found).unwrap();
        let computed_twice = EncoderOptions {
            kept_tokens: 0,
            ..options.clone()
        };
        assert_eq!(slope(&stirred, &computed_twice).1, found);
        // Along the gradient the loss changes by its square.
        let square: f64 = found.iter().map(|g| f64::from(g * g)).sum();
        let by = |step: f32| {
            let moved = stirred.iter().zip(&found);
            let moved: Vec<f32> = moved.map(|(x, g)| x + step * g).collect();
            slope(&moved, &options).0
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
fn an_encoder_is_tuned_packed_and_searched_with() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    domain(root);
    let ran = train(root, "a", &["--steps", "80", "--html", "a.html"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let page = fs::read_to_string(root.join("a.html")).unwrap();
    assert_eq!(page.matches("<polyline").count(), 2);
    let record = ran.json()["record"].clone();
    let curve = record["curve"].as_array().unwrap();
    let at = |i: usize, name: &str| curve[i][name].as_f64().unwrap();
    let last = curve.len() - 1;
    assert!(at(last, "loss") < 0.5 * at(1, "loss"), "{record}");
    assert!(at(last, "ndcg") > at(0, "ndcg") + 0.2, "{record}");
    assert!(record["n_choosing"].as_u64().unwrap() >= 5);
    assert!(!root.join("a").join(CHECKPOINT).exists() && !root.join("a").join(JOB).exists());
    // What is there is not trained over, by a force that is meant for leaks neither.
    assert_eq!(train(root, "a", &[]).error_code(), "already-there");
    assert_eq!(train(root, "a", &["--force"]).error_code(), "already-there");
    // Nor is it gone before another is whole.
    let before = fs::read(root.join("a").join(CONFIG)).unwrap();
    let ran = train(root, "a", &["--fresh", "--dims", "400"]);
    assert_eq!(ran.error_code(), "train-dims");
    assert_eq!(fs::read(root.join("a").join(CONFIG)).unwrap(), before);
    // The same on one thread, and where intermediate results are computed twice.
    let bytes = |folder: &str| fs::read(root.join(folder).join(NUMBERS)).unwrap();
    let train_as = |output: &str, more: &[&str]| {
        let few = ["--steps", "8", "--look", "4"];
        let ran = train(root, output, &[&few[..], more].concat());
        assert!(ran.code <= 1, "{ran:?}");
        bytes(output)
    };
    let some = train_as("b", &[]);
    assert!(some == train_as("c", &["--threads", "1"]));
    assert!(some == train_as("d", &["--kept-tokens", "0"]));
    assert!(some != train_as("e", &["--seed", "2"]));

    // The packed model has the vectors that were trained.
    let quantize = [
        "model",
        "quantize",
        "m",
        "--adapter",
        "a",
        "--name",
        "tuned",
        "--json",
    ];
    let packed = run(root, &quantize);
    assert_eq!(packed.code, 0, "{packed:?}");
    let origin = &packed.json()["origin"];
    assert_eq!(origin["training"]["data_hash"], record["data_hash"]);
    assert_eq!(origin["base"], record["base"]);
    let shown = run(root, &["model", "info", "tuned", "--json"]).json();
    assert_eq!(&shown["origin"], origin);
    let tuned = load(&root.join("models/tuned.litmodel")).unwrap();
    let weights = Weights::read(&root.join("m"), "m").unwrap();
    let plain = Encoder::load(&pack(&weights, FAST).write()).unwrap();
    let adapter = Adapter::read(&root.join("a"), &weights.config).unwrap();
    let bert = Bert::new(&weights, &device());
    let (layout, numbers) = Layout::of(&adapter, &weights.config);
    let changes = layout.changes(&numbers, false, bert.device());
    let mut merged = weights.clone();
    adapter.merge(&mut merged, root).unwrap();
    let mut moved = 0.0f64;
    for text in ["tide moon", "crab shore light rhythm table", "sail"] {
        let tokens = weights.tokenizer.encode(text, 64);
        let trained = bert.vectors(&[&tokens], &changes);
        assert!(cosine(&trained, &reference::encode(&merged, &tokens)) > 0.999_99);
        let near = cosine(&trained, &tuned.encode(std::slice::from_ref(&tokens)));
        assert!(near > 0.97, "{near} on {text}");
        moved = moved.max(1.0 - cosine(&trained, &plain.encode(&[tokens])));
    }
    assert!(moved > 0.1, "training has changed nothing: {moved}");

    // Held-out queries are ranked better with it.
    run(root, &["model", "quantize", "m", "--name", "plain"]);
    let ndcg = |embedder: &str| {
        let index = format!("index-{embedder}");
        let built = run(
            root,
            &["build", "documents", "-o", &index, "--embedder", embedder],
        );
        assert_eq!(built.code, 0, "{built:?}");
        held_out_ndcg(root, &index)
    };
    let (before, after) = (ndcg("plain"), ndcg("tuned"));
    assert!(after > before + 0.1, "{before} → {after}");
}

#[test]
fn a_training_that_is_killed_goes_on_to_the_same_adapter() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    domain(root);
    assert!(train(root, "whole", &[]).code <= 1);
    let job = Job {
        target: Target::Encoder,
        model: "m".into(),
        data: "data".into(),
        output: "killed".into(),
        from: None,
        threads: 0,
        computing: Computing::Cpu,
        software: false,
        leaks: 0,
        options: options(),
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
    assert!(!root.join("killed").join(CONFIG).exists());
    // Another job does not go on from there.
    let other = train(root, "killed", &["--seed", "9"]);
    assert_eq!(other.error_code(), "train-checkpoint");
    let ran = train(root, "killed", &[]);
    assert!(ran.code <= 1, "{ran:?}");
    let bytes = |folder: &str| fs::read(root.join(folder).join(NUMBERS)).unwrap();
    assert!(bytes("whole") == bytes("killed"));
    // A damaged checkpoint is an error, not a beginning.
    fs::create_dir(root.join("damaged")).unwrap();
    fs::write(root.join("damaged").join(CHECKPOINT), "noise").unwrap();
    assert_eq!(train(root, "damaged", &[]).error_code(), "train-checkpoint");
}

#[test]
fn without_a_gpu_the_cpu_trains_unless_one_is_required() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    domain(root);
    let few = ["--steps", "2", "--look", "2"];
    let ran = train(root, "a", &[&few[..], &["--gpu", "auto"]].concat());
    assert!(ran.code <= 1, "{ran:?}");
    // A program that was built for GPUs may find one.
    let record = ran.json()["record"].clone();
    if record["device"] == "CPU" {
        assert_ne!(record["device_reason"], "", "{record}");
        let ran = train(root, "b", &["--gpu", "require"]);
        assert_eq!(ran.error_code(), "train-no-gpu");
        assert!(!root.join("b").join(CONFIG).exists());
    }
}

#[test]
fn training_goes_on_from_an_adapter_of_the_same_weights_alone() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    domain(root);
    assert!(train(root, "a", &["--steps", "4"]).code <= 1);
    let from = |output: &str, model: &str| {
        let arguments = [
            "tune", "train", "data", "--target", "encoder", "--model", model, "--from", "a", "-o",
            output, "--json", "--steps", "4",
        ];
        run(root, &arguments)
    };
    let ran = from("b", "m");
    assert!(ran.code <= 1, "{ran:?}");
    let begun = Adapter::read(
        &root.join("b"),
        &Weights::read(&root.join("m"), "m").unwrap().config,
    );
    assert_eq!(begun.unwrap().rank, 8);
    MINILM.write(&root.join("other"), 6);
    assert_eq!(from("c", "other").error_code(), "adapter-other-base");
    let quantize = [
        "model",
        "quantize",
        "other",
        "--adapter",
        "a",
        "--name",
        "x",
        "--json",
    ];
    assert_eq!(run(root, &quantize).error_code(), "adapter-other-base");
    assert!(!root.join("models/x.litmodel").exists());
    // What cannot be trained is said.
    CROSS_ENCODER.write(&root.join("cross"), 5);
    let cross = [
        "tune", "train", "data", "--target", "encoder", "--model", "cross", "-o", "d", "--json",
    ];
    assert_eq!(run(root, &cross).error_code(), "train-cross-encoder");
    assert_eq!(
        train(root, "e", &["--dims", "400"]).error_code(),
        "train-dims"
    );
}

#[test]
fn without_the_program_that_trains_the_error_says_how_to_build_it() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    domain(root);
    // Alone in a folder.
    fs::create_dir(root.join("bin")).unwrap();
    let alone = root.join("bin/littoral");
    fs::copy(program::path(), &alone).unwrap();
    let output = Command::new(&alone)
        .args([
            "tune", "train", "data", "--target", "encoder", "--model", "m", "-o", "a", "--json",
        ])
        .current_dir(root)
        .env("PATH", "")
        .output();
    let ran = Ran::from(output.unwrap());
    assert_eq!(ran.error_code(), "no-trainer");
    let hint = ran.json()["error"]["hint"].as_str().unwrap().to_owned();
    assert!(
        hint.contains("cargo build --release -p littoral-train"),
        "{hint}"
    );
}
