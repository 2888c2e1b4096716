//! The GPU's module in a page: what it gives is what the program gives.
//!
//! Needs `node`, Chromium, what `node web/build.mjs` makes and what `npm install` in `web/checks` brings;
//! without them the test says so and passes, unless `LITTORAL_REQUIRE_WEB` is set.
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use littoral_guest::Encoder;
use littoral_runtime::models;
use littoral_tests::models::family::MINILM;
use littoral_tests::models::{WORDS, overlap_reranker};
use littoral_tests::program;
use littoral_tests::random::Random;
use serde_json::json;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn a_page_computes_on_a_gpu_what_the_program_computes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let chromium =
        env::var_os("CHROMIUM").map_or_else(|| "/usr/bin/chromium".into(), PathBuf::from);
    let needed = [
        root.join("web/pkg/littoral-gpu.wasm"),
        root.join("web/checks/node_modules/playwright-core"),
        chromium,
    ];
    if let Some(missing) = needed.iter().find(|path| !path.exists()) {
        let reason = format!("there is no {}", missing.display());
        assert!(env::var_os("LITTORAL_REQUIRE_WEB").is_none(), "{reason}");
        println!("skipped: {reason}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    MINILM.write(&folder.path().join("encoder"), 7);
    overlap_reranker(&folder.path().join("reranker"));
    let [encoder, reranker] = ["encoder", "reranker"].map(|name| packed(folder.path(), name));

    let mut random = Random::new(5);
    let texts = |random: &mut Random, n: usize| -> Vec<String> {
        let text = |_| {
            let n_words = random.below(60);
            let words = (0..n_words).map(|_| *random.pick(&WORDS));
            words.collect::<Vec<_>>().join(" ")
        };
        (0..n).map(text).collect()
    };
    let encoded = texts(&mut random, 80).into_iter().map(|text| {
        let vector = encoder.embed_documents(&[&text]);
        let bits: Vec<u32> = vector.iter().map(|x| x.to_bits()).collect();
        json!({"text": text, "vector": bits})
    });
    let encoded: Vec<_> = encoded.collect();
    let query = "anchor moon tide";
    let passages = texts(&mut random, 60);
    let of_passages: Vec<&str> = passages.iter().map(String::as_str).collect();
    let relevance = reranker.rerank(query, &of_passages).unwrap();
    let cases = json!({
        "encoder": encoded,
        "reranker": {"query": query, "texts": passages, "relevance": relevance},
    });
    fs::write(folder.path().join("cases.json"), cases.to_string()).unwrap();

    let output = Command::new("node")
        .arg("--test")
        .arg(root.join("web/checks/gpu.test.mjs"))
        .env("LITTORAL_GPU_FOLDER", folder.path())
        .env_remove("NODE_TEST_CONTEXT")
        .output()
        .unwrap();
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("# skipped 0"), "{out}");
}

/// The small model in the folder `name`, packed beside it.
fn packed(folder: &Path, name: &str) -> Encoder {
    let file = format!("{name}.litmodel");
    let ran = program::run(folder, &["model", "quantize", name, "-o", &file]);
    assert_eq!(ran.code, 0, "{ran:?}");
    models::load(&folder.join(file)).unwrap()
}
