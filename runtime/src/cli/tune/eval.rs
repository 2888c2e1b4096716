//! `littoral tune eval`: what a tuned table gains and loses.

use super::super::output::{self, Failure};
use super::super::{Outcome, open};
use super::failure;
use crate::eval::{Dataset, Metrics};
use crate::host::FolderHost;
use crate::tune::measure::{Changed, Effect, Leg, Measured, Measurement};
use crate::tune::overlay::Delta;
use crate::tune::pairs::Pairs;
use crate::tune::tuned::Tuned;
use crate::tune::{Corpus, TuneError};
use littoral_guest::engine::Index;
use std::path::PathBuf;

/// Queries that are shown of those won and lost.
const SHOWN: usize = 5;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) measuring: Measuring,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// What is measured, and with what.
#[derive(Debug, clap::Args)]
pub(super) struct Measuring {
    /// A file that `tune train` wrote
    tuned: PathBuf,
    /// The index that it was tuned from
    #[arg(long, value_name = "INDEX")]
    pub(super) index: PathBuf,
    /// The folder of pairs [default: the one that it was tuned on]
    data: Option<PathBuf>,
    /// A judged collection that is not of the domain, of the same documents [default: queries drafted
    /// from the documents]
    #[arg(long, value_name = "BEIR_DIR")]
    general: Option<PathBuf>,
    /// Which judgements of that collection
    #[arg(
        long,
        value_name = "SPLIT",
        default_value = "test",
        requires = "general"
    )]
    general_split: String,
    /// How far nDCG@10 of general queries may fall
    #[arg(long, default_value_t = 0.01, value_parser = super::super::ask::share)]
    margin: f64,
}

impl Measuring {
    /// Measures; returns what a deployment would write, too.
    pub(super) fn run(&self) -> Result<(Tuned, Index<FolderHost>, Measured, Delta), Failure> {
        let shown = |error: TuneError| failure(&error);
        let tuned = Tuned::read(&self.tuned).map_err(shown)?;
        let data = match &self.data {
            Some(data) => data.clone(),
            None => PathBuf::from(&tuned.record.data),
        };
        let pairs = Pairs::read(&data).map_err(shown)?;
        let general = match &self.general {
            Some(folder) => Some(
                Dataset::open(folder, &self.general_split).map_err(|error| shown(error.into()))?,
            ),
            None => None,
        };
        let index = open(&self.index)?;
        let corpus = Corpus::read(&index).map_err(shown)?;
        output::notice("measuring before and after…");
        let measurement = Measurement {
            tuned: &tuned,
            pairs: &pairs,
            general: general.as_ref(),
            margin: self.margin,
        };
        let measured = measurement.run(&index, &corpus, &self.tuned);
        let (measured, delta) = measured.map_err(shown)?;
        Ok((tuned, index, measured, delta))
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (_, _, measured, _) = arguments.measuring.run()?;
    if arguments.json {
        output::json(&measured)?;
    } else {
        show(&measured);
        changed("Won", &measured.held_out.wins);
        changed("Lost", &measured.held_out.losses);
    }
    Ok(if measured.gate.passed {
        Outcome::Done
    } else {
        Outcome::Negative
    })
}

/// Prints the figures and the verdict.
pub(super) fn show(measured: &Measured) {
    effect("Held out", &measured.held_out);
    effect("General", &measured.general);
    if measured.gate.passed {
        output::line("The gate lets it through.");
    }
    for refusal in &measured.gate.refusals {
        output::line(format!("Refused ({}): {}.", refusal.code, refusal.message));
    }
}

fn effect(title: &str, effect: &Effect) {
    output::line(format!(
        "{title}: {} queries ({}); by vectors {} better, {} worse",
        effect.n_queries,
        effect.name,
        effect.wins.len(),
        effect.losses.len()
    ));
    output::line(format!(
        "{:<12} {:>9} {:>9} {:>9} {:>8}   {:>10}",
        "nDCG@10", "before", "after", "change", "p", "recall@100"
    ));
    let recall = |m: &Metrics| m.recall_100;
    let words = &effect.lexical;
    output::line(format!(
        "{:<12} {:>9.4} {:>9.4} {:>9} {:>8}   {:>10.3}",
        "lexical",
        words.ndcg_10,
        words.ndcg_10,
        "",
        "",
        recall(words)
    ));
    let leg = |name: &str, leg: &Leg| {
        output::line(format!(
            "{name:<12} {:>9.4} {:>9.4} {:>+9.4} {:>8.3}   {:>4.3} → {:.3}",
            leg.before.ndcg_10,
            leg.after.ndcg_10,
            leg.difference.mean,
            leg.difference.p,
            recall(&leg.before),
            recall(&leg.after)
        ));
    };
    leg("dense", &effect.dense);
    leg("hybrid", &effect.hybrid);
    output::line("");
}

fn changed(title: &str, queries: &[Changed]) {
    if !queries.is_empty() {
        output::line(format!("{title} by vectors:"));
    }
    for query in queries.iter().take(SHOWN) {
        output::line(format!(
            "  {:.2} → {:.2}  {}",
            query.before, query.after, query.text
        ));
    }
}
