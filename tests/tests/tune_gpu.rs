//! Training on a GPU, or on one that the CPU emulates. It needs the feature `gpu-training`, with which much more is
//! built: `cargo test -p littoral-tests --features gpu-training --test tune_gpu`.
#![cfg(feature = "gpu-training")]
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_tests::models::family::MINILM;
use littoral_tests::program::{self, Ran, run};
use littoral_tests::tuning::twins;
use std::path::Path;

/// Trains a tiny model into `output`.
fn train(root: &Path, target: &str, output: &str, more: &[&str]) -> Ran {
    program::trainer();
    let arguments = [
        "tune", "train", "data", "--target", target, "--model", "m", "-o", output, "--json",
        "--steps", "6", "--look", "3", "--batch", "12", "--rate", "0.005",
    ];
    run(root, &[&arguments[..], more].concat())
}

#[test]
fn a_gpu_trains_as_the_cpu_does() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    MINILM.write(&root.join("m"), 5);
    twins(root, 120);
    for target in ["encoder", "reranker"] {
        let trained = |place: &str, more: &[&str]| {
            let output = format!("{target}-{place}");
            let ran = train(root, target, &output, more);
            assert!(ran.code <= 1, "{ran:?}");
            ran.json()["record"].clone()
        };
        let here = trained("cpu", &[]);
        let there = trained("gpu", &["--gpu", "require", "--gpu-software"]);
        assert_eq!(here["device"], "CPU");
        assert_ne!(there["device"], "CPU");
        let losses = |record: &serde_json::Value| -> Vec<f64> {
            let curve = record["curve"].as_array().unwrap();
            curve.iter().map(|p| p["loss"].as_f64().unwrap()).collect()
        };
        for (here, there) in losses(&here).iter().zip(losses(&there)) {
            assert!(
                (here - there).abs() < 0.01 * here.max(0.1),
                "{target}: {here}, {there}"
            );
        }
        // What is measured decides; either is an answer.
        let fastest = trained("auto", &["--gpu", "auto", "--gpu-software"]);
        assert!(fastest["device"] == "CPU" || fastest["device"] == there["device"]);
    }
}
