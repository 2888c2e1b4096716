//! The tools that a model may call.

use super::{INVALID_PARAMS, Wrong, named};
use crate::context;
use crate::sandbox::SandboxError;
use crate::serve::Readable;
use littoral_guest::SearchOptions;
use littoral_guest::engine::{MAX_CHUNKS_READ, Mode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Longest query or id in bytes.
const MAX_TEXT_BYTES: usize = 2048;

/// Most hits of a search: more than a model reads.
const MAX_HITS: usize = 50;

/// Tokens of a context when nothing else is said.
const CONTEXT_TOKENS: u32 = context::DEFAULT_TOKENS;

/// What a tool answers: text for a model, and the same as data.
struct Answer {
    text: String,
    data: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    query: String,
    index: Option<String>,
    k: Option<usize>,
    mode: Option<Mode>,
    #[serde(default)]
    filters: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Context {
    query: String,
    index: Option<String>,
    max_tokens: Option<u32>,
    mode: Option<Mode>,
    #[serde(default)]
    filters: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadPassages {
    document: String,
    index: Option<String>,
    #[serde(default)]
    first: u32,
    count: Option<u32>,
}

/// The tools with what they take.
pub(super) fn list(indexes: &Readable<'_>) -> Value {
    let names = indexes.names();
    let index = json!({"enum": names, "description": "Which index to ask"});
    let query = json!({
        "type": "string", "maxLength": MAX_TEXT_BYTES,
        "description": "A question or words; \"phrases\", -excluded, +required, title:word"
    });
    let mode = json!({
        "enum": ["hybrid", "lexical", "dense"], "default": "hybrid",
        "description": "By words and meaning, by words, by meaning"
    });
    let filters = json!({
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
        "description": "Only documents with one of the values of each key"
    });
    let tool = |name: &str, title: &str, description: &str, required: &str, own: Value| {
        let mut properties = own;
        properties["index"] = index.clone();
        let mut required = vec![required];
        if names.len() > 1 {
            required.push("index");
        }
        json!({
            "name": name, "title": title, "description": description,
            "inputSchema": {
                "type": "object", "properties": properties, "required": required,
                "additionalProperties": false
            },
            "annotations": {"readOnlyHint": true, "openWorldHint": false}
        })
    };
    json!([
        tool(
            "search",
            "Search",
            "Finds the passages that answer best, one for each document, with their places.",
            "query",
            json!({
                "query": query.clone(), "mode": mode.clone(), "filters": filters.clone(),
                "k": {"type": "integer", "minimum": 1, "maximum": MAX_HITS, "default": 10}
            })
        ),
        tool(
            "context",
            "Passages to cite",
            "Gives numbered passages about something, as many as fit, to answer from and to cite by \
             their numbers.",
            "query",
            json!({
                "query": query, "mode": mode, "filters": filters,
                "max_tokens": {
                    "type": "integer", "minimum": 1, "maximum": context::MAX_TOKENS,
                    "default": CONTEXT_TOKENS
                }
            })
        ),
        tool(
            "read_passages",
            "Read on in a document",
            "Reads passages of a document in their order, by the document's id as a search gives it.",
            "document",
            json!({
                "document": {"type": "string", "maxLength": MAX_TEXT_BYTES},
                "first": {
                    "type": "integer", "minimum": 0, "default": 0,
                    "description": "Number of the first passage, from 0"
                },
                "count": {
                    "type": "integer", "minimum": 1, "maximum": MAX_CHUNKS_READ, "default": 8
                }
            })
        ),
    ])
}

/// Calls a tool. What goes wrong with the arguments is an error of the protocol; what goes wrong with
/// the index is told to the model.
pub(super) fn call(indexes: &Readable<'_>, parameters: &Value) -> Result<Value, Wrong> {
    let name = parameters.get("name").and_then(Value::as_str);
    let none = json!({});
    let arguments = parameters.get("arguments").unwrap_or(&none);
    let answer = match name {
        Some("search") => search(indexes, read(arguments)?),
        Some("context") => context(indexes, read(arguments)?),
        Some("read_passages") => read_passages(indexes, &read(arguments)?),
        Some(other) => return Err((INVALID_PARAMS, format!("there is no tool {other:?}"))),
        None => return Err((INVALID_PARAMS, "there is no name of a tool".to_owned())),
    };
    Ok(match answer? {
        Ok(Answer { text, data }) => json!({
            "content": [{"type": "text", "text": text}],
            "structuredContent": data,
            "isError": false
        }),
        Err(error) => json!({
            "content": [{"type": "text", "text": format!("{} ({})", error, error.code())}],
            "isError": true
        }),
    })
}

type Called = Result<Result<Answer, SandboxError>, Wrong>;

fn read<'a, T: Deserialize<'a>>(arguments: &'a Value) -> Result<T, Wrong> {
    T::deserialize(arguments).map_err(|error| (INVALID_PARAMS, error.to_string()))
}

fn bounded(text: &str, name: &str) -> Result<(), Wrong> {
    if text.len() <= MAX_TEXT_BYTES {
        return Ok(());
    }
    Err((
        INVALID_PARAMS,
        format!("{name} may have {MAX_TEXT_BYTES} bytes"),
    ))
}

fn options(mode: Option<Mode>, filters: BTreeMap<String, Vec<String>>) -> SearchOptions {
    let pairs = filters
        .into_iter()
        .flat_map(|(key, values)| values.into_iter().map(move |value| (key.clone(), value)));
    SearchOptions {
        mode: mode.unwrap_or_default(),
        filters: pairs.collect(),
        ..SearchOptions::default()
    }
}

fn search(indexes: &Readable<'_>, asked: Search) -> Called {
    bounded(&asked.query, "query")?;
    let tenant = named(indexes, asked.index.as_deref())?;
    let k = asked.k.unwrap_or(10);
    if !(1..=MAX_HITS).contains(&k) {
        return Err((INVALID_PARAMS, format!("k may be 1 to {MAX_HITS}")));
    }
    let options = SearchOptions {
        k,
        ..options(asked.mode, asked.filters)
    };
    let found = match tenant.search(&asked.query, &options) {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    let mut text = String::new();
    for note in &found.notes {
        // Writing to a string does not fail.
        let _ = writeln!(text, "({})", note.message);
    }
    if found.hits.is_empty() {
        text.push_str("Nothing was found.\n");
    }
    for hit in &found.hits {
        let _ = writeln!(
            text,
            "{}. {}\n   document {:?}, passage {}, {}\n{}\n",
            hit.rank,
            hit.document.title,
            hit.document.id,
            hit.chunk.id,
            hit.document.url,
            hit.chunk.text
        );
    }
    Ok(Ok(data(text, &found)))
}

fn context(indexes: &Readable<'_>, asked: Context) -> Called {
    bounded(&asked.query, "query")?;
    let tenant = named(indexes, asked.index.as_deref())?;
    let max_tokens = asked.max_tokens.unwrap_or(CONTEXT_TOKENS);
    if !(1..=context::MAX_TOKENS).contains(&max_tokens) {
        let message = format!("max_tokens may be 1 to {}", context::MAX_TOKENS);
        return Err((INVALID_PARAMS, message));
    }
    let options = context::options(options(asked.mode, asked.filters));
    let found = match tenant.search(&asked.query, &options) {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    let packed = context::pack(found, max_tokens);
    let text = if packed.text.is_empty() {
        "Nothing was found.".to_owned()
    } else {
        packed.text.clone()
    };
    Ok(Ok(data(text, &packed)))
}

fn read_passages(indexes: &Readable<'_>, asked: &ReadPassages) -> Called {
    bounded(&asked.document, "document")?;
    let tenant = named(indexes, asked.index.as_deref())?;
    let found = match tenant.read(&asked.document, asked.first, asked.count.unwrap_or(8)) {
        Ok(Some(found)) => found,
        Ok(None) => {
            let text = format!("There is no document {:?}.", asked.document);
            let none = json!({"document": null, "n_chunks": 0, "chunks": []});
            return Ok(Ok(data(text, &none)));
        }
        Err(error) => return Ok(Err(error)),
    };
    let mut text = format!("{} ({} passages)\n", found.document.title, found.n_chunks);
    for chunk in &found.chunks {
        let headings = chunk.heading.join(" › ");
        let _ = writeln!(text, "\n[passage {}] {headings}\n{}", chunk.id, chunk.text);
    }
    Ok(Ok(data(text, &found)))
}

fn data(text: String, value: &impl serde::Serialize) -> Answer {
    // What is shown is made of texts and numbers, which JSON has.
    let data = serde_json::to_value(value).unwrap_or_default();
    Answer { text, data }
}
