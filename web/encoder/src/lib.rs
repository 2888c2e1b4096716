//! The encoder for JavaScript: a packed model's vectors, in every bit those of the program.
//!
//! A module beside the core's, since most pages have no use for it: an index with a query table is
//! searched without. On other targets than WebAssembly the crate is empty.
#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod encoder;

#[cfg(target_arch = "wasm32")]
pub use encoder::{Encoder, load};
