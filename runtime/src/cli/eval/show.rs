//! What an evaluation prints for a person.

use super::super::output;
use super::{answers, fit};
use crate::eval::Report;

/// Prints `report`.
pub(super) fn report(report: &Report) {
    output::line(format!(
        "{} ({}): {} documents, {} chunks, {} judged queries",
        report.data, report.split, report.n_documents, report.n_chunks, report.n_queries
    ));
    output::line(format!(
        "{:<14} {:>8} {:>9} {:>10} {:>7} {:>8} {:>8} {:>8} {:>10} {:>7}",
        "mode",
        "nDCG@10",
        "recall@10",
        "recall@100",
        "MRR@10",
        "MAP@100",
        "p50 ms",
        "p99 ms",
        "cold bytes",
        "rounds"
    ));
    for run in &report.runs {
        let m = &run.metrics;
        output::line(format!(
            "{:<14} {:>8.4} {:>9.4} {:>10.4} {:>7.4} {:>8.4} {:>8.2} {:>8.2} {:>10} {:>7.1}",
            run.name,
            m.ndcg_10,
            m.recall_10,
            m.recall_100,
            m.mrr_10,
            m.map_100,
            run.latency_ms.p50,
            run.latency_ms.p99,
            output::bytes(run.cold.bytes as u64),
            run.cold.round_trips
        ));
    }
    ablation(report);
    comparison(report);
    if let Some(answers) = &report.answers {
        answers::show(answers);
    }
    if let Some(fitted) = &report.fit {
        fit::show(fitted);
    }
    if report.build.seconds > 0.0 {
        output::line(format!(
            "built in {:.1} s, {}",
            report.build.seconds,
            output::bytes(report.build.index_bytes)
        ));
    }
}

/// Prints what each change does to the whole system.
fn ablation(report: &Report) {
    if report.ablation.is_empty() {
        return;
    }
    output::line("");
    output::line(format!(
        "{:<24} {:>8} {:>8} {:>6} {:>10} {:>8} {:>6} {:>9} {:>10} {:>7} {:>7} {:>7}",
        "one thing changed",
        "nDCG@10",
        "diff",
        "p",
        "recall@100",
        "diff",
        "p",
        "index",
        "cold bytes",
        "p50 ms",
        "p99 ms",
        "build s"
    ));
    for changed in &report.ablation {
        let run = &changed.run;
        let of = |name: &str| changed.differences.get(name).copied().unwrap_or_default();
        let (ndcg, recall) = (of("ndcg@10"), of("recall@100"));
        output::line(format!(
            "{:<24} {:>8.4} {:>+8.4} {:>6.3} {:>10.4} {:>+8.4} {:>6.3} {:>9} {:>10} {:>7.2} {:>7.2} {:>7.1}",
            run.name,
            run.metrics.ndcg_10,
            ndcg.mean,
            ndcg.p,
            run.metrics.recall_100,
            recall.mean,
            recall.p,
            output::bytes(changed.build.index_bytes),
            output::bytes(run.cold.bytes as u64),
            run.latency_ms.p50,
            run.latency_ms.p99,
            changed.build.seconds
        ));
    }
}

/// Prints how runs stand beside those of the baseline.
fn comparison(report: &Report) {
    let Some(comparison) = &report.comparison else {
        return;
    };
    output::line("");
    output::line(format!(
        "beside {} ({} queries)",
        comparison.baseline, comparison.n_queries
    ));
    for (run, differences) in &comparison.runs {
        for (name, difference) in differences {
            output::line(format!(
                "{run:<14} {name:<10} {:>+8.4}  p {:.3}",
                difference.mean, difference.p
            ));
        }
    }
    output::line(if comparison.passed {
        format!("no figure fell by more than {}", comparison.margin)
    } else {
        format!(
            "a figure fell by more than {}, and not by chance",
            comparison.margin
        )
    });
}
