//! Trains LoRA adapters of encoders of BERT's family, on the CPU.
//!
//! ```text
//! pairs → data ─ batches ─→ bert (+ lora) → vectors → loss → gradients ─ adam → numbers
//!           └─ choosing ─→ look: nDCG@10 → the best numbers so far → an adapter
//! ```
//!
//! [`run`] does a [`Job`](littoral_runtime::tune::encoder::Job), telling its course by
//! [`Event`](littoral_runtime::tune::encoder::Event)s. The model in [`bert`] is the one that
//! `littoral_runtime::models::reference` computes, on tensors that know their gradients; its own weights are
//! constants, and no gradient of theirs is computed.
//!
//! **Invariant:** the same job gives the same adapter, on any number of threads, interrupted or not, and
//! whether intermediate results are kept or computed twice.

pub mod adam;
pub mod bert;
pub mod checkpoint;
pub mod data;
mod error;
pub mod look;
pub mod lora;
pub mod loss;
mod random;
pub mod step;
mod train;

pub use error::TrainError;
pub use train::run;
