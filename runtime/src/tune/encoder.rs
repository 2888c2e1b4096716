//! Tunes an encoder or a cross-encoder by LoRA, in a program of its own: `littoral-train`, which takes long
//! to build and which few need.
//!
//! ```text
//! a job, OUTPUT/job.json → littoral-train → lines of JSON, each an Event → what was trained, in OUTPUT
//! ```
//!
//! The output folder of an encoder is an adapter in `peft`'s format (see [`crate::models::adapter`]), that
//! of a reranker a model folder in Hugging Face's layout, which needs nothing else. Both have the record of
//! the training, `training.json`. While training goes on there is a checkpoint instead, from which the same
//! job goes on after it was interrupted.

use super::error::TuneError;
use super::tuned::Point;
use crate::models::adapter::Part;
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

/// What is to come of a training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Vectors that are near where a passage answers a query: an adapter.
    #[default]
    Encoder,
    /// A model that reads a query and a passage together: a cross-encoder.
    Reranker,
}

impl Target {
    /// What it is called in options and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Encoder => "encoder",
            Self::Reranker => "reranker",
        }
    }
}

/// What a training is computed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Computing {
    /// The CPU: the same numbers on every machine.
    #[default]
    Cpu,
    /// A GPU, where a step is measured to take less time on it.
    Fastest,
    /// A GPU, or an error.
    Gpu,
}

/// What is trained, on what, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// What is to come of it.
    pub target: Target,
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
    /// What it is computed on.
    pub computing: Computing,
    /// Whether an adapter that the CPU emulates counts as a GPU: for tests.
    pub software: bool,
    /// What both sides of the data have in common.
    pub leaks: u64,
    /// How.
    pub options: EncoderOptions,
}

/// How an encoder or a cross-encoder is trained.
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
    /// Pairs of a step. For an encoder the passages of the others are negatives of each.
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
    /// Tokens after which texts are cut; for a cross-encoder a query and a passage together.
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

impl EncoderOptions {
    /// What comes by itself for `target`. A cross-encoder reads every pair anew and so fewer of them, longer
    /// ones, and has no negatives but its own; its outputs are no cosines and need no low temperature.
    pub fn of(target: Target) -> Self {
        match target {
            Target::Encoder => Self::default(),
            Target::Reranker => Self {
                batch: 8,
                negatives: 4,
                temperature: 1.0,
                tokens: 256,
                ..Self::default()
            },
        }
    }
}

/// How a model was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What was tuned.
    pub target: Target,
    /// The program that did it.
    pub created_by: String,
    /// The folder of the model that it began with; records of before do not name it.
    #[serde(default)]
    pub model: String,
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
    /// Passages among which they looked for their answers; for a cross-encoder pairs that were ranked.
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
    /// The share of their change that is kept, from 0 to 1.
    #[serde(default = "whole")]
    pub share: f64,
    /// Looks at shares below 1.
    #[serde(default)]
    pub shares: Vec<Share>,
    /// Steps done.
    pub steps: u32,
    /// What both sides of the data have in common, where that was let pass.
    pub leaks: u64,
    /// What computed the last step: `CPU`, or the name of a GPU. Records of before do not name it.
    #[serde(default = "cpu")]
    pub device: String,
    /// Why that, where a GPU was asked for; else empty.
    #[serde(default)]
    pub device_reason: String,
    /// Wall time in seconds, that of interrupted runs included.
    pub seconds: f64,
}

/// A look with a share of a change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The share.
    pub share: f64,
    /// nDCG@10 of the queries that choose.
    pub ndcg: f64,
}

fn whole() -> f64 {
    1.0
}

/// The name of the CPU in records.
pub fn cpu() -> String {
    "CPU".to_owned()
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
    /// What computes from now on is decided.
    Device {
        /// As in a [`Record`].
        name: String,
        /// Why it is no GPU, where one was asked for; of one, what was measured.
        reason: String,
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
    /// What was trained is written.
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
