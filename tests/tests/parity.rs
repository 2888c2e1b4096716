//! The engine in JavaScript gives what the native engine gives: the same hits in the same order,
//! with every digit of their scores, the same counts and notes, and the same errors. In Node, and where
//! they are installed (`npm install` in `web/checks`) in Deno, Bun, workerd and Chromium; the sandbox has
//! the same cases in `sandbox.rs`.
//!
//! The index is built by the program, in two segments with a replaced document; the queries are
//! drawn from its words. Needs `node` and the core that `node web/build.mjs` makes; without them
//! the test says so and passes, unless `LITTORAL_REQUIRE_WEB` is set.
#![expect(clippy::unwrap_used, reason = "a failing test says where")]

use littoral_guest::Index;
use littoral_runtime::host::IndexHost;
use littoral_tests::cases::{build, cases, read};
use serde_json::{Value, json};
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn javascript_ranks_like_the_native_engine() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let core = root.join("web/pkg/littoral.wasm");
    let node = Command::new("node").arg("--version").output();
    let missing = if !core.is_file() {
        Some("web/pkg has no core; build it with `node web/build.mjs`")
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

    // In the languages that are found, which the larger module searches, and as English alone, which
    // the smaller one does.
    let corpus = root.join("tests/corpora/coast");
    for arguments in [&[][..], &["--lang", "en"]] {
        agree(root, &corpus, |index| by_program(&corpus, index, arguments));
    }
    // By vectors: codes alone, and with rows that scores are computed anew from.
    for rescore in [0, 7] {
        agree(root, &corpus, |index| build(&corpus, index, rescore));
    }
}

/// Builds the index by the program, without vectors.
fn by_program(corpus: &Path, index: &Path, arguments: &[&str]) {
    let program = littoral_tests::program::path();
    let build = [OsStr::new("build"), corpus.join("first").as_os_str()].map(OsStr::to_owned);
    run(Command::new(program)
        .args(build)
        .args(arguments)
        .args(["--embedder", "none", "--output"])
        .arg(index));
    run(Command::new(program)
        .arg("update")
        .arg(index)
        .arg(corpus.join("later")));
}

/// Compares what both engines answer from the index that `build` makes.
fn agree(root: &Path, corpus: &Path, build: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    build(&index);
    let cases = cases(corpus);
    assert!(cases.len() >= 500, "{} cases", cases.len());
    let native = pollster::block_on(Index::open(IndexHost::new(&index))).unwrap();
    let mut n_hits = 0;
    let expected: Vec<Value> = cases
        .into_iter()
        .map(|(query, options)| {
            let found = pollster::block_on(native.search(&query, &read(&options)));
            // The text of the result, as the program prints it.
            let answer = match found {
                Ok(found) => {
                    n_hits += found.hits.len();
                    json!({"json": serde_json::to_string(&found).unwrap()})
                }
                Err(error) => json!({"code": error.code(), "message": error.to_string()}),
            };
            json!({"query": query, "options": options, "expected": answer})
        })
        .collect();
    assert!(n_hits > 500, "the queries find too little: {n_hits} hits");
    println!("{} queries, {n_hits} hits", expected.len());
    let file = folder.path().join("cases.json");
    fs::write(&file, serde_json::to_vec(&expected).unwrap()).unwrap();

    // In Node, and in the hosts that are installed in web/checks.
    run(Command::new("node")
        .arg("--test")
        .arg(root.join("web/test/"))
        .arg(root.join("web/checks/parity.test.mjs"))
        .env("LITTORAL_PARITY_INDEX", &index)
        .env("LITTORAL_PARITY_CASES", &file)
        .env_remove("NODE_TEST_CONTEXT"));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
}
