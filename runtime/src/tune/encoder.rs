//! Tunes an encoder by LoRA, in a program of its own: `littoral-train`, which takes long to build and
//! which few need.
//!
//! ```text
//! a job, OUTPUT/job.json → littoral-train → lines of JSON, each an Event → an adapter in OUTPUT
//! ```
//!
//! The output folder is an adapter in `peft`'s format (see [`crate::models::adapter`]) with the record of
//! its training, `training.json`. While training goes on it has a checkpoint instead, from which the same
//! job goes on after it was interrupted.

use super::error::TuneError;
use super::tuned::Point;
use crate::models::adapter::{Adapter, NUMBERS, Part};
use serde::{Deserialize, Serialize};
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program that trains.
pub const PROGRAM: &str = "littoral-train";

/// The file of a job, in its output folder.
pub const JOB: &str = "job.json";

/// The file of the record, in the output folder.
pub const RECORD: &str = "training.json";

/// The state of a training that is not at its end, in the output folder.
pub const CHECKPOINT: &str = "checkpoint.safetensors";

/// What is trained, on what, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// A model folder in Hugging Face's layout.
    pub model: PathBuf,
    /// A folder of prepared pairs.
    pub data: PathBuf,
    /// The folder to write.
    pub output: PathBuf,
    /// An adapter to begin with.
    pub from: Option<PathBuf>,
    /// Threads; 0 for one a core.
    pub threads: usize,
    /// What both sides of the data have in common.
    pub leaks: u64,
    /// How.
    pub options: EncoderOptions,
}

/// How an encoder is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EncoderOptions {
    /// Rank of the changes: a low one has fewer numbers to train, a high one learns more, by heart, too.
    pub rank: usize,
    /// Numerator of the scale `alpha / rank` that changes have.
    pub alpha: f64,
    /// Which matrices change, in every layer.
    pub matrices: Vec<Part>,
    /// Steps at most.
    pub steps: u32,
    /// Pairs of a step. The passages of the others are negatives of each.
    pub batch: usize,
    /// Hard negatives of a pair in a step; later rounds take the others.
    pub negatives: usize,
    /// Largest learning rate.
    pub rate: f64,
    /// Share of the steps in which the rate rises; from then on it falls to nothing.
    pub warm_up: f64,
    /// Decay of the weights.
    pub decay: f64,
    /// Temperature of the softmax.
    pub temperature: f64,
    /// Lengths of vectors that are to rank well, beside the whole one.
    pub dims: Vec<usize>,
    /// Tokens after which texts are cut.
    pub tokens: usize,
    /// Steps between looks at the queries that choose.
    pub look: u32,
    /// Looks without a gain after which training ends.
    pub patience: u32,
    /// Tokens of a step whose intermediate results may be kept; with more, they are computed twice.
    pub kept_tokens: usize,
    /// Another number draws other batches and another beginning.
    pub seed: u64,
}

impl Default for EncoderOptions {
    fn default() -> Self {
        Self {
            rank: 8,
            alpha: 16.0,
            matrices: Part::ALL[..4].to_vec(),
            steps: 200,
            batch: 32,
            negatives: 1,
            rate: 5e-4,
            warm_up: 0.1,
            decay: 0.01,
            temperature: 0.05,
            dims: Vec::new(),
            tokens: 128,
            look: 25,
            patience: 3,
            kept_tokens: 8192,
            seed: 1,
        }
    }
}

/// How an adapter was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What was tuned: `encoder`.
    pub target: String,
    /// The program that did it.
    pub created_by: String,
    /// SHA-256 of the weights that it began with, in hexadecimal.
    pub base: String,
    /// The folder of pairs.
    pub data: String,
    /// Its hash, in hexadecimal.
    pub data_hash: String,
    /// Pairs trained on, and their queries.
    pub n_pairs: u64,
    /// See `n_pairs`.
    pub n_queries: u64,
    /// Queries that chose when to end; none of them was trained on.
    pub n_choosing: u64,
    /// Passages among which they looked for their answers.
    pub n_passages: u64,
    /// Numbers trained, and those of the whole model.
    pub n_trained: u64,
    /// See `n_trained`.
    pub n_numbers: u64,
    /// How.
    pub options: EncoderOptions,
    /// Looks at the training.
    pub curve: Vec<Point>,
    /// Steps that did best; none when no step was better than none.
    pub best_step: u32,
    /// Steps done.
    pub steps: u32,
    /// What both sides of the data have in common, where that was let pass.
    pub leaks: u64,
    /// Wall time in seconds, that of interrupted runs included.
    pub seconds: f64,
}

