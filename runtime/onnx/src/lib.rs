//! Encoders in ONNX, of any kind that gives vectors of tokens or of texts.
//!
//! ```text
//! text → prompt → tokens → graph → pooling → vector of length 1
//! ```
//!
//! A folder in Hugging Face's layout:
//!
//! | file | is |
//! |---|---|
//! | `model.onnx` or `onnx/model.onnx` | the graph, its weights inside |
//! | `tokenizer.json` | tokenizer, of any kind that Hugging Face `tokenizers` knows |
//! | `config.json` | positions |
//! | `modules.json`, `1_Pooling/config.json` | which tokens make the text's vector |
//! | `sentence_bert_config.json` | length in tokens |
//! | `config_sentence_transformers.json` | prompts |
//!
//! Only the first two must be there. The graph is run by tract on one thread, one text at a time:
//! there is no padding, so a text's vector does not depend on others.
//!
//! **Invariant:** nothing outside the folder is read, and nothing in it is executed but the operators
//! of ONNX. Weights in files beside the graph are refused.
#![deny(unsafe_code)]

mod config;
mod encoder;
mod error;
mod graph;
mod sparse;

pub use config::{Config, Pooling};
pub use encoder::OnnxEncoder;
pub use error::OnnxError;
pub use graph::graph_of;
pub use sparse::SparseOnnxEncoder;
