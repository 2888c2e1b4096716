//! What servers of Littoral are asked and what they say: the HTTP API without sockets and threads, so that
//! `littoral serve` and a component for WASI-HTTP read requests and word answers alike, and read an index from
//! its folder in one way.
//!
//! ```text
//! address, body → request → (an engine) → context, completion, JSON
//!                     └→ refusal
//! ```
#![deny(unsafe_code)]

pub mod completion;
pub mod files;
pub mod refusal;
pub mod request;

/// The API, described for programs.
pub const OPENAPI: &str = include_str!("openapi.json");

/// Largest body of a context or a chat.
pub const MAX_BODY_BYTES: usize = 64 << 10;

/// Largest body of texts to encode or rerank.
pub const MAX_TEXTS_BYTES: usize = 1 << 20;
