//! What the tests of the workspace share: documents, an index in memory, the program, the data.

pub mod data;
pub mod memory;
pub mod program;
pub mod random;
pub mod sample;
