//! Trains encoders and cross-encoders of BERT's family by LoRA, on the CPU or, built with the feature `gpu`, on
//! a GPU.
//!
//! ```text
//! pairs → data ─ batches ─→ bert (+ lora) ─→ vectors → loss ──────┬→ gradients ─ adam → numbers
//!           │                    └ (+ head) → log odds → listwise ┘                       │
//!           └─ choosing ─→ look: nDCG@10 → the best numbers so far → an adapter, or a model
//! ```
//!
//! [`run`] does a [`Job`](littoral_runtime::tune::encoder::Job), telling its course by
//! [`Event`](littoral_runtime::tune::encoder::Event)s. The model in [`bert`] is the one that
//! `littoral_runtime::models::reference` computes, on tensors that know their gradients; its own weights are
//! constants, and no gradient of theirs is computed. What is made small and what is looked at is a matter of
//! the [`objective`].
//!
//! **Invariant:** on the CPU the same job gives the same numbers, on any number of threads, interrupted or not,
//! and whether intermediate results are kept or computed twice.

pub mod adam;
mod backward;
pub mod bert;
pub mod checkpoint;
pub mod computer;
pub mod data;
mod error;
pub mod gpu;
mod head;
pub mod listwise;
pub mod look;
pub mod lora;
pub mod loss;
pub mod objective;
mod random;
pub mod rerank;
pub mod share;
pub mod step;
mod train;

pub use error::TrainError;
pub use train::run;
