//! Littoral's engine.
//!
//! ```text
//! documents → chunks → terms → index          query → plan → lexical → hits
//! ```
//!
//! The crate is pure: no file, clock, thread or environment. What it needs from outside it asks of
//! its host. The same code runs natively, in a browser page and in a sandbox.
#![forbid(unsafe_code)]

pub mod analysis;
pub mod build;
pub mod chunk;
pub mod document;
pub mod engine;
pub mod host;
pub mod query;
pub mod table;

pub use chunk::Chunk;
pub use document::{Document, Part, PartKind};
pub use engine::{EngineError, Index, SearchOptions, SearchResult};
pub use host::{Host, HostError};
pub use query::Query;
