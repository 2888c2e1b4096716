//! A place that serves the files of a model over HTTP, on loopback, well or badly.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;

/// What a request gets.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The file within the folder, or status 404.
    File(String),
    /// Half of the file under the length of the whole.
    Half(String),
    /// Another address.
    Redirect(String),
    /// Status 404.
    Missing,
}

/// A running server; it ends with the process.
#[derive(Debug)]
pub struct Hub {
    url: String,
}

impl Hub {
    /// Serves the files in `folder` as `answer` says for each path.
    pub fn start(folder: PathBuf, answer: impl Fn(&str) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that hangs up is its own affair.
                let _ = respond(stream, &folder, &answer);
            }
        });
        Self { url }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn respond(
    mut stream: TcpStream,
    folder: &Path,
    answer: &impl Fn(&str) -> Answer,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let path = first.split(' ').nth(1).unwrap_or("/");
    let (bytes, sent) = match answer(path) {
        Answer::Redirect(to) => {
            let head = "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nconnection: close\r\nlocation: ";
            return write!(stream, "{head}{to}\r\n\r\n");
        }
        Answer::File(name) => match std::fs::read(folder.join(name)) {
            Ok(bytes) => (bytes, 1.0),
            Err(_) => return missing(&mut stream),
        },
        Answer::Half(name) => (std::fs::read(folder.join(name))?, 0.5),
        Answer::Missing => return missing(&mut stream),
    };
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ";
    write!(stream, "{head}{}\r\n\r\n", bytes.len())?;
    stream.write_all(&bytes[..(bytes.len() as f64 * sent) as usize])
}

fn missing(stream: &mut TcpStream) -> std::io::Result<()> {
    let head = "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(head.as_bytes())
}
