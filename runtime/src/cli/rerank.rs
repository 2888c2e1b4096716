//! `--rerank`: the cross-encoder of a search or an evaluation.

use super::model;
use super::output::Failure;
use littoral_guest::Encoder;
use littoral_guest::engine::Rerank;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub(super) struct RerankArguments {
    /// Order the best candidates anew by a cross-encoder: a stored name, a packed file, or a model
    /// folder
    #[arg(long, value_name = "NAME|PATH")]
    rerank: Option<String>,
    /// Candidates that the reranker reads
    #[arg(
        long,
        value_name = "N",
        default_value_t = Rerank::DEPTH as u16,
        value_parser = clap::value_parser!(u16).range(1..=1000),
        requires = "rerank"
    )]
    rerank_depth: u16,
}

/// A reranker that is here, and how it is asked.
pub(super) struct Reranker {
    pub(super) encoder: Arc<Encoder>,
    pub(super) asked: Rerank,
}

impl RerankArguments {
    /// The reranker that was asked for.
    pub(super) fn load(&self) -> Result<Option<Reranker>, Failure> {
        let Some(name) = &self.rerank else {
            return Ok(None);
        };
        let encoder = model::resolve(name).map_err(|error| {
            let hint = match error.code() {
                "model-not-found" => {
                    "pack one: littoral model quantize FOLDER; or get one: littoral model pull \
                     ms-marco-MiniLM-L6-v2"
                }
                _ => error.hint(),
            };
            Failure::new(error.code(), error.to_string(), hint)
        })?;
        if !encoder.is_reranker() {
            return Err(Failure::new(
                "not-a-reranker",
                format!("the model {name:?} is no cross-encoder with one or two outputs"),
                "littoral model info shows what a model is",
            ));
        }
        Ok(Some(Reranker {
            asked: Rerank {
                model: encoder.id(),
                depth: usize::from(self.rerank_depth),
            },
            encoder: Arc::new(encoder),
        }))
    }
}
