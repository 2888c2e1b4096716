//! `littoral tune deploy`: a tuned table or encoder into its index, a reranker to where searches find it, or a
//! refusal.

use super::super::output::{self, Failure};
use super::super::{Outcome, build, open, written_to};
use super::eval::show;
use super::failure;
use super::measuring::{Measuring, Proposal, write};
use super::reranker::{self, is_reranker};
use crate::store::Folder;
use crate::tune::deploy::deploy;
use serde_json::json;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    measuring: Measuring,
    /// Deploy what the gate refuses; the index says so
    #[arg(long)]
    force: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    if is_reranker(&arguments.measuring.tuned) {
        return reranker::deploy(&arguments.measuring, arguments.force, arguments.json);
    }
    written_to(&arguments.measuring.index)?;
    let proved = arguments.measuring.run()?;
    let measured = &proved.measured;
    let is_refused = !measured.gate.passed;
    if is_refused && !arguments.force {
        if arguments.json {
            output::json(&json!({"deployed": false, "forced": false, "measured": measured}))?;
        } else {
            show(measured);
            output::line("Not deployed; the index is as it was.");
        }
        return Ok(Outcome::Negative);
    }
    let path = &arguments.measuring.index;
    let mut folder = Folder::open(path)
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    if open(path)?.build() != proved.index.build() {
        return Err(Failure::new(
            "stale-index",
            "the index was replaced while it was measured",
            "run the command again",
        ));
    }
    let model = match proved.proposal {
        Proposal::Table(delta) => {
            let written = deploy(&mut folder, *delta);
            written.map_err(|error| build::build_failure(&error.into()))?;
            None
        }
        Proposal::Encoder(merged, tools) => {
            // What the index will need is there before it.
            let model = merged.store().map_err(|error| failure(&error))?;
            write(&merged, &proved.index, proved.gains, &mut folder, &tools)?;
            Some((merged.name, model))
        }
    };
    let (files, bytes) = (folder.files_written(), folder.bytes_written());
    if arguments.json {
        let mut said = json!({
            "deployed": true,
            "forced": is_refused,
            "files_written": files,
            "bytes_written": bytes,
            "measured": measured,
        });
        if let Some((name, path)) = model {
            said["model"] = json!({"name": name, "path": path});
        }
        return output::json(&said).map(|()| Outcome::Done);
    }
    show(measured);
    output::line(format!(
        "Deployed{}: {files} files, {}.",
        if is_refused {
            " although it was refused"
        } else {
            ""
        },
        output::bytes(bytes)
    ));
    if let Some((name, path)) = model {
        output::line(format!(
            "The encoder is stored as {name}, in {}.",
            path.display()
        ));
    }
    Ok(Outcome::Done)
}
