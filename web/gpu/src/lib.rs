//! The GPU for JavaScript, by WebGPU: the kernels of the native program, in a module that only pages
//! load that have much to compute.
//!
//! What it gives, a page that has no GPU gets from the CPU: of vectors here, of texts in the encoder's
//! module. On other targets than WebAssembly the crate is empty.
#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[path = "../../src/allocator.rs"]
mod allocator;
#[cfg(target_arch = "wasm32")]
mod device;
#[cfg(target_arch = "wasm32")]
mod error;
#[cfg(target_arch = "wasm32")]
mod hits;
#[cfg(target_arch = "wasm32")]
mod rows;

#[cfg(target_arch = "wasm32")]
pub use device::{Device, DeviceEncoder, DeviceRows, open};
#[cfg(target_arch = "wasm32")]
pub use hits::Hits;
#[cfg(target_arch = "wasm32")]
pub use rows::Rows;
