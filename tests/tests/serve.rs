//! The server as its callers meet it: the contract of every endpoint, and what it does when callers,
//! indexes or the system misbehave.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_tests::program;
use littoral_tests::server::{Answer, SEA, Server, index};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::thread;

const LAND: [(&str, &str); 2] = [
    ("hills", "The watchword of the hills is canary-7f3a."),
    ("woods", "An oak bears acorns when it is forty years old."),
];

fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    index(root.path(), "sea", &SEA);
    index(root.path(), "land", &LAND);
    root
}

fn without_timings(mut value: Value) -> Value {
    value["timings_ms"] = Value::Null;
    value
}

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let value = answer.json();
    let hits = value["hits"].as_array().unwrap().iter();
    hits.map(|hit| hit["document"]["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_endpoint_keeps_its_contract_on_both_hosts() {
    let root = root();
    for host in ["sandbox", "native"] {
        let server = Server::start(root.path(), &["sea", "--host", host]);
        let shown = server.said.join("\n");
        assert!(shown.contains("sea: 3 documents"), "{shown}");
        assert!(
            shown.contains("GPU: not used: it is for reranking"),
            "{shown}"
        );

        let found = server.get("/search?q=high+water&k=2");
        assert_eq!(found.header("content-type"), Some("application/json"));
        let arguments = ["search", "sea", "high water", "-k", "2", "--json"];
        let expected = program::run(root.path(), &arguments).json();
        assert_eq!(without_timings(found.json()), without_timings(expected));

        let context = server.post(
            "/v1/context",
            r#"{"query": "high water", "max_tokens": 200}"#,
        );
        let arguments = [
            "context",
            "sea",
            "high water",
            "--max-tokens",
            "200",
            "--json",
        ];
        assert_eq!(context.json(), program::run(root.path(), &arguments).json());
        let context = context.json();
        assert!(context["text"].as_str().unwrap().starts_with("[1] "));
        assert_eq!(context["passages"][0]["id"], "1");
        assert!(context["tokens"].as_u64().unwrap() <= 200);

        let missing = [
            ("/v1/embeddings", r#"{"input": ["tide"]}"#, "no-encoder"),
            (
                "/v1/rerank",
                r#"{"query": "tide", "documents": ["a", {"text": "b"}]}"#,
                "no-reranker",
            ),
        ];
        for (path, body, code) in missing {
            let answer = server.post(path, body);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (501, code),
                "{path}"
            );
        }
        let health = server.get("/healthz").json();
        assert_eq!(
            (&health["status"], &health["host"]),
            (&json!("ok"), &json!(host))
        );
        assert_eq!(health["indexes"][0]["name"], "sea");
        assert_eq!(health["indexes"][0]["documents"], 3);
        let api = server.get("/openapi.json").json();
        for path in [
            "/search",
            "/v1/context",
            "/v1/embeddings",
            "/v1/rerank",
            "/v1/chat/completions",
        ] {
            assert!(api["paths"][path].is_object(), "{path}");
        }
        let head = server.send("HEAD", "/search?q=tide", "", "");
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        let metrics = server.get("/metrics").body;
        for line in [
            "littoral_requests_total{route=\"search\",status=\"200\"} 2",
            "littoral_errors_total{code=\"no-reranker\"} 1",
            "littoral_indexes 1",
        ] {
            assert!(
                metrics.lines().any(|l| l == line),
                "{line} is not in\n{metrics}"
            );
        }
    }
}

#[test]
fn bad_requests_are_refused_with_a_code_and_without_a_path_of_the_machine() {
    let root = root();
    let server = Server::start(root.path(), &["sea", "--host", "native"]);
    let large = format!(r#"{{"query": "{}"}}"#, "a".repeat(70_000));
    let deep = "[".repeat(10_000);
    let here = root.path().to_str().unwrap();
    for (method, path, body, status, code) in [
        ("GET", "/", "", 404, "no-such-route"),
        ("GET", "/../etc/passwd", "", 404, "no-such-route"),
        ("GET", "/search", "", 400, "bad-request"),
        ("GET", "/search?q=a&k=1000", "", 400, "bad-request"),
        ("GET", "/search?q=a&mode=dense", "", 400, "unsupported"),
        (
            "GET",
            "/search?q=a&filter=colour%3Dblue",
            "",
            400,
            "unknown-field",
        ),
        ("GET", "/search?q=a&index=land", "", 404, "unknown-index"),
        ("POST", "/search?q=a", "", 405, "method-not-allowed"),
        ("DELETE", "/healthz", "", 405, "method-not-allowed"),
        ("GET", "/v1/context", "", 405, "method-not-allowed"),
        ("POST", "/v1/context", "", 400, "bad-request"),
        ("POST", "/v1/context", "{\"query\": 1}", 400, "bad-request"),
        (
            "POST",
            "/v1/context",
            "{\"query\": \"a\", \"max_tokens\": 0}",
            400,
            "bad-request",
        ),
        ("POST", "/v1/context", &deep, 400, "bad-request"),
        ("POST", "/v1/context", &large, 413, "too-large"),
        (
            "POST",
            "/v1/embeddings",
            "{\"input\": []}",
            400,
            "bad-request",
        ),
        (
            "POST",
            "/v1/rerank",
            "{\"query\": \"a\", \"documents\": []}",
            400,
            "bad-request",
        ),
        (
            "POST",
            "/v1/chat/completions",
            "{\"messages\": []}",
            400,
            "bad-request",
        ),
    ] {
        let answer = server.send(method, path, "X-Request-Id: mine-1\r\n", body);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{method} {path}"
        );
        assert!(!answer.body.contains(here), "{}", answer.body);
        assert_eq!(answer.header("x-request-id"), Some("mine-1"));
        assert_eq!(answer.json()["error"]["request_id"], "mine-1");
    }
    // An id that is not plain is replaced; a name that is not the server's is another site's.
    let answer = server.send("GET", "/nothing", "X-Request-Id: a b<c>\r\n", "");
    assert_ne!(answer.header("x-request-id"), Some("a b<c>"));
    let answer = server.send("GET", "/search?q=tide", "Host: evil.example\r\n", "");
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (421, "misdirected")
    );
    // What is no HTTP is answered by an end.
    let mut stream = server.connect();
    stream.write_all(b"\x16\x03\x01 hello\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    assert!(!bytes.starts_with(b"HTTP/1.1 200"));
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn indexes_are_apart_and_a_damaged_one_harms_no_other() {
    let root = root();
    let server = Server::start(root.path(), &["sea", "land"]);
    assert_eq!(server.get("/search?q=tide").code(), "unknown-index");
    assert_eq!(
        ids(&server.get("/search?q=canary-7f3a&index=land")),
        ["hills"]
    );
    for query in ["canary-7f3a", "watchword+hills", "oak+acorns", "canary"] {
        let answer = server.get(&format!("/search?q={query}&index=sea"));
        let found = answer.json()["hits"].to_string();
        assert!(
            !found.contains("7f3a") && !found.contains("acorns"),
            "{found}"
        );
    }
    // Every file of one index turns bad while it is open and nothing of it was read.
    let server = Server::start(root.path(), &["sea", "land"]);
    for entry in fs::read_dir(root.path().join("land")).unwrap().flatten() {
        if entry.path().is_dir() {
            for file in fs::read_dir(entry.path()).unwrap().flatten() {
                let mut bytes = fs::read(file.path()).unwrap();
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                fs::write(file.path(), bytes).unwrap();
            }
        }
    }
    let answer = server.get("/search?q=oak&index=land");
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (500, "index-corrupt")
    );
    assert!(!answer.body.contains(".lit"), "{}", answer.body);
    assert_eq!(ids(&server.get("/search?q=bowline&index=sea")), ["knots"]);
}

#[test]
fn keys_open_what_they_say_and_are_needed_beyond_loopback() {
    let root = root();
    let refused = program::run(root.path(), &["serve", "sea", "--addr", "0.0.0.0:0"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("no keys") && refused.err.contains("--api-keys"),
        "{refused:?}"
    );

    fs::write(
        root.path().join("keys"),
        "all-of-them-000001\nonly-the-sea-00001 sea\n",
    )
    .unwrap();
    let server = Server::start(root.path(), &["sea", "land", "--api-keys", "keys"]);
    let ask = |path: &str, key: &str| {
        let header = format!("Authorization: Bearer {key}\r\n");
        server.send("GET", path, if key.is_empty() { "" } else { &header }, "")
    };
    for key in ["", "all-of-them-00000", "all-of-them-0000011"] {
        let answer = ask("/search?q=tide&index=sea", key);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "unauthorized")
        );
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(ask("/metrics", key).status, 401);
        assert_eq!(ask("/healthz", key).json(), json!({"status": "ok"}));
    }
    assert_eq!(
        ask("/search?q=oak&index=land", "all-of-them-000001").status,
        200
    );
    assert_eq!(
        ask("/search?q=tide&index=sea", "only-the-sea-00001").status,
        200
    );
    let other = ask("/search?q=oak&index=land", "only-the-sea-00001");
    let none = ask("/search?q=oak&index=nowhere", "only-the-sea-00001");
    assert_eq!((other.status, other.code()), (none.status, none.code()));
    assert_eq!(ask("/metrics", "only-the-sea-00001").code(), "forbidden");
    assert_eq!(ask("/metrics", "all-of-them-000001").status, 200);
}