/// A line of the program that trains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Everything is read, and every number that is trained was seen to have a gradient.
    Began {
        /// Numbers trained, and those of the whole model.
        n_trained: u64,
        /// See `n_trained`.
        n_numbers: u64,
        /// Pairs trained on.
        n_pairs: u64,
        /// Queries that choose.
        n_choosing: u64,
        /// Steps that an interrupted run has done.
        done: u32,
    },
    /// A step is done.
    Step {
        /// Which, from 1.
        step: u32,
        /// Its loss.
        loss: f64,
        /// Its learning rate.
        rate: f64,
        /// Length of the gradient, before it was cut.
        norm: f64,
        /// Seconds it took.
        seconds: f64,
    },
    /// The queries that choose were ranked.
    Look(Point),
    /// A checkpoint was written.
    Checkpoint {
        /// Steps that it has.
        step: u32,
    },
    /// The adapter is written.
    Done(Box<Record>),
    /// Nothing came of it.
    Failed {
        /// The stable kebab-case code.
        code: String,
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: String,
    },
}

/// Runs `job` in the program that trains, and shows what it says.
///
/// # Errors
/// [`TuneError::NoTrainer`] when the program is not there, [`TuneError::Trainer`] when it says that it
/// failed, and [`TuneError::TrainerEnded`] when it ends without a word.
pub fn train(job: &Job, mut show: impl FnMut(&Event)) -> Result<Record, TuneError> {
    let program = find().ok_or(TuneError::NoTrainer)?;
    fs::create_dir_all(&job.output).map_err(TuneError::io("make the folder", &job.output))?;
    let path = job.output.join(JOB);
    let text = serde_json::to_string_pretty(job).unwrap_or_default();
    fs::write(&path, text).map_err(TuneError::io("write", &path))?;
    let child = Command::new(&program)
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.map_err(TuneError::io("start", &program))?;
    let mut last = None;
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).lines() {
            let line = line.map_err(TuneError::io("read from", &program))?;
            let Ok(event) = serde_json::from_str(&line) else {
                continue;
            };
            show(&event);
            if matches!(event, Event::Done(_) | Event::Failed { .. }) {
                last = Some(event);
            }
        }
    }
    let status = child.wait().map_err(TuneError::io("wait for", &program))?;
    match last {
        Some(Event::Done(record)) if status.success() => Ok(*record),
        Some(Event::Failed {
            code,
            message,
            hint,
        }) => Err(TuneError::Trainer {
            code,
            message,
            hint,
        }),
        _ => Err(TuneError::TrainerEnded {
            status: status.to_string(),
        }),
    }
}

/// Forgets what an interrupted training has left in the folder `output`.
///
/// # Errors
/// [`TuneError::Io`].
pub fn begin_anew(output: &Path) -> Result<(), TuneError> {
    let path = output.join(CHECKPOINT);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(TuneError::io("remove", &path)(error))
        }
        _ => Ok(()),
    }
}

/// The program that trains: beside this one, or where programs are looked for.
pub fn find() -> Option<PathBuf> {
    let name = format!("{PROGRAM}{}", env::consts::EXE_SUFFIX);
    let own = env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = beside.into_iter().chain(env::split_paths(&path));
    let mut files = folders.map(|folder| folder.join(&name));
    files.find(|file| file.is_file())
}

/// What a packed model says of the adapter in it, in a file of its own beside the model's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Id of the packed model, in hexadecimal: another one has another origin.
    pub model: String,
    /// SHA-256 of the weights, in hexadecimal.
    pub base: String,
    /// BLAKE3 of the adapter's numbers, in hexadecimal.
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

/// Reads the record in the file `path`.
///
/// # Errors
/// [`TuneError::NotTrained`] when it is none.
pub fn record(path: &Path) -> Result<Record, TuneError> {
    let bytes = fs::read(path).map_err(TuneError::io("read", path))?;
    serde_json::from_slice(&bytes).map_err(|error| TuneError::NotTrained {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}
