//! The engine for JavaScript.
//!
//! Only the seam and the shape of values change hands here; retrieval is the engine's, unchanged,
//! so a page, a worker and a server rank alike. On other targets than WebAssembly the crate is
//! empty.
#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod allocator;
#[cfg(all(target_arch = "wasm32", feature = "answers"))]
mod answers;
#[cfg(target_arch = "wasm32")]
mod error;
#[cfg(target_arch = "wasm32")]
mod host;
#[cfg(target_arch = "wasm32")]
mod index;
#[cfg(target_arch = "wasm32")]
mod json;
#[cfg(all(target_arch = "wasm32", feature = "writer"))]
mod writer;

#[cfg(all(target_arch = "wasm32", feature = "answers"))]
pub use answers::{Reply, cited_url};
#[cfg(target_arch = "wasm32")]
pub use index::{Index, open};
#[cfg(all(target_arch = "wasm32", feature = "writer"))]
pub use writer::{Change, amend};
