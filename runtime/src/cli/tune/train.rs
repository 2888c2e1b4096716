//! `littoral tune train`: a tuned table, an adapted encoder, a reranker or an adapted generator from a folder of
//! training data.

mod encoder;
mod generator;
mod table;

use super::super::Outcome;
use super::super::output::{self, Failure};
use super::failure;
use crate::tune::encoder::Target as Trained;
use crate::tune::html;
use crate::tune::pairs::Pairs;
use crate::tune::tuned::Point;
use littoral_guest::table::tune::TuneOptions;
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Target {
    /// The rows that queries are encoded by; no document's vector changes
    Table,
    /// An encoder of BERT's family, by LoRA; documents are encoded anew with it
    Encoder,
    /// A cross-encoder that orders the best hits anew, from such an encoder or from another cross-encoder
    Reranker,
    /// A generator, by LoRA, with TRL and PEFT in Python, on conversations of `tune prepare --format chat`
    Generator,
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A folder of pairs that `tune prepare` made
    data: PathBuf,
    /// What to tune
    #[arg(long, value_enum, default_value_t = Target::Table)]
    target: Target,
    /// The file to write; for all but a table the folder
    #[arg(short, long, value_name = "TUNED")]
    output: PathBuf,
    /// Steps at most; training ends before where it gets no better
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    steps: Option<u32>,
    /// Queries, pairs or conversations of a step
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: Option<u32>,
    /// Temperature of the softmax: low looks at the nearest passages, high at all
    #[arg(long, value_parser = positive)]
    temperature: Option<f64>,
    /// Another number draws other batches
    #[arg(long, value_name = "N", default_value_t = TuneOptions::default().seed)]
    seed: u64,
    /// Threads; 0 for one a core
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Train although queries or documents are on both sides
    #[arg(long)]
    force: bool,
    /// Write a page with the curves of loss and nDCG@10, and with what was trained and how
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    table: table::TableArguments,
    #[command(flatten)]
    encoder: encoder::EncoderArguments,
    #[command(flatten)]
    generator: generator::GeneratorArguments,
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|n: &f64| *n > 0.0 && *n <= 10.0);
    number.ok_or_else(|| "this is a number above 0 and not above 10".to_owned())
}

fn not_negative(text: &str) -> Result<f32, String> {
    let number = text
        .parse()
        .ok()
        .filter(|n: &f32| (0.0..=100.0).contains(n));
    number.ok_or_else(|| "this is a number from 0 to 100".to_owned())
}

/// Shows on a terminal the looks at a training, and which was the best.
fn show_curve(curve: &[Point], best_step: u32) {
    for point in curve {
        let mark = if point.step == best_step { " ←" } else { "" };
        output::line(format!(
            "step {:>5}  loss {:>6}  nDCG@10 {:.4}{mark}",
            point.step,
            point.shown_loss(),
            point.ndcg
        ));
    }
}

/// Writes the page of a training, where one is asked for.
fn write_page(
    arguments: &Arguments,
    record: &impl Serialize,
    curve: &[Point],
    best_step: u32,
) -> Result<(), Failure> {
    let Some(path) = &arguments.html else {
        return Ok(());
    };
    let page = html::page(&json!(record), curve, best_step);
    std::fs::write(path, page).map_err(|error| {
        Failure::new(
            "write-failed",
            format!("cannot write {}: {error}", path.display()),
            "what was trained is written; name a file of a folder that can be written with --html",
        )
    })
}

/// Negative where no step was better than none.
fn outcome(best_step: u32) -> Outcome {
    match best_step {
        0 => Outcome::Negative,
        _ => Outcome::Done,
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let pairs = Pairs::read(&arguments.data).map_err(|error| failure(&error))?;
    let leaks = pairs.leaks();
    if !leaks.is_empty() && !arguments.force {
        if arguments.json {
            output::json(&json!({"trained": false, "leaks": leaks}))?;
        } else {
            output::line(format!(
                "Not trained: {}. Figures on held-out queries would mean nothing; prepare the pairs \
                 anew, or train all the same with --force.",
                leaks.describe()
            ));
        }
        return Ok(Outcome::Negative);
    }
    match arguments.target {
        Target::Table => table::run(arguments, &arguments.table, &pairs, &leaks),
        Target::Encoder => encoder::run(arguments, &arguments.encoder, Trained::Encoder, &leaks),
        Target::Generator => generator::run(arguments, &arguments.encoder, &arguments.generator),
        Target::Reranker => encoder::run(arguments, &arguments.encoder, Trained::Reranker, &leaks),
    }
}
