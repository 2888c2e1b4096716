//! `littoral tune`: training data, tuned query tables, encoders and rerankers, their measurement and their way
//! into an index, or to where searches find them.

mod deploy;
mod eval;
mod measuring;
mod prepare;
mod reranker;
mod train;

use super::Outcome;
use super::output::Failure;
use crate::tune::TuneError;

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make training data of judged queries, pairs, clicks or the documents themselves
    Prepare(Box<prepare::Arguments>),
    /// Tune the query table of an index, an encoder or a reranker on such data
    Train(Box<train::Arguments>),
    /// Measure held-out and general queries before and after
    Eval(Box<eval::Arguments>),
    /// Put a tuned table or encoder into an index, or a reranker where searches find it, if it has proved itself
    Deploy(Box<deploy::Arguments>),
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
            Action::Train(arguments) => arguments.json,
            Action::Eval(arguments) => arguments.json,
            Action::Deploy(arguments) => arguments.json,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    match &arguments.action {
        Action::Prepare(arguments) => prepare::run(arguments),
        Action::Train(arguments) => train::run(arguments),
        Action::Eval(arguments) => eval::run(arguments),
        Action::Deploy(arguments) => deploy::run(arguments),
    }
}

pub(super) fn failure(error: &TuneError) -> Failure {
    Failure::new(error.code().to_owned(), error.to_string(), error.hint())
}
