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
//! [`mine`], and [`pairs`] is the folder that they lie in. [`mod@train`] learns from them what
//! [`tuned`] keeps in a file, [`mod@table`] is the query table that it changes, and [`overlay`] is the
//! index with it. [`measure`] says what that gains and whether it may be [`mod@deploy`]ed. [`mod@encoder`]
//! has an encoder trained by a program of its own. [`corpus`] is what all of them know of the index.

pub mod corpus;
pub mod deploy;
pub mod encoder;
pub mod error;
pub mod measure;
pub mod mine;
pub mod overlay;
pub mod pairs;
pub mod prepare;
pub mod sources;
mod split;
pub mod table;
pub mod train;
pub mod tuned;

pub use corpus::Corpus;
pub use error::TuneError;
