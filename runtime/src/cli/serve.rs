//! `littoral serve`

mod gpu;

use super::llm::LlmArguments;
use super::output::{self, Failure};
use super::{Outcome, model, sandbox_failure};
use crate::host::IndexHost;
use crate::rerank::CrossEncoder;
use crate::sandbox::{Limits, Prepared, Sandbox};
use crate::serve::{Bounds, Keys, Models, Place, Server, Tenant, Tenants};
use crate::source::Source;
use gpu::GpuArguments;
use littoral_guest::Encoder;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum PlaceName {
    Sandbox,
    Native,
}

impl From<PlaceName> for Place {
    fn from(name: PlaceName) -> Self {
        match name {
            PlaceName::Sandbox => Self::Sandbox,
            PlaceName::Native => Self::Native,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folders of the indexes, or their addresses in stores; each is named as its folder
    #[arg(required = true)]
    indexes: Vec<PathBuf>,
    /// Where to listen; other than loopback needs --api-keys
    #[arg(long, default_value = "127.0.0.1:1414")]
    addr: SocketAddr,
    /// Where engines run: each index in sandboxes of its own, or as part of the program
    #[arg(long, value_enum, default_value = "sandbox")]
    host: PlaceName,
    #[command(flatten)]
    gpu: GpuArguments,
    /// A file of keys, one a line, each with the names of the indexes that it opens or none for all
    #[arg(long, value_name = "FILE")]
    api_keys: Option<PathBuf>,
    /// A cross-encoder for those who ask for one: a stored name, a packed file, or a model folder
    #[arg(long, value_name = "NAME|PATH")]
    rerank: Option<String>,
    #[command(flatten)]
    llm: LlmArguments,
    /// Answers that the model writes at a time
    #[arg(long, value_name = "N", default_value_t = 8, requires = "llm", value_parser = clap::value_parser!(u16).range(1..=1024))]
    llm_writers: u16,
    /// An origin whose pages may read answers, * for any (repeatable)
    #[arg(long, value_name = "ORIGIN")]
    cors: Vec<String>,
    /// Requests a second for each index, 0 for any number
    #[arg(long, value_name = "N", default_value_t = 0)]
    rate: u32,
    /// Engines at work at a time [default: processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Requests that may wait for a worker
    #[arg(long, value_name = "N", default_value_t = 64)]
    queue: usize,
    /// Connections at a time
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections: u32,
    /// Memory for what was read of stores in MiB, for each index
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    store_cache: u32,
    /// Memory of a sandbox in MiB
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u16).range(8..=4096))]
    memory: u16,
    /// Time of a query in a sandbox in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=600_000))]
    time: u32,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let writer = arguments.llm.endpoint()?;
    let keys = match &arguments.api_keys {
        None => Keys::default(),
        Some(path) => Keys::read(path)
            .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?,
    };
    let server_failure = |error: crate::serve::ServerError| {
        Failure::new(error.code(), error.to_string(), error.hint())
    };
    // An address that cannot be had is told before a minute of opening.
    let server = Server::bind(arguments.addr, &keys).map_err(server_failure)?;
    let default = Bounds::default();
    let bounds = Bounds {
        connections: arguments.connections as usize,
        queue: arguments.queue,
        workers: arguments.workers.map_or(default.workers, usize::from),
        rate: arguments.rate,
        writers: usize::from(arguments.llm_writers),
        origins: arguments.cors.clone(),
        ..default
    };
    let reranker = arguments.rerank.as_deref().map(reranker).transpose()?;
    let (reranker, gpu) = gpu::choose(&arguments.gpu, reranker, bounds.workers)?;
    let limits = Limits {
        memory_bytes: usize::from(arguments.memory) << 20,
        cache_bytes: usize::from(arguments.memory) << 18,
        time: Duration::from_millis(u64::from(arguments.time)),
        ..Limits::default()
    };
    let tenants = open(
        &arguments.indexes,
        u64::from(arguments.store_cache) << 20,
        arguments.host.into(),
        limits,
        bounds.workers,
        reranker,
    )?;
    for tenant in tenants.all() {
        let opened = tenant.opened();
        output::line(format!(
            "{}: {} documents, {} chunks",
            tenant.name(),
            opened.documents,
            opened.chunks
        ));
    }
    if let Some(writer) = &writer {
        output::line(format!("answers are written by {}", writer.model()));
    }
    let place = tenants.place.name();
    output::line(format!(
        "listening on {} (host: {place}, GPU: {gpu})",
        server.url()
    ));
    server
        .run(tenants, keys, bounds, gpu, writer)
        .map_err(server_failure)?;
    Ok(Outcome::Done)
}

/// Opens indexes for many queries, at most `workers` at a time.
pub(super) fn open(
    folders: &[PathBuf],
    cache_bytes: u64,
    place: Place,
    limits: Limits,
    workers: usize,
    reranker: Option<Arc<CrossEncoder>>,
) -> Result<Tenants, Failure> {
    let mut names = BTreeSet::new();
    let mut named = Vec::new();
    for folder in folders {
        let source = super::source(folder, cache_bytes)?;
        let name = name(&source)?;
        if !names.insert(name.clone()) {
            return Err(Failure::new(
                "duplicate-index",
                format!("two indexes are called {name:?}"),
                "indexes are named as their folders; rename one, or serve it on its own",
            ));
        }
        named.push((name, source));
    }
    let prepared = match place {
        Place::Native => None,
        Place::Sandbox => {
            let limits = Limits {
                // Each index may keep one for every worker, and an old state of it as many again.
                instances: (2 * workers * (named.len() + 1)) as u32,
                ..limits
            };
            let prepared: Result<Prepared<IndexHost>, _> =
                Sandbox::new(limits).and_then(|sandbox| sandbox.prepare());
            Some(Arc::new(prepared.map_err(|error| sandbox_failure(&error))?))
        }
    };
    let models = Arc::new(Models::new(reranker));
    let mut tenants = Vec::new();
    for (name, source) in named {
        let shown = source.to_string();
        let tenant = Tenant::open(name, source, prepared.clone(), Arc::clone(&models));
        tenants.push(tenant.map_err(|error| {
            let failure = sandbox_failure(&error);
            Failure {
                message: format!("{shown}: {}", failure.message),
                ..failure
            }
        })?);
    }
    Ok(Tenants::new(tenants, place, models))
}

/// What an index is called: the last part of its path.
fn name(source: &Source) -> Result<String, Failure> {
    source.name().ok_or_else(|| {
        Failure::new(
            "bad-index-name",
            format!("{source} has no name in UTF-8"),
            "give the folder another name",
        )
    })
}

fn reranker(name: &str) -> Result<Arc<Encoder>, Failure> {
    let encoder = model::resolve(name).map_err(|error| model::failure(&error))?;
    if encoder.is_reranker() {
        return Ok(Arc::new(encoder));
    }
    Err(Failure::new(
        "not-a-reranker",
        format!("the model {name:?} is no cross-encoder with one or two outputs"),
        "littoral model info shows what a model is",
    ))
}
