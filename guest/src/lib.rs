//! Littoral's engine.
//!
//! ```text
//! documents → chunks → terms → index          query → plan → lexical → hits
//! ```
//!
//! The crate is pure: no file, clock, thread or environment. What it needs from outside it asks of
//! its host. The same code runs natively, in a browser page and in a sandbox. Unsafe code is in the
//! encoder's kernels alone.
#![deny(unsafe_code)]

#[cfg(feature = "languages")]
pub mod amend;
pub mod analysis;
pub mod answer;
pub mod build;
pub mod chunk;
pub mod context;
pub mod document;
mod draw;
pub mod encoder;
pub mod engine;
pub mod host;
pub mod map;
pub mod model;
pub mod query;
pub mod table;
pub mod vectors;
pub mod wire;
pub mod wordpiece;

pub use chunk::Chunk;
pub use document::{Document, Part, PartKind};
pub use encoder::Encoder;
pub use engine::{EngineError, Index, SearchOptions, SearchResult};
pub use host::{Host, HostError};
pub use query::Query;
