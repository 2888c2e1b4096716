//! Tuning: pairs of queries and passages in, an index that ranks them better out, or a refusal.
//!
//! ```text
//! sources ─gather→ asked ─split→ train │ held out ─mine→ rows ─write→ a folder (prepare)
//!     the folder's train rows + the index ─train→ a file of tuned rows, or an adapter
//!     rows + the index ─overlay─┬→ the index as it would be ─measure→ before and after (eval)
//!     adapter + encoder ─merged─┘      └─ gate ─→ the index, or a refusal (deploy)
//! ```
//!
//! [`sources`] reads what the user has, [`prepare`] makes training data of it with the negatives of
//! [`mine`], and [`pairs`] is the folder that they lie in; [`chat`] makes examples for a generator of them,
//! held to a [`schema`] where one is given. [`mod@train`] learns from them what
//! [`tuned`] keeps in a file, [`mod@table`] is the query table that it changes, and [`overlay`] is the
//! index with it. [`mod@encoder`] has an encoder or a reranker trained by a program of its own, [`merged`] is
//! what becomes of it, and [`mod@generator`] has a generator taught by an existing trainer; [`origin`] is what a packed model says of its training; [`html`] shows how a training went.
//! [`measure`] says what a tuning gains, [`reranked`] what a reranker does, and [`gate`] whether it may be
//! [`mod@deploy`]ed. [`corpus`] is what all of them know of the index.

pub mod chat;
pub mod corpus;
pub mod deploy;
pub mod encoder;
pub mod error;
pub mod gate;
pub mod generator;
pub mod html;
pub mod measure;
pub mod merged;
pub mod mine;
pub mod origin;
pub mod overlay;
pub mod pairs;
pub mod prepare;
pub mod reranked;
pub mod schema;
pub mod sources;
mod split;
pub mod table;
pub mod train;
pub mod tuned;

pub use corpus::Corpus;
pub use error::TuneError;
