//! `littoral build` and `littoral update`

use super::inspect::VectorsReport;
use super::output::{self, Failure};
use super::{Outcome, embedder};
use crate::build::{BuildFailure, default_settings};
use crate::config::{Config, ConfigError};
use crate::embed::EmbedError;
use crate::ingest::{IngestOptions, Skipped, SourceFile, discover};
use crate::pipeline::Pool;
use crate::store::{Folder, folder_size, peak_rss_bytes};
use crate::update::{self, Control, Inputs};
use indicatif::{ProgressBar, ProgressStyle};
use littoral_indexes::manifest::{ENTRY_NAME, Settings};
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Skipped inputs listed one by one; the rest are counted.
const SHOWN_SKIPPED: usize = 10;

#[derive(Debug, clap::Args)]
pub(super) struct BuildArguments {
    /// Files, folders or globs
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// Folder of the index
    #[arg(short, long)]
    output: PathBuf,
    /// How queries become vectors: by a table fitted to the documents, by the encoder minilm, by the
    /// model in a file or a folder, packed, of BERT's family or in ONNX, or not at all
    #[arg(long, value_name = "none|table|minilm|PATH")]
    embedder: Option<String>,
    /// Budget of a chunk in tokens
    #[arg(long, value_parser = clap::value_parser!(u32).range(16..=4096))]
    chunk_tokens: Option<u32>,
    /// Tokens repeated from the chunk before
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=1024))]
    chunk_overlap: Option<u32>,
    /// Language of the documents: a BCP 47 code, or auto
    #[arg(long, value_name = "auto|CODE")]
    lang: Option<String>,
    #[command(flatten)]
    shared: Shared,
}

#[derive(Debug, clap::Args)]
pub(super) struct UpdateArguments {
    /// Folder of the index
    index: PathBuf,
    /// Files, folders or globs, as given to build
    inputs: Vec<PathBuf>,
    /// Remove documents that are not among the inputs
    #[arg(long)]
    prune: bool,
    /// Merge all segments: the index is then as a fresh build makes it
    #[arg(long)]
    compact: bool,
    #[command(flatten)]
    shared: Shared,
}

