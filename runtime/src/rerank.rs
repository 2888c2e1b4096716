//! A cross-encoder on this machine: on a GPU where one was taken, held to the CPU.
//!
//! ```text
//! pairs → GPU → log odds → those that may be among the best → CPU → log odds that count
//! ```
//!
//! What a GPU gives may differ from the CPU in its last bits, and so by a step of an activation here and
//! there. It proposes: the CPU reads again every pair that may be among the best that are wanted, so that
//! these, their order and their relevance are the CPU's. A GPU that strays further than the margin is not
//! asked again.

use littoral_gpu::{BulkEncoder, GpuError, LOG_ODDS_MARGIN};
use littoral_guest::Encoder;
use littoral_guest::encoder::rerank::{Pair, relevance};
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Pairs that one thread reads together.
const PAIRS: usize = 4;

/// A cross-encoder that hosts ask.
#[derive(Debug)]
pub struct CrossEncoder {
    encoder: Arc<Encoder>,
    gpu: Option<BulkEncoder>,
    has_strayed: AtomicBool,
    cpu_pairs: AtomicU64,
}

/// How a GPU that reranks is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuState {
    /// The adapter's name.
    pub adapter: String,
    /// Pairs that it read.
    pub pairs: u64,
    /// Why it is no longer asked, where it is not.
    pub trouble: Option<String>,
}

impl CrossEncoder {
    /// `encoder` on the CPU.
    pub fn new(encoder: Arc<Encoder>) -> Self {
        Self {
            encoder,
            gpu: None,
            has_strayed: AtomicBool::new(false),
            cpu_pairs: AtomicU64::new(0),
        }
    }

    /// The same with a GPU in front of it, to which it was brought.
    pub fn on_gpu(gpu: BulkEncoder) -> Self {
        let plain = Self::new(Arc::clone(gpu.plain()));
        Self {
            gpu: Some(gpu),
            ..plain
        }
    }

    /// The model.
    pub fn encoder(&self) -> &Arc<Encoder> {
        &self.encoder
    }

    /// The GPU, where there is one.
    pub fn gpu(&self) -> Option<GpuState> {
        let tally = self.gpu.as_ref()?.tally();
        let has_strayed = self.has_strayed.load(Ordering::Relaxed);
        let strayed =
            has_strayed.then(|| "what it gave was too far from what the CPU gives".to_owned());
        Some(GpuState {
            adapter: self.gpu.as_ref()?.gpu().name().to_owned(),
            pairs: tally.gpu_texts,
            trouble: tally.failure.as_ref().map(GpuError::to_string).or(strayed),
        })
    }

    /// Pairs that the CPU read, those that it read again among them.
    pub fn cpu_pairs(&self) -> u64 {
        self.cpu_pairs.load(Ordering::Relaxed)
    }

    /// How relevant each of `texts` is to `query`, from 0 to 1. The best `wanted` of them have the
    /// relevance that [`Encoder::rerank`] gives; of the others it is lower. `None` when the model is no
    /// reranker.
    pub fn rerank(&self, query: &str, texts: &[&str], wanted: usize) -> Option<Vec<f64>> {
        let pairs = self.encoder.pairs(query, texts);
        let proposed = (wanted < pairs.len())
            .then(|| self.proposed(&pairs, wanted.max(1)))
            .flatten();
        let log_odds = match proposed {
            Some(proposed) => proposed,
            None => self.by_cpu(&pairs)?,
        };
        Some(log_odds.into_iter().map(relevance).collect())
    }

    /// Log odds by the GPU, and of all that may be among the best `wanted` by the CPU. `None` when
    /// there is no GPU that can be trusted.
    fn proposed(&self, pairs: &[Pair], wanted: usize) -> Option<Vec<f64>> {
        let gpu = self.gpu.as_ref()?;
        if self.has_strayed.load(Ordering::Relaxed) {
            return None;
        }
        let mut log_odds = gpu.log_odds(pairs.to_vec())?;
        let again = near(&log_odds, wanted);
        let of_again: Vec<Pair> = again.iter().map(|&i| pairs[i].clone()).collect();
        for (i, exact) in again.into_iter().zip(self.by_cpu(&of_again)?) {
            // What is no number is not near either.
            if (exact - log_odds[i]).abs() <= LOG_ODDS_MARGIN {
                log_odds[i] = exact;
            } else {
                self.has_strayed.store(true, Ordering::Relaxed);
                return None;
            }
        }
        Some(log_odds)
    }

    fn by_cpu(&self, pairs: &[Pair]) -> Option<Vec<f64>> {
        self.cpu_pairs
            .fetch_add(pairs.len() as u64, Ordering::Relaxed);
        // What a pair gives does not depend on the others, so threads may share them out.
        let parts = pairs.par_chunks(PAIRS);
        let parts: Option<Vec<_>> = parts.map(|pairs| self.encoder.log_odds(pairs)).collect();
        Some(parts?.concat())
    }
}

/// Those of `proposed` that may be among the best `wanted`, of which there are as many at least: the last
/// of these may be lower by a margin, and another higher by one. What is no number may be anything.
fn near(proposed: &[f64], wanted: usize) -> Vec<usize> {
    let mut ranked = proposed.to_vec();
    ranked.sort_by(|a, b| b.total_cmp(a));
    let last = ranked.get(wanted - 1).copied().unwrap_or(f64::MIN);
    let least = last - 2.0 * LOG_ODDS_MARGIN;
    let is_far = |&i: &usize| proposed[i] < least;
    let all = 0..proposed.len();
    all.filter(|i| !is_far(i)).collect()
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn all_that_may_be_among_the_best_are_read_again() {
        let proposed = [-9.0, 3.0, 2.4, 2.6, 7.0, -9.1, 2.0];
        assert_eq!(near(&proposed, 1), [4]);
        assert_eq!(near(&proposed, 2), [1, 3, 4]);
        assert_eq!(near(&proposed, 3), [1, 2, 3, 4]);
        assert_eq!(near(&proposed, 6), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(near(&[1.0, f64::NAN, 9.0], 1), [0, 1, 2]);
        assert_eq!(near(&[1.0, f64::INFINITY, 9.0], 1), [1]);
        assert_eq!(near(&[f64::NEG_INFINITY, 9.0], 1), [1]);
    }
}
