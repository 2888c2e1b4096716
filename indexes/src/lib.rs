//! The Littoral index format.
//!
//! An index is a folder of small, immutable, checksummed files and one small mutable entry. This
//! crate holds the writer and the reader of every section side by side. It is pure: it touches no
//! file, clock, thread or environment, so the same code runs natively and in WebAssembly.
//! `FORMAT.md` beside this crate is normative.
#![forbid(unsafe_code)]

pub mod coder;
pub mod error;

pub use error::{IndexError, Section};
