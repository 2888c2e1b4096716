//! The folder of training data: rows that other trainers read too, and a query set that `littoral eval`
//! reads.
//!
//! ```text
//! train.jsonl, held-out.jsonl   one row a line, see below
//! queries.jsonl                 {"_id":"…","text":"…"} of both
//! qrels/train.tsv, qrels/held-out.tsv
//! flagged.jsonl                 pairs that were left out of the training, with the reason
//! prepared.json                 sources, counts, seed, and the hash of all of the above
//! ```
//!
//! A row has the columns of the `sentence-transformers` library, `anchor`, `positive`, `negative_1` and
//! so on, in that order, and behind them names for the passages: `query_id`, `source`, `positive_id`,
//! `positive_chunk`, `negative_ids`, `negative_chunks`. A chunk is counted from 0 within its document.

use super::error::TuneError;
use super::sources::Source;
use crate::eval::Dataset;
use crate::eval::draft::key;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Files that the hash is of, in its order.
const HASHED: [&str; 5] = [
    "train.jsonl",
    "held-out.jsonl",
    "queries.jsonl",
    "qrels/train.tsv",
    "qrels/held-out.tsv",
];

/// What a line of rows needs.
const EXPECTED: &str = "\"anchor\", \"positive\", \"query_id\" and \"positive_id\"";

/// A row: a query, a passage that answers it, and passages that do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The query.
    pub anchor: String,
    /// What the encoder reads of the passage that answers it.
    pub positive: String,
    /// And of those that do not.
    pub negatives: Vec<String>,
    /// Id of the query.
    pub query_id: String,
    /// Where the query comes from.
    pub source: Source,
    /// The document of the positive, and the passage within it.
    pub positive_place: (String, usize),
    /// The same of the negatives.
    pub negative_places: Vec<(String, usize)>,
}

impl Row {
    /// The row as a line of JSON, its columns in the order of the [module](self).
    pub fn line(&self) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        let mut columns = vec![
            ("anchor".to_owned(), quoted(&self.anchor)),
            ("positive".to_owned(), quoted(&self.positive)),
        ];
        for (i, negative) in (1..).zip(&self.negatives) {
            columns.push((format!("negative_{i}"), quoted(negative)));
        }
        let (positive_id, positive_chunk) = &self.positive_place;
        let ids = self.negative_places.iter().map(|(id, _)| id.as_str());
        let chunks = self.negative_places.iter().map(|(_, chunk)| *chunk);
        let ids = Value::from(ids.collect::<Vec<_>>()).to_string();
        let chunks = Value::from(chunks.collect::<Vec<_>>()).to_string();
        columns.extend([
            ("query_id".to_owned(), quoted(&self.query_id)),
            ("source".to_owned(), quoted(self.source.name())),
            ("positive_id".to_owned(), quoted(positive_id)),
            ("positive_chunk".to_owned(), positive_chunk.to_string()),
            ("negative_ids".to_owned(), ids),
            ("negative_chunks".to_owned(), chunks),
        ]);
        let columns = columns.iter();
        let columns = columns.map(|(name, value)| format!("{}: {value}", quoted(name)));
        format!("{{{}}}\n", columns.collect::<Vec<_>>().join(", "))
    }

    fn read(text: &str) -> Result<Self, serde_json::Error> {
        let line: Line = serde_json::from_str(text)?;
        let negatives = (1..).map_while(|i| match line.more.get(&format!("negative_{i}")) {
            Some(Value::String(text)) => Some(text.clone()),
            _ => None,
        });
        let chunks = line.negative_chunks.into_iter().chain(std::iter::repeat(0));
        Ok(Self {
            negatives: negatives.collect(),
            anchor: line.anchor,
            positive: line.positive,
            query_id: line.query_id,
            source: line.source,
            positive_place: (line.positive_id, line.positive_chunk),
            negative_places: line.negative_ids.into_iter().zip(chunks).collect(),
        })
    }
}

#[derive(Deserialize)]
struct Line {
    anchor: String,
    positive: String,
    query_id: String,
    #[serde(default = "judged")]
    source: Source,
    positive_id: String,
    #[serde(default)]
    positive_chunk: usize,
    #[serde(default)]
    negative_ids: Vec<String>,
    #[serde(default)]
    negative_chunks: Vec<usize>,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

fn judged() -> Source {
    Source::Judged
}

/// A folder of training data, read.
#[derive(Debug, Clone)]
pub struct Pairs {
    /// Rows to train on.
    pub train: Vec<Row>,
    /// Rows held out.
    pub held_out: Vec<Row>,
    /// The held-out queries with all that answers them.
    pub judged: Dataset,
    /// Hash of the files, in hexadecimal.
    pub hash: String,
}

/// Something that stands on both sides of a split.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Leaks {
    /// Held-out queries that are trained on, but for spelling.
    pub queries: Vec<String>,
    /// Documents that answer held-out queries and those that are trained on.
    pub documents: Vec<String>,
}

impl Leaks {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty() && self.documents.is_empty()
    }

    /// In a sentence.
    pub fn describe(&self) -> String {
        let of = |what: &str, all: &[String]| {
            let first = all.first().map(|first| format!(", such as {first:?}"));
            format!("{} {what}{}", all.len(), first.unwrap_or_default())
        };
        format!(
            "train.jsonl has {} and {} of held-out.jsonl",
            of("queries", &self.queries),
            of("answering documents", &self.documents)
        )
    }
}

