//! The GPU: similarity and the encoder, from one set of WGSL kernels, on Vulkan, Metal and DirectX 12,
//! and in a page on WebGPU.
//!
//! ```text
//! Gpu ── Resident: vectors that stay on the device ── nearest: scan → select → the k best
//!    └── GpuEncoder: texts as tokens → layers → pooled vectors
//! ```
//!
//! **Invariant:** the GPU may vanish at any moment. Every call gives its result or a typed
//! [`GpuError`]; a [`Searcher`] or a [`BulkEncoder`] then goes on with the CPU and says so.
#![deny(unsafe_code)]

/// The source of a kernel in `src/wgsl`, as the build script leaves it.
macro_rules! wgsl {
    ($name:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/", $name, ".wgsl"))
    };
}

#[cfg(not(target_arch = "wasm32"))]
mod blocking;
#[cfg(not(target_arch = "wasm32"))]
mod bulk;
#[cfg(not(target_arch = "wasm32"))]
mod copy;
pub mod device;
pub mod encoder;
mod error;
pub mod scan;
mod select;

#[cfg(not(target_arch = "wasm32"))]
pub use bulk::{BulkEncoder, LOG_ODDS_MARGIN, Speeds, Tally};
pub use device::{Adapters, Gpu};
pub use encoder::GpuEncoder;
pub use error::GpuError;
#[cfg(not(target_arch = "wasm32"))]
pub use scan::searcher::{Answer, Processor, Searcher};
pub use scan::{Hit, Kind, Resident};
