//! The query table: encodes queries without a neural network, and is fitted to one.
//!
//! Chunks carry the vectors of an encoder. A query's vector is the sum of one row for each of its
//! words, and for some pairs of neighbours, fitted on texts of the index's own corpus so that the sum
//! points where the encoder's vector of the text does. How the rows lie in an index is told in
//! [`littoral_indexes::table`].
//!
//! ```text
//! build:  spans of the corpus ─ encoder → vectors ┐
//!                 └── Vocabulary ── rows of each ─┴ fit → rows, report → blocks
//! query:  text ─words→ words → blocks_of → (read) → encode → QueryVector
//! ```
//!
//! The fit runs on any number of threads and gives the same bytes on all; encoding a query is
//! integer arithmetic.

mod encode;
pub mod fit;
pub mod spans;
pub mod tune;
mod vocabulary;
mod words;

pub use encode::{MAX_WORDS, QueryVector, blocks_of, encode};
pub use spans::{Span, SpanKind};
pub use vocabulary::{Counts, MAX_TABLE_WORDS, Vocabulary};
pub use words::words;
