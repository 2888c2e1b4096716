//! The encoder behind an index: chosen for a build, found again for an update or a search.

use super::build::pool;
use super::model;
use super::output::Failure;
use crate::build::{TABLE, Tools};
use crate::embed::{Embedder, GpuChoice, GpuUse, TextEncoder, VectorCache, on_gpu};
use crate::models;
use littoral_guest::Encoder;
use littoral_indexes::manifest::{Embedding, Settings};
use std::path::PathBuf;
use std::sync::Arc;

/// The embedder when nothing else is said.
pub(super) const DEFAULT: &str = TABLE;

/// The model that encodes the documents of an index with a query table.
const TEACHER: &str = "minilm";

/// The folder of remembered vectors: `LITTORAL_CACHE`, else `littoral` in the user's cache folder.
fn cache_folder() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = variable("LITTORAL_CACHE") {
        return folder.into();
    }
    let cache = variable("XDG_CACHE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")));
    cache.unwrap_or_else(std::env::temp_dir).join("littoral")
}

/// The encoder of documents for the embedder `name`.
fn encoder(name: &str) -> Result<Encoder, Failure> {
    let stored = if name == TABLE { TEACHER } else { name };
    model::resolve(stored).map_err(|error| model::failure(&error))
}

/// Writes into `settings` what the embedder `name` is, and gets what a build needs of it.
pub(super) fn choose(
    name: &str,
    settings: &mut Settings,
    threads: usize,
    gpu: GpuChoice,
) -> Result<(Tools, GpuUse), Failure> {
    settings.embedding.embedder = if name == "none" {
        String::new()
    } else {
        name.into()
    };
    if name == "none" {
        settings.embedding = Embedding::default();
        return Ok((Tools::from(pool(threads)?), GpuUse::default()));
    }
    let encoder = encoder(name)?;
    settings.embedding.model = encoder.id();
    with_encoder(encoder, threads, gpu)
}

/// What an update of an index with `settings` needs.
pub(super) fn tools(
    settings: &Settings,
    threads: usize,
    gpu: GpuChoice,
) -> Result<(Tools, GpuUse), Failure> {
    if settings.embedding.embedder.is_empty() {
        return Ok((Tools::from(pool(threads)?), GpuUse::default()));
    }
    with_encoder(encoder(&settings.embedding.embedder)?, threads, gpu)
}

fn with_encoder(
    encoder: Encoder,
    threads: usize,
    gpu: GpuChoice,
) -> Result<(Tools, GpuUse), Failure> {
    let pool = pool(threads)?;
    let encoder = Arc::new(encoder);
    let (encoder, gpu_use): (Arc<dyn TextEncoder>, GpuUse) = match gpu {
        GpuChoice::Off => (encoder, GpuUse::default()),
        GpuChoice::Auto | GpuChoice::On => on_gpu(encoder, gpu, pool.n_threads()),
    };
    if let (GpuChoice::On, Some(reason)) = (gpu, gpu_use.refusal()) {
        return Err(Failure::new(
            "gpu-absent",
            format!("no GPU encodes the documents: {reason}"),
            "with --gpu auto the processor does it where no GPU can",
        ));
    }
    // Other vectors are remembered apart: those of the processor are the same on every machine.
    let mut id = encoder.id();
    if !gpu_use.has_same_bytes() {
        id[7] ^= 0xFF;
    }
    let cache = VectorCache::open(&cache_folder(), id, encoder.dims());
    let cache = cache.map_err(|error| {
        Failure::new(
            "write-failed",
            error.to_string(),
            "let LITTORAL_CACHE name a folder that can be written",
        )
    })?;
    let tools = Tools {
        pool,
        embedder: Some(Embedder::new(encoder, Some(cache))),
    };
    Ok((tools, gpu_use))
}

/// The encoder of queries for an index whose embedder is `name`; `None` where queries need none, or
/// where it is not here, which a search then says.
pub(super) fn for_queries(name: &str) -> Option<Arc<Encoder>> {
    if name.is_empty() || name == TABLE {
        return None;
    }
    models::resolve(name).ok().map(Arc::new)
}
