//! A tuned table as a file: what was learned, how, and on what.
//!
//! The file is in the form of safetensors, so that other programs read it too: `map`, `[dims, dims]`,
//! `rows`, `[n, dims]`, and as metadata the record and the names of the rows, each as JSON.

use super::error::TuneError;
use super::table::{Name, Table};
use crate::models::safetensors::{self, Tensors};
use littoral_guest::table::tune::Correction;
use littoral_indexes::IndexError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// How a table was tuned.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What was tuned: `table`.
    pub target: String,
    /// The program that did it.
    pub created_by: String,
    /// The model that encoded the documents, in hexadecimal.
    pub model: String,
    /// The table that it began with, in hexadecimal.
    pub table: String,
    /// The folder of pairs.
    pub data: String,
    /// Its hash, in hexadecimal.
    pub data_hash: String,
    /// Pairs trained on, and their queries.
    pub n_pairs: u64,
    /// See `n_pairs`.
    pub n_queries: u64,
    /// Queries that chose when to end.
    pub n_choosing: u64,
    /// Words of queries that got a row.
    pub new_words: u64,
    /// Seed and options, by name.
    pub options: BTreeMap<String, f64>,
    /// Looks at the training, to choose by and then at the last one.
    pub curve: Vec<Point>,
    /// Steps that did best.
    pub best_step: u32,
    /// How rankings are joined best with it, in 1/256 of vectors; as before where that is not better.
    pub fusion: Option<u16>,
    /// What both sides of the data have in common, where that was let pass.
    pub leaks: u64,
    /// Wall time in seconds.
    pub seconds: f64,
}

/// A look at the training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Steps done.
    pub step: u32,
    /// Mean loss since the look before.
    pub loss: f64,
    /// nDCG@10 of queries of the training that were set aside to choose by, by vectors or reranked.
    pub ndcg: f64,
}

impl Point {
    /// The loss for people: before the first step there is none.
    pub fn shown_loss(&self) -> String {
        match self.step {
            0 => "–".to_owned(),
            _ => format!("{:.4}", self.loss),
        }
    }
}

/// A tuned table.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuned {
    /// How it came about.
    pub record: Record,
    /// The map, `[dims, dims]`: what is added to a row.
    pub map: Vec<f32>,
    /// Rows as they go into the map.
    pub rows: BTreeMap<Name, Vec<f32>>,
}

impl Tuned {
    /// What `correction` learned of the rows with `names`.
    pub fn new(record: Record, names: &[Name], correction: Correction) -> Self {
        let dims = correction.map.len().isqrt().max(1);
        let rows = correction.rows.chunks_exact(dims).map(<[f32]>::to_vec);
        Self {
            record,
            map: correction.map,
            rows: names.iter().cloned().zip(rows).collect(),
        }
    }

    /// The payloads of the blocks of `table` with what was learned.
    ///
    /// # Errors
    /// [`IndexError`] when a row cannot be written.
    pub fn blocks(&self, table: &Table) -> Result<Vec<Vec<u8>>, IndexError> {
        table.rewritten(&self.rows, |row| {
            let lines = self.map.chunks_exact(row.len().max(1));
            let mapped = row.iter().zip(lines).map(|(own, line)| {
                let more: f32 = line.iter().zip(row).map(|(a, b)| a * b).sum();
                own + more
            });
            mapped.collect()
        })
    }

    /// Writes the file, by replacing what is there.
    ///
    /// # Errors
    /// [`TuneError::Io`] when it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), TuneError> {
        let dims = self.map.len().isqrt();
        let names: Vec<[&str; 2]> = self
            .rows
            .keys()
            .map(|name| [name.home.as_str(), name.key.as_str()])
            .collect();
        let mut metadata = Map::new();
        metadata.insert(
            "littoral-tuned".into(),
            json!(self.record).to_string().into(),
        );
        metadata.insert("names".into(), json!(names).to_string().into());
        let rows: Vec<f32> = self.rows.values().flatten().copied().collect();
        let tensors = [
            ("map".to_owned(), vec![dims, dims], self.map.as_slice()),
            ("rows".to_owned(), vec![self.rows.len(), dims], &rows),
        ];
        let bytes = safetensors::write(&metadata, &tensors);
        // A file that is there stays whole until the new one is.
        let new = path.with_extension("new");
        fs::write(&new, bytes).map_err(TuneError::io("write", &new))?;
        fs::rename(&new, path).map_err(TuneError::io("write", path))
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`TuneError`] when it is not there, or not what [`Self::write`] wrote.
    pub fn read(path: &Path) -> Result<Self, TuneError> {
        let bytes = fs::read(path).map_err(TuneError::io("read", path))?;
        let not_tuned = |reason: String| TuneError::NotTuned {
            path: path.to_owned(),
            reason,
        };
        let tensors = Tensors::read(&bytes).map_err(|error| not_tuned(error.to_string()))?;
        let text = |name: &str| {
            let text = tensors.metadata(name);
            text.ok_or_else(|| not_tuned(format!("its metadata has no {name:?}")))
        };
        let bad = |error: serde_json::Error| not_tuned(format!("its metadata: {error}"));
        let record: Record = serde_json::from_str(text("littoral-tuned")?).map_err(bad)?;
        let names: Vec<[String; 2]> = serde_json::from_str(text("names")?).map_err(bad)?;
        let shape = tensors.shape("map").map_err(|e| not_tuned(e.to_string()))?;
        let dims = shape.first().copied().unwrap_or_default();
        let tensor = |name: &str, shape: &[usize]| {
            let values = tensors.get(name, shape);
            values.map_err(|error| not_tuned(error.to_string()))
        };
        let map = tensor("map", &[dims, dims])?;
        let rows = tensor("rows", &[names.len(), dims])?;
        let rows = rows.chunks_exact(dims.max(1)).map(<[f32]>::to_vec);
        let names = names.into_iter().map(|[home, key]| Name { home, key });
        Ok(Self {
            record,
            map,
            rows: names.zip(rows).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tuned_table_is_read_as_written_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tuned");
        let name = |key: &str| Name {
            home: "tide".into(),
            key: key.into(),
        };
        let tuned = Tuned {
            record: Record {
                n_pairs: 3,
                fusion: Some(90),
                ..Record::default()
            },
            map: vec![0.25, 0.0, 1.0, -1.0],
            rows: [
                (name("spring tide"), vec![1.0, 2.0]),
                (name("tide"), vec![3.0, 4.0]),
            ]
            .into(),
        };
        tuned.write(&path).unwrap();
        assert_eq!(Tuned::read(&path).unwrap(), tuned);
        let bytes = fs::read(&path).unwrap();
        for n in [0, 7, 40, bytes.len() - 1] {
            fs::write(&path, &bytes[..n]).unwrap();
            let error = Tuned::read(&path).unwrap_err();
            assert_eq!(error.code(), "not-tuned", "{error}");
        }
    }
}
