//! Tuning: pairs of queries and passages in, an index that ranks them better out, or a refusal.
//!
//! ```text
//! sources ─gather→ asked ─split→ train │ held out ─mine→ rows ─write→ a folder (prepare)
//!     the folder's train rows + the index ─train→ a file of tuned rows
//!     the file + the index ─overlay→ the index as it would be ─measure→ before and after (eval)
//!                                        └─ gate ─→ the index, or a refusal (deploy)
//! ```
//!
//! [`sources`] reads what the user has, [`prepare`] makes training data of it with the negatives of
//! [`mine`], and [`pairs`] is the folder that they lie in. [`corpus`] is what all of them know of the
//! index.

pub mod corpus;
pub mod error;
pub mod mine;
pub mod pairs;
pub mod prepare;
pub mod sources;
mod split;

pub use corpus::Corpus;
pub use error::TuneError;
