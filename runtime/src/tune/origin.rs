//! What a packed model was made of, in a file of its own beside it.

use super::encoder::{RECORD, Record, record};
use super::error::TuneError;
use crate::models::adapter::{Adapter, NUMBERS, Part};
use crate::models::folder::WEIGHTS;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// What a packed model says of the training behind it, in a file of its own beside the model's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Id of the packed model, in hexadecimal: another one has another origin.
    pub model: String,
    /// SHA-256 of the weights, in hexadecimal.
    pub base: String,
    /// BLAKE3 of the file of the adapter's numbers, or of a cross-encoder's, in hexadecimal.
    pub adapter: String,
    /// Rank of its changes.
    pub rank: usize,
    /// Which matrices it changes.
    pub matrices: Vec<Part>,
    /// How it was trained, where that is known.
    pub training: Option<Record>,
}

impl Origin {
    /// Of the packed model with the id `model`, made of weights with the SHA-256 `base` and the `adapter` in
    /// the folder `path`.
    ///
    /// # Errors
    /// [`TuneError::NotTrained`] when the adapter has a record that cannot be read.
    pub fn new(
        model: String,
        base: String,
        adapter: &Adapter,
        path: &Path,
    ) -> Result<Self, TuneError> {
        let numbers = path.join(NUMBERS);
        let bytes = fs::read(&numbers).map_err(TuneError::io("read", &numbers))?;
        let training = path.join(RECORD);
        let training = training.is_file().then(|| record(&training)).transpose()?;
        Ok(Self {
            model,
            base,
            adapter: blake3::hash(&bytes).to_hex().to_string(),
            rank: adapter.rank,
            matrices: adapter.parts(),
            training,
        })
    }

    /// Of the packed model with the id `model`, made of the cross-encoder in the folder `path`; `None` when
    /// it has no record.
    ///
    /// # Errors
    /// [`TuneError::NotTrained`] when it has one that cannot be read.
    pub fn of_reranker(model: String, path: &Path) -> Result<Option<Self>, TuneError> {
        let training = path.join(RECORD);
        if !training.is_file() {
            return Ok(None);
        }
        let training = record(&training)?;
        let weights = path.join(WEIGHTS);
        let bytes = fs::read(&weights).map_err(TuneError::io("read", &weights))?;
        Ok(Some(Self {
            model,
            base: training.base.clone(),
            adapter: blake3::hash(&bytes).to_hex().to_string(),
            rank: training.options.rank,
            matrices: training.options.matrices.clone(),
            training: Some(training),
        }))
    }

    /// Where that of the packed model in `path` lies.
    pub fn path(path: &Path) -> PathBuf {
        path.with_extension("origin.json")
    }

    /// Writes it beside the packed model in `path`.
    ///
    /// # Errors
    /// [`TuneError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), TuneError> {
        let path = Self::path(path);
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        fs::write(&path, text).map_err(TuneError::io("write", &path))
    }

    /// That of the packed model in `path` with the id `model`; `None` for a model without an adapter.
    pub fn read(path: &Path, model: &str) -> Option<Self> {
        let bytes = fs::read(Self::path(path)).ok()?;
        let origin: Self = serde_json::from_slice(&bytes).ok()?;
        (origin.model == model).then_some(origin)
    }
}
