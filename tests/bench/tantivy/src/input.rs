//! Corpus and queries, one JSON object a line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[derive(Deserialize)]
pub(crate) struct Document {
    #[serde(rename = "_id")]
    id: Value,
    #[serde(default)]
    pub(crate) title: String,
    pub(crate) text: String,
}

impl Document {
    pub(crate) fn id(&self) -> String {
        plain(&self.id)
    }
}

pub(crate) struct Query {
    pub(crate) id: String,
    pub(crate) text: String,
}

pub(crate) fn documents(path: &Path) -> Result<impl Iterator<Item = Result<Document>>> {
    read_lines(path)
}

pub(crate) fn read_queries(path: &Path) -> Result<Vec<Query>> {
    #[derive(Deserialize)]
    struct Line {
        #[serde(rename = "_id")]
        id: Value,
        text: String,
    }
    read_lines::<Line>(path)?
        .map(|line| {
            line.map(|Line { id, text }| Query {
                id: plain(&id),
                text,
            })
        })
        .collect()
}

fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<impl Iterator<Item = Result<T>>> {
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    Ok(BufReader::new(file)
        .lines()
        .enumerate()
        .map(move |(i, line)| {
            serde_json::from_str(&line?).with_context(|| format!("{name}:{}", i + 1))
        }))
}

/// An id written as a string or a number.
fn plain(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
