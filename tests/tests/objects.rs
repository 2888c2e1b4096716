//! Indexes in stores: the same answers as from a folder, few requests, and stores that misbehave.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_tests::bucket::{Bucket, Manner};
use littoral_tests::program::{self, Ran};
use littoral_tests::server::{SEA, Server, index};
use serde_json::Value;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

fn run(root: &Path, bucket: &Bucket, arguments: &[&str]) -> Ran {
    let mut command = program::command(root, arguments);
    command.envs(bucket.environment());
    command.output().unwrap().into()
}

fn without_timings(mut value: Value) -> Value {
    value["timings_ms"] = Value::Null;
    value
}

#[test]
fn a_store_gives_the_answers_of_its_folder() {
    let root = tempfile::tempdir().unwrap();
    index(root.path(), "sea", &SEA);
    let bucket = Bucket::start(root.path().to_owned(), Manner::Well);
    let from_folder = program::run(root.path(), &["search", "sea", "high water", "--json"]).json();
    let from_folder = without_timings(from_folder);
    for host in ["native", "sandbox"] {
        let arguments = [
            "search",
            "s3://docs/sea",
            "high water",
            "--json",
            "--host",
            host,
        ];
        let found = run(root.path(), &bucket, &arguments).json();
        assert_eq!(without_timings(found), from_folder);
    }
    let asked = bucket.asked();
    assert!(
        asked
            .iter()
            .all(|a| a.is_signed && a.path.starts_with("/docs/sea/")),
        "{asked:?}"
    );

    // A static host needs no key and is given none.
    let address = format!("http://{}/sea", bucket.address());
    let found = run(
        root.path(),
        &bucket,
        &["search", &address, "high water", "--json"],
    )
    .json();
    assert_eq!(without_timings(found), from_folder);
    let asked = bucket.asked();
    assert!(
        asked
            .iter()
            .all(|a| !a.is_signed && a.path.starts_with("/sea/")),
        "{asked:?}"
    );

    for command in ["ask", "context"] {
        let here = program::run(root.path(), &[command, "sea", "high water", "--json"]);
        let there = run(
            root.path(),
            &bucket,
            &[command, "s3://docs/sea", "high water", "--json"],
        );
        assert_eq!(here.json(), there.json());
    }
    assert_eq!(
        run(root.path(), &bucket, &["check", "s3://docs/sea"]).code,
        0
    );
}

#[test]
fn a_server_reads_each_block_once_and_follows_the_store() {
    let root = tempfile::tempdir().unwrap();
    index(root.path(), "sea", &SEA);
    let bucket = Bucket::start(root.path().to_owned(), Manner::Well);
    let server = Server::start_in(root.path(), &["s3://docs/sea"], &bucket.environment());
    assert!(
        server.said.join("\n").contains("sea: 3 documents"),
        "{:?}",
        server.said
    );
    let first = server.get("/search?q=high+water").json();
    let asked = bucket.asked();
    assert!(asked.iter().any(|a| a.path.ends_with(".lit")), "{asked:?}");
    assert_eq!(
        without_timings(server.get("/search?q=high+water").json()),
        without_timings(first)
    );
    let asked = bucket.asked();
    assert!(asked.iter().all(|a| a.method == "HEAD"), "{asked:?}");

    let mut more = SEA.to_vec();
    more.push(("eels", "An eel swims to the sea on a night in autumn."));
    index(root.path(), "sea", &more);
    let until = Instant::now() + Duration::from_secs(60);
    while server.get("/search?q=eel").json()["hits"][0]["document"]["id"] != "eels" {
        assert!(Instant::now() < until, "the new index is not followed");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn stores_that_misbehave_are_errors_that_tell_no_secrets() {
    let root = tempfile::tempdir().unwrap();
    index(root.path(), "sea", &SEA);
    let bucket = Bucket::start(root.path().to_owned(), Manner::Well);
    let ask = |address: &str| run(root.path(), &bucket, &["search", address, "tide", "--json"]);
    let failed = |ran: Ran, code: &str| {
        assert_eq!(ran.code, 2, "{ran:?}");
        let shown = format!("{}{}", ran.out, ran.err);
        assert_eq!(ran.json()["error"]["code"], code, "{shown}");
        for secret in ["canary", bucket.address()] {
            assert!(!shown.contains(secret), "{shown}");
        }
        shown
    };
    failed(ask("s3://docs/land"), "not-found");
    failed(ask("gs://docs/sea"), "bad-address");
    failed(ask("https://canary:canary@docs.example/sea"), "bad-address");
    // What writes needs a folder, and makes none that is called as an address is.
    std::fs::write(root.path().join("eels.md"), "# Eels\n\nAn eel swims.\n").unwrap();
    for arguments in [
        &["build", "eels.md", "-o", "s3://docs/new", "--json"][..],
        &["update", "s3://docs/sea", "eels.md", "--json"],
    ] {
        failed(run(root.path(), &bucket, arguments), "not-a-folder");
    }
    assert!(!root.path().join("s3:").exists());
    bucket.turn(Manner::Refuses);
    assert!(failed(ask("s3://docs/sea"), "unreadable").contains("the store refuses"));
    bucket.turn(Manner::Boasts);
    assert!(failed(ask("s3://docs/sea"), "unreadable").contains("more than"));
    bucket.turn(Manner::Breaks);
    failed(ask("s3://docs/sea"), "unreadable");
    bucket.turn(Manner::Lies);
    let ran = ask("s3://docs/sea");
    let code = ran.json()["error"]["code"].as_str().unwrap().to_owned();
    assert!(code.starts_with("index-"), "{ran:?}");
    failed(ran, &code);

    let nowhere = [
        ("AWS_ENDPOINT", "http://127.0.0.1:9"),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    let mut command = program::command(root.path(), &["search", "s3://docs/sea", "tide", "--json"]);
    command.envs(bucket.environment()).envs(nowhere);
    let began = Instant::now();
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.json()["error"]["code"], "unreadable");
    assert!(began.elapsed() < Duration::from_secs(60));
}
