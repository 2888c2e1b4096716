//! An encoder with an adapter merged into it, or a tuned cross-encoder, packed; and an index as it would be
//! with an encoder's vectors.

use super::error::TuneError;
use super::measure::first_bytes;
use super::origin::Origin;
use crate::build::{BuildFailure, TABLE, Tools};
use crate::host::IndexHost;
use crate::merge::rebuild;
use crate::models::adapter::{self, Adapter};
use crate::models::fetch::verify;
use crate::models::folder::Weights;
use crate::models::pack::pack;
use crate::models::{self, ModelsError};
use crate::store::Folder;
use crate::update::Control;
use littoral_guest::Encoder;
use littoral_guest::engine::Index;
use littoral_indexes::manifest::{Gains, Settings, TunedEncoder, Tuning};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// See the [module](self).
#[derive(Debug)]
pub struct Merged {
    /// What the packed model is called.
    pub name: String,
    /// The packed model.
    pub encoder: Arc<Encoder>,
    /// What it was made of, where that is known.
    pub origin: Option<Origin>,
    /// Its weights in 32 bits.
    pub weights: Weights,
    bytes: Vec<u8>,
}

impl Merged {
    /// Merges the adapter in the folder `adapter` into the encoder in `model`, and packs it as `name` with
    /// activations cut to at most `activation_max`.
    ///
    /// # Errors
    /// [`TuneError`] when one of them cannot be read, or they do not belong together.
    pub fn new(
        adapter: &Path,
        model: &Path,
        name: &str,
        activation_max: u32,
    ) -> Result<Self, TuneError> {
        let mut weights = Weights::read(model, name)?;
        let read = Adapter::read(adapter, &weights.config)?;
        let base = verify(&model.join("model.safetensors"), None)?;
        read.check_base(&base, adapter)?;
        read.merge(&mut weights, adapter)?;
        Self::of(weights, adapter, activation_max, |id| {
            Origin::new(id, base, &read, adapter).map(Some)
        })
    }

    /// Packs the tuned cross-encoder in the folder `path` as `name`.
    ///
    /// # Errors
    /// [`TuneError`] when it cannot be read, or is no cross-encoder.
    pub fn reranker(path: &Path, name: &str, activation_max: u32) -> Result<Self, TuneError> {
        let weights = Weights::read(path, name)?;
        let merged = Self::of(weights, path, activation_max, |id| {
            Origin::of_reranker(id, path)
        })?;
        if merged.encoder.is_reranker() {
            Ok(merged)
        } else {
            Err(TuneError::NotAReranker {
                path: path.to_owned(),
            })
        }
    }

    fn of(
        weights: Weights,
        path: &Path,
        activation_max: u32,
        origin: impl FnOnce(String) -> Result<Option<Origin>, TuneError>,
    ) -> Result<Self, TuneError> {
        let bytes = pack(&weights, activation_max).write();
        let encoder = Encoder::load(&bytes).map_err(|source| ModelsError::Packed {
            path: path.to_owned(),
            source,
        })?;
        let id: String = encoder.id().iter().map(|b| format!("{b:02x}")).collect();
        Ok(Self {
            name: weights.config.name.clone(),
            origin: origin(id)?,
            encoder: Arc::new(encoder),
            weights,
            bytes,
        })
    }

    /// Bytes of the packed model.
    pub fn n_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Stores the packed model in the file `path`, with its origin beside it.
    ///
    /// # Errors
    /// [`TuneError`] when the disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), TuneError> {
        models::save(path, &self.bytes)?;
        match &self.origin {
            Some(origin) => origin.write(path),
            None => Ok(()),
        }
    }

    /// Stores the packed model under its name, where a search finds it.
    ///
    /// # Errors
    /// [`TuneError::NameTaken`] when another model has the name, and [`TuneError`] when the disk refuses.
    pub fn store(&self) -> Result<PathBuf, TuneError> {
        let path = models::path(&models::models_folder(), &self.name);
        if path.is_file() && models::load(&path)?.id() != self.encoder.id() {
            let name = self.name.clone();
            return Err(TuneError::NameTaken { name, path });
        }
        self.write(&path)?;
        Ok(path)
    }

    /// Settings of an index with these vectors that had `settings`: its queries are encoded by a table again
    /// where they were, else by this encoder.
    fn settings(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        settings.embedding.model = self.encoder.id();
        if settings.embedding.embedder != TABLE {
            settings.embedding.embedder.clone_from(&self.name);
        }
        settings
    }

    /// Writes the documents of `index` into `folder` with these vectors; the new index says that this gained
    /// `gains`. `tools` have this encoder. A table that was tuned to the vectors before stays behind.
    ///
    /// # Errors
    /// [`BuildFailure`] when a text has no vector, or the disk refuses.
    pub fn index(
        &self,
        index: &Index<IndexHost>,
        gains: Gains,
        folder: &mut Folder,
        tools: &Tools,
        control: &Control<'_>,
    ) -> Result<(), BuildFailure> {
        let manifest = index.manifest();
        let tuning = Tuning {
            table: None,
            encoder: self.origin.as_ref().map(|origin| TunedEncoder {
                base: first_bytes(&origin.base),
                adapter: first_bytes(&origin.adapter),
                gains,
            }),
            ..manifest.tuning
        };
        let settings = self.settings(&manifest.settings);
        rebuild(index, &settings, tuning, folder, tools, control)
    }
}

/// The folder of the encoder that the adapter in the folder `adapter` says it was trained on.
///
/// # Errors
/// [`TuneError::NoBase`] when there is no such folder here, and [`TuneError::Models`] when the adapter cannot
/// be read.
pub fn base_of(adapter: &Path) -> Result<PathBuf, TuneError> {
    let named = adapter::base_model(adapter)?.unwrap_or_default();
    let path = PathBuf::from(&named);
    if path.join("model.safetensors").is_file() {
        return Ok(path);
    }
    Err(TuneError::NoBase {
        path: adapter.to_owned(),
        named,
    })
}
