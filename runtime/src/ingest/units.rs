//! Cuts a file into units, streaming: what is in memory is one file, or one record of it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::{IngestOptions, Skipped, SourceFile, SourceKind, record};

/// What becomes one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its format.
    pub kind: SourceKind,
    /// The document's id, unless its record says otherwise: the path within the input folder.
    pub id_hint: String,
    /// Path of the file, for messages.
    pub path: Arc<str>,
    /// Line of the record in its file, from 1; 0 for a whole file.
    pub line: usize,
    /// The file or the record. A CSV record is a JSON object here, with its header's names.
    pub bytes: Vec<u8>,
}

impl Unit {
    /// Identity of the content: equal for equal bytes at an equal place, whenever they were written.
    pub fn hash(&self) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[self.kind as u8]);
        hasher.update(&(self.id_hint.len() as u64).to_le_bytes());
        hasher.update(self.id_hint.as_bytes());
        hasher.update(&self.bytes);
        let mut out = [0; 16];
        out.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        out
    }

    /// The place of the unit, as messages name it.
    pub fn place(&self) -> String {
        if self.line > 0 {
            format!("{}:{}", self.path, self.line)
        } else {
            self.path.to_string()
        }
    }

    /// The skip of this unit.
    pub(super) fn skip(&self, code: &'static str, message: impl Into<String>) -> Skipped {
        Skipped::new(self.place(), code, message)
    }

    pub(super) fn too_much_text(&self) -> Skipped {
        self.skip(
            "too-much-text",
            "the extracted text is larger than the limit; split the file",
        )
    }
}

/// Receives units one by one.
pub(super) type Each<'a> = dyn FnMut(Result<Unit, Skipped>) -> ControlFlow<()> + 'a;

