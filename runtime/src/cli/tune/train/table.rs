//! `littoral tune train --target table`: a tuned table from a folder of pairs.

use super::super::super::output::{self, Failure};
use super::super::super::{Outcome, build, open};
use super::super::failure;
use super::{Arguments, not_negative, outcome, show_curve, write_page};
use crate::tune::Corpus;
use crate::tune::pairs::{Leaks, Pairs};
use crate::tune::train::{Plan, train};
use crate::tune::tuned::Record;
use littoral_guest::table::tune::TuneOptions;
use serde_json::json;
use std::path::{Path, PathBuf};

/// What a table alone has.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "With --target table")]
pub(super) struct TableArguments {
    /// The index to tune
    #[arg(long, value_name = "INDEX")]
    index: Option<PathBuf>,
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
}

pub(super) fn run(
    arguments: &Arguments,
    table: &TableArguments,
    pairs: &Pairs,
    leaks: &Leaks,
) -> Result<Outcome, Failure> {
    let Some(path) = &table.index else {
        return Err(Failure::new(
            "no-index",
            "nothing says which index's table to tune",
            "add --index INDEX, or tune an encoder: --target encoder --model FOLDER",
        ));
    };
    let default = TuneOptions::default();
    let options = TuneOptions {
        steps: arguments.steps.unwrap_or(default.steps),
        end: None,
        batch: arguments.batch.map_or(default.batch, |n| n as usize),
        temperature: arguments
            .temperature
            .map_or(default.temperature, |x| x as f32),
        map_rate: table.map_rate,
        gain_rate: table.gain_rate,
        move_rate: table.move_rate,
        pull: table.pull,
        hold: table.hold,
        own: table.own,
        sample: table.sample as usize,
        seed: arguments.seed,
    };
    let index = open(path)?;
    let corpus = Corpus::read(&index).map_err(|error| failure(&error))?;
    let pool = build::pool(arguments.threads)?;
    let data = arguments.data.display().to_string();
    let trained = train(
        &index,
        &corpus,
        pairs,
        Plan {
            data: &data,
            options: &options,
            with_fusion: table.fusion,
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
    write_page(arguments, record, &record.curve, record.best_step)?;
    if arguments.json {
        output::json(&json!({"trained": true, "file": arguments.output, "record": record}))?;
    } else {
        show(arguments, path, record);
    }
    Ok(outcome(record.best_step))
}

fn show(arguments: &Arguments, index: &Path, record: &Record) {
    show_curve(&record.curve, record.best_step);
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
        index.display(),
        arguments.data.display()
    ));
}