#[test]
fn an_index_that_is_replaced_answers_anew_without_a_failure_between() {
    let root = root();
    let server = Server::start(root.path(), &["sea"]);
    assert_eq!(ids(&server.get("/search?q=moon")), ["tides"]);
    for round in 0..5 {
        let id = format!("new{round}");
        index(
            root.path(),
            "sea",
            &[(&id, "The moon is full."), ("other", "Nothing of it.")],
        );
        // The old index or the new one, never an error, and the new one in the end.
        let seen = (0..10_000).any(|_| {
            let found = ids(&server.get("/search?q=moon"));
            assert_eq!(found.len(), 1);
            found[0] == id
        });
        assert!(seen, "the new index never answered");
    }
    // What is no index leaves the last one that was.
    fs::write(root.path().join("sea/littoral.json"), "{}").unwrap();
    let stale = (0..10_000).any(|_| {
        assert_eq!(ids(&server.get("/search?q=moon")), ["new4"]);
        server.get("/healthz").json()["indexes"][0]["stale"] == true
    });
    assert!(stale);
}

#[cfg(unix)]
#[test]
fn a_request_that_was_heard_is_answered_though_the_server_is_to_end() {
    let root = root();
    let mut server = Server::start(root.path(), &["sea"]);
    let body = r#"{"query": "high water"}"#;
    let mut stream = server.connect();
    let (host, n) = (server.address().to_owned(), body.len());
    let head = format!("POST /v1/context HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body.as_bytes()[..5]).unwrap();
    // Another answer says that this one was taken.
    assert_eq!(server.get("/healthz").status, 200);
    server.terminate();
    stream.write_all(&body.as_bytes()[5..]).unwrap();
    let answer = Answer::read(stream);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn connections_that_say_nothing_are_closed_and_others_answered() {
    let root = root();
    let server = Server::start(root.path(), &["sea"]);
    let mut silent: Vec<_> = (0..100).map(|_| server.connect()).collect();
    for (i, stream) in silent.iter_mut().enumerate() {
        if i % 2 == 0 {
            stream
                .write_all(b"GET /search?q=tide HTTP/1.1\r\nHost: ")
                .unwrap();
        }
    }
    assert_eq!(server.get("/search?q=tide").status, 200);
    for mut stream in silent {
        let mut bytes = Vec::new();
        // Closed, or answered with the reason; in any case it ends.
        let _ = stream.read_to_end(&mut bytes);
        assert!(!bytes.starts_with(b"HTTP/1.1 200"));
    }
    // A body that never comes.
    let mut stream = server.connect();
    let host = server.address();
    let head = format!("POST /v1/context HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n{{");
    stream.write_all(head.as_bytes()).unwrap();
    let answer = Answer::read(stream);
    assert_eq!((answer.status, answer.code().as_str()), (408, "too-slow"));
}

#[test]
fn what_is_too_much_is_refused_with_a_time_to_come_back() {
    let root = root();
    let arguments = [
        "sea",
        "land",
        "--rate",
        "1",
        "--workers",
        "1",
        "--queue",
        "1",
    ];
    let server = Server::start(root.path(), &arguments);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let ask = |i: usize| {
            let name = if i.is_multiple_of(2) { "sea" } else { "land" };
            server.get(&format!("/search?q=tide&index={name}"))
        };
        let running: Vec<_> = (0..24).map(|i| scope.spawn(move || ask(i))).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let count = |status| answers.iter().filter(|a| a.status == status).count();
    let (good, limited, refused) = (count(200), count(429), count(503));
    assert_eq!(good + limited + refused, 24);
    assert!(good >= 1 && limited >= 1, "{good} {limited} {refused}");
    for answer in answers.iter().filter(|a| a.status != 200) {
        let after: u32 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!(after >= 1);
        assert!(["rate-limited", "overloaded"].contains(&answer.code().as_str()));
    }
}

#[test]
fn pages_of_named_origins_may_read_and_others_may_not() {
    let root = root();
    let server = Server::start(root.path(), &["sea", "--cors", "https://docs.example"]);
    let ask = |method: &str, origin: &str| {
        server.send(
            method,
            "/search?q=tide",
            &format!("Origin: {origin}\r\n"),
            "",
        )
    };
    let allowed = ask("GET", "https://docs.example");
    let header = "access-control-allow-origin";
    assert_eq!(allowed.header(header), Some("https://docs.example"));
    assert_eq!(ask("GET", "https://other.example").header(header), None);
    let preflight = ask("OPTIONS", "https://docs.example");
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header(header), Some("https://docs.example"));
    let methods = preflight.header("access-control-allow-methods").unwrap();
    assert!(methods.contains("GET"), "{methods}");
}
