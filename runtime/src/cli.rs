//! The command line: arguments in, text or JSON out, exit codes 0 (done), 1 (negative result) and 2
//! (error).

mod eval;
mod output;

use clap::{Parser, Subcommand};

use std::process::ExitCode;

/// Retrieval for RAG at the edge: a folder of documents becomes a small index that answers anywhere.
#[derive(Debug, Parser)]
#[command(name = "littoral", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure retrieval on a judged collection
    Eval(eval::Arguments),
}

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    /// No hits; a check or a gate that failed.
    Negative,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (outcome, json) = match arguments.command {
        Command::Eval(arguments) => (eval::run(&arguments), arguments.json),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Negative) => ExitCode::from(1),
        Err(failure) => {
            output::failure(&failure, json);
            ExitCode::from(2)
        }
    }
}
