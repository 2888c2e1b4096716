//! The GPU in a program that was built without it.

use super::{GpuChoice, GpuUse, TextEncoder};
use littoral_guest::Encoder;
use std::sync::Arc;

/// `encoder` as it is: this program has no GPU.
pub fn on_gpu(
    encoder: Arc<Encoder>,
    _choice: GpuChoice,
    _n_threads: usize,
) -> (Arc<dyn TextEncoder>, GpuUse) {
    let reason = "this program was built without it (cargo build --features gpu)";
    (encoder, GpuUse::processor(reason))
}
