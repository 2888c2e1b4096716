//! The encoder in JavaScript gives what the native encoder gives, in every bit.
//!
//! Needs `node` and what `node web/build.mjs` makes; without them the test says so and passes, unless
//! `LITTORAL_REQUIRE_WEB` is set. Small models have their weights made here; MiniLM is compared too
//! where `littoral model pull minilm` has stored it.
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use littoral_guest::Encoder;
use littoral_runtime::models;
use littoral_tests::models::WORDS;
use littoral_tests::models::family::{self, ALL, Family};
use littoral_tests::random::Random;
use littoral_tests::{hostile_text, program};
use serde_json::{Map, Value, json};
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn javascript_encodes_like_the_native_encoder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let module = root.join("web/pkg/littoral-encoder.wasm");
    let node = Command::new("node").arg("--version").output();
    let missing = if !module.is_file() {
        Some("web/pkg has no encoder; build it with `node web/build.mjs`")
    } else if node.is_err() {
        Some("there is no `node`")
    } else {
        None
    };
    if let Some(reason) = missing {
        assert!(env::var_os("LITTORAL_REQUIRE_WEB").is_none(), "{reason}");
        println!("skipped: {reason}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, family) in ALL {
        if family.labels > 0 {
            continue;
        }
        for bits in ["8", "12"] {
            let path = quantized(folder.path(), name, family, bits);
            compare(root, folder.path(), &path, &texts(600));
        }
    }
    let minilm = models::path(&models::models_folder(), "minilm");
    if minilm.is_file() {
        compare(root, folder.path(), &minilm, &texts(300));
    } else {
        println!("minilm is not stored: small models alone were compared");
    }
}

/// The packed file of a small model.
fn quantized(folder: &Path, name: &str, family: Family, bits: &str) -> std::path::PathBuf {
    family.write(&folder.join(name), 7);
    let file = format!("{name}-{bits}.litmodel");
    let ran = program::run(
        folder,
        &[
            "model",
            "quantize",
            name,
            "-o",
            &file,
            "--activations",
            bits,
        ],
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    folder.join(file)
}

/// Texts from nothing to more than the models read, of words and of what hurts.
fn texts(n: usize) -> Vec<String> {
    let mut random = Random::new(23);
    let mut texts: Vec<String> = hostile_text::WRITTEN.map(str::to_owned).into();
    texts.push("tide ".repeat(700));
    while texts.len() < n {
        texts.push(if random.once_in(2) {
            hostile_text::drawn(&mut random)
        } else {
            let n = random.below(80);
            let words = (0..n).map(|_| *random.pick(&WORDS));
            words.collect::<Vec<_>>().join(" ")
        });
    }
    texts
}

/// Writes texts and the bits of their vectors, and has Node compare its own.
fn compare(root: &Path, folder: &Path, model: &Path, texts: &[String]) {
    let encoder: Encoder = models::load(model).unwrap();
    let bits = |vector: Vec<f32>| vector.iter().map(|x| x.to_bits()).collect::<Vec<u32>>();
    let cases: Vec<_> = texts
        .iter()
        .map(|text| {
            json!({"text": text, "vector": bits(encoder.embed(&[text])),
                "query": bits(encoder.embed_query(text))})
        })
        .collect();
    let file = folder.join("cases.json");
    fs::write(&file, serde_json::to_vec(&cases).unwrap()).unwrap();
    node(
        Command::new("node")
            .arg("--test")
            .arg(root.join("web/test/encoder.mjs"))
            .env("LITTORAL_ENCODER_MODEL", model)
            .env("LITTORAL_ENCODER_CASES", &file),
    );
}

#[test]
fn javascript_searches_with_an_embedder_like_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    if !root.join("web/pkg/littoral-encoder.wasm").is_file()
        || Command::new("node").arg("--version").output().is_err()
    {
        // Said by the test above.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    quantized(folder.path(), "leaf", family::LEAF, "8");
    quantized(folder.path(), "bge", family::BGE, "8");
    let mut random = Random::new(3);
    let records = (0..60).map(|i| {
        let words: Vec<&str> = (0..12).map(|_| *random.pick(&WORDS)).collect();
        json!({"_id": i.to_string(), "text": words.join(" ")}).to_string() + "\n"
    });
    fs::write(
        folder.path().join("corpus.jsonl"),
        records.collect::<String>(),
    )
    .unwrap();
    let build = [
        "build",
        "corpus.jsonl",
        "-o",
        "ix",
        "--lang",
        "en",
        "--embedder",
    ];
    let ran = program::run(folder.path(), &[&build[..], &["leaf-8.litmodel"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let cases = [
        "tide moon",
        "a harbour with fog",
        "gull",
        "tide, rope and mast",
    ]
    .map(|query| {
        let modes = ["hybrid", "dense"].map(|mode| {
            let ran = program::run(
                folder.path(),
                &["search", "ix", query, "--mode", mode, "--json"],
            );
            assert_eq!(ran.code, 0, "{}", ran.out);
            let result: Value = ran.json();
            assert!(result["hits"].as_array().unwrap().len() > 3);
            (mode.to_owned(), result)
        });
        json!({"query": query, "expected": Map::from_iter(modes)})
    });
    let file = folder.path().join("cases.json");
    fs::write(&file, serde_json::to_vec(&cases).unwrap()).unwrap();
    node(
        Command::new("node")
            .arg("--test")
            .arg(root.join("web/test/embedder.mjs"))
            .env("LITTORAL_EMBEDDER_FOLDER", folder.path())
            .env("LITTORAL_EMBEDDER_CASES", &file),
    );
}

fn node(command: &mut Command) {
    let output = command.env_remove("NODE_TEST_CONTEXT").output().unwrap();
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    assert!(out.contains("# skipped 0"), "{out}");
}
