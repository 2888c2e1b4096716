//! The encoder behind an index: chosen for a build, found again for an update or a search.

use super::build::pool;
use super::model;
use super::output::Failure;
use crate::build::{TABLE, Tools};
use crate::embed::{Embedder, Processor, TextEncoder, VectorCache};
use crate::models::{self, ModelsError};
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
fn encoder(name: &str) -> Result<Arc<dyn TextEncoder>, Failure> {
    let stored = if name == TABLE { TEACHER } else { name };
    let loaded: Result<Arc<dyn TextEncoder>, ModelsError> = match models::graph(stored) {
        Some(graph) => models::onnx::load_graph(&graph),
        None => model::resolve(stored).map(|encoder| Arc::new(encoder) as _),
    };
    loaded.map_err(|error| model::failure(&error))
}

/// Writes into `settings` what the embedder `name` is, and gets what a build needs of it.
pub(super) fn choose(
    name: &str,
    settings: &mut Settings,
    threads: usize,
) -> Result<Tools, Failure> {
    settings.embedding.embedder = if name == "none" {
        String::new()
    } else {
        name.into()
    };
    if name == "none" {
        settings.embedding = Embedding::default();
        return Ok(Tools::from(pool(threads)?));
    }
    let encoder = encoder(name)?;
    settings.embedding.model = encoder.id();
    with_encoder(encoder, threads)
}

/// What an update of an index with `settings` needs.
pub(super) fn tools(settings: &Settings, threads: usize) -> Result<Tools, Failure> {
    let Embedding {
        embedder, model, ..
    } = &settings.embedding;
    if embedder.is_empty() {
        return Ok(Tools::from(pool(threads)?));
    }
    let own = encoder(embedder);
    let is_own = own.as_ref().is_ok_and(|own| own.id() == *model);
    // Behind a table may stand an encoder that was tuned, which the index does not name.
    if embedder == TABLE
        && !is_own
        && let Some(tuned) = models::of_id(*model)
    {
        return with_encoder(Arc::new(tuned), threads);
    }
    with_encoder(own?, threads)
}

/// What a build with `encoder` needs.
pub(super) fn with_encoder(
    encoder: Arc<dyn TextEncoder>,
    threads: usize,
) -> Result<Tools, Failure> {
    let cache = cache(encoder.id(), encoder.dims(), Processor::Cpu)?;
    Ok(Tools {
        pool: pool(threads)?,
        embedder: Some(Embedder::new(encoder, Some(cache))),
        expander: None,
    })
}

/// The memory of what a GPU computed with `encoder`.
pub(super) fn gpu_cache(encoder: &Encoder) -> Result<VectorCache, Failure> {
    cache(encoder.id(), encoder.dims(), Processor::Gpu)
}

fn cache(id: [u8; 8], dims: usize, processor: Processor) -> Result<VectorCache, Failure> {
    VectorCache::open(&cache_folder(), id, dims, processor).map_err(|error| {
        Failure::new(
            "write-failed",
            error.to_string(),
            "let LITTORAL_CACHE name a folder that can be written",
        )
    })
}

/// The encoder of queries for an index whose embedder is `own` with vectors of `model`: the one that is
/// `named`, else the index' own, unless queries need none. `None` where that is not here, which a search
/// then says.
pub(super) fn for_queries(
    own: &str,
    model: [u8; 8],
    named: Option<&str>,
) -> Result<Option<Arc<dyn TextEncoder>>, Failure> {
    let name = match named {
        None if own.is_empty() || own == TABLE => return Ok(None),
        Some(TABLE) if own == TABLE => return Ok(None),
        Some(name) if own.is_empty() => {
            return Err(Failure::new(
                "no-vectors",
                format!("the index has no vectors, so the model {name:?} has nothing to search"),
                "leave out --embedder, or build the index with it",
            ));
        }
        named => named.unwrap_or(own),
    };
    // A search fetches no model.
    let encoder = match models::text_encoder(name) {
        Err(ModelsError::NotThere { .. }) if named.is_none() => return Ok(None),
        loaded => loaded.map_err(|error| model::failure(&error))?,
    };
    if encoder.id() != model {
        let hex = |id: [u8; 8]| id.iter().map(|b| format!("{b:02x}")).collect::<String>();
        return Err(Failure::new(
            "model-mismatch",
            format!(
                "the index has vectors of the model {}; {name:?} is the model {}",
                hex(model),
                hex(encoder.id())
            ),
            "name the model that encoded the documents by --embedder, or build the index anew",
        ));
    }
    Ok(Some(encoder))
}
