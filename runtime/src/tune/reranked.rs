//! Measures what a tuned reranker gains and loses: held-out queries and general ones, as the index ranks them
//! alone, as they are reranked by the model that it was trained from, where that was a reranker, and by it.

use super::corpus::Corpus;
use super::error::TuneError;
use super::gate::Gate;
use super::measure::{Changed, Measurement, changes};
use super::pairs::Leaks;
use crate::eval::compare::paired;
use crate::eval::metrics::Evaluation;
use crate::eval::{Dataset, Difference, Evaluator, Metrics};
use littoral_guest::engine::{EngineError, Index, Rerank, SearchOptions};
use littoral_guest::{Encoder, Host};
use serde::Serialize;
use std::sync::Arc;

/// Depth of a ranking: what recall@100 needs.
const DEPTH: usize = 100;

/// A ranking that the tuned reranker is to better.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Other {
    /// Means of it.
    pub metrics: Metrics,
    /// By how much the tuned reranker is better in nDCG@10, and its chance.
    pub difference: Difference,
}

/// What a set of queries says of a reranker.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reranked {
    /// What the set is called.
    pub name: String,
    /// Judged queries.
    pub n_queries: u64,
    /// The index alone.
    pub index: Other,
    /// Reranked by the model that it was trained from, where that is a reranker.
    pub before: Option<Other>,
    /// Reranked by it.
    pub after: Metrics,
    /// Queries that are better or worse than by the index alone, those that changed most first.
    pub wins: Vec<Changed>,
    /// See `wins`.
    pub losses: Vec<Changed>,
}

impl Reranked {
    /// What it is measured against, in words, and by how much it is better.
    pub fn differences(&self) -> impl Iterator<Item = (&'static str, Difference)> {
        let before = self.before.iter();
        let before = before.map(|other| ("by the reranker before", other.difference));
        [("by the index alone", self.index.difference)]
            .into_iter()
            .chain(before)
    }
}

/// All that was measured of a reranker.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasuredReranker {
    /// Candidates of a query that were reranked.
    pub depth: usize,
    /// Held-out queries.
    pub held_out: Reranked,
    /// General queries, which nothing was tuned to.
    pub general: Reranked,
    /// What stands on both sides of the data.
    pub leaks: Leaks,
    /// The verdict.
    pub gate: Gate,
}

/// A tuned reranker, and what it was trained from, where that is one too.
#[derive(Debug, Clone, Copy)]
pub struct Rerankers<'a> {
    /// The tuned one.
    pub after: &'a Arc<Encoder>,
    /// What it was trained from.
    pub before: Option<&'a Arc<Encoder>>,
    /// Candidates of a query that they read.
    pub depth: usize,
}

impl Measurement<'_> {
    /// Measures `rerankers` on an index of the documents `corpus`. `open` opens it, with the reranker that is
    /// given.
    ///
    /// # Errors
    /// [`TuneError`] when something cannot be read.
    pub fn run_reranker<H: Host>(
        &self,
        open: impl Fn(Option<&Arc<Encoder>>) -> Result<Index<H>, EngineError>,
        rerankers: Rerankers<'_>,
        corpus: &Corpus,
    ) -> Result<MeasuredReranker, TuneError> {
        let held_out = reranked(&open, rerankers, &self.pairs.judged)?;
        let general = reranked(&open, rerankers, &self.general(corpus))?;
        let leaks = self.pairs.leaks();
        Ok(MeasuredReranker {
            depth: rerankers.depth,
            gate: Gate::of_reranker(&held_out, &general, &leaks, self.trained, self.margin),
            held_out,
            general,
            leaks,
        })
    }
}

fn reranked<H: Host>(
    open: impl Fn(Option<&Arc<Encoder>>) -> Result<Index<H>, EngineError>,
    rerankers: Rerankers<'_>,
    dataset: &Dataset,
) -> Result<Reranked, TuneError> {
    let by = |encoder: &Arc<Encoder>| {
        let rerank = Rerank {
            model: encoder.id(),
            depth: rerankers.depth,
        };
        ranked(&open(Some(encoder))?, Some(rerank), dataset)
    };
    let after = by(rerankers.after)?;
    let other = |run: &Evaluation| -> Other {
        let of =
            |run: &Evaluation| -> Vec<f64> { run.per_query.values().map(|m| m.ndcg_10).collect() };
        Other {
            metrics: run.mean,
            difference: paired(&of(run), &of(&after)),
        }
    };
    let alone = ranked(&open(None)?, None, dataset)?;
    let before = rerankers.before.map(by).transpose()?;
    let [wins, losses] = changes(dataset, [&alone.per_query, &after.per_query]);
    Ok(Reranked {
        name: dataset.name.clone(),
        n_queries: dataset.judged_queries().count() as u64,
        index: other(&alone),
        before: before.as_ref().map(other),
        after: after.mean,
        wins,
        losses,
    })
}

/// The judged queries of `dataset` as `index` ranks them, reranked where that is asked for.
fn ranked<H: Host>(
    index: &Index<H>,
    rerank: Option<Rerank>,
    dataset: &Dataset,
) -> Result<Evaluation, EngineError> {
    let options = SearchOptions {
        k: DEPTH,
        excerpt_chars: 0,
        rerank,
        ..SearchOptions::default()
    };
    let mut evaluator = Evaluator::new(&dataset.qrels);
    for query in dataset.judged_queries() {
        let found = pollster::block_on(index.search(&query.text, &options))?;
        let ids: Vec<&str> = found
            .hits
            .iter()
            .map(|hit| hit.document.id.as_str())
            .collect();
        evaluator.add(&query.id, &ids);
    }
    Ok(evaluator.finish())
}
