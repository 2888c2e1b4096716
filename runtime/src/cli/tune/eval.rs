//! `littoral tune eval`: what a tuned table, encoder or reranker gains and loses.

use super::super::Outcome;
use super::super::output::{self, Failure};
use super::measuring::Measuring;
use super::reranker::{self, is_reranker};
use crate::eval::Metrics;
use crate::tune::gate::Gate;
use crate::tune::measure::{Changed, Effect, Leg, Measured};

/// Queries that are shown of those won and lost.
const SHOWN: usize = 5;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    measuring: Measuring,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    if is_reranker(&arguments.measuring.tuned) {
        return reranker::eval(&arguments.measuring, arguments.json);
    }
    let measured = arguments.measuring.run()?.measured;
    if arguments.json {
        output::json(&measured)?;
    } else {
        show(&measured);
        changed("Won by vectors", &measured.held_out.wins);
        changed("Lost by vectors", &measured.held_out.losses);
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
    verdict(&measured.gate);
}

/// Prints what the gate says.
pub(super) fn verdict(gate: &Gate) {
    if gate.passed {
        output::line("The gate lets it through.");
    }
    for refusal in &gate.refusals {
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

/// Prints the first of the queries that changed.
pub(super) fn changed(title: &str, queries: &[Changed]) {
    if !queries.is_empty() {
        output::line(format!("{title}:"));
    }
    for query in queries.iter().take(SHOWN) {
        output::line(format!(
            "  {:.2} → {:.2}  {}",
            query.before, query.after, query.text
        ));
    }
}
