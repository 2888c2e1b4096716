//! `--llm`: the model behind an endpoint that writes, and what it is allowed.

use super::output::Failure;
use crate::llm::{Endpoint, Key, Limits, LlmError};
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(super) struct LlmArguments {
    /// Let the model behind an OpenAI-compatible endpoint write; the key, where it needs one, is in
    /// LITTORAL_LLM_KEY or OPENAI_API_KEY
    #[arg(long, value_name = "URL", requires = "llm_model")]
    llm: Option<String>,
    /// What the model is called there
    #[arg(long, value_name = "NAME", requires = "llm")]
    llm_model: Option<String>,
    /// Seconds that the endpoint may take before, and between, pieces of an answer
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().silence.as_secs_f64(), requires = "llm", value_parser = seconds)]
    llm_timeout: f64,
    /// Seconds that the whole answer may take
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().total.as_secs_f64(), requires = "llm", value_parser = seconds)]
    llm_time: f64,
    /// Tokens that the model may write
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_tokens, requires = "llm", value_parser = clap::value_parser!(u32).range(16..=16384))]
    llm_tokens: u32,
}

/// A number of seconds.
fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| (0.05..=3600.0).contains(number))
        .ok_or_else(|| "this is a number of seconds from 0.05 to 3600".to_owned())
}

impl LlmArguments {
    /// Whether no model was asked for.
    pub(super) fn is_none(&self) -> bool {
        self.llm.is_none()
    }

    /// The model that was asked for.
    pub(super) fn endpoint(&self) -> Result<Option<Endpoint>, Failure> {
        let (Some(address), Some(model)) = (&self.llm, &self.llm_model) else {
            return Ok(None);
        };
        let limits = Limits {
            silence: Duration::from_secs_f64(self.llm_timeout),
            total: Duration::from_secs_f64(self.llm_time),
            max_tokens: self.llm_tokens,
            ..Limits::default()
        };
        Key::from_environment()
            .and_then(|key| Endpoint::new(address, model, key, limits))
            .map(Some)
            .map_err(|error| failure(&error))
    }
}

pub(super) fn failure(error: &LlmError) -> Failure {
    Failure::new(error.code(), error.to_string(), error.hint())
}
