//! The Littoral index format.
//!
//! An index is a folder of small, immutable, checksummed files and one small mutable entry. This
//! crate holds the writer and the reader of every section side by side. It is pure: it touches no
//! file, clock, thread or environment, so the same code runs natively and in WebAssembly.
//! `FORMAT.md` beside this crate is normative.

mod base64;
mod bytes;
pub mod coder;
pub mod envelope;
pub mod error;
pub mod filters;
pub mod hash;
pub mod impact;
pub mod inventory;
pub mod kernels;
pub mod layout;
pub mod lexicon;
pub mod manifest;
pub mod order;
pub mod passages;
pub mod postings;
pub mod sort;
pub mod spelling;
pub mod table;
pub mod text;
pub mod vectors;

pub use error::{IndexError, Section};

/// Whether this is compiled for pages, which load every byte of it before the first query. Elsewhere what is
/// quicker counts, not what is smaller.
const IS_SMALL: bool = cfg!(all(target_arch = "wasm32", not(feature = "quick")));
