//! The Model Context Protocol as a client speaks it: line by line, good and bad.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_tests::program;
use littoral_tests::server::{Answer, Server};
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
        assert!(hello["capabilities"]["resources"].is_object());
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
        resources(&mut client, n);
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

/// The document of `shore`, which has `n` passages, as a resource, and what is none.
fn resources(client: &mut Client, n: u64) {
    let list = client.ask("resources/list", &json!({}))["result"]["resources"].clone();
    assert_eq!(list[0]["uri"], "littoral://shore");
    let templates = client.ask("resources/templates/list", &json!({}))["result"].clone();
    let template = &templates["resourceTemplates"][0]["uriTemplate"];
    assert_eq!(template, "littoral://shore/{+document}");
    let index = client.ask("resources/read", &json!({"uri": "littoral://shore"}));
    let text = index["result"]["contents"][0]["text"].as_str().unwrap();
    let described: Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        (&described["documents"], &described["chunks"]),
        (&json!(1), &json!(n))
    );
    let document = client.ask(
        "resources/read",
        &json!({"uri": "littoral://shore/tides%2Emd"}),
    );
    let text = document["result"]["contents"][0]["text"].as_str().unwrap();
    for part in 0..40 {
        assert!(
            text.contains(&format!("The tide of part {part} turns")),
            "{part}"
        );
    }
    for (uri, code) in [
        (json!("littoral://shore/nothing.md"), -32002),
        (json!("littoral://other"), -32002),
        (json!("littoral://other/tides.md"), -32002),
        (json!("littoral://shore/%ff"), -32002),
        (json!("file:///etc/passwd"), -32002),
        (json!("x".repeat(9000)), -32602),
        (json!(7), -32602),
    ] {
        let reply = client.ask("resources/read", &json!({"uri": uri}));
        assert_eq!(reply["error"]["code"], code, "{uri}");
    }
}

/// A POST of a message to `/mcp`.
fn post(server: &Server, headers: &str, message: &Value) -> Answer {
    let headers = format!("Content-Type: application/json\r\n{headers}");
    server.send("POST", "/mcp", &headers, &message.to_string())
}

#[test]
fn over_http_each_message_is_answered_and_a_key_opens_only_its_indexes() {
    let root = root();
    fs::write(
        root.path().join("keys"),
        "0123456789abcdef\nfedcba9876543210 sea\n",
    )
    .unwrap();
    let server = Server::start(
        root.path(),
        &["sea", "shore", "--api-keys", "keys", "--rate", "4"],
    );
    let (all, sea) = (
        "Authorization: Bearer 0123456789abcdef\r\n",
        "Authorization: Bearer fedcba9876543210\r\n",
    );
    let message = |method: &str, parameters: Value| json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters});
    let initialize = message("initialize", json!({"protocolVersion": "2025-06-18"}));
    assert_eq!(post(&server, "", &initialize).status, 401);
    let hello = post(&server, sea, &initialize).json();
    assert_eq!(hello["result"]["protocolVersion"], "2025-06-18");
    let instructions = hello["result"]["instructions"].as_str().unwrap();
    assert!(instructions.contains("(sea)"), "{instructions}");
    let noted = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let noted = post(&server, sea, &noted);
    assert_eq!((noted.status, noted.body.as_str()), (202, ""));
    let versioned = |version: &str| format!("{all}MCP-Protocol-Version: {version}\r\n");
    let ping = message("ping", json!({}));
    let spoken = post(&server, &versioned("2025-06-18"), &ping);
    assert_eq!(spoken.json()["result"], json!({}));
    assert_eq!(post(&server, &versioned("1999-01-01"), &ping).status, 400);
    let foreign = format!("{all}Origin: https://other.example\r\n");
    let foreign = post(&server, &foreign, &ping);
    assert_eq!(
        (foreign.status, foreign.code().as_str()),
        (403, "forbidden-origin")
    );
    assert_eq!(server.send("GET", "/mcp", all, "").status, 405);
    let broken = server.send("POST", "/mcp", all, "{");
    assert_eq!(broken.json()["error"]["code"], -32700);

    let search = |index: &str| {
        let arguments = json!({"query": "tide", "index": index});
        message(
            "tools/call",
            json!({"name": "search", "arguments": arguments}),
        )
    };
    let found = post(&server, all, &search("shore")).json();
    assert_eq!(
        found["result"]["structuredContent"]["hits"][0]["document"]["id"],
        "tides.md"
    );
    let hidden = post(&server, sea, &search("shore")).json();
    assert_eq!(hidden["error"]["code"], -32602);
    let absent = post(&server, all, &search("nothing")).json();
    assert_eq!(
        hidden["error"]["message"]
            .as_str()
            .unwrap()
            .replace("shore", "nothing"),
        absent["error"]["message"],
        "an index that may not be read is not there"
    );
    let read = message(
        "resources/read",
        json!({"uri": "littoral://shore/tides.md"}),
    );
    assert_eq!(post(&server, sea, &read).json()["error"]["code"], -32002);
    let listed = post(&server, sea, &message("resources/list", json!({}))).json();
    assert_eq!(listed["result"]["resources"].as_array().unwrap().len(), 1);
    // However an index is named, or left out by a key that opens one alone, its rate counts.
    let encoded = json!({"uri": "littoral://s%68ore/tides.md"});
    let unnamed = json!({"name": "search", "arguments": {"query": "tide"}});
    for (key, asked) in [
        (all, search("shore")),
        (all, message("resources/read", encoded)),
        (sea, message("tools/call", unnamed)),
    ] {
        let statuses: Vec<u16> = (0..8).map(|_| post(&server, key, &asked).status).collect();
        assert!(statuses.contains(&429), "{asked}: {statuses:?}");
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
            r#"{"jsonrpc":"2.0","id":1,"method":"prompts/list"}"#,
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
