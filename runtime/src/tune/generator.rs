//! Hands conversations to an existing trainer of generators: TRL, with PEFT for the adapter.
//!
//! ```text
//! chat-train.jsonl, chat-held-out.jsonl → OUTPUT/config.json, train.py, requirements.txt
//!     → python → lines of JSON, each an Event → OUTPUT/adapter → checked → OUTPUT/training.json
//! ```
//!
//! The script stands by itself: what is changed in it stays, and whoever has the packages elsewhere takes the
//! folder there. While training goes on it keeps `checkpoints`, and what its libraries say is in `train.log`.

use super::error::TuneError;
use crate::build::CREATED_BY;
use crate::models::adapter::{self, Summary};
use crate::models::save;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The script.
const TEXT: &str = include_str!("generator/train.py");

/// The packages that it was written for.
const REQUIREMENTS: &str = include_str!("generator/requirements.txt");

/// And for a base in 4 bits.
const REQUIREMENTS_QLORA: &str = include_str!("generator/requirements-qlora.txt");

/// What the script imports.
const PACKAGES: [&str; 6] = [
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "accelerate",
];

/// And for a base in 4 bits.
const QUANTIZER: &str = "bitsandbytes";

/// Says which of the packages that are named to it are not there.
const FIND: &str = "import importlib.util, sys\n\
    print(' '.join(n for n in sys.argv[1:] if importlib.util.find_spec(n) is None))";

/// Files of the output folder.
pub const CONFIG: &str = "config.json";
/// See [`CONFIG`].
pub const SCRIPT: &str = "train.py";
const NEEDS: &str = "requirements.txt";
const LOG: &str = "train.log";
const RECORD: &str = "training.json";

/// Folders in it.
pub const ADAPTER: &str = "adapter";
const CHECKPOINTS: &str = "checkpoints";

/// How a generator is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GeneratorOptions {
    /// Rank of the changes.
    pub rank: u32,
    /// Numerator of the scale `alpha / rank` that changes have.
    pub alpha: f64,
    /// Which matrices change, by the ends of their names; `all-linear` for all.
    pub targets: Vec<String>,
    /// Whether the base is held in 4 bits.
    pub qlora: bool,
    /// Steps at most; `None` for as many as the epochs have.
    pub steps: Option<u32>,
    /// Rounds over all conversations.
    pub epochs: f64,
    /// Conversations of a step.
    pub batch: u32,
    /// Those of them that are computed at once: more need memory, fewer need time.
    pub at_once: u32,
    /// Largest learning rate.
    pub rate: f64,
    /// Share of the steps in which the rate rises; from then on it falls to nothing.
    pub warm_up: f64,
    /// Tokens after which conversations are cut.
    pub tokens: u32,
    /// Steps between looks at the held-out conversations.
    pub look: u32,
    /// Looks without a gain after which training ends.
    pub patience: u32,
    /// Another number draws another order and another beginning.
    pub seed: u64,
}

impl Default for GeneratorOptions {
    fn default() -> Self {
        Self {
            rank: 16,
            alpha: 32.0,
            targets: vec!["all-linear".to_owned()],
            qlora: false,
            steps: None,
            epochs: 3.0,
            batch: 16,
            at_once: 2,
            rate: 2e-4,
            warm_up: 0.1,
            tokens: 2048,
            look: 25,
            patience: 3,
            seed: 1,
        }
    }
}

/// What the script reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The base: a folder, or a name on the Hugging Face Hub.
    pub model: String,
    /// Conversations to learn.
    pub train: PathBuf,
    /// Conversations that say when it is at its best.
    pub held_out: PathBuf,
    /// Hash of both files, in hexadecimal.
    pub data_hash: String,
    /// How.
    #[serde(flatten)]
    pub options: GeneratorOptions,
}

/// A line of the script.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Everything is read.
    Began {
        /// Conversations to learn.
        n_train: u64,
        /// Conversations held out.
        n_held_out: u64,
        /// Numbers trained, and those of the whole model.
        n_trained: u64,
        /// See `n_trained`.
        n_numbers: u64,
    },
    /// A step is done.
    Step {
        /// Which, from 1.
        step: u32,
        /// Of how many.
        steps: u32,
        /// Its loss.
        loss: f64,
    },
    /// The held-out conversations were looked at.
    Look {
        /// After how many steps.
        step: u32,
        /// Their loss.
        loss: f64,
    },
    /// The adapter is written.
    Done {
        /// Steps done.
        steps: u32,
        /// Loss of the held-out conversations by the model as it was.
        before: f64,
        /// And by the best numbers.
        after: f64,
        /// Seconds of this run.
        seconds: f64,
        /// Steps of all looks, those of interrupted runs included, with the loss.
        looks: Vec<(u32, f64)>,
    },
}

