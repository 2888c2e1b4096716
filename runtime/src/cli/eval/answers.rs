//! The part of an evaluation that asks for answers.

use super::super::engine_failure;
use super::super::output::{self, Failure};
use super::super::rerank::Reranker;
use super::{Arguments, dataset_failure};
use crate::eval::{AnswerReport, Answers, Dataset, Query, answer_all, read_unanswerable};
use crate::host::IndexHost;
use littoral_guest::answer::AnswerOptions;
use littoral_guest::engine::{Index, Mode, SearchOptions};
use std::path::Path;

/// The file of known answers beside the queries.
const ANSWERS: &str = "answers.json";

/// The file of questions without an answer beside the queries.
const UNANSWERABLE: &str = "queries-unanswerable.jsonl";

/// Measures answers, where `arguments` ask for it.
pub(super) fn measure(
    arguments: &Arguments,
    index: &Index<IndexHost>,
    dataset: &Dataset,
    reranker: Option<&Reranker>,
) -> Result<Option<AnswerReport>, Failure> {
    let Some(path) = &arguments.answers else {
        return Ok(None);
    };
    let beside = dataset.folder().join(ANSWERS);
    let path = if path.is_empty() {
        &beside
    } else {
        Path::new(path)
    };
    let answers = Answers::read(path).map_err(|error| dataset_failure(&error))?;
    if dataset.queries.iter().all(|q| answers.of(&q.id).is_empty()) {
        return Err(Failure::new(
            "dataset-answers",
            format!("{} has an answer to none of the queries", path.display()),
            "both files must use the same query ids",
        ));
    }
    let unanswerable = unanswerable(arguments, dataset)?;
    let options = SearchOptions {
        mode: if index.has_vectors() {
            Mode::Hybrid
        } else {
            Mode::Lexical
        },
        fusion: arguments.fusion,
        rerank: reranker.map(|reranker| reranker.asked),
        ..SearchOptions::default()
    };
    let asked = AnswerOptions {
        threshold: arguments.threshold,
        ..AnswerOptions::default()
    };
    answer_all(index, dataset, &answers, &unanswerable, &options, &asked)
        .map(Some)
        .map_err(|error| engine_failure(&error))
}

pub(super) fn unanswerable(
    arguments: &Arguments,
    dataset: &Dataset,
) -> Result<Vec<Query>, Failure> {
    let beside = dataset.folder().join(UNANSWERABLE);
    let mut paths: Vec<_> = arguments.unanswerable.iter().collect();
    if paths.is_empty() && beside.is_file() {
        paths.push(&beside);
    }
    let mut queries = Vec::new();
    for path in paths {
        queries.extend(read_unanswerable(path).map_err(|error| dataset_failure(&error))?);
    }
    Ok(queries)
}

/// Prints the figures for a person.
pub(super) fn show(report: &AnswerReport) {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    output::line(format!(
        "answers: {} of {} questions answered; {} hold a known answer (exact {}, F1 {:.3})",
        percent(report.answered),
        report.n_questions,
        percent(report.answer_recall),
        percent(report.exact_match),
        report.f1,
    ));
    output::line(format!(
        "citations: precision {}, recall {}",
        percent(report.citation_precision),
        percent(report.citation_recall),
    ));
    if report.n_unanswerable > 0 {
        output::line(format!(
            "refused {} of {} questions that the documents do not answer (evidence below {:.2})",
            percent(report.refused),
            report.n_unanswerable,
            report.threshold,
        ));
    }
}
