//! What documents are expanded by: chosen for a build, found again for an update.

use super::model;
use super::output::Failure;
use crate::config::Config;
use crate::expand::{Expander, ExpansionFile};
use crate::models;
use littoral_indexes::manifest::Settings;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where expansions come from.
#[derive(Debug, clap::Args)]
pub(super) struct ExpansionArguments {
    /// Words that documents are to be found by beside their own: JSON Lines with `id` and `terms`, an
    /// object of words with weights
    #[arg(long = "expansions", value_name = "FILE")]
    file: Option<PathBuf>,
}

/// A model that expands documents, for a build.
#[derive(Debug, clap::Args)]
pub(super) struct EncoderArguments {
    /// Expand documents by a learned sparse encoder in ONNX: its folder, or its graph
    #[arg(long = "sparse-encoder", value_name = "PATH", conflicts_with = "file")]
    encoder: Option<PathBuf>,
}

/// Writes into `settings` what expands the documents of a build, and gets it ready. What the command
/// line names stands in place of what the configuration does.
pub(super) fn choose(
    arguments: &ExpansionArguments,
    encoder: &EncoderArguments,
    config: &Config,
    settings: &mut Settings,
) -> Result<Option<Arc<Expander>>, Failure> {
    let configured = &config.expansions;
    let (file, encoder) = match (&arguments.file, &encoder.encoder) {
        (None, None) => (&configured.file, &configured.encoder),
        given => given,
    };
    let expander = match (file, encoder) {
        (None, None) => return Ok(None),
        (Some(file), None) => of_file(file)?,
        (None, Some(encoder)) => of_model(&encoder.to_string_lossy())?,
        (Some(_), Some(_)) => {
            return Err(Failure::new(
                "bad-settings",
                "documents are expanded by a file or by an encoder, and both are named",
                "leave out expansions.file or expansions.encoder",
            ));
        }
    };
    settings.expansions = expander.settings();
    Ok(Some(Arc::new(expander)))
}

/// What expands the documents that come into an index with `settings`.
pub(super) fn again(
    arguments: &ExpansionArguments,
    config: &Config,
    settings: &Settings,
) -> Result<Option<Arc<Expander>>, Failure> {
    let own = &settings.expansions;
    if own.model != [0; 8] && arguments.file.is_none() {
        return Ok(Some(Arc::new(of_model(&own.source)?)));
    }
    // A file for an index that has none, or a model, is refused when the update compares both.
    let file = arguments.file.as_ref().or(config.expansions.file.as_ref());
    match file {
        Some(file) => Ok(Some(Arc::new(of_file(file)?))),
        None if own.source.is_empty() => Ok(None),
        None => Err(Failure::new(
            "no-expansions",
            "the documents of the index are expanded by a file, and none is named",
            "name it with --expansions, as for the build; an empty one takes them away",
        )),
    }
}

fn of_file(path: &Path) -> Result<Expander, Failure> {
    let file = ExpansionFile::open(path);
    let file = file.map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    Ok(Expander::File(file))
}

fn of_model(path: &str) -> Result<Expander, Failure> {
    let model = models::sparse_encoder(path).map_err(|error| model::failure(&error))?;
    Ok(Expander::Model(path.to_owned(), model))
}
