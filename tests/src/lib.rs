//! What the tests of the workspace share: documents, an index in memory, the program, the data.
#![expect(
    clippy::missing_panics_doc,
    reason = "what a test finds wrong it says by panicking"
)]

pub mod bucket;
pub mod cases;
pub mod component;
pub mod data;
pub mod encoder;
pub mod files;
pub mod fuzz;
pub mod hostile_text;
pub mod hub;
pub mod llm;
pub mod memory;
pub mod models;
pub mod package;
pub mod program;
pub mod random;
pub mod sample;
pub mod sandboxes;
pub mod server;
pub mod tuning;
pub mod unicode;
