//! Documents encoded by a GPU, with the CPU behind it.
//!
//! Vectors of a GPU may differ from the CPU's in their last bits, and where it is lost on the way the
//! CPU makes the rest. So an index that a GPU had a part in is not the same bytes each time: it says so
//! in `created_by`, under a mark that no other has, and its segments have ids of their own.

use littoral_gpu::{Adapters, BulkEncoder, Gpu, GpuError, Speeds, Tally};
use littoral_guest::Encoder;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Texts that wait for the device at a time, for each thread that prepares them: it takes them
/// together.
const ASKERS: usize = 4;

/// What stands between the program and the adapter in `created_by`.
const MARK: &str = ", vectors by ";

/// An encoder on a GPU that passed its tests.
#[derive(Debug)]
pub struct GpuTexts {
    bulk: BulkEncoder,
    /// Drawn once: nobody else has it.
    run: u64,
}

impl GpuTexts {
    /// Brings `encoder` to the best of the `adapters`, and tries it on known texts.
    ///
    /// # Errors
    /// [`GpuError`] when there is none, it computes wrongly, or it does not take the model.
    pub fn open(adapters: Adapters, encoder: Arc<Encoder>) -> Result<Self, GpuError> {
        Ok(Self {
            bulk: BulkEncoder::new(&Gpu::open(adapters)?, encoder)?,
            run: RandomState::new().hash_one(std::process::id()),
        })
    }

    /// The adapter's name.
    pub fn name(&self) -> &str {
        self.bulk.gpu().name()
    }

    /// The device.
    pub fn gpu(&self) -> &Arc<Gpu> {
        self.bulk.gpu()
    }

    /// Texts a second by the GPU, asked as a build with `n_threads` asks it, and by as many threads of
    /// the CPU.
    ///
    /// # Errors
    /// What the device failed with.
    pub fn measure(&self, n_threads: usize) -> Result<Speeds, GpuError> {
        self.bulk.measure(askers(n_threads), n_threads)
    }

    /// Who encoded what so far.
    pub fn tally(&self) -> Tally {
        self.bulk.tally()
    }

    /// Vectors of documents, `[n, dims]`, and whether the GPU made them.
    pub(super) fn encode(&self, texts: &[&str]) -> (Vec<f32>, bool) {
        self.bulk.encode(&self.bulk.plain().document_tokens(texts))
    }

    /// What `created_by` says beside the program.
    pub(super) fn mark(&self) -> String {
        format!("{MARK}{} ({:016x})", self.name(), self.run)
    }
}

/// Threads that ask a GPU where the program has `n_threads`.
pub(super) fn askers(n_threads: usize) -> usize {
    ASKERS * n_threads
}

/// What `created_by` of an index says of a GPU; empty where none had a part in it.
pub(crate) fn mark_in(created_by: &str) -> &str {
    created_by
        .find(MARK)
        .map_or("", |start| &created_by[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_again() {
        assert_eq!(mark_in("littoral 0.1.0"), "");
        let marked = format!("littoral 0.1.0{MARK}Some GPU (0123)");
        assert_eq!(mark_in(&marked), ", vectors by Some GPU (0123)");
    }
}
