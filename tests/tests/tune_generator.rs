//! A generator that is taught conversations by a trainer in Python: what is written for it, what is said when it
//! is not there, and, where `LITTORAL_PYTHON` names a Python with the packages, all of it.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_tests::program::{Ran, run};
use littoral_tests::tuning::marked;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Writes a tiny generator.
const TINY: &str = include_str!("../src/models/tiny_generator.py");

/// A folder of training data with conversations.
fn domain(root: &Path) {
    marked(root, 24, "chart");
    let line = |i: usize| {
        let place = ["tide", "moon", "crab", "sail", "mast", "wind"][i % 6];
        let messages = json!([
            {"role": "system", "content": "Answer by the passages."},
            {"role": "user", "content": format!("[1] The {place} is high. How is the {place}?")},
            {"role": "assistant", "content": format!("The {place} is high [1].")},
        ]);
        let row = json!({"messages": messages, "query_id": format!("q{i}"), "positive_ids": ["d"]});
        format!("{row}\n")
    };
    let lines = |n: usize| (0..n).map(line).collect::<String>();
    fs::write(root.join("data/chat-train.jsonl"), lines(48)).unwrap();
    fs::write(root.join("data/chat-held-out.jsonl"), lines(12)).unwrap();
}

fn train(root: &Path, more: &[&str]) -> Ran {
    let arguments = [
        "tune",
        "train",
        "data",
        "--target",
        "generator",
        "--model",
        "tiny",
        "-o",
        "mine",
        "--json",
    ];
    run(root, &[&arguments[..], more].concat())
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A program that answers as a Python which lacks packages.
#[cfg(unix)]
fn poor_python(root: &Path) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = root.join("python");
    fs::write(&path, "#!/bin/sh\necho trl peft\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn the_script_is_written_and_stays_as_it_was_changed() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    domain(root);
    let ran = train(
        root,
        &[
            "--no-run",
            "--qlora",
            "--targets",
            "q_proj,v_proj",
            "--steps",
            "7",
        ],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["trained"], false);
    let eval = ["tune", "eval", "mine", "--index", "index", "--json"];
    assert_eq!(run(root, &eval).error_code(), "generator");
    let config = read(&root.join("mine/config.json"));
    assert_eq!(config, ran.json()["config"]);
    assert_eq!(config["targets"], json!(["q_proj", "v_proj"]));
    assert_eq!(
        (&config["steps"], &config["qlora"]),
        (&json!(7), &json!(true))
    );
    assert!(Path::new(config["train"].as_str().unwrap()).is_absolute());
    let needs = || fs::read_to_string(root.join("mine/requirements.txt")).unwrap();
    assert!(needs().contains("trl==") && needs().contains("bitsandbytes=="));
    let script = root.join("mine/train.py");
    let compiled = Command::new("python3")
        .args(["-m", "py_compile"])
        .arg(&script)
        .output();
    if let Ok(compiled) = compiled {
        assert!(compiled.status.success(), "{compiled:?}");
    }
    let own = fs::read_to_string(&script).unwrap();
    fs::write(&script, format!("{own}# mine\n")).unwrap();
    assert_eq!(train(root, &["--no-run"]).code, 0);
    assert!(fs::read_to_string(&script).unwrap().ends_with("# mine\n"));
    assert!(!needs().contains("bitsandbytes"));
    assert_eq!(train(root, &["--no-run", "--fresh"]).code, 0);
    assert_eq!(fs::read_to_string(&script).unwrap(), own);

    // Checkpoints of another training are not gone on from.
    fs::create_dir(root.join("mine/checkpoints")).unwrap();
    assert_eq!(train(root, &["--no-run"]).code, 0);
    assert_eq!(
        train(root, &["--no-run", "--rank", "4"]).error_code(),
        "train-checkpoint"
    );
    assert_eq!(train(root, &["--no-run", "--rank", "4", "--fresh"]).code, 0);
    assert!(!root.join("mine/checkpoints").exists());
    // What was trained is not trained over.
    fs::create_dir(root.join("mine/adapter")).unwrap();
    fs::write(root.join("mine/adapter/adapter_config.json"), "{}").unwrap();
    assert_eq!(train(root, &["--no-run"]).error_code(), "already-there");
}

#[cfg(unix)]
#[test]
fn what_is_missing_is_named() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    domain(root);
    let python = poor_python(root);
    let ran = train(root, &["--python", &python]);
    assert_eq!(
        (ran.code, ran.error_code().as_str()),
        (2, "no-python-packages")
    );
    let error = ran.json()["error"].clone();
    let text = |name: &str| error[name].as_str().unwrap().to_owned();
    assert!(text("message").contains("lacks trl, peft"), "{error}");
    let pip = format!("{python} -m pip install -r mine/requirements.txt");
    assert!(text("hint").contains(&pip), "{error}");
    assert!(root.join("mine/train.py").is_file());
    let ran = train(root, &["--python", "no-such-python"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "no-python"));
    assert_eq!(
        train(root, &["--html", "x.html"]).error_code(),
        "html-of-generator"
    );
    let without = [
        "tune",
        "train",
        "data",
        "--target",
        "generator",
        "-o",
        "x",
        "--json",
    ];
    assert_eq!(run(root, &without).error_code(), "no-model");
    // Conversations are looked at before anything is run.
    let path = root.join("data/chat-held-out.jsonl");
    fs::write(
        &path,
        "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}\n",
    )
    .unwrap();
    assert_eq!(train(root, &[]).error_code(), "tune-line");
    fs::write(&path, "\n").unwrap();
    assert_eq!(train(root, &[]).error_code(), "no-conversations");
    fs::remove_file(&path).unwrap();
    assert_eq!(train(root, &[]).error_code(), "no-conversations");
}

