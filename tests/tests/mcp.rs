//! The Model Context Protocol as a client speaks it: line by line, good and bad.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_tests::program;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    n: u64,
}

impl Client {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let arguments = [&["mcp"], arguments].concat();
        let mut child = program::command(folder, &arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        Self {
            child,
            input,
            output: BufReader::new(output),
            n: 0,
        }
    }

    fn write(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.n += 1;
        let id = self.n;
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": parameters});
        self.write(&message.to_string());
        let reply = self.read();
        assert_eq!(
            (&reply["jsonrpc"], &reply["id"]),
            (&json!("2.0"), &json!(id))
        );
        reply
    }

    fn call(&mut self, name: &str, arguments: &Value) -> Value {
        let parameters = json!({"name": name, "arguments": arguments});
        let reply = self.ask("tools/call", &parameters);
        assert!(reply["error"].is_null(), "{reply}");
        reply["result"].clone()
    }

    /// Ends the input, and gives the exit code.
    fn end(mut self) -> Option<i32> {
        drop(self.input.take());
        self.child.wait().unwrap().code()
    }
}

fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let text =
        (0..40).map(|i| format!("## Part {i}\n\nThe tide of part {i} turns at hour {i}.\n\n"));
    let text = format!("# Tides\n\n{}", text.collect::<String>());
    fs::write(root.path().join("tides.md"), text).unwrap();
    for (name, more) in [("sea", &[][..]), ("shore", &["--chunk-tokens", "16"])] {
        let arguments = [
            &["build", "tides.md", "-o", name, "--embedder", "none"],
            more,
        ]
        .concat();
        let built = program::run(root.path(), &arguments);
        assert_eq!(built.code, 0, "{built:?}");
    }
    root
}

#[test]
fn a_client_finds_reads_on_and_cites() {
    let root = root();
    for host in ["sandbox", "native"] {
        let mut client = Client::start(root.path(), &["shore", "--host", host]);
        let asked = json!({
            "protocolVersion": "2025-03-26", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}
        });
        let hello = client.ask("initialize", &asked)["result"].clone();
        assert_eq!(hello["protocolVersion"], "2025-03-26");
        assert_eq!(hello["serverInfo"]["name"], "littoral");
        assert!(hello["capabilities"]["tools"].is_object());
        client.write(r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#);
        let tools = client.ask("tools/list", &json!({}))["result"]["tools"].clone();
        let names: Vec<&str> = tools
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| {
                assert_eq!(tool["inputSchema"]["type"], "object");
                tool["name"].as_str().unwrap()
            })
            .collect();
        assert_eq!(names, ["search", "context", "read_passages"]);

        let found = client.call("search", &json!({"query": "tide \"part 7\"", "k": 1}));
        assert_eq!(found["isError"], false);
        let hit = &found["structuredContent"]["hits"][0];
        assert_eq!(hit["document"]["id"], "tides.md");
        let text = found["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("The tide of part 7 turns"), "{text}");

        let context = client.call("context", &json!({"query": "tide", "max_tokens": 120}));
        let text = context["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("[1] Tides"), "{text}");
        assert!(context["structuredContent"]["tokens"].as_u64().unwrap() <= 120);

        let chunk = hit["chunk"]["id"].as_u64().unwrap();
        let asked = json!({"document": "tides.md", "first": chunk, "count": 2});
        let read = client.call("read_passages", &asked);
        let data = &read["structuredContent"];
        assert_eq!(data["chunks"][0], hit["chunk"]);
        assert_eq!(data["chunks"][1]["id"], chunk + 1);
        let n = data["n_chunks"].as_u64().unwrap();
        assert!(n >= 20);
        // All of it, in pieces: every byte of the text follows the one before.
        let (mut first, mut end) = (0, 0);
        while first < n {
            let read = client.call(
                "read_passages",
                &json!({"document": "tides.md", "first": first}),
            );
            let chunks = read["structuredContent"]["chunks"]
                .as_array()
                .unwrap()
                .clone();
            for chunk in &chunks {
                assert_eq!(chunk["id"], first);
                assert!(chunk["start"].as_u64().unwrap() >= end);
                end = chunk["end"].as_u64().unwrap();
                first += 1;
            }
            assert!(!chunks.is_empty());
        }
        let past = json!({"document": "tides.md", "first": n + 5});
        let past = client.call("read_passages", &past);
        assert_eq!(past["structuredContent"]["chunks"], json!([]));
        let none = client.call("read_passages", &json!({"document": "nothing.md"}));
        assert!(none["structuredContent"]["document"].is_null());
        let error = client.call("search", &json!({"query": "tide", "mode": "dense"}));
        assert_eq!(error["isError"], true);
        assert!(
            error["content"][0]["text"]
                .as_str()
                .unwrap()
                .contains("no vectors")
        );
        assert_eq!(client.end(), Some(0));
    }
}

#[test]
fn what_is_no_message_is_refused_and_the_next_is_answered() {
    let root = root();
    let mut client = Client::start(root.path(), &["sea", "shore", "--host", "native"]);
    for (line, code) in [
        ("{", -32700),
        ("[]", -32600),
        ("7", -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#,
            -32601,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, -32602),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rm"}}"#,
            -32602,
        ),
    ] {
        client.write(line);
        assert_eq!(client.read()["error"]["code"], code, "{line}");
    }
    for arguments in [
        json!({}),
        json!({"query": 1}),
        json!({"query": "a", "more": 1}),
        json!({"query": "a"}),
        json!({"query": "a", "index": "other"}),
        json!({"query": "a", "index": "sea", "k": 0}),
        json!({"query": "a".repeat(3000), "index": "sea"}),
    ] {
        let reply = client.ask(
            "tools/call",
            &json!({"name": "search", "arguments": arguments}),
        );
        assert_eq!(reply["error"]["code"], -32602, "{arguments}");
    }
    client.write(&"x".repeat(2 << 20));
    assert_eq!(client.read()["error"]["code"], -32600);
    client.write("");
    assert_eq!(client.ask("ping", &json!({}))["result"], json!({}));
    assert_eq!(client.end(), Some(0));
}
