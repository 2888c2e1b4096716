//! A place that speaks as a model's endpoint over HTTP, on loopback, well or badly.

use crate::program::{self, Ran};
use crate::server::index;
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

/// The key of the environment that [`ask`] asks in.
pub const KEY: &str = "sk-canary-5f1d";

/// What the index of [`sea`] holds.
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

/// Asks the index of [`sea`] and `model`, with a key in the environment.
pub fn ask(root: &Path, model: &Model, further: &[&str]) -> Ran {
    let arguments = [
        "ask",
        "sea",
        "when does high water follow the moon",
        "--threshold",
        "0",
        "--llm",
        model.url(),
        "--llm-model",
        "tiny",
    ];
    let arguments = [&arguments, further].concat();
    let mut command = program::command(root, &arguments);
    command.env("LITTORAL_LLM_KEY", KEY);
    command.output().expect("the program starts").into()
}

/// A folder with a small index called `sea`.
pub fn sea() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    index(root.path(), "sea", &SEA);
    root
}

/// What was asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method and path.
    pub line: String,
    /// Names in small letters, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Value,
}

impl Request {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// What the user says.
    pub fn prompt(&self) -> &str {
        let messages = self.body["messages"].as_array();
        let last = messages.and_then(|messages| messages.last()?["content"].as_str());
        last.unwrap_or_default()
    }
}

/// A running endpoint; it ends with the process.
#[derive(Debug)]
pub struct Model {
    url: String,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Model {
    /// Answers every request as `answer` does, which is told how many came before.
    pub fn start(
        answer: impl Fn(usize, &Request, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&asked));
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                thread::spawn(move || {
                    let Ok(request) = read(&stream) else { return };
                    let before = {
                        let mut seen = seen.lock().expect("nobody panicked");
                        seen.push(request.clone());
                        seen.len() - 1
                    };
                    // A client that hangs up is what some of these want.
                    let _ = answer(before, &request, &mut stream);
                });
            }
        });
        Self {
            url: format!("http://{address}"),
            asked,
        }
    }

    /// Says `reply` in small pieces, as a good endpoint does.
    pub fn saying(reply: impl Fn(&Request) -> String + Send + Sync + 'static) -> Self {
        Self::start(move |_, request, stream| say(stream, &reply(request)))
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it was asked.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().expect("nobody panicked").clone()
    }
}

fn read(stream: &TcpStream) -> io::Result<Request> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(':') else {
            break;
        };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        if name == "content-length" {
            length = value.parse().unwrap_or(0);
        }
        headers.push((name, value));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Request {
        line: line.trim().to_owned(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

/// The head of a stream of events.
///
/// # Errors
/// Where the client is gone.
pub fn head(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n",
    )
}

/// An event with a piece of an answer.
pub fn event(piece: &str) -> String {
    let data =
        json!({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": null}]});
    format!("data: {data}\n\n")
}

/// Streams `reply`, a few characters at a time.
///
/// # Errors
/// Where the client is gone.
pub fn say(stream: &mut TcpStream, reply: &str) -> io::Result<()> {
    head(stream)?;
    let chars: Vec<char> = reply.chars().collect();
    for piece in chars.chunks(5) {
        stream.write_all(event(&piece.iter().collect::<String>()).as_bytes())?;
    }
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    write!(stream, "data: {end}\n\ndata: [DONE]\n\n")
}

/// Answers with `status`, further `headers` (each ended by a line end) and `body`.
///
/// # Errors
/// Where the client is gone.
pub fn reply(stream: &mut TcpStream, status: u16, headers: &str, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    )?;
    stream.write_all(body)
}
