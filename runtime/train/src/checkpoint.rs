//! The state of a training that is not at its end, in one file that is replaced whole.

use crate::adam::Adam;
use crate::error::TrainError;
use littoral_runtime::models::safetensors::{self, Tensors};
use littoral_runtime::models::save;
use littoral_runtime::tune::tuned::Point;
use serde::{Deserialize, Serialize};
use serde_json::Map;
use std::fs;
use std::path::Path;

/// Name of the numbers' rest in the metadata.
const STATE: &str = "littoral-training";

/// Where a training stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// What is not numbers by the thousand.
    pub state: State,
    /// The numbers that are trained.
    pub numbers: Vec<f32>,
    /// Their running means.
    pub adam: Adam,
    /// The numbers of the best look.
    pub best: Vec<f32>,
}

/// See [`Checkpoint`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Hash of all that the course of the training depends on.
    pub job: String,
    /// Steps done.
    pub step: u32,
    /// Looks.
    pub curve: Vec<Point>,
    /// Steps of the best look.
    pub best_step: u32,
    /// Losses since the last look.
    pub losses: Vec<f64>,
    /// Seconds of all runs.
    pub seconds: f64,
}

impl Checkpoint {
    /// Writes it to `path`, whole or not at all.
    ///
    /// # Errors
    /// [`TrainError::Models`] when the disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), TrainError> {
        let mut metadata = Map::new();
        let state = serde_json::to_string(&self.state).unwrap_or_default();
        metadata.insert(STATE.into(), state.into());
        let tensor = |name: &str, values| (name.to_owned(), vec![self.numbers.len()], values);
        let tensors = [
            tensor("numbers", self.numbers.as_slice()),
            tensor("means", &self.adam.means),
            tensor("squares", &self.adam.squares),
            tensor("best", &self.best),
        ];
        Ok(save(path, &safetensors::write(&metadata, &tensors))?)
    }

    /// Reads that of `n` numbers of the job `job` from `path`; `None` when there is none.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] when it is damaged, or of another job.
    pub fn read(path: &Path, job: &str, n: usize) -> Result<Option<Self>, TrainError> {
        if !path.exists() {
            return Ok(None);
        }
        let bad = |reason: String| TrainError::Checkpoint {
            path: path.to_owned(),
            reason,
        };
        let bytes = fs::read(path).map_err(TrainError::io("read", path))?;
        let tensors = Tensors::read(&bytes).map_err(|error| bad(error.to_string()))?;
        let state = tensors.metadata(STATE).unwrap_or_default();
        let state: State = serde_json::from_str(state).map_err(|error| bad(error.to_string()))?;
        if state.job != job {
            return Err(bad(
                "is of a training with other pairs, options or model".into()
            ));
        }
        let tensor = |name| {
            let values = tensors.get(name, &[n]);
            values.map_err(|error| bad(error.to_string()))
        };
        Ok(Some(Self {
            state,
            numbers: tensor("numbers")?,
            adam: Adam {
                means: tensor("means")?,
                squares: tensor("squares")?,
            },
            best: tensor("best")?,
        }))
    }
}
