//! `littoral-train JOB`: does the job in the file JOB and tells its course on standard output, in lines of
//! JSON. `littoral tune train` runs it, with `--target encoder` and
//! `--target reranker`.

use littoral_runtime::tune::encoder::Event;
use littoral_train::{TrainError, run};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        return failed(&TrainError::NoJob);
    };
    match run(Path::new(&path), tell) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &TrainError) -> ExitCode {
    tell(&Event::Failed {
        code: error.code().to_owned(),
        message: error.to_string(),
        hint: error.hint().to_owned(),
    });
    ExitCode::from(2)
}

/// Writes a line. Where nobody reads any more, the training ends; its checkpoint stays.
fn tell(event: &Event) {
    let line = serde_json::to_string(event).unwrap_or_default();
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(2);
    }
}