#[test]
fn a_tiny_generator_learns_where_there_is_a_trainer() {
    let Some(python) = std::env::var_os("LITTORAL_PYTHON") else {
        return;
    };
    let python = python.into_string().unwrap();
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    domain(root);
    let made = Command::new(&python)
        .args(["-c", TINY, "tiny", "data/chat-train.jsonl"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let some = [
        "--python",
        &python,
        "--steps",
        "24",
        "--look",
        "8",
        "--batch",
        "8",
        "--at-once",
        "4",
        "--rate",
        "0.02",
        "--rank",
        "4",
        "--tokens",
        "128",
    ];
    let ran = train(root, &some);
    assert_eq!(ran.code, 0, "{ran:?}");
    let record = ran.json()["record"].clone();
    let loss = |name: &str| record[name].as_f64().unwrap();
    assert!(loss("after") < loss("before") - 0.1, "{record}");
    assert_eq!(
        (&record["n_train"], &record["n_held_out"]),
        (&json!(48), &json!(12))
    );
    assert_eq!(record["adapter"]["rank"], 4);
    assert_eq!(record["adapter"]["n_numbers"], record["n_trained"]);
    assert_eq!(read(&root.join("mine/training.json")), record);
    let steps = record["curve"]
        .as_array()
        .unwrap()
        .iter()
        .map(|look| look[0].as_u64().unwrap());
    assert_eq!(steps.collect::<Vec<_>>(), [0, 8, 16, 24]);
    assert!(!root.join("mine/checkpoints").exists());
    assert_eq!(train(root, &some).error_code(), "already-there");

    // With the base in 4 bits, where there is a library for it.
    let ran = train(root, &[&some[..], &["--fresh", "--qlora"]].concat());
    if ran.code == 2 {
        assert_eq!(ran.error_code(), "no-python-packages");
    } else {
        let record = ran.json()["record"].clone();
        assert_eq!(
            (ran.code, &record["config"]["qlora"]),
            (0, &json!(true)),
            "{record}"
        );
    }

    // A base that is not there is an error that says so, with all of it in a file.
    let absent = [&some[..], &["--fresh"]].concat();
    fs::rename(root.join("tiny"), root.join("elsewhere")).unwrap();
    let ran = train(root, &absent);
    assert_eq!(ran.error_code(), "trainer-failed", "{ran:?}");
    assert!(fs::metadata(root.join("mine/train.log")).unwrap().len() > 0);
}
