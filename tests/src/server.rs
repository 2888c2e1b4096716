//! Runs `littoral serve` and talks to it in plain HTTP/1.1.

use crate::program;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

/// Documents of a small index: ids and texts.
pub const SEA: [(&str, &str); 3] = [
    (
        "tides",
        "High water follows the moon. A tide table lists it for a harbour.",
    ),
    (
        "knots",
        "The bowline makes a loop that never slips in high water.",
    ),
    ("crabs", "A shore crab eats what the tide leaves behind."),
];

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
    /// What it said before it listened.
    pub said: Vec<String>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in small letters, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of an error of the contract's shape.
    pub fn code(&self) -> String {
        let value = self.json();
        let error = value["error"].as_object().expect("an error");
        let keys: Vec<&str> = error.keys().map(String::as_str).collect();
        assert_eq!(keys, ["code", "hint", "message", "request_id"]);
        error["code"].as_str().expect("a code").to_owned()
    }

    /// Reads an answer from a connection.
    pub fn read(stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let mut reader = BufReader::new(stream);
        // A connection that is reset after its answer has given it.
        let _ = reader.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        Self {
            status: status.and_then(|s| s.parse().ok()).expect("a status"),
            headers: lines.filter_map(header).collect(),
            body: body.to_owned(),
        }
    }
}

impl Server {
    /// Starts `littoral serve` with `arguments` in `folder`, on a port of its own.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_in(folder, arguments, &[])
    }

    /// The same with variables of its environment.
    pub fn start_in(folder: &Path, arguments: &[&str], variables: &[(&str, String)]) -> Self {
        let arguments = [&["serve", "--addr", "127.0.0.1:0"], arguments].concat();
        let mut child = program::command(folder, &arguments)
            .envs(variables.iter().cloned())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let out = child.stdout.take().expect("its output");
        let (mut said, mut address) = (Vec::new(), None);
        let mut lines = BufReader::new(out).lines();
        while address.is_none() {
            let line = lines.next().expect("it listens").expect("text");
            let listens = line.strip_prefix("listening on http://");
            address = listens.and_then(|rest| Some(rest.split_whitespace().next()?.to_owned()));
            said.push(line);
        }
        Self {
            child,
            address: address.unwrap_or_default(),
            said,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A fresh connection.
    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).expect("a connection")
    }

    /// Sends a request with headers of its own, each ended by a line end, and a body.
    pub fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = self.connect();
        let (host, length) = (&self.address, body.len());
        let host = if headers.to_ascii_lowercase().contains("host:") {
            String::new()
        } else {
            format!("Host: {host}\r\n")
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {length}\r\n\
             {headers}\r\n{body}"
        );
        // A server that refuses a body may close before it has all of it.
        let _ = stream.write_all(request.as_bytes());
        Answer::read(stream)
    }

    /// `GET path`.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "")
    }

    /// `POST path` with a JSON body.
    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, "Content-Type: application/json\r\n", body)
    }

    /// Asks it to end.
    #[cfg(unix)]
    pub fn terminate(&self) {
        use rustix::process::{Pid, Signal, kill_process};
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("a signal");
    }

    /// Waits for its end, and gives its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("an end").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a corpus and builds the index `name` of it.
pub fn index(root: &Path, name: &str, records: &[(&str, &str)]) {
    let lines = records.iter().map(|(id, text)| {
        json!({"_id": id, "title": id, "text": text, "filters": {"kind": [name]}}).to_string()
            + "\n"
    });
    fs::write(root.join("corpus.jsonl"), lines.collect::<String>()).expect("a file");
    let arguments = ["build", "corpus.jsonl", "-o", name, "--embedder", "none"];
    let built = program::run(root, &arguments);
    assert_eq!(built.code, 0, "{built:?}");
}
