//! Parsing in a child process, for formats whose parsers may crash, spin or swallow memory.
//!
//! The child is this program run again with the hidden argument `__parse`. It limits its own memory
//! and processor time before it reads a byte of the document, reads the unit on stdin (one line of
//! JSON, then the bytes), and writes one JSON object after [`MARK`] on stdout. The parent waits for
//! at most the wall-clock limit, then kills it. Whatever happens to the child is a [`Skipped`].

use std::io::{BufRead, Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use littoral_guest::{Document, Part, PartKind};
use serde::{Deserialize, Serialize};

use super::skipped::Reason;
use super::{IngestOptions, Limits, Skipped, SourceKind, Unit, parse_here};

/// The hidden argument.
const ARGUMENT: &str = "__parse";
/// Record separator: what parsers print before it is not ours.
const MARK: u8 = 0x1e;

/// What the child is told before the bytes.
#[derive(Serialize, Deserialize)]
struct Request {
    kind: String,
    id_hint: String,
    base_url: Option<String>,
    lang: Option<String>,
    text_bytes: usize,
    child_seconds: u64,
    child_bytes: u64,
}

#[derive(Serialize, Deserialize)]
enum Reply {
    Document(Box<Wire>),
    Skipped(Reason),
}

/// A document on its way between the processes.
#[derive(Serialize, Deserialize)]
struct Wire {
    id: String,
    url: String,
    title: String,
    lang: Option<String>,
    meta: std::collections::BTreeMap<String, String>,
    filters: std::collections::BTreeMap<String, Vec<String>>,
    sort: std::collections::BTreeMap<String, String>,
    text: String,
    /// Level (0 paragraph, 1 to 6 heading, 7 code), anchor, start, end, weight.
    parts: Vec<(u8, Option<String>, usize, usize, u8)>,
}

/// Parses a unit in a child process.
pub(super) fn parse(unit: &Unit, options: &IngestOptions) -> Result<Document, Skipped> {
    let unavailable = |error: std::io::Error| {
        unit.skip(
            "parser-unavailable",
            format!("cannot run the parser process: {error}"),
        )
    };
    let executable = match &options.executable {
        Some(path) => path.clone(),
        None => std::env::current_exe().map_err(unavailable)?,
    };
    let mut child = Command::new(executable)
        .arg(ARGUMENT)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(unavailable)?;
    let output = converse(&mut child, unit, options);
    if output.is_none() {
        let _ = child.kill();
    }
    let status = child.wait();
    let Some(output) = output else {
        let seconds = options.limits.child_seconds;
        return Err(unit.skip(
            "parser-timeout",
            format!("parsing took more than {seconds} s"),
        ));
    };
    let reply = memchr::memrchr(MARK, &output)
        .and_then(|at| serde_json::from_slice::<Reply>(&output[at + 1..]).ok());
    match reply {
        Some(Reply::Document(wire)) => wire.open(unit),
        Some(Reply::Skipped(reason)) => Err(reason.at(&unit.place())),
        None => {
            let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            let message = format!("the parser crashed ({how}); is the file damaged?");
            Err(unit.skip("parser-crashed", message))
        }
    }
}

/// Writes the request and reads the reply; `None` when time is up.
fn converse(child: &mut Child, unit: &Unit, options: &IngestOptions) -> Option<Vec<u8>> {
    let limits = &options.limits;
    let request = Request {
        kind: format!("{:?}", unit.kind),
        id_hint: unit.id_hint.clone(),
        base_url: options.base_url.clone(),
        lang: options.lang.clone(),
        text_bytes: limits.text_bytes,
        child_seconds: limits.child_seconds,
        child_bytes: limits.child_bytes,
    };
    let mut stdin = child.stdin.take()?;
    let stdout = child.stdout.take()?;
    // JSON may take up to six bytes for one.
    let most = limits.text_bytes as u64 * 7 + (16 << 20);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A child that died early leaves a broken pipe, and its status tells the rest.
            let header = serde_json::to_vec(&request).unwrap_or_default();
            let _ = stdin
                .write_all(&header)
                .and_then(|()| stdin.write_all(b"\n"))
                .and_then(|()| stdin.write_all(&unit.bytes));
        });
        scope.spawn(move || {
            let mut output = Vec::new();
            let _ = stdout.take(most).read_to_end(&mut output);
            let _ = sender.send(output);
        });
        let output = receiver
            .recv_timeout(Duration::from_secs(limits.child_seconds))
            .ok();
        if output.is_none() {
            // Both threads end once the pipes are closed.
            let _ = child.kill();
        }
        output
    })
}