impl Pairs {
    /// Reads the folder.
    ///
    /// # Errors
    /// [`TuneError`] when a file is missing or a line is not what it should be.
    pub fn read(folder: &Path) -> Result<Self, TuneError> {
        if let Some(missing) = HASHED.iter().find(|name| !folder.join(name).is_file()) {
            return Err(TuneError::NotPrepared {
                path: folder.to_owned(),
                reason: format!("it has no {missing}"),
            });
        }
        let train = rows(&folder.join("train.jsonl"))?;
        let held_out = rows(&folder.join("held-out.jsonl"))?;
        for (name, rows) in [("train.jsonl", &train), ("held-out.jsonl", &held_out)] {
            if rows.is_empty() {
                return Err(TuneError::NotPrepared {
                    path: folder.to_owned(),
                    reason: format!("{name} has no rows"),
                });
            }
        }
        Ok(Self {
            train,
            held_out,
            judged: Dataset::open(folder, "held-out")?,
            hash: hash(folder)?,
        })
    }

    /// What stands on both sides.
    pub fn leaks(&self) -> Leaks {
        let trained: BTreeSet<String> = self.train.iter().map(|row| key(&row.anchor)).collect();
        let answering = self.train.iter().map(|row| row.positive_place.0.as_str());
        let answering: BTreeSet<&str> = answering.collect();
        let mut queries: BTreeSet<&str> = BTreeSet::new();
        let mut documents: BTreeSet<&str> = BTreeSet::new();
        let held = self.held_out.iter();
        let held = held.map(|row| (row.anchor.as_str(), row.positive_place.0.as_str()));
        let judged = self.judged.judged_queries().flat_map(|query| {
            let grades = self.judged.qrels.grades(&query.id).into_iter().flatten();
            let relevant = grades.filter(|(_, grade)| **grade > 0);
            relevant.map(|(id, _)| (query.text.as_str(), id.as_str()))
        });
        for (query, document) in held.chain(judged) {
            if trained.contains(&key(query)) {
                queries.insert(query);
            }
            if answering.contains(document) {
                documents.insert(document);
            }
        }
        let owned = |all: BTreeSet<&str>| all.into_iter().map(str::to_owned).collect();
        Leaks {
            queries: owned(queries),
            documents: owned(documents),
        }
    }
}

/// The rows of a file.
fn rows(path: &Path) -> Result<Vec<Row>, TuneError> {
    let text = fs::read_to_string(path).map_err(TuneError::io("read", path))?;
    let mut rows = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        rows.push(Row::read(text).map_err(|error| TuneError::Line {
            path: path.to_owned(),
            line,
            reason: error.to_string().replace(" at line 1 column", " at column"),
            expected: EXPECTED,
        })?);
    }
    Ok(rows)
}

/// Hash of what is trained on and measured with, in hexadecimal.
fn hash(folder: &Path) -> Result<String, TuneError> {
    let mut hasher = blake3::Hasher::new();
    for name in HASHED {
        let path = folder.join(name);
        let bytes = fs::read(&path).map_err(TuneError::io("read", &path))?;
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Writes the folder: `rows` of both sides, `grades` of each side by query id and document id, what was
/// `flagged`. Returns the hash.
///
/// # Errors
/// [`TuneError::Io`] when a file cannot be written.
pub fn write(
    folder: &Path,
    [train, held_out]: [&[Row]; 2],
    grades: [&BTreeMap<(String, String), i32>; 2],
    flagged: &str,
) -> Result<String, TuneError> {
    let put = |name: &str, text: &str| -> Result<PathBuf, TuneError> {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(TuneError::io("make the folder", parent))?;
        }
        fs::write(&path, text).map_err(TuneError::io("write", &path))?;
        Ok(path)
    };
    let lines = |rows: &[Row]| rows.iter().map(Row::line).collect::<String>();
    put("train.jsonl", &lines(train))?;
    put("held-out.jsonl", &lines(held_out))?;
    let both = train.iter().chain(held_out);
    let queries: BTreeMap<&str, &str> = both
        .map(|row| (row.query_id.as_str(), row.anchor.as_str()))
        .collect();
    let queries = queries.into_iter().map(|(id, text)| {
        let (id, text) = (Value::from(id), Value::from(text));
        format!("{{\"_id\": {id}, \"text\": {text}}}\n")
    });
    put("queries.jsonl", &queries.collect::<String>())?;
    for (name, grades) in ["qrels/train.tsv", "qrels/held-out.tsv"].iter().zip(grades) {
        let lines = grades.iter();
        let lines =
            lines.map(|((query, document), grade)| format!("{query}\t{document}\t{grade}\n"));
        let lines = lines.collect::<String>();
        put(name, &format!("query-id\tcorpus-id\tscore\n{lines}"))?;
    }
    put("flagged.jsonl", flagged)?;
    hash(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_written_and_its_columns_come_first() {
        let row = Row {
            anchor: "a \"b\"".into(),
            positive: "c\nd".into(),
            negatives: vec!["e".into(), "f".into()],
            query_id: "q1".into(),
            source: Source::Clicks,
            positive_place: ("x.md".into(), 2),
            negative_places: vec![("y.md".into(), 0), ("z.md".into(), 1)],
        };
        let line = row.line();
        assert!(
            line.starts_with(
                "{\"anchor\": \"a \\\"b\\\"\", \"positive\": \"c\\nd\", \"negative_1\": \"e\""
            ),
            "{line}"
        );
        assert_eq!(Row::read(&line).unwrap(), row);
    }
}