/// Reads a file and hands its units to `each`, in order, until it breaks.
///
/// A record that cannot be read is handed on as [`Skipped`] and reading goes on.
pub fn units(
    file: &SourceFile,
    options: &IngestOptions,
    each: &mut dyn FnMut(Result<Unit, Skipped>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let path: Arc<str> = file.path.to_string_lossy().into();
    let unreadable = |error: std::io::Error| Skipped::new(&*path, "unreadable", error.to_string());
    let len_bytes;
    let open = match File::open(&file.path).and_then(|open| Ok((open.metadata()?, open))) {
        Ok((found, _)) if !found.is_file() => {
            return each(Err(Skipped::new(
                &*path,
                "not-regular-file",
                "only files are read",
            )));
        }
        Ok((found, open)) => {
            len_bytes = found.len();
            open
        }
        Err(error) => return each(Err(unreadable(error))),
    };
    match file.kind {
        SourceKind::Jsonl => lines(open, file, &path, options, each),
        SourceKind::Csv => record::csv_units(open, file, &path, options, each),
        _ => {
            let limit = options.limits.file_bytes;
            let unit = match read_whole(open, len_bytes, limit + 1) {
                Err(error) => Err(unreadable(error)),
                Ok(bytes) if bytes.len() as u64 > limit => Err(Skipped::new(
                    &*path,
                    "too-large",
                    format!("the file is larger than {limit} bytes; split it"),
                )),
                Ok(bytes) => Ok(Unit {
                    kind: file.kind,
                    id_hint: file.relative.clone(),
                    path: Arc::clone(&path),
                    line: 0,
                    bytes,
                }),
            };
            each(unit)
        }
    }
}

/// The bytes of a file that is about `len_bytes` long, at most `limit` of them: in one read, and one
/// more to see its end.
fn read_whole(mut open: File, len_bytes: u64, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; len_bytes.min(limit) as usize];
    let mut n_bytes = 0;
    while n_bytes < bytes.len() {
        match open.read(&mut bytes[n_bytes..]) {
            Ok(0) => break,
            Ok(n) => n_bytes += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(n_bytes);
    // It may have grown since.
    open.take(limit - n_bytes as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The lines of a JSONL file. Memory is bounded by the longest line allowed.
fn lines(
    open: File,
    file: &SourceFile,
    path: &Arc<str>,
    options: &IngestOptions,
    each: &mut Each<'_>,
) -> ControlFlow<()> {
    let limit = options.limits.record_bytes;
    let mut reader = BufReader::with_capacity(256 << 10, open);
    for line in 1.. {
        let mut bytes = Vec::new();
        let read = (&mut reader)
            .take(limit as u64 + 1)
            .read_until(b'\n', &mut bytes);
        let unit = match read {
            Ok(0) => break,
            Ok(_) if bytes.len() > limit && bytes.last() != Some(&b'\n') => {
                bytes = Vec::new();
                if skip_line(&mut reader).is_err() {
                    break;
                }
                let message = format!("the line is longer than {limit} bytes; split the document");
                Err(Skipped::new(format!("{path}:{line}"), "too-large", message))
            }
            Ok(_) if bytes.iter().all(u8::is_ascii_whitespace) => continue,
            Ok(_) => Ok(Unit {
                kind: SourceKind::Jsonl,
                id_hint: file.relative.clone(),
                path: Arc::clone(path),
                line,
                bytes,
            }),
            Err(error) => {
                let skipped =
                    Skipped::new(format!("{path}:{line}"), "unreadable", error.to_string());
                let _ = each(Err(skipped));
                break;
            }
        };
        each(unit)?;
    }
    ControlFlow::Continue(())
}

/// Reads on to the end of the line without keeping it.
fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let (used, done) = match memchr::memchr(b'\n', buffer) {
            Some(end) => (end + 1, true),
            None => (buffer.len(), false),
        };
        reader.consume(used);
        if done {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::discover;

    fn read(name: &str, bytes: &[u8], options: &IngestOptions) -> Vec<Result<Unit, Skipped>> {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(name), bytes).unwrap();
        let (files, _) = discover(&[root.path().to_owned()], options).unwrap();
        let mut out = Vec::new();
        let _ = units(&files[0], options, &mut |unit| {
            out.push(unit);
            ControlFlow::Continue(())
        });
        out
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_reading_goes_on() {
        let mut options = IngestOptions::default();
        options.limits.record_bytes = 10;
        let text = format!("{{\"a\":1}}\n{}\n\n{{\"b\":2}}", "x".repeat(1_000_000));
        let out = read("a.jsonl", text.as_bytes(), &options);
        assert_eq!(out.len(), 3);
        assert_eq!(out[0].as_ref().unwrap().line, 1);
        assert_eq!(out[1].as_ref().unwrap_err().code, "too-large");
        assert_eq!(out[2].as_ref().unwrap().line, 4);
    }

    #[test]
    fn a_file_over_the_limit_is_skipped() {
        let mut options = IngestOptions::default();
        options.limits.file_bytes = 3;
        assert_eq!(
            read("a.txt", b"abcd", &options)[0]
                .as_ref()
                .unwrap_err()
                .code,
            "too-large"
        );
        assert!(read("a.txt", b"abc", &options)[0].is_ok());
    }

    #[test]
    fn the_hash_knows_the_place_and_the_content_and_nothing_else() {
        let unit = |id: &str, line, bytes: &[u8]| Unit {
            kind: SourceKind::Text,
            id_hint: id.into(),
            path: "p".into(),
            line,
            bytes: bytes.into(),
        };
        assert_eq!(unit("a", 1, b"x").hash(), unit("a", 2, b"x").hash());
        assert_ne!(unit("a", 1, b"x").hash(), unit("b", 1, b"x").hash());
        assert_ne!(unit("a", 1, b"bx").hash(), unit("ab", 1, b"x").hash());
    }

    #[cfg(unix)]
    #[test]
    fn a_sparse_line_of_ten_gibibytes_costs_no_memory() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.jsonl");
        // A smaller hole shows the same: what counts is that it is read in pieces.
        File::create(&path).unwrap().set_len(256 << 20).unwrap();
        let file = SourceFile {
            path,
            relative: "a.jsonl".into(),
            kind: SourceKind::Jsonl,
        };
        let mut out = Vec::new();
        let _ = units(&file, &IngestOptions::default(), &mut |unit| {
            out.push(unit);
            ControlFlow::Continue(())
        });
        assert_eq!(out[0].as_ref().unwrap_err().code, "too-large");
    }
}
