//! Answers over HTTP in the shape of chat completions: passages first, quoted or written by a model.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_tests::llm::{Model, event, head, reply};
use littoral_tests::server::{Answer, Server, index};
use serde_json::{Value, json};
use std::io::Write;
use std::time::{Duration, Instant};

const SEA: [(&str, &str); 3] = [
    (
        "tides",
        "High water follows the moon. It comes twice a day. A tide table lists it for a harbour.",
    ),
    (
        "knots",
        "The bowline makes a loop that never slips in high water.",
    ),
    ("crabs", "A shore crab eats what the tide leaves behind."),
];

fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    index(root.path(), "sea", &SEA);
    root
}

fn body(question: &str, further: &Value) -> String {
    let mut body = json!({
        "model": "any",
        "messages": [
            {"role": "system", "content": "You are a pirate."},
            {"role": "user", "content": [{"type": "text", "text": question}]},
        ],
        "threshold": 0,
    });
    for (key, value) in further.as_object().unwrap() {
        body[key] = value.clone();
    }
    body.to_string()
}

/// The events of a stream, the last of which must say that it is done.
fn events(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let mut data: Vec<&str> = answer
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .collect();
    assert_eq!(data.pop(), Some("[DONE]"), "{answer:?}");
    data.iter()
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn said(events: &[Value]) -> String {
    let pieces = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str());
    pieces.collect()
}

#[test]
fn without_a_model_answers_are_quoted_on_both_hosts() {
    let root = root();
    for host in ["sandbox", "native"] {
        let server = Server::start(root.path(), &["sea", "--host", host]);
        let whole = server.post(
            "/v1/chat/completions",
            &body("when does high water follow the moon", &json!({})),
        );
        assert_eq!(whole.status, 200, "{whole:?}");
        let whole = whole.json();
        assert_eq!(whole["object"], "chat.completion");
        assert_eq!(whole["choices"][0]["finish_reason"], "stop");
        let content = whole["choices"][0]["message"]["content"].as_str().unwrap();
        assert!(content.contains("[1]"), "{content}");
        assert_eq!(whole["chunks"][0]["id"], "1");
        assert_eq!(whole["chunks"], whole["answer"]["citations"]);
        let arguments = [
            "ask",
            "sea",
            "when does high water follow the moon",
            "--threshold",
            "0",
            "--json",
        ];
        let asked = littoral_tests::program::run(root.path(), &arguments).json();
        assert_eq!(whole["answer"], asked, "{host}");

        let streamed = server.post(
            "/v1/chat/completions",
            &body(
                "when does high water follow the moon",
                &json!({"stream": true}),
            ),
        );
        let events = events(&streamed);
        assert_eq!(events[0]["object"], "chat.completion.chunk");
        assert_eq!(events[0]["chunks"], whole["chunks"], "passages come first");
        assert_eq!(said(&events), content);
        assert_eq!(
            events.last().unwrap()["choices"][0]["finish_reason"],
            "stop"
        );

        let none = server.post(
            "/v1/chat/completions",
            &body("who wrote Hamlet", &json!({"threshold": 1})),
        );
        let none = none.json();
        assert_eq!(none["answer"]["abstained"], true);
        assert_eq!(
            none["choices"][0]["message"]["content"],
            "Not found in these documents."
        );
        for (bad, code) in [
            ("{}", "bad-request"),
            (r#"{"messages": []}"#, "bad-request"),
            (
                r#"{"messages": [{"role": "assistant", "content": "x"}]}"#,
                "bad-request",
            ),
            (
                r#"{"messages": [{"role": "user", "content": "x"}], "index": "land"}"#,
                "unknown-index",
            ),
            (
                r#"{"messages": [{"role": "user", "content": "x"}], "threshold": 7}"#,
                "bad-request",
            ),
        ] {
            assert_eq!(
                server.post("/v1/chat/completions", bad).code(),
                code,
                "{bad}"
            );
        }
    }
}

#[test]
fn a_model_writes_as_it_comes_and_is_held_to_the_passages() {
    let root = root();
    let model = Model::start(|_, _, stream| {
        head(stream)?;
        stream.write_all(
            event("High water follows the moon [1][9]. The moon is cheese [1]. ").as_bytes(),
        )?;
        // The end comes a good while after the first sentence.
        std::thread::sleep(Duration::from_millis(1500));
        stream.write_all(event("It comes twice a day [1].").as_bytes())?;
        stream.write_all(b"data: [DONE]\n\n")
    });
    let llm = ["sea", "--llm", model.url(), "--llm-model", "tiny"];
    let server = Server::start(root.path(), &llm);
    let whole = server
        .post(
            "/v1/chat/completions",
            &body("when does high water follow the moon", &json!({})),
        )
        .json();
    assert_eq!(whole["model"], "tiny");
    let content = "High water follows the moon. [1]\nThe moon is cheese. [1] (unsupported)\nIt comes twice a day. [1]";
    assert_eq!(whole["choices"][0]["message"]["content"], content);
    assert_eq!(whole["chunks"][0]["document"]["id"], "tides");
    let notes = whole["answer"]["notes"].to_string();
    assert!(
        notes.contains("citation-removed") && notes.contains("unsupported"),
        "{notes}"
    );

    let mut stream = server.connect();
    let body = body(
        "when does high water follow the moon",
        &json!({"stream": true}),
    );
    let address = server.address();
    let length = body.len();
    write!(
        stream,
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let start = Instant::now();
    let mut seen = Vec::new();
    let first = loop {
        let mut room = [0; 4096];
        let n = std::io::Read::read(&mut stream, &mut room).unwrap();
        assert!(n > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend(&room[..n]);
        if String::from_utf8_lossy(&seen).contains("follows the moon. [1]") {
            break start.elapsed();
        }
    };
    std::io::Read::read_to_end(&mut stream, &mut seen).unwrap();
    assert!(
        start.elapsed() > first + Duration::from_millis(500),
        "the first sentence came with the last"
    );
    let text = String::from_utf8(seen).unwrap();
    let chunks = text.find("\"chunks\"").unwrap();
    assert!(
        chunks < text.find("follows the moon. [1]").unwrap(),
        "passages come first"
    );
    assert!(text.contains("[DONE]"));
}

#[test]
fn a_model_that_fails_is_a_typed_error_that_names_no_address() {
    let root = root();
    let model =
        Model::start(|_, _, stream| reply(stream, 302, "location: http://192.0.2.1/\r\n", b""));
    let server = Server::start(
        root.path(),
        &["sea", "--llm", model.url(), "--llm-model", "tiny"],
    );
    let answer = server.post("/v1/chat/completions", &body("high water", &json!({})));
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (502, "llm-redirect")
    );
    let address = model.url().trim_start_matches("http://");
    assert!(!answer.body.contains(address), "{answer:?}");
    let answer = server.post(
        "/v1/chat/completions",
        &body("high water", &json!({"stream": true})),
    );
    assert_eq!(answer.status, 200);
    assert!(
        answer.body.contains("\"chunks\"") && answer.body.contains("llm-redirect"),
        "{answer:?}"
    );
    assert!(
        !answer.body.contains(address) && !answer.body.contains("[DONE]"),
        "{answer:?}"
    );
    // Searches go on, and the next question is heard.
    assert_eq!(server.get("/search?q=high+water").status, 200);
}