/// What build and update share.
#[derive(Debug, clap::Args)]
struct Shared {
    /// Where the inputs are published
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Settings [default: littoral.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Threads; 0 for one a core
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl BuildArguments {
    pub(super) fn json(&self) -> bool {
        self.shared.json
    }
}

impl UpdateArguments {
    pub(super) fn json(&self) -> bool {
        self.shared.json
    }
}

/// The summary of a build, as JSON.
#[derive(Debug, Serialize)]
struct Summary {
    documents: u64,
    chunks: u64,
    terms: u64,
    index_bytes: u64,
    files: u64,
    seconds: f64,
    peak_rss_bytes: u64,
    skipped: Vec<SkippedLine>,
}

#[derive(Debug, Serialize)]
struct SkippedLine {
    path: String,
    code: &'static str,
    message: String,
}

impl From<Skipped> for SkippedLine {
    fn from(skipped: Skipped) -> Self {
        Self {
            path: skipped.path,
            code: skipped.code,
            message: skipped.message,
        }
    }
}

pub(super) fn build(arguments: &BuildArguments) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let config = read_config(&arguments.shared)?;
    let mut settings = settings(arguments, &config)?;
    let options = ingest_options(&config, &settings);
    let (files, skipped) = find(&arguments.inputs, &options)?;
    let name = arguments
        .embedder
        .as_ref()
        .or(config.vectors.embedder.as_ref());
    let name = name.map_or(embedder::DEFAULT, String::as_str);
    let tools = embedder::choose(name, &mut settings, arguments.shared.threads)?;
    let mut folder = open_folder(&arguments.output)?;
    let watch = Watch::start(files.len());
    let inputs = Inputs::new(&files, options);
    let outcome = update::build(&inputs, &settings, &mut folder, &tools, &watch.control())
        .map_err(|error| build_failure(&error))?;
    watch.end();
    report(
        &arguments.output,
        &arguments.shared,
        outcome,
        skipped,
        start,
        None,
    )
}

pub(super) fn update(arguments: &UpdateArguments) -> Result<Outcome, Failure> {
    let start = Instant::now();
    if arguments.inputs.is_empty() && !arguments.compact {
        return Err(Failure::new(
            "no-inputs",
            "an update needs inputs, or --compact",
            "name the files or folders that the index was built from",
        ));
    }
    if arguments.inputs.is_empty() && arguments.prune {
        return Err(Failure::new(
            "no-inputs",
            "--prune without inputs would remove every document",
            "name the files or folders that the index was built from",
        ));
    }
    if !arguments.index.join(ENTRY_NAME).exists() {
        return Err(Failure::new(
            "not-found",
            format!("there is no index in {}", arguments.index.display()),
            "build one first: littoral build INPUT… -o DIR",
        ));
    }
    let config = read_config(&arguments.shared)?;
    let mut folder = open_folder(&arguments.index)?;
    let index = super::open(&arguments.index)?;
    let settings = index.manifest().settings.clone();
    drop(index);
    let mut options = ingest_options(&config, &settings);
    if arguments.shared.base_url.is_some() {
        options.base_url.clone_from(&arguments.shared.base_url);
    }
    let (files, skipped) = if arguments.inputs.is_empty() {
        (vec![], vec![])
    } else {
        find(&arguments.inputs, &options)?
    };
    let tools = embedder::tools(&settings, arguments.shared.threads)?;
    let watch = Watch::start(files.len());
    let inputs = Inputs::new(&files, options);
    let outcome = update::update(
        &inputs,
        &mut folder,
        &tools,
        &watch.control(),
        arguments.prune,
        arguments.compact,
    )
    .map_err(|error| build_failure(&error))?;
    watch.end();
    let written = Some((folder.files_written(), folder.bytes_written()));
    report(
        &arguments.index,
        &arguments.shared,
        outcome,
        skipped,
        start,
        written,
    )
}

fn read_config(shared: &Shared) -> Result<Config, Failure> {
    Config::read(shared.config.as_deref()).map_err(|error| config_failure(&error))
}

pub(super) fn config_failure(error: &ConfigError) -> Failure {
    Failure::new(
        error.code(),
        error.to_string(),
        "the README lists the keys of littoral.toml",
    )
}

fn settings(arguments: &BuildArguments, config: &Config) -> Result<Settings, Failure> {
    let mut settings = default_settings();
    config
        .apply(&mut settings)
        .map_err(|error| config_failure(&error))?;
    settings.chunk_tokens = arguments.chunk_tokens.unwrap_or(settings.chunk_tokens);
    settings.overlap_tokens = arguments.chunk_overlap.unwrap_or(settings.overlap_tokens);
    if let Some(lang) = &arguments.lang {
        settings.lang = if lang == "auto" {
            String::new()
        } else {
            lang.clone()
        };
    }
    if let Some(base_url) = &arguments.shared.base_url {
        settings.base_url.clone_from(base_url);
    }
    check_overlap(&settings)?;
    Ok(settings)
}

/// Refuses an overlap that would make chunks repeat more than they add.
pub(super) fn check_overlap(settings: &Settings) -> Result<(), Failure> {
    if settings.overlap_tokens * 2 > settings.chunk_tokens {
        return Err(Failure::new(
            "bad-settings",
            format!(
                "an overlap of {} tokens is more than half of a chunk of {}",
                settings.overlap_tokens, settings.chunk_tokens
            ),
            "lower --chunk-overlap or raise --chunk-tokens",
        ));
    }
    Ok(())
}

fn ingest_options(config: &Config, settings: &Settings) -> IngestOptions {
    IngestOptions {
        base_url: (!settings.base_url.is_empty()).then(|| settings.base_url.clone()),
        lang: (!settings.lang.is_empty()).then(|| settings.lang.clone()),
        include: config.ingest.include.clone(),
        exclude: config.ingest.exclude.clone(),
        root_selector: config.ingest.root_selector.clone(),
        exclude_selectors: config.ingest.exclude_selectors.clone(),
        ..IngestOptions::default()
    }
}

fn find(
    inputs: &[PathBuf],
    options: &IngestOptions,
) -> Result<(Vec<SourceFile>, Vec<Skipped>), Failure> {
    let (files, skipped) = discover(inputs, options)
        .map_err(|error| Failure::new(error.code(), error.to_string(), "check the inputs"))?;
    if files.is_empty() {
        return Err(Failure::new(
            "no-documents",
            "there is nothing to index: the inputs hold no file of a known kind",
            "Littoral reads .html, .md, .txt, .jsonl, .csv, .pdf and .docx",
        ));
    }
    Ok((files, skipped))
}

pub(super) fn pool(threads: usize) -> Result<Pool, Failure> {
    Pool::new(threads)
        .map_err(|error| Failure::new("no-threads", error.to_string(), "lower --threads"))
}

fn open_folder(path: &Path) -> Result<Folder, Failure> {
    Folder::open(path).map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))
}

