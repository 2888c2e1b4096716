//! Whether a tuning may be deployed.
//!
//! It may when held-out queries are ranked better by vectors, by more than chance; when they are not ranked
//! worse by words and vectors, by more than chance; when general queries lose no more than a margin; and
//! when nothing leaks from the held-out side to the other. A reranker is to rank them better than the index
//! does.

use super::measure::{Effect, TrainedOn};
use super::pairs::Leaks;
use super::reranked::Reranked;
use crate::eval::Difference;
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
        let mut refusals = of_data(leaks, trained);
        refusals.extend(no_gain("by vectors", held_out.dense.difference));
        let hybrid = held_out.hybrid.difference;
        if hybrid.mean < 0.0 && hybrid.p < SIGNIFICANT {
            refusals.push(Refusal {
                code: "hybrid-fell",
                message: format!(
                    "held-out queries are ranked worse by words and vectors: nDCG@10 {:+.4}, p {:.3}",
                    hybrid.mean, hybrid.p
                ),
            });
        }
        let fell = general.hybrid.difference.mean;
        refusals.extend(general_fell("by words and vectors", fell, margin));
        Self {
            passed: refusals.is_empty(),
            margin,
            refusals,
        }
    }

    /// The verdict on a reranker. What it is to better, beyond chance, is the ranking of the index and, where
    /// it was trained from another reranker, that one's; general queries are held to the same.
    pub fn of_reranker(
        held_out: &Reranked,
        general: &Reranked,
        leaks: &Leaks,
        trained: TrainedOn,
        margin: f64,
    ) -> Self {
        let mut refusals = of_data(leaks, trained);
        for (than, difference) in held_out.differences() {
            let how = format!("than {than}");
            refusals.extend(no_gain(&how, difference));
        }
        for (than, difference) in general.differences() {
            let how = format!("than {than}");
            refusals.extend(general_fell(&how, difference.mean, margin));
        }
        Self {
            passed: refusals.is_empty(),
            margin,
            refusals,
        }
    }
}

/// What the data of a tuning says against it.
fn of_data(leaks: &Leaks, trained: TrainedOn) -> Vec<Refusal> {
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
            let message = "nothing tells what it was tuned on: held-out queries may be among it";
            refuse("unknown-data", message.to_owned());
        }
    }
    refusals
}

/// What a difference of held-out queries says against a tuning.
fn no_gain(how: &str, difference: Difference) -> Option<Refusal> {
    let is_better = difference.mean > 0.0 && difference.p < SIGNIFICANT;
    (!is_better).then(|| Refusal {
        code: "no-gain",
        message: format!(
            "held-out queries are not ranked better {how} beyond chance: nDCG@10 {:+.4}, p {:.3}",
            difference.mean, difference.p
        ),
    })
}

/// What the mean difference of general queries says against it.
fn general_fell(how: &str, mean: f64, margin: f64) -> Option<Refusal> {
    (mean < -margin).then(|| Refusal {
        code: "general-fell",
        message: format!(
            "general queries are ranked worse {how}: nDCG@10 {mean:+.4}, and {margin:.3} is let pass"
        ),
    })
}
