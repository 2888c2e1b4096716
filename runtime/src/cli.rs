//! The command line: arguments in, text or JSON out, exit codes 0 (done), 1 (negative result) and 2
//! (error).

mod build;
mod demo;
mod embedder;
mod eval;
mod inspect;
mod model;
mod output;
mod rerank;
mod search;

use crate::host::FolderHost;
use clap::{Parser, Subcommand};
use littoral_guest::engine::Index;
use littoral_guest::{Encoder, EngineError};
use littoral_indexes::manifest::ENTRY_NAME;
use output::Failure;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Retrieval for RAG at the edge: a folder of documents becomes a small index that answers anywhere.
#[derive(Debug, Parser)]
#[command(name = "littoral", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Index the bundled documentation and show a search
    Demo(demo::Arguments),
    /// Build an index from documents
    Build(build::BuildArguments),
    /// Bring an index up to date with its documents
    Update(build::UpdateArguments),
    /// Search an index
    Search(search::Arguments),
    /// Measure retrieval on judged queries
    Eval(eval::Arguments),
    /// Verify every file, section and reference of an index
    Check(inspect::Arguments),
    /// Show what an index holds
    Inspect(inspect::Arguments),
    /// Get, pack and show embedding models
    Model(model::Arguments),
}

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    /// No hits; a check or a gate that failed.
    Negative,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let (outcome, json) = match &arguments.command {
        Command::Demo(arguments) => (demo::run(arguments), false),
        Command::Build(arguments) => (build::build(arguments), arguments.json()),
        Command::Update(arguments) => (build::update(arguments), arguments.json()),
        Command::Search(arguments) => (search::run(arguments), arguments.json),
        Command::Eval(arguments) => (eval::run(arguments), arguments.json),
        Command::Check(arguments) => (inspect::check(arguments), arguments.json),
        Command::Inspect(arguments) => (inspect::inspect(arguments), arguments.json),
        Command::Model(arguments) => (model::run(arguments), arguments.json()),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Negative) => ExitCode::from(1),
        Err(failure) => {
            output::failure(&failure, json);
            ExitCode::from(2)
        }
    }
}

/// Help and version go to standard output; a usage error is an error like others.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || !std::env::args().any(|argument| argument == "--json") {
        // What cannot be printed now cannot be reported either.
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
    }
    let message = error.to_string();
    let message = message
        .trim_start_matches("error: ")
        .lines()
        .next()
        .unwrap_or_default();
    output::failure(
        &Failure::new("usage", message, "littoral --help lists what there is"),
        true,
    );
    ExitCode::from(2)
}

/// Opens the index in `path`.
fn open(path: &Path) -> Result<Index<FolderHost>, Failure> {
    if !path.join(ENTRY_NAME).exists() {
        return Err(Failure::new(
            "not-found",
            format!(
                "there is no index in {}: it has no {ENTRY_NAME}",
                path.display()
            ),
            "build one: littoral build INPUT… -o DIR",
        ));
    }
    pollster::block_on(Index::open(FolderHost::new(path))).map_err(|error| engine_failure(&error))
}

/// Opens the index in `path` with the encoder of its queries, where `vectors` are asked for: the one named
/// `embedder`, or where they need one and it is here, its own; and with a reranker.
fn open_with_models(
    path: &Path,
    vectors: bool,
    embedder: Option<&str>,
    reranker: Option<&Arc<Encoder>>,
) -> Result<Index<FolderHost>, Failure> {
    let index = open(path)?;
    let encoder = if vectors {
        embedder::for_queries(&index.manifest().settings, embedder)?
    } else {
        None
    };
    if encoder.is_none() && reranker.is_none() {
        return Ok(index);
    }
    let mut host = FolderHost::new(path);
    if let Some(encoder) = encoder {
        host = host.with_encoder(encoder);
    }
    if let Some(reranker) = reranker {
        host = host.with_reranker(Arc::clone(reranker));
    }
    pollster::block_on(Index::open(host)).map_err(|error| engine_failure(&error))
}

fn engine_failure(error: &EngineError) -> Failure {
    let hint = match error {
        EngineError::Index { .. } => {
            "littoral check lists all damage; build the index anew from its documents"
        }
        EngineError::Host(_) => "check that the folder is whole and can be read",
        EngineError::Stale { .. } => "run the command again",
        _ => "",
    };
    Failure::new(error.code(), error.to_string(), hint)
}
