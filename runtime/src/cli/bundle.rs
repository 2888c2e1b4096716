//! `littoral bundle`

use super::Outcome;
use super::output::{self, Failure};
use crate::bundle::{self, Platform, Server, Store, Target};
use crate::web;
use serde_json::json;
use std::path::{Path, PathBuf};

/// What there are bundles for.
const TARGETS: &str = "browser, cloudflare, deno, bun, node, wasi and component";

/// Longest name of a project, as Cloudflare takes it.
const MAX_NAME: usize = 54;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum StoreName {
    /// Among the worker's static assets
    Assets,
    /// In an R2 bucket
    R2,
    /// In a KV namespace
    Kv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Access {
    /// Everybody, for all documents
    Open,
    /// Callers with a signed token, for the documents that it names
    Token,
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the index
    index: PathBuf,
    /// Folder of the bundle: new, empty, or a former bundle
    #[arg(short, long)]
    output: PathBuf,
    /// What it is for: a page in a browser, a server on one of the platforms, or a host of your own
    #[arg(long, value_name = "browser|cloudflare|deno|bun|node|wasi|component")]
    target: String,
    /// Where the documents are published, if their addresses are relative [browser; default: the
    /// bundle's folder]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// What the index is called [servers; default: as its folder]
    #[arg(long, allow_hyphen_values = true)]
    name: Option<String>,
    /// Who is answered [servers; default: open]
    #[arg(long, value_enum)]
    access: Option<Access>,
    /// Where a worker keeps the index [cloudflare; default: assets]
    #[arg(long, value_enum)]
    store: Option<StoreName>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let target = target(arguments)?;
    super::open(&arguments.index)?;
    let package = web::package(output::notice)
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    let written = bundle::write(&arguments.index, &package, &arguments.output, &target)
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    let output = arguments.output.display().to_string();
    if arguments.json {
        output::json(&json!({
            "target": target.name(),
            "output": output,
            "files": written.files,
            "bytes": written.bytes,
        }))?;
        return Ok(Outcome::Done);
    }
    let (what, next) = match &target {
        Target::Browser { .. } => (
            "a search page",
            "Upload it to any static host, under any address; index.html is the page.",
        ),
        Target::Wasi { .. } => (
            "a component for WASI-HTTP",
            "Run wasmtime serve -S cli --dir index::/index littoral.wasm in it; README.md has the rest.",
        ),
        Target::Component => (
            "a component with typed calls",
            "Run cargo run --release -- WORDS in it, a host to begin with; README.md has the rest.",
        ),
        Target::Server(server) => (
            "a server",
            match server.platform {
                Platform::Cloudflare(_) => "Run npx wrangler dev in it; README.md has the rest.",
                Platform::Deno => "Run deno task start in it; README.md has the rest.",
                Platform::Bun => "Run bun run server.js in it; README.md has the rest.",
                Platform::Node => "Run node server.js in it; README.md has the rest.",
            },
        ),
    };
    output::line(format!(
        "{output} holds {what}, the engine and the index: {} files, {}.",
        written.files,
        output::bytes(written.bytes)
    ));
    output::line(next);
    Ok(Outcome::Done)
}

/// The target that is asked for, with the options that are its own.
fn target(arguments: &Arguments) -> Result<Target, Failure> {
    let store = arguments.store;
    let platform = match arguments.target.as_str() {
        "browser" => None,
        "cloudflare" => Some(Platform::Cloudflare(match store {
            None | Some(StoreName::Assets) => Store::Assets,
            Some(StoreName::R2) => Store::R2,
            Some(StoreName::Kv) => Store::Kv,
        })),
        "deno" => Some(Platform::Deno),
        "bun" => Some(Platform::Bun),
        "node" => Some(Platform::Node),
        "wasi" => return wasi(arguments),
        "component" => return component(arguments),
        other => {
            return Err(Failure::new(
                "bad-option",
                format!("\"{other}\" is no target of a bundle"),
                format!("--target {TARGETS} are there"),
            ));
        }
    };
    let is_cloudflare = matches!(platform, Some(Platform::Cloudflare(_)));
    let misplaced = [
        (
            arguments.base_url.is_some() && platform.is_some(),
            "--base-url",
            "browser",
        ),
        (
            arguments.name.is_some() && platform.is_none(),
            "--name",
            "a server",
        ),
        (
            arguments.access.is_some() && platform.is_none(),
            "--access",
            "a server",
        ),
        (store.is_some() && !is_cloudflare, "--store", "cloudflare"),
    ];
    if let Some((_, option, whose)) = misplaced.into_iter().find(|(is, ..)| *is) {
        return Err(Failure::new(
            "bad-option",
            format!("{option} does not go with --target {}", arguments.target),
            format!("it is for {whose}"),
        ));
    }
    let Some(platform) = platform else {
        let base = arguments.base_url.clone().unwrap_or_else(|| "./".into());
        return Ok(Target::Browser { base });
    };
    Ok(Target::Server(Server {
        platform,
        name: name(arguments.name.as_deref(), &arguments.index)?,
        needs_token: arguments.access == Some(Access::Token),
    }))
}

/// A component for WASI-HTTP, which has no options but its name.
fn wasi(arguments: &Arguments) -> Result<Target, Failure> {
    without(
        arguments,
        &[
            (arguments.base_url.is_some(), "--base-url", FOR_BROWSERS),
            (arguments.store.is_some(), "--store", FOR_CLOUDFLARE),
            (
                arguments.access == Some(Access::Token),
                "--access token",
                UP_TO_THE_HOST,
            ),
        ],
    )?;
    Ok(Target::Wasi {
        name: name(arguments.name.as_deref(), &arguments.index)?,
    })
}

/// A component for a host of one's own, which has no options.
fn component(arguments: &Arguments) -> Result<Target, Failure> {
    without(
        arguments,
        &[
            (arguments.base_url.is_some(), "--base-url", FOR_BROWSERS),
            (arguments.name.is_some(), "--name", "it is for a server"),
            (arguments.store.is_some(), "--store", FOR_CLOUDFLARE),
            (arguments.access.is_some(), "--access", UP_TO_THE_HOST),
        ],
    )?;
    Ok(Target::Component)
}

const FOR_BROWSERS: &str = "it is for browser";
const FOR_CLOUDFLARE: &str = "it is for cloudflare";
const UP_TO_THE_HOST: &str = "leave it out; who may ask is up to what runs the component";

/// Refuses the first of `options` that is given, with what it is for.
fn without(arguments: &Arguments, options: &[(bool, &str, &str)]) -> Result<(), Failure> {
    match options.iter().find(|(is_given, ..)| *is_given) {
        None => Ok(()),
        Some((_, option, hint)) => Err(Failure::new(
            "bad-option",
            format!("{option} does not go with --target {}", arguments.target),
            *hint,
        )),
    }
}

/// The name that is given, or one that the index's folder suggests.
fn name(given: Option<&str>, index: &Path) -> Result<String, Failure> {
    if let Some(name) = given {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_framed = name.starts_with('-') || name.ends_with('-');
        if (1..=MAX_NAME).contains(&name.len()) && name.chars().all(is_plain) && !is_framed {
            return Ok(name.to_owned());
        }
        return Err(Failure::new(
            "bad-option",
            format!("\"{name}\" is no name of a project"),
            format!("use lower-case letters, digits and hyphens inside, up to {MAX_NAME}"),
        ));
    }
    let folder = index.canonicalize().ok();
    let folder = folder.as_ref().and_then(|path| path.file_name()?.to_str());
    let mut name = String::new();
    for c in folder.unwrap_or_default().chars() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => name.push(c),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    name.truncate(MAX_NAME);
    let name = name.trim_end_matches('-');
    Ok(if name.is_empty() { "littoral" } else { name }.to_owned())
}
