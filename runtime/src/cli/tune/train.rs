//! `littoral tune train`: a tuned table from a folder of pairs.

use super::super::output::{self, Failure};
use super::super::{Outcome, build, open};
use super::failure;
use crate::tune::Corpus;
use crate::tune::pairs::Pairs;
use crate::tune::train::{Plan, train};
use crate::tune::tuned::Record;
use littoral_guest::table::tune::TuneOptions;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Target {
    /// The rows that queries are encoded by; no document's vector changes
    Table,
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A folder of pairs that `tune prepare` made
    data: PathBuf,
    /// What to tune
    #[arg(long, value_enum, default_value_t = Target::Table)]
    target: Target,
    /// The index to tune
    #[arg(long, value_name = "INDEX")]
    index: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "TUNED")]
    output: PathBuf,
    /// Steps at most; training ends before where it gets no better
    #[arg(long, default_value_t = TuneOptions::default().steps, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    steps: u32,
    /// Queries of a step
    #[arg(long, default_value_t = TuneOptions::default().batch as u32, value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
    /// Temperature of the softmax: low looks at the nearest passages, high at all
    #[arg(long, default_value_t = TuneOptions::default().temperature, value_parser = positive)]
    temperature: f32,
    /// Rate of the map that all words share
    #[arg(long, default_value_t = TuneOptions::default().map_rate, value_parser = not_negative)]
    map_rate: f32,
    /// Rate of the weights of words
    #[arg(long, default_value_t = TuneOptions::default().gain_rate, value_parser = not_negative)]
    gain_rate: f32,
    /// Rate of the rows of single words
    #[arg(long, default_value_t = TuneOptions::default().move_rate, value_parser = not_negative)]
    move_rate: f32,
    /// Pull of all of them to what was
    #[arg(long, default_value_t = TuneOptions::default().pull, value_parser = not_negative)]
    pull: f32,
    /// Weight of texts drawn from the documents that are to rank passages as before
    #[arg(long, default_value_t = TuneOptions::default().hold, value_parser = not_negative)]
    hold: f32,
    /// Weight of the same texts, that are to find the documents that they are of
    #[arg(long, default_value_t = TuneOptions::default().own, value_parser = not_negative)]
    own: f32,
    /// Passages drawn as negatives in each step
    #[arg(long, default_value_t = TuneOptions::default().sample as u32)]
    sample: u32,
    /// Choose how rankings are joined, too: queries of other kinds may be ranked worse by it
    #[arg(long)]
    fusion: bool,
    /// Another number draws other batches
    #[arg(long, value_name = "N", default_value_t = TuneOptions::default().seed)]
    seed: u64,
    /// Threads; 0 for one a core
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Train although queries or documents are on both sides
    #[arg(long)]
    force: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

fn positive(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|n: &f32| *n > 0.0 && *n <= 10.0);
    number.ok_or_else(|| "this is a number above 0 and not above 10".to_owned())
}

fn not_negative(text: &str) -> Result<f32, String> {
    let number = text
        .parse()
        .ok()
        .filter(|n: &f32| (0.0..=100.0).contains(n));
    number.ok_or_else(|| "this is a number from 0 to 100".to_owned())
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let Target::Table = arguments.target;
    let options = TuneOptions {
        steps: arguments.steps,
        end: None,
        batch: arguments.batch as usize,
        temperature: arguments.temperature,
        map_rate: arguments.map_rate,
        gain_rate: arguments.gain_rate,
        move_rate: arguments.move_rate,
        pull: arguments.pull,
        hold: arguments.hold,
        own: arguments.own,
        sample: arguments.sample as usize,
        seed: arguments.seed,
    };
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
    let index = open(&arguments.index)?;
    let corpus = Corpus::read(&index).map_err(|error| failure(&error))?;
    let pool = build::pool(arguments.threads)?;
    let data = arguments.data.display().to_string();
    let trained = train(
        &index,
        &corpus,
        &pairs,
        Plan {
            data: &data,
            options: &options,
            with_fusion: arguments.fusion,
        },
        &pool,
        |look, last| {
            let of_which = if last { "on all pairs" } else { "choosing" };
            output::notice(&format!(
                "{of_which}: step {:>4}, loss {:.4}, nDCG@10 {:.4}",
                look.step, look.loss, look.ndcg
            ));
        },
    );
    let mut tuned = trained.map_err(|error| failure(&error))?;
    tuned.record.leaks = (leaks.queries.len() + leaks.documents.len()) as u64;
    tuned
        .write(&arguments.output)
        .map_err(|error| failure(&error))?;
    let record = &tuned.record;
    if arguments.json {
        output::json(&json!({"trained": true, "file": arguments.output, "record": record}))?;
    } else {
        show(arguments, record);
    }
    Ok(if record.best_step == 0 {
        Outcome::Negative
    } else {
        Outcome::Done
    })
}

fn show(arguments: &Arguments, record: &Record) {
    for point in &record.curve {
        let mark = if point.step == record.best_step {
            " ←"
        } else {
            ""
        };
        output::line(format!(
            "step {:>5}  loss {:.4}  nDCG@10 {:.4}{mark}",
            point.step, point.loss, point.ndcg
        ));
    }
    if record.best_step == 0 {
        output::line("No step ranks the queries that choose better than the table as it is.");
        return;
    }
    output::line(format!(
        "Tuned on {} pairs of {} queries in {:.1} s; {} of the queries chose {} steps; {} words got a row.",
        record.n_pairs,
        record.n_queries,
        record.seconds,
        record.n_choosing,
        record.best_step,
        record.new_words
    ));
    output::line(format!(
        "Next: littoral tune eval {} --index {} {}",
        arguments.output.display(),
        arguments.index.display(),
        arguments.data.display()
    ));
}