/// How a generator was trained.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GeneratorRecord {
    /// `generator`.
    pub target: &'static str,
    /// The program that had it done.
    pub created_by: &'static str,
    /// What was trained, on what, and how.
    pub config: Option<Config>,
    /// Conversations to learn, and held out.
    pub n_train: u64,
    /// See `n_train`.
    pub n_held_out: u64,
    /// Numbers trained, and those of the whole model.
    pub n_trained: u64,
    /// See `n_trained`.
    pub n_numbers: u64,
    /// Steps and losses of the held-out conversations.
    pub curve: Vec<(u32, f64)>,
    /// Their loss by the model as it was, and with the adapter: mean over tokens of the answers, in nats.
    pub before: f64,
    /// See `before`.
    pub after: f64,
    /// Steps done.
    pub steps: u32,
    /// Wall time of the last run in seconds.
    pub seconds: f64,
    /// What came of it.
    pub adapter: Option<Summary>,
}

impl Config {
    /// Of the generator `model` and the conversations in the folder `data`.
    ///
    /// # Errors
    /// [`TuneError::NoConversations`] when there are none, and [`TuneError::Line`] when a line is no
    /// conversation that ends with an answer.
    pub fn new(model: &str, data: &Path, options: GeneratorOptions) -> Result<Self, TuneError> {
        let mut hasher = blake3::Hasher::new();
        let mut file = |name: &str| {
            let path = data.join(name);
            if !path.is_file() {
                return Err(TuneError::NoConversations { path });
            }
            let text = fs::read_to_string(&path).map_err(TuneError::io("read", &path))?;
            conversations(&path, &text)?;
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
            path.canonicalize().map_err(TuneError::io("find", &path))
        };
        let (train, held_out) = (file("chat-train.jsonl")?, file("chat-held-out.jsonl")?);
        // A folder is found from wherever the script is run.
        let folder = Path::new(model).canonicalize();
        let model = folder.map_or_else(|_| model.to_owned(), |folder| folder.display().to_string());
        Ok(Self {
            model,
            train,
            held_out,
            data_hash: hasher.finalize().to_hex().to_string(),
            options,
        })
    }

    /// Writes what a training needs into the folder `output`. A script that is there stays, and so does what
    /// was changed in it, unless everything is to be `fresh`: then checkpoints go, too.
    ///
    /// # Errors
    /// [`TuneError::OtherTraining`] when there are checkpoints of another training, [`TuneError::Io`] when
    /// the disk refuses.
    pub fn write(&self, output: &Path, fresh: bool) -> Result<(), TuneError> {
        let checkpoints = output.join(CHECKPOINTS);
        if fresh && checkpoints.exists() {
            fs::remove_dir_all(&checkpoints).map_err(TuneError::io("remove", &checkpoints))?;
        }
        let path = output.join(CONFIG);
        let there = fs::read(&path).ok();
        let there = there.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        if checkpoints.exists() && there.is_none_or(|there| there != *self) {
            return Err(TuneError::OtherTraining { path: checkpoints });
        }
        let config = serde_json::to_string_pretty(self).unwrap_or_default();
        save(&path, format!("{config}\n").as_bytes())?;
        let more = if self.options.qlora {
            REQUIREMENTS_QLORA
        } else {
            ""
        };
        save(
            &output.join(NEEDS),
            [REQUIREMENTS, more].concat().as_bytes(),
        )?;
        let script = output.join(SCRIPT);
        if fresh || !script.exists() {
            save(&script, TEXT.as_bytes())?;
        }
        Ok(())
    }

