//! `littoral demo`

use super::output::{self, Failure};
use super::{Outcome, engine_failure, search};
use crate::build::{Tools, build_documents, default_settings};
use crate::documentation;
use crate::store::Folder;
use littoral_guest::engine::SearchOptions;
use std::path::PathBuf;
use std::time::Instant;

/// What the demo looks for when nothing is said.
const QUERY: &str = "how do I update an index";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to look for
    #[arg(default_value = QUERY)]
    query: String,
    /// Keep the index in this folder
    #[arg(short, long)]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let temporary = tempfile::tempdir()
        .map_err(|error| Failure::new("write-failed", error.to_string(), "free some space"))?;
    let path = arguments.output.as_deref().unwrap_or(temporary.path());
    let tools = Tools::from(super::build::pool(0)?);
    let mut folder = Folder::open(path)
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    let documents = documentation::documents()
        .map_err(|skipped| Failure::new("internal", skipped.message, "please report this"))?;
    let (_, built) = build_documents(
        documents.into_iter(),
        &default_settings(),
        &mut folder,
        &tools,
    )
    .map_err(|error| super::build::build_failure(&error))?;
    output::line(format!(
        "Indexed Littoral's documentation: {} pages, {} chunks, in {:.2} s.",
        built.documents,
        built.chunks,
        start.elapsed().as_secs_f64()
    ));
    output::line(format!(
        "\n$ littoral search {} {:?}\n",
        shown(arguments),
        arguments.query
    ));
    let start = Instant::now();
    let index = super::open(path)?;
    let options = SearchOptions {
        k: 5,
        ..SearchOptions::default()
    };
    let mut result = pollster::block_on(index.search(&arguments.query, &options))
        .map_err(|error| engine_failure(&error))?;
    result.timings_ms.total = start.elapsed().as_secs_f64() * 1e3;
    search::show(&result);
    output::line("\nNow your own documents:\n");
    output::line("$ littoral build FOLDER -o index");
    output::line("$ littoral search index \"your question\"");
    Ok(if result.hits.is_empty() {
        Outcome::Negative
    } else {
        Outcome::Done
    })
}

fn shown(arguments: &Arguments) -> String {
    arguments
        .output
        .as_ref()
        .map_or("DIR".to_owned(), |path| path.display().to_string())
}
