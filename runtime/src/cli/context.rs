//! `littoral context`

use super::output::{self, Failure};
use super::search::{self, HostName, ModeName};
use super::{Named, Outcome};
use crate::context::{self, DEFAULT_TOKENS, MAX_TOKENS};
use littoral_guest::SearchOptions;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the index
    index: PathBuf,
    /// What the passages are to be about
    #[arg(allow_hyphen_values = true)]
    query: String,
    /// Tokens of all passages together, as an encoder counts them
    #[arg(long, value_name = "N", default_value_t = DEFAULT_TOKENS, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_TOKENS)))]
    max_tokens: u32,
    /// Which retrievers answer
    #[arg(long, value_enum, default_value = "hybrid")]
    mode: ModeName,
    /// Only documents with this filter value (repeat for alternatives of a key, or more keys)
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// How far passages are to differ from those above them, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = search::share)]
    diversity: f64,
    #[command(flatten)]
    rerank: super::rerank::RerankArguments,
    /// Where the engine runs: as part of the program, or in a sandbox
    #[arg(long, value_enum, default_value = "native")]
    host: HostName,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let reranker = arguments.rerank.load()?;
    let options = context::options(SearchOptions {
        mode: arguments.mode.into(),
        filters: search::filters(&arguments.filter)?,
        diversity: arguments.diversity,
        rerank: reranker.as_ref().map(|reranker| reranker.asked),
        ..SearchOptions::default()
    });
    let named = Named {
        reranker: reranker.as_ref().map(|reranker| &reranker.encoder),
        ..Named::default()
    };
    let (index, query) = (&arguments.index, &arguments.query);
    let found = search::find(index, query, &options, named, arguments.host)?;
    let context = context::pack(found, arguments.max_tokens);
    if arguments.json {
        output::json(&context)?;
    } else {
        for note in context
            .notes
            .iter()
            .filter(|note| note.code != "no-vectors")
        {
            output::notice(&format!("({})", note.message));
        }
        output::line(context.text.trim_end());
    }
    Ok(if context.passages.is_empty() {
        Outcome::Negative
    } else {
        Outcome::Done
    })
}
