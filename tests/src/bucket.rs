//! A place on loopback that speaks as S3 does and as a static host, and gives what lies in a folder.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    Well,
    /// It lets nobody read.
    Refuses,
    /// It ends in the middle of a file.
    Breaks,
    /// It says that files are larger than any of an index.
    Boasts,
    /// It flips a bit of each block.
    Lies,
}

/// The place; its thread ends with the process.
#[derive(Debug)]
pub struct Bucket {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    manner: Arc<Mutex<Manner>>,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// GET or HEAD.
    pub method: String,
    /// The path.
    pub path: String,
    /// Whether it was signed.
    pub is_signed: bool,
}

impl Bucket {
    /// Gives what lies in `folder`, which is the bucket `docs` for S3 and the root for a static host.
    pub fn start(folder: PathBuf, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let asked = Arc::default();
        let manner = Arc::new(Mutex::new(manner));
        let (log, how) = (Arc::clone(&asked), Arc::clone(&manner));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (folder, log, how) = (folder.clone(), Arc::clone(&log), Arc::clone(&how));
                // One that goes away in the middle ends its own thread alone.
                thread::spawn(move || answer_all(stream, &folder, &log, &how).ok());
            }
        });
        Self {
            address,
            asked,
            manner,
        }
    }

    /// `HOST:PORT`
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Answers otherwise from now on.
    pub fn turn(&self, manner: Manner) {
        *self.manner.lock().expect("no panic") = manner;
    }

    /// What tells a program how to reach it as S3.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT", format!("http://{}", self.address)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "key-canary-2b7e".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret-canary-15a1".to_owned()),
        ]
    }

    /// What was asked since the last look.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().expect("no panic"))
    }
}

fn answer_all(
    stream: TcpStream,
    folder: &std::path::Path,
    log: &Mutex<Vec<Asked>>,
    manner: &Mutex<Manner>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let mut words = lines.first().map_or("", String::as_str).split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().to_owned();
        let is_signed = lines.iter().any(|line| {
            let line = line.to_ascii_lowercase();
            line.starts_with("authorization: aws4-hmac-sha256")
        });
        log.lock().expect("no panic").push(Asked {
            method: method.clone(),
            path: path.clone(),
            is_signed,
        });
        let manner = *manner.lock().expect("no panic");
        let name = path.trim_start_matches("/docs").trim_start_matches('/');
        let file = fs::read(folder.join(name));
        let (status, mut body) = match (manner, file) {
            (Manner::Refuses, _) => ("403 Forbidden", b"<Error/>".to_vec()),
            (_, Ok(body)) => ("200 OK", body),
            (_, Err(_)) => (
                "404 Not Found",
                b"<Error><Code>NoSuchKey</Code></Error>".to_vec(),
            ),
        };
        let tag = blake3::hash(&body).to_hex();
        let mut length = body.len();
        if manner == Manner::Boasts && status == "200 OK" {
            length = 1 << 40;
        }
        if manner == Manner::Breaks {
            body.truncate(body.len() / 2);
        }
        if manner == Manner::Lies && name.ends_with(".lit") {
            let middle = body.len() / 2;
            body[middle] ^= 1;
        }
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nETag: \"{tag}\"\r\n\
             Last-Modified: Mon, 30 Nov 2026 09:00:00 GMT\r\n\r\n"
        )?;
        if method == "GET" {
            stream.write_all(&body)?;
        }
        if length != body.len() {
            return Ok(());
        }
    }
}
