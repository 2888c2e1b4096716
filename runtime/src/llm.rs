//! Answers written by a model behind an OpenAI-compatible endpoint, and held to what they cite.
//!
//! ```text
//! passages ─prompt→ POST /v1/chat/completions ─events→ pieces ─grounder→ sentences that hold
//! ```
//!
//! The endpoint is a stranger: what it sends is bounded in bytes, in pieces and in time, and every
//! way to misbehave has an error of its own. Nothing goes to any address but the one that was named:
//! redirects are refused. The key comes from the environment and appears in one header alone.

mod answer;
mod client;
mod endpoint;
mod error;
mod paraphrase;
mod question;
mod stream;

pub use answer::{Asked, answer};
pub use endpoint::{Endpoint, Key, Limits};
pub use error::LlmError;
pub use paraphrase::paraphrase;
pub use question::question;
