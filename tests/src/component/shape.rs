//! Questions and answers of the world beside the engine's: the same JSON, the same errors.
#![allow(clippy::unwrap_used, reason = "a failing test says where")]

use super::wit;
use littoral_guest::SearchOptions;
use littoral_guest::engine::{EngineError, Mode};
use serde_json::{Map, Value, json};

/// The options as the component takes them.
pub fn asked(options: &SearchOptions) -> wit::SearchOptions {
    wit::SearchOptions {
        k: options.k as u32,
        mode: match options.mode {
            Mode::Hybrid => wit::Mode::Hybrid,
            Mode::Lexical => wit::Mode::Lexical,
            Mode::Dense => wit::Mode::Dense,
        },
        fusion: None,
        filters: (options.filters.iter().cloned())
            .map(|(key, value)| wit::Filter { key, value })
            .collect(),
        sort: options.sort.as_ref().map(|sort| wit::SortOrder {
            key: sort.key.clone(),
            descending: sort.descending,
        }),
        rerank: options.rerank.map(|rerank| wit::Rerank {
            model: rerank.model.to_vec(),
            depth: rerank.depth as u32,
        }),
        facets: options.facets.clone(),
        chunks: options.chunks,
        diversity: options.diversity,
        as_you_type: options.as_you_type,
        correct: options.correct,
        explain: options.explain,
        excerpt_chars: options.excerpt_chars as u32,
    }
}

/// What the native engine says, as the component can: without times.
pub fn native<T: serde::Serialize>(result: &T) -> Value {
    let mut value = serde_json::to_value(result).unwrap();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("timings_ms");
    }
    value
}

/// The name of a code: kebab-case, as in `wit/`.
fn name(code: wit::ErrorCode) -> String {
    let debug = format!("{code:?}");
    debug.trim_start_matches("ErrorCode::").to_lowercase()
}

/// Holds an error of the component against the engine's.
pub fn assert_same_error(found: &wit::Error, expected: &EngineError, what: &str) {
    let code = name(found.code).replace('-', "");
    assert_eq!(code, expected.code().replace('-', ""), "{what}");
    assert_eq!(found.message, expected.to_string(), "{what}");
    assert_eq!(found.hint, expected.hint(), "{what}");
}

/// A record of the world as the JSON of the program has it: maps and trees for lists of their parts.
pub fn as_json(record: &impl serde::Serialize) -> Value {
    shaped(serde_json::to_value(record).unwrap())
}

fn shaped(value: Value) -> Value {
    let Value::Object(fields) = value else {
        return match value {
            Value::Array(values) => values.into_iter().map(shaped).collect(),
            other => other,
        };
    };
    let mut shape = Map::new();
    for (name, value) in fields {
        let value = match (name.as_str(), value) {
            ("mode", Value::String(mode)) => mode.to_lowercase().into(),
            ("meta", fields) => map(&fields, "name", "value"),
            ("facets", facets) if facets == json!([]) => continue,
            ("facets", facets) => map(&facets, "key", "values"),
            ("explain", parts) if parts == json!([]) => continue,
            ("explain", Value::Array(parts)) => tree(&parts),
            ("suggestion", Value::Null) => continue,
            (_, other) => shaped(other),
        };
        shape.insert(name, value);
    }
    Value::Object(shape)
}

/// A list of keys and values as a map.
pub fn map(list: &Value, key: &str, value: &str) -> Value {
    let entry = |entry: &Value| {
        (
            entry[key].as_str().unwrap().to_owned(),
            entry[value].clone(),
        )
    };
    Value::Object(list.as_array().unwrap().iter().map(entry).collect())
}

/// Parts with their depths as the tree that they are.
fn tree(parts: &[Value]) -> Value {
    let depth = |part: &Value| part["depth"].as_u64().unwrap();
    let (whole, rest) = parts.split_first().unwrap();
    let below = depth(whole) + 1;
    let starts: Vec<usize> = (0..rest.len())
        .filter(|&i| depth(&rest[i]) == below)
        .collect();
    let ends = starts.iter().skip(1).copied().chain([rest.len()]);
    let children: Vec<Value> = starts
        .iter()
        .zip(ends)
        .map(|(&from, to)| tree(&rest[from..to]))
        .collect();
    let mut shape = json!({"label": whole["label"], "value": whole["value"]});
    if !children.is_empty() {
        shape["parts"] = children.into();
    }
    shape
}