pub(super) fn build_failure(error: &BuildFailure) -> Failure {
    let hint = match error {
        BuildFailure::Store(error) => error.hint(),
        BuildFailure::Empty => "every input was skipped; run with --json to see why",
        BuildFailure::Engine(_) => {
            "run littoral check on the index, and build it anew if it is damaged"
        }
        BuildFailure::Build(_) | BuildFailure::Scratch(_) => {
            "check the space left on the disk and in the folder for temporary files"
        }
        BuildFailure::Embed(EmbedError::Encode(_)) => {
            "the model fails on a text of the documents; littoral build --embedder names another"
        }
        BuildFailure::Embed(_) => "free some space, or let LITTORAL_CACHE name another folder",
        BuildFailure::NoEncoder { .. } => {
            "fetch it with littoral model pull, or build the index anew with another --embedder"
        }
        BuildFailure::Interrupted => "",
    };
    Failure::new(error.code(), error.to_string(), hint)
}

/// A progress bar on a terminal, and Ctrl-C.
struct Watch {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
    progress: Box<dyn Fn() + Sync>,
}

impl Watch {
    fn start(n_files: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        // A handler that is already there was set by an earlier build in this process.
        let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
        let bar = ProgressBar::new(n_files as u64);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} read, {per_sec}, {elapsed}")
        {
            bar.set_style(style);
        }
        let counted = bar.clone();
        Self {
            bar,
            stop,
            progress: Box::new(move || counted.inc(1)),
        }
    }

    fn control(&self) -> Control<'_> {
        Control {
            stop: &self.stop,
            progress: &*self.progress,
        }
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn report(
    path: &Path,
    shared: &Shared,
    outcome: update::Outcome,
    mut skipped: Vec<Skipped>,
    start: Instant,
    written: Option<(u64, u64)>,
) -> Result<Outcome, Failure> {
    let (files, index_bytes) = folder_size(path)
        .map_err(|error| Failure::new("unreadable", error.to_string(), "check the folder"))?;
    skipped.extend(outcome.skipped);
    let summary = Summary {
        documents: outcome.built.documents,
        chunks: outcome.built.chunks,
        terms: outcome.built.terms,
        index_bytes,
        files,
        seconds: start.elapsed().as_secs_f64(),
        peak_rss_bytes: peak_rss_bytes(),
        skipped: skipped.into_iter().map(SkippedLine::from).collect(),
    };
    let vectors = VectorsReport::of(super::open(path)?.manifest());
    if shared.json {
        let mut value = serde_json::to_value(&summary).unwrap_or_default();
        if let Some(vectors) = &vectors {
            value["vectors"] = json!(vectors);
        }
        if let Some((files_written, bytes_written)) = written {
            value["unchanged"] = json!(outcome.unchanged);
            value["deleted"] = json!(outcome.deleted);
            value["files_written"] = json!(files_written);
            value["bytes_written"] = json!(bytes_written);
            value["compacted"] = json!(outcome.compacted);
        }
        output::json(&value)?;
        return Ok(Outcome::Done);
    }
    let seconds = summary.seconds;
    if let Some((files_written, bytes_written)) = written {
        output::line(format!(
            "Updated {} in {seconds:.1} s: {} added or replaced, {} removed or replaced, {} unchanged.",
            path.display(),
            summary.documents,
            outcome.deleted,
            outcome.unchanged
        ));
        output::line(format!(
            "Wrote {files_written} files, {}; the index has {files} files, {}.",
            output::bytes(bytes_written),
            output::bytes(index_bytes)
        ));
    } else {
        output::line(format!(
            "Indexed {} documents, {} chunks and {} terms in {seconds:.1} s.",
            summary.documents, summary.chunks, summary.terms
        ));
        output::line(format!(
            "{} holds {files} files, {}.",
            path.display(),
            output::bytes(index_bytes)
        ));
    }
    if let Some(vectors) = &vectors {
        output::line(vectors.line());
    }
    if !summary.skipped.is_empty() {
        output::line(format!("Skipped {}:", summary.skipped.len()));
        for skipped in summary.skipped.iter().take(SHOWN_SKIPPED) {
            output::line(format!(
                "  {}: {} ({})",
                skipped.path, skipped.message, skipped.code
            ));
        }
        if summary.skipped.len() > SHOWN_SKIPPED {
            output::line("  … (--json lists them all)");
        }
    }
    Ok(Outcome::Done)
}
