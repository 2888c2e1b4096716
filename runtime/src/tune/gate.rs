//! Whether a tuning may be deployed.
//!
//! It may when held-out queries are ranked better by vectors, by more than chance; when they are not ranked
//! worse by words and vectors, by more than chance; when general queries lose no more than a margin; and
//! when nothing leaks from the held-out side to the other.

use super::measure::{Effect, TrainedOn};
use super::pairs::Leaks;
use crate::eval::compare::SIGNIFICANT;
use serde::Serialize;

/// The verdict.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Gate {
    /// Whether it may.
    pub passed: bool,
    /// How far general queries may fall.
    pub margin: f64,
    /// Why not: code and sentence.
    pub refusals: Vec<Refusal>,
}

/// A reason against a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Stable, kebab-case.
    pub code: &'static str,
    /// In words.
    pub message: String,
}

impl Gate {
    /// The verdict on what `held_out` and `general` queries gained and lost, the latter at most `margin`,
    /// by a tuning that was `trained` on data with these `leaks`.
    pub fn new(
        held_out: &Effect,
        general: &Effect,
        leaks: &Leaks,
        trained: TrainedOn,
        margin: f64,
    ) -> Self {
        let mut refusals = Vec::new();
        let mut refuse = |code, message| refusals.push(Refusal { code, message });
        if !leaks.is_empty() {
            refuse("leaks", leaks.describe());
        }
        match trained {
            TrainedOn::ThesePairs => {}
            TrainedOn::Others => {
                let message = "the pairs are not those that it was tuned on".to_owned();
                refuse("other-data", message);
            }
            TrainedOn::Unknown => {
                let message =
                    "nothing tells what it was tuned on: held-out queries may be among it";
                refuse("unknown-data", message.to_owned());
            }
        }
        let dense = held_out.dense.difference;
        if dense.mean <= 0.0 || dense.p >= SIGNIFICANT {
            let message = format!(
                "held-out queries are not ranked better by vectors beyond chance: nDCG@10 {:+.4}, p {:.3}",
                dense.mean, dense.p
            );
            refuse("no-gain", message);
        }
        let hybrid = held_out.hybrid.difference;
        if hybrid.mean < 0.0 && hybrid.p < SIGNIFICANT {
            let message = format!(
                "held-out queries are ranked worse by words and vectors: nDCG@10 {:+.4}, p {:.3}",
                hybrid.mean, hybrid.p
            );
            refuse("hybrid-fell", message);
        }
        let fell = general.hybrid.difference;
        if fell.mean < -margin {
            let message = format!(
                "general queries are ranked worse by words and vectors: nDCG@10 {:+.4}, and {margin:.3} is let pass",
                fell.mean
            );
            refuse("general-fell", message);
        }
        Self {
            passed: refusals.is_empty(),
            margin,
            refusals,
        }
    }
}
