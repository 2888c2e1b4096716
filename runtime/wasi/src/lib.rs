//! An index as a component for WASI-HTTP: `wasmtime serve`, Spin, and whatever else runs one.
//!
//! ```text
//! wasi:http request → component → service → engine → files of the index's folder, which the host lends
//! ```
//!
//! It answers what `littoral serve` answers, but for what needs more than an index: no vectors of texts, no
//! reranking, no counters (a host may make an instance for each request), no keys (they are the host's).
//! It has the folder and nothing else: no network, no other file.
#![deny(unsafe_code)]

#[cfg(target_os = "wasi")]
mod component;
pub mod service;