    /// Runs the script in the folder `output` by the program `python`, shows what it says, and checks what
    /// comes of it.
    ///
    /// # Errors
    /// [`TuneError::NoPython`] and [`TuneError::NoPackages`] when they are missing, [`TuneError::Script`] when
    /// it fails, and [`TuneError::Models`] when its adapter is none.
    pub fn run(
        &self,
        python: &Path,
        output: &Path,
        mut show: impl FnMut(&Event),
    ) -> Result<GeneratorRecord, TuneError> {
        self.find_packages(python, output)?;
        let log = output.join(LOG);
        let said = File::create(&log).map_err(TuneError::io("write", &log))?;
        let mut command = Command::new(python);
        if env::var_os("LITTORAL_OFFLINE").is_some_and(|value| !value.is_empty()) {
            command.env("HF_HUB_OFFLINE", "1");
        }
        let mut child = command
            .arg(output.join(SCRIPT))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(said)
            .spawn()
            .map_err(no_python(python))?;
        let mut record = GeneratorRecord {
            target: "generator",
            created_by: CREATED_BY,
            config: Some(self.clone()),
            ..GeneratorRecord::default()
        };
        let mut is_done = false;
        if let Some(out) = child.stdout.take() {
            for line in BufReader::new(out).lines() {
                let line = line.map_err(TuneError::io("read from", python))?;
                // Libraries may have something to say there, too.
                let Ok(event) = serde_json::from_str(&line) else {
                    continue;
                };
                show(&event);
                is_done |= record.take(event);
            }
        }
        let status = child.wait().map_err(TuneError::io("wait for", python))?;
        if !(status.success() && is_done) {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let last = said.lines().rev().find(|line| !line.trim().is_empty());
            return Err(TuneError::Script {
                reason: last.map_or_else(|| status.to_string(), str::to_owned),
                log,
            });
        }
        record.adapter = Some(adapter::check(&output.join(ADAPTER))?);
        let text = serde_json::to_string_pretty(&record).unwrap_or_default();
        save(&output.join(RECORD), text.as_bytes())?;
        Ok(record)
    }

    fn find_packages(&self, python: &Path, output: &Path) -> Result<(), TuneError> {
        let quantizer = self.options.qlora.then_some(QUANTIZER);
        let found = Command::new(python)
            .args(["-c", FIND])
            .args(PACKAGES.into_iter().chain(quantizer))
            .output();
        let found = found.map_err(no_python(python))?;
        let missing = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        if !found.status.success() {
            let source = io::Error::other(String::from_utf8_lossy(&found.stderr).trim().to_owned());
            return Err(no_python(python)(source));
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(TuneError::NoPackages {
            python: python.to_owned(),
            missing: missing.replace(' ', ", "),
            hint: format!(
                "{} -m pip install -r {}, then run the command again; --python names another program, \
                 --no-run writes the script alone",
                python.display(),
                output.join(NEEDS).display()
            ),
        })
    }
}

impl GeneratorRecord {
    /// Takes down an event; whether it is the last.
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Began {
                n_train,
                n_held_out,
                n_trained,
                n_numbers,
            } => {
                (self.n_train, self.n_held_out) = (n_train, n_held_out);
                (self.n_trained, self.n_numbers) = (n_trained, n_numbers);
            }
            Event::Done {
                steps,
                before,
                after,
                seconds,
                looks,
            } => {
                (self.steps, self.seconds) = (steps, seconds);
                (self.before, self.after) = (before, after);
                self.curve = [vec![(0, before)], looks].concat();
                return true;
            }
            Event::Step { .. } | Event::Look { .. } => {}
        }
        false
    }
}

/// Whether a training in the folder `output` has come to its end.
pub fn is_trained(output: &Path) -> bool {
    output.join(ADAPTER).join(adapter::CONFIG).exists() && !output.join(CHECKPOINTS).exists()
}

fn no_python(python: &Path) -> impl FnOnce(io::Error) -> TuneError {
    let python = python.to_owned();
    move |source| TuneError::NoPython { python, source }
}

/// Refuses `text`, of the file `path`, when a line of it is no conversation that ends with an answer, or when
/// it has none.
fn conversations(path: &Path, text: &str) -> Result<(), TuneError> {
    let mut n = 0;
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        let bad = |reason: String| TuneError::Line {
            path: path.to_owned(),
            line,
            reason,
            expected: "\"messages\", each with \"role\" and \"content\", of which the last is the assistant's",
        };
        let row: Value = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
        let messages = row["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let is_whole =
            |message: &Value| message["role"].is_string() && message["content"].is_string();
        if !messages.iter().all(is_whole) {
            return Err(bad("a message lacks its role or its content".to_owned()));
        }
        if messages.len() < 2 || messages[messages.len() - 1]["role"] != "assistant" {
            return Err(bad("it does not end with an answer".to_owned()));
        }
        n += 1;
    }
    if n == 0 {
        let path = path.to_owned();
        return Err(TuneError::NoConversations { path });
    }
    Ok(())
}