/// The child's side: parses the unit on stdin and writes the reply on stdout.
///
/// To be called, and nothing else done, when the program's only argument is `__parse`.
pub fn child_main() -> ExitCode {
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
    }
}

fn answer() -> std::io::Result<()> {
    let mut stdin = std::io::stdin().lock();
    let mut header = String::new();
    stdin.read_line(&mut header)?;
    let request: Request = serde_json::from_str(&header)?;
    limit(&request);
    let kind = match request.kind.as_str() {
        "Pdf" => SourceKind::Pdf,
        "Docx" => SourceKind::Docx,
        "Markdown" => SourceKind::Markdown,
        "Html" => SourceKind::Html,
        _ => SourceKind::Text,
    };
    let mut bytes = Vec::new();
    stdin.read_to_end(&mut bytes)?;
    let unit = Unit {
        kind,
        id_hint: request.id_hint,
        path: "".into(),
        line: 0,
        bytes,
    };
    let options = IngestOptions {
        base_url: request.base_url,
        lang: request.lang,
        limits: Limits {
            text_bytes: request.text_bytes,
            ..Limits::default()
        },
        ..IngestOptions::default()
    };
    let parsed = std::panic::catch_unwind(|| parse_here(&unit, &options));
    let reply = match parsed {
        Ok(Ok(document)) => Reply::Document(Box::new(Wire::new(document))),
        Ok(Err(skipped)) => Reply::Skipped(Reason {
            code: skipped.code.into(),
            message: skipped.message,
        }),
        Err(_) => Reply::Skipped(Reason {
            code: "parser-crashed".into(),
            message: "the parser failed on this file; is it damaged?".into(),
        }),
    };
    let mut out = vec![MARK];
    serde_json::to_writer(&mut out, &reply)?;
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&out)?;
    stdout.flush()
}

#[cfg(unix)]
fn limit(request: &Request) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let seconds = request.child_seconds;
    for (resource, most) in [
        (Resource::As, request.child_bytes),
        (Resource::Cpu, seconds),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nofile, 16),
    ] {
        // Where the system knows no such limit, the parent's clock still holds.
        let _ = setrlimit(
            resource,
            Rlimit {
                current: Some(most),
                maximum: Some(most),
            },
        );
    }
}

#[cfg(not(unix))]
fn limit(_: &Request) {}

impl Wire {
    fn new(document: Document) -> Self {
        let parts = document.parts.into_iter().map(|part| {
            let (level, anchor) = match part.kind {
                PartKind::Paragraph => (0, None),
                PartKind::Heading { level, anchor } => (level, anchor),
                PartKind::Code => (7, None),
            };
            (level, anchor, part.start, part.end, part.weight)
        });
        Self {
            parts: parts.collect(),
            id: document.id,
            url: document.url,
            title: document.title,
            lang: document.lang,
            meta: document.meta,
            filters: document.filters,
            sort: document.sort,
            text: document.text,
        }
    }

    /// The document, where it keeps the invariant: a broken child may write anything.
    fn open(self, unit: &Unit) -> Result<Document, Skipped> {
        let mut last = 0;
        let mut parts = Vec::with_capacity(self.parts.len());
        for (level, anchor, start, end, weight) in self.parts {
            let fits = start >= last && start <= end && self.text.get(start..end).is_some();
            if !fits || level > 7 || weight > 100 {
                return Err(unit.skip("parser-crashed", "the parser wrote a broken document"));
            }
            last = end;
            let kind = match level {
                0 => PartKind::Paragraph,
                7 => PartKind::Code,
                level => PartKind::Heading { level, anchor },
            };
            parts.push(Part {
                kind,
                start,
                end,
                weight,
            });
        }
        Ok(Document {
            parts,
            id: self.id,
            url: self.url,
            title: self.title,
            lang: self.lang,
            meta: self.meta,
            filters: self.filters,
            sort: self.sort,
            // Only records have them, and no child parses one.
            expansions: std::collections::BTreeMap::new(),
            text: self.text,
        })
    }
}
