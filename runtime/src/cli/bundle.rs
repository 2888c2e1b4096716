//! `littoral bundle`

use super::Outcome;
use super::output::{self, Failure};
use crate::{bundle, web};
use serde_json::json;
use std::path::PathBuf;

/// Targets that have a name, and of which only the first is there.
const TARGETS: [&str; 4] = ["browser", "cloudflare", "deno", "wasi"];

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the index
    index: PathBuf,
    /// Folder of the bundle: new, empty, or a former bundle
    #[arg(short, long)]
    output: PathBuf,
    /// What it is for: browser
    #[arg(long, value_name = "browser")]
    target: String,
    /// Where the documents are published, if their addresses are relative [default: the bundle's
    /// folder]
    #[arg(
        long,
        value_name = "URL",
        default_value = "./",
        hide_default_value = true
    )]
    base_url: String,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    check_target(&arguments.target)?;
    super::open(&arguments.index)?;
    let package = web::package(output::notice)
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    let written = bundle::write(
        &arguments.index,
        &package,
        &arguments.output,
        &arguments.base_url,
    )
    .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    let output = arguments.output.display().to_string();
    if arguments.json {
        output::json(&json!({
            "target": arguments.target,
            "output": output,
            "files": written.files,
            "bytes": written.bytes,
        }))?;
    } else {
        output::line(format!(
            "{output} holds a search page, the engine and the index: {} files, {}.",
            written.files,
            output::bytes(written.bytes)
        ));
        output::line("Upload it to any static host, under any address; index.html is the page.");
    }
    Ok(Outcome::Done)
}

/// Refuses what there is no bundle for.
fn check_target(target: &str) -> Result<(), Failure> {
    if target == TARGETS[0] {
        return Ok(());
    }
    if TARGETS.contains(&target) {
        return Err(Failure::new(
            "unsupported",
            format!("there is no bundle for {target} yet"),
            "--target browser is there; the roadmap names the others",
        ));
    }
    Err(Failure::new(
        "bad-option",
        format!("\"{target}\" is no target of a bundle"),
        "--target browser is there",
    ))
}
