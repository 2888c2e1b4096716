//! How much of a change is kept. What was learned of few pairs is often worth most in part: a share of it
//! ranks as well or better, and forgets less.
//!
//! Source: Wortsman et al., "Robust fine-tuning of zero-shot models" (2022), section 3, where weights of
//! before and after are interpolated; of an adapter that is its scale.

use crate::checkpoint::Checkpoint;
use crate::lora::Layout;
use littoral_runtime::tune::encoder::Share;

/// Shares that are looked at, beside the whole.
const SHARES: [f64; 3] = [0.75, 0.5, 0.25];

/// What of a change is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Its numbers.
    pub numbers: Vec<f32>,
    /// The step that they are of; 0 where nothing is kept.
    pub step: u32,
    /// The share of them.
    pub share: f64,
    /// All looks.
    pub looks: Vec<Share>,
}

impl Kept {
    /// The best numbers of the training `at`, whole.
    pub fn whole(at: &Checkpoint) -> Self {
        Self {
            numbers: at.best.clone(),
            step: at.state.best_step,
            share: 1.0,
            looks: Vec::new(),
        }
    }
}

/// What is kept of the training `at`: its best numbers, or the share of them that ranks no worse by `look`, the
/// smallest of equals. Where no step was better than none, a share of the last may be.
pub fn keep(at: &Checkpoint, layout: &Layout, mut look: impl FnMut(&[f32]) -> f64) -> Kept {
    let state = &at.state;
    let of_best = state.curve.iter().map(|point| point.ndcg);
    let mut best = of_best.fold(f64::MIN, f64::max);
    let is_none = state.best_step == 0;
    let (step, whole) = if is_none {
        (state.step, &at.numbers)
    } else {
        (state.best_step, &at.best)
    };
    let mut kept = Kept::whole(at);
    for share in SHARES {
        let numbers = layout.share(whole, share);
        let ndcg = look(&numbers);
        kept.looks.push(Share { share, ndcg });
        // As good with less of it is better; but as good as before is nothing.
        let is_better = ndcg > best || kept.step > 0 && ndcg >= best;
        if is_better {
            best = ndcg;
            (kept.numbers, kept.step, kept.share) = (numbers, step, share);
        }
    }
    kept
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "quarters of small numbers are exact")]
mod tests {
    use super::*;
    use crate::adam::Adam;
    use crate::checkpoint::State;
    use littoral_guest::encoder::format::{Activation, Config, Pooling};
    use littoral_runtime::models::adapter::Part;
    use littoral_runtime::tune::tuned::Point;

    /// What is kept where looks at the whole, from the first to the last, and at shares of it give these.
    fn kept(curve: &[f64], best_step: u32, shares: [f64; 3]) -> Kept {
        let config = Config {
            hidden: 4,
            layers: 1,
            heads: 1,
            intermediate: 8,
            vocabulary: 8,
            positions: 8,
            types: 1,
            max_tokens: 8,
            dense: 0,
            labels: 0,
            epsilon: 1e-12,
            pooling: Pooling::Mean,
            activation: Activation::Gelu,
            dense_activation: Activation::Identity,
            normalize: true,
            name: String::new(),
            query_prompt: String::new(),
            document_prompt: String::new(),
        };
        let (layout, begun) = Layout::begin(&config, &[Part::Query], 2, 4.0, 1);
        let numbers: Vec<f32> = begun.iter().map(|x| x + 1.0).collect();
        let points = (0..).zip(curve).map(|(step, &ndcg)| Point {
            step,
            loss: 0.0,
            ndcg,
        });
        let at = Checkpoint {
            state: State {
                step: curve.len() as u32 - 1,
                curve: points.collect(),
                best_step,
                ..State::default()
            },
            adam: Adam::new(begun.len()),
            best: if best_step == 0 {
                begun.clone()
            } else {
                numbers.clone()
            },
            numbers,
        };
        let mut given = shares.into_iter();
        keep(&at, &layout, |numbers| {
            // First halves stay, and second ones shrink.
            assert_eq!(numbers[0], begun[0] + 1.0);
            assert!(numbers[8..].iter().all(|x| *x < 1.0));
            given.next().unwrap_or_default()
        })
    }

    #[test]
    fn the_smallest_share_that_is_no_worse_is_kept() {
        let whole = kept(&[0.5, 0.6, 0.55], 1, [0.59, 0.58, 0.57]);
        assert_eq!((whole.step, whole.share), (1, 1.0));
        let less = kept(&[0.5, 0.6, 0.55], 1, [0.6, 0.61, 0.61]);
        assert_eq!((less.step, less.share, less.looks.len()), (1, 0.25, 3));
        assert_eq!(less.numbers[8], 0.25);
    }

    #[test]
    fn where_no_step_is_better_than_none_a_share_may_be() {
        let none = kept(&[0.5, 0.4, 0.3], 0, [0.4, 0.5, 0.5]);
        assert_eq!((none.step, none.share), (0, 1.0));
        assert_eq!(none.numbers[8], 0.0);
        let some = kept(&[0.5, 0.4, 0.3], 0, [0.4, 0.52, 0.51]);
        assert_eq!((some.step, some.share), (2, 0.5));
    }
}
