//! Records: one document a JSONL line or CSV record,
//! `_id,title,text,url,lang,meta{},filters{},expansions{}`.
//!
//! A CSV header names the same fields. `meta.x` and `filters.x` are columns for one key each
//! (several filter values are separated by `|`), and a column of any other name is metadata.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use littoral_guest::Document;
use serde_json::{Map, Value, json};

use super::units::Each;
use super::{IngestOptions, Skipped, SourceFile, SourceKind, Unit, clean, paths, plain};

/// Longest id, in bytes.
const ID_BYTES: usize = 1024;

pub(super) fn parse(unit: &Unit, options: &IngestOptions) -> Result<Document, Skipped> {
    let text = std::str::from_utf8(&unit.bytes)
        .map_err(|_| unit.skip("not-utf8", "the line is not UTF-8; convert the file"))?;
    let record: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| unit.skip("bad-json", format!("not a JSON object: {error}")))?;
    let Value::Object(record) = record else {
        return Err(unit.skip("bad-json", "the line is JSON, but not an object"));
    };
    let id = ["_id", "id"]
        .iter()
        .find_map(|key| scalar(record.get(*key)?));
    let Some(id) = id.map(|id| clean::line(&id)).filter(|id| !id.is_empty()) else {
        return Err(unit.skip(
            "missing-id",
            "the record has no `_id`; add one, unique in the index",
        ));
    };
    if id.len() > ID_BYTES {
        return Err(unit.skip(
            "bad-id",
            format!("the `_id` is longer than {ID_BYTES} bytes"),
        ));
    }
    let string = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default();
    if !record.contains_key("text") && !record.contains_key("title") {
        return Err(unit.skip("missing-text", "the record has neither `text` nor `title`"));
    }
    let title = clean::line(string("title"));
    let mut document =
        plain::paragraphs(string("text"), title, options).ok_or_else(|| unit.too_much_text())?;
    if document.parts.is_empty() && document.title.is_empty() {
        return Err(unit.skip("no-text", "`text` and `title` are empty"));
    }
    document.lang = clean::lang(string("lang"));
    if let Some(Value::Object(meta)) = record.get("meta") {
        document.meta = meta
            .iter()
            .filter_map(|(key, value)| Some((clean::line(key), clean::line(&scalar(value)?))))
            .collect();
    }
    if let Some(Value::Object(filters)) = record.get("filters") {
        document.filters = filters
            .iter()
            .map(|(key, value)| (clean::line(key), values(value)))
            .filter(|(_, values)| !values.is_empty())
            .collect();
    }
    if let Some(terms) = record.get("expansions") {
        document.expansions = crate::expand::weights(terms)
            .map_err(|reason| unit.skip("bad-expansions", format!("`expansions`: {reason}")))?;
    }
    document.url = paths::declared(string("url"), options).unwrap_or_else(|| {
        let path = id
            .split('/')
            .all(|segment| segment != "..")
            .then(|| paths::encode(&id));
        let path = path.unwrap_or_else(|| paths::encode(&id.replace("..", "%2E%2E")));
        paths::declared(&path, options).unwrap_or(path)
    });
    document.id = id;
    Ok(document)
}

/// A string, number or truth value as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The values of a filter: one scalar or a list of them, in order, each once.
fn values(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let many = std::slice::from_ref(value);
    for value in value.as_array().map_or(many, Vec::as_slice) {
        let value = scalar(value)
            .map(|value| clean::line(&value))
            .unwrap_or_default();
        if !value.is_empty() && !out.contains(&value) {
            out.push(value);
        }
    }
    out
}

/// The records of a CSV or TSV file as units of JSON.
pub(super) fn csv_units(
    open: File,
    file: &SourceFile,
    path: &Arc<str>,
    options: &IngestOptions,
    each: &mut Each<'_>,
) -> ControlFlow<()> {
    let limit = options.limits.record_bytes;
    let tabs = file
        .path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("tsv"));
    let guard = Guard {
        inner: BufReader::with_capacity(256 << 10, open),
        left: limit,
    };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(if tabs { b'\t' } else { b',' })
        .flexible(true)
        .has_headers(false)
        .from_reader(guard);
    let mut header = csv::StringRecord::new();
    let mut record = csv::StringRecord::new();
    let bad = |line: u64, code, message: String| {
        Skipped::new(format!("{path}:{}", line.max(1)), code, message)
    };
    match reader.read_record(&mut header) {
        Ok(true) => header.trim(),
        Ok(false) => return each(Err(bad(1, "no-text", "the file is empty".into()))),
        Err(error) => return each(Err(bad(1, "bad-csv", error.to_string()))),
    }
    let names: Vec<&str> = header
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}'))
        .collect();
    if !names.contains(&"text") && !names.contains(&"title") {
        let message = format!(
            "the header `{}` names neither `text` nor `title`",
            names.join(",")
        );
        return each(Err(bad(1, "missing-text", message)));
    }
    loop {
        reader.get_mut().left = limit.max(1 << 20);
        let line = reader.position().line();
        let unit = match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => Ok(Unit {
                kind: SourceKind::Csv,
                id_hint: file.relative.clone(),
                path: Arc::clone(path),
                line: record.position().map_or(line, csv::Position::line) as usize,
                bytes: Value::Object(object(&names, &record))
                    .to_string()
                    .into_bytes(),
            }),
            Err(error) => match error.kind() {
                csv::ErrorKind::Io(_) => {
                    let message = format!("{error}; is a quote left open?");
                    let _ = each(Err(bad(line, "too-large", message)));
                    break;
                }
                csv::ErrorKind::Utf8 { .. } => Err(bad(line, "not-utf8", error.to_string())),
                _ => Err(bad(line, "bad-csv", error.to_string())),
            },
        };
        each(unit)?;
    }
    ControlFlow::Continue(())
}

fn object(names: &[&str], record: &csv::StringRecord) -> Map<String, Value> {
    let mut out = Map::new();
    let mut meta = Map::new();
    let mut filters = BTreeMap::new();
    for (name, value) in names.iter().zip(record) {
        match *name {
            "" => {}
            "_id" | "id" | "title" | "text" | "url" | "lang" => {
                out.insert((*name).to_owned(), json!(value));
            }
            "meta" => {
                if let Ok(Value::Object(given)) = serde_json::from_str(value) {
                    meta.extend(given);
                }
            }
            "filters" => {
                if let Ok(Value::Object(given)) = serde_json::from_str(value) {
                    filters.extend(given);
                }
            }
            name => {
                if let Some(key) = name.strip_prefix("filters.") {
                    filters.insert(key.to_owned(), value.split('|').map(str::trim).collect());
                } else if !value.is_empty() {
                    let key = name.strip_prefix("meta.").unwrap_or(name);
                    meta.insert(key.to_owned(), json!(value));
                }
            }
        }
    }
    out.insert("meta".into(), Value::Object(meta));
    out.insert(
        "filters".into(),
        Value::Object(filters.into_iter().collect()),
    );
    out
}

/// Bounds how much is read for one record, so that an open quote cannot swallow the memory.
struct Guard<R> {
    inner: R,
    left: usize,
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(std::io::Error::other("a record is longer than the limit"));
        }
        let room = buffer.len().min(self.left);
        let n_bytes = self.inner.read(&mut buffer[..room])?;
        self.left -= n_bytes;
        Ok(n_bytes)
    }
}
