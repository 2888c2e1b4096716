//! `littoral build` and `littoral update`

mod preview;
mod report;
mod site;

use super::expansions::{EncoderArguments, ExpansionArguments};
use super::gpu::{self, GpuArguments};
use super::output::Failure;
use super::{Outcome, embedder, expansions};
use crate::build::{BuildFailure, default_settings};
use crate::config::{Config, ConfigError};
use crate::embed::EmbedError;
use crate::ingest::{IngestOptions, Skipped, SourceFile, discover};
use crate::pipeline::Pool;
use crate::store::Folder;
use crate::update::{self, Control, Inputs};
use indicatif::{ProgressBar, ProgressStyle};
use littoral_indexes::manifest::{ENTRY_NAME, Settings};
use preview::Preview;
use report::{Did, Said, report};
use site::Place;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(super) struct BuildArguments {
    /// Files, folders or globs
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// Folder of the index [default: littoral within the input, if that is one folder, with all that a page
    /// needs to search it]
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Then serve the input on 127.0.0.1, and keep index and pages up to date while files change
    #[arg(long, conflicts_with = "json")]
    serve: bool,
    /// Port of the pages [default: 1414, or one that is free]
    #[arg(long, requires = "serve")]
    port: Option<u16>,
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
    encoder: EncoderArguments,
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
    #[command(flatten)]
    expansions: ExpansionArguments,
    /// Settings [default: littoral.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Threads; 0 for one a core
    #[arg(long, default_value_t = 0)]
    threads: usize,
    #[command(flatten)]
    gpu: GpuArguments,
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

pub(super) fn build(arguments: &BuildArguments) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let config = read_config(&arguments.shared)?;
    let mut settings = settings(arguments, &config)?;
    let options = ingest_options(&config, &settings);
    let (files, skipped) = find(&arguments.inputs, &options)?;
    let place = Place::of(&arguments.inputs, &files, arguments.output.as_deref())?;
    super::written_to(&place.index)?;
    let name = arguments
        .embedder
        .as_ref()
        .or(config.vectors.embedder.as_ref());
    let name = name.map_or(embedder::DEFAULT, String::as_str);
    let expander = expansions::choose(
        &arguments.shared.expansions,
        &arguments.encoder,
        &config,
        &mut settings,
    )?;
    let mut tools = embedder::choose(name, &mut settings, arguments.shared.threads)?;
    tools.expander.clone_from(&expander);
    let gpu = gpu::choose(&arguments.shared.gpu, &mut tools)?;
    let mut folder = open_folder(&place.index)?;
    let watch = Watch::start(files.len());
    let inputs = Inputs::new(&files, options);
    let outcome = update::build(&inputs, &settings, &mut folder, &tools, &watch.control())
        .map_err(|error| build_failure(&error))?;
    watch.end();
    let expansions = expander.and_then(|expander| expander.counts());
    let said = Said {
        did: Did::Build { expansions },
        gpu: gpu.map(gpu::Chosen::report),
        skipped,
        start,
    };
    let json = arguments.shared.json;
    place.put_package()?;
    let done = report(&place.index, json, outcome, said)?;
    if !json {
        place.explain(&settings.base_url);
    }
    if arguments.serve {
        // Updates of what is served need it.
        drop(folder);
        let preview = Preview {
            package: site::package()?,
            inputs: arguments.inputs.clone(),
            options: inputs.options,
            place,
            settings,
            tools,
            port: arguments.port,
        };
        preview.run()?;
    }
    Ok(done)
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
    super::written_to(&arguments.index)?;
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
    let mut tools = embedder::tools(&settings, arguments.shared.threads)?;
    if !arguments.inputs.is_empty() {
        let named = &arguments.shared.expansions;
        tools.expander = expansions::again(named, &config, &settings)?;
    }
    let gpu = gpu::choose(&arguments.shared.gpu, &mut tools)?;
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
    let did = Did::Update {
        files_written: folder.files_written(),
        bytes_written: folder.bytes_written(),
    };
    let said = Said {
        did,
        gpu: gpu.map(gpu::Chosen::report),
        skipped,
        start,
    };
    report(&arguments.index, arguments.shared.json, outcome, said)
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
        BuildFailure::Expand(error) => error.hint(),
        BuildFailure::OtherExpansions { .. } => {
            "name what it was built with, or build the index anew"
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
