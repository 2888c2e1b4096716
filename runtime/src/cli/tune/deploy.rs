//! `littoral tune deploy`: a tuned table into its index, or a refusal.

use super::super::output::{self, Failure};
use super::super::{Outcome, build, open};
use super::eval::{Measuring, show};
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
    let (_, index, measured, mut delta) = arguments.measuring.run()?;
    let is_refused = !measured.gate.passed;
    if is_refused && !arguments.force {
        if arguments.json {
            output::json(&json!({"deployed": false, "forced": false, "measured": measured}))?;
        } else {
            show(&measured);
            output::line("Not deployed; the index is as it was.");
        }
        return Ok(Outcome::Negative);
    }
    if let Some(table) = &mut delta.manifest.tuning.table {
        table.forced = is_refused;
    }
    let path = &arguments.measuring.index;
    let mut folder = Folder::open(path)
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    if open(path)?.build() != index.build() {
        return Err(Failure::new(
            "stale-index",
            "the index was replaced while it was measured",
            "run the command again",
        ));
    }
    let written = deploy(&mut folder, delta);
    let written = written.map_err(|error| build::build_failure(&error.into()))?;
    if arguments.json {
        output::json(&json!({
            "deployed": true,
            "forced": is_refused,
            "files_written": written.files,
            "bytes_written": written.bytes,
            "measured": measured,
        }))?;
    } else {
        show(&measured);
        output::line(format!(
            "Deployed{}: {} files, {}.",
            if is_refused {
                " although it was refused"
            } else {
                ""
            },
            written.files,
            output::bytes(written.bytes)
        ));
    }
    Ok(Outcome::Done)
}
