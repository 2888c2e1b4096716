//! The command line: arguments in, text or JSON out, exit codes 0 (done), 1 (negative result) and 2
//! (error).

mod advise;
mod ask;
mod build;
mod bundle;
mod context;
mod demo;
mod embedder;
mod eval;
mod expansions;
mod gpu;
mod inspect;
mod llm;
mod mcp;
mod model;
mod output;
mod rerank;
mod search;
mod serve;
mod tune;

use crate::embed::TextEncoder;
use crate::host::IndexHost;
use crate::rerank::CrossEncoder;
use crate::sandbox::{Limits, Sandbox, SandboxError, SandboxedIndex};
use crate::source::Source;
use crate::store::must_be_a_folder;
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
#[command(name = "littoral", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Index the bundled documentation, show a search, and serve a page to try it in
    Demo(demo::Arguments),
    /// Build an index from documents
    Build(build::BuildArguments),
    /// Bring an index up to date with its documents
    Update(build::UpdateArguments),
    /// Search an index
    Search(search::Arguments),
    /// Print numbered passages for a prompt
    Context(context::Arguments),
    /// Answer a question with cited sentences of the documents
    Ask(ask::Arguments),
    /// Serve indexes over HTTP
    Serve(serve::Arguments),
    /// Serve indexes to a model's program, by the Model Context Protocol on standard input and output
    Mcp(mcp::Arguments),
    /// Measure retrieval on judged queries
    Eval(Box<eval::Arguments>),
    /// Find what limits retrieval on judged queries, and the next step
    Advise(advise::Arguments),
    /// Verify every file, section and reference of an index
    Check(inspect::Arguments),
    /// Show what an index holds
    Inspect(inspect::Arguments),
    /// Put an index, the engine and a search page into a folder, ready to upload
    Bundle(bundle::Arguments),
    /// Tune an index to a domain: prepare pairs, train, measure, deploy
    Tune(tune::Arguments),
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
        Command::Context(arguments) => (context::run(arguments), arguments.json),
        Command::Ask(arguments) => (ask::run(arguments), arguments.json),
        Command::Serve(arguments) => (serve::run(arguments), false),
        Command::Mcp(arguments) => (mcp::run(arguments), false),
        Command::Eval(arguments) => (eval::run(arguments), arguments.json()),
        Command::Advise(arguments) => (advise::run(arguments), arguments.json),
        Command::Check(arguments) => (inspect::check(arguments), arguments.json),
        Command::Inspect(arguments) => (inspect::inspect(arguments), arguments.json),
        Command::Bundle(arguments) => (bundle::run(arguments), arguments.json),
        Command::Tune(arguments) => (tune::run(arguments), arguments.json()),
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

/// Memory for what commands read of stores, in bytes.
const STORE_CACHE: u64 = 64 << 20;

/// Where the index is that a command names; a folder without one is refused.
fn source(named: &Path, cache_bytes: u64) -> Result<Source, Failure> {
    let source = Source::named(named, cache_bytes)
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    if matches!(source, Source::Folder(_)) && !named.join(ENTRY_NAME).exists() {
        return Err(no_index(&source));
    }
    Ok(source)
}

/// Refuses an address where a command writes to the index, before anything is measured or read.
fn written_to(path: &Path) -> Result<(), Failure> {
    must_be_a_folder(path)
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))
}

fn no_index(source: &Source) -> Failure {
    Failure::new(
        "not-found",
        format!("there is no index in {source}: it has no {ENTRY_NAME}"),
        match source {
            Source::Folder(_) => "build one: littoral build INPUT… -o DIR",
            Source::Store(..) => "upload the folder of one, its littoral.json last",
        },
    )
}

/// Opens the index in `path`.
fn open(path: &Path) -> Result<Index<IndexHost>, Failure> {
    open_in(&source(path, STORE_CACHE)?)
}

fn open_in(source: &Source) -> Result<Index<IndexHost>, Failure> {
    let opened = pollster::block_on(Index::open(IndexHost::over(source.clone())));
    opened.map_err(|error| match error.code() {
        "not-found" => no_index(source),
        _ => engine_failure(&error),
    })
}

/// The models that a command names.
#[derive(Debug, Clone, Copy, Default)]
struct Named<'a> {
    /// The encoder of queries, where it is another than the index' own.
    embedder: Option<&'a str>,
    reranker: Option<&'a Arc<Encoder>>,
}

/// Opens the index in `path` with the encoder of its queries, where `vectors` are asked for: the one that
/// is `named`, or where they need one and it is here, its own; and with a reranker.
fn open_with_models(
    path: &Path,
    vectors: bool,
    named: Named<'_>,
) -> Result<Index<IndexHost>, Failure> {
    let source = source(path, STORE_CACHE)?;
    let index = open_in(&source)?;
    let embedding = &index.manifest().settings.embedding;
    let encoder = if vectors {
        embedder::for_queries(&embedding.embedder, embedding.model, named.embedder)?
    } else {
        None
    };
    if encoder.is_none() && named.reranker.is_none() {
        return Ok(index);
    }
    let host = host(source, encoder, named.reranker);
    pollster::block_on(Index::open(host)).map_err(|error| engine_failure(&error))
}

/// As [`open_with_models`], in a sandbox of its own.
fn open_in_sandbox(
    path: &Path,
    vectors: bool,
    named: Named<'_>,
) -> Result<SandboxedIndex<IndexHost>, Failure> {
    let source = source(path, STORE_CACHE)?;
    let sandbox = Sandbox::new(Limits::default()).map_err(|error| sandbox_failure(&error))?;
    let index = sandbox.open(IndexHost::over(source.clone()));
    let mut index = index.map_err(|error| sandbox_failure(&error))?;
    let encoder = if vectors {
        let opened = index.opened();
        embedder::for_queries(&opened.embedder, opened.model, named.embedder)?
    } else {
        None
    };
    index.set_host(host(source, encoder, named.reranker));
    Ok(index)
}

/// The host over the index in `source` with the models that are here.
fn host(
    source: Source,
    encoder: Option<Arc<dyn TextEncoder>>,
    reranker: Option<&Arc<Encoder>>,
) -> IndexHost {
    let mut host = IndexHost::over(source);
    if let Some(encoder) = encoder {
        host = host.with_encoder(encoder);
    }
    if let Some(reranker) = reranker {
        host = host.with_reranker(Arc::new(CrossEncoder::new(Arc::clone(reranker))));
    }
    host
}

fn sandbox_failure(error: &SandboxError) -> Failure {
    Failure::new(error.code().to_owned(), error.to_string(), error.hint())
}

fn engine_failure(error: &EngineError) -> Failure {
    Failure::new(error.code(), error.to_string(), error.hint())
}
