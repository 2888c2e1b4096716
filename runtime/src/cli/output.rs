//! What the program writes: results to standard output, errors to standard error or as JSON.
#![expect(clippy::print_stderr, reason = "this is where errors are shown")]

use serde::Serialize;
use serde_json::json;
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

/// An error as a person or a program reads it.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// Stable, kebab-case.
    pub(super) code: Cow<'static, str>,
    /// What is wrong, with the file and place.
    pub(super) message: String,
    /// What to do about it.
    pub(super) hint: String,
}

impl Failure {
    pub(super) fn new(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Prints a line of a result. A reader that has gone away, as `head` does, has what it wanted; a
/// result that cannot be written otherwise is an error.
pub(super) fn line(text: impl AsRef<str>) {
    if let Err(error) = put(text.as_ref()) {
        let is_gone = error.kind() == io::ErrorKind::BrokenPipe;
        std::process::exit(if is_gone { 0 } else { 2 });
    }
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Prints a result as JSON on one line.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value)
        .map_err(|e| Failure::new("internal", e.to_string(), "please report this"))?;
    line(text);
    Ok(())
}

/// Says what takes a while, on standard error and only to a terminal.
pub(super) fn notice(text: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("{text}");
    }
}

/// Shows what went wrong.
pub(super) fn failure(failure: &Failure, as_json: bool) {
    let Failure {
        code,
        message,
        hint,
    } = failure;
    if as_json {
        let error = json!({"error": {"code": code, "message": message, "hint": hint}});
        // What cannot be printed cannot be reported either; the exit code still tells.
        let _ = put(&error.to_string());
    } else {
        eprintln!("error: {message}");
        if !hint.is_empty() {
            eprintln!("hint:  {hint}");
        }
    }
}

/// An excerpt for a terminal: marks in bold, entities as characters.
pub(super) fn marked(excerpt: &str) -> String {
    let (on, off) = if io::stdout().is_terminal() {
        ("\u{1b}[1m", "\u{1b}[0m")
    } else {
        ("", "")
    };
    excerpt
        .replace("<mark>", on)
        .replace("</mark>", off)
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// Bytes in the unit a person reads.
pub(super) fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}
