//! `littoral tune`: training data, tuned query tables, their measurement and their way into an index.

mod prepare;

use super::Outcome;
use super::output::Failure;
use crate::tune::TuneError;

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make training data of judged queries, pairs, clicks or the documents themselves
    Prepare(Box<prepare::Arguments>),
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

impl Arguments {
    pub(super) fn json(&self) -> bool {
        match &self.action {
            Action::Prepare(arguments) => arguments.json,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    match &arguments.action {
        Action::Prepare(arguments) => prepare::run(arguments),
    }
}

fn failure(error: &TuneError) -> Failure {
    Failure::new(error.code(), error.to_string(), error.hint())
}
