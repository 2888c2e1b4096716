//! Measures what a tuning gains and loses: held-out queries before and after, and general ones.
//!
//! | | words | vectors | words and vectors |
//! |---|---|---|---|
//! | before | lexical | dense | hybrid |
//! | after | the same | dense | hybrid |

use super::corpus::Corpus;
use super::error::TuneError;
use super::gate::Gate;
use super::pairs::{Leaks, Pairs};
use super::sources::pages;
use crate::eval::compare::paired;
use crate::eval::draft::draft;
use crate::eval::{Dataset, Difference, Metrics, Query, Run, run};
use littoral_guest::Host;
use littoral_guest::engine::{Index, Mode, SearchOptions};
use littoral_indexes::manifest::Gains;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// General queries that are drafted from the documents where none are given.
const DRAFTED: usize = 200;

/// Queries of which less than so much changes are neither won nor lost.
const EVEN: f64 = 1e-9;

/// A run before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leg {
    /// Means before.
    pub before: Metrics,
    /// Means after.
    pub after: Metrics,
    /// The difference in nDCG@10, and its chance.
    pub difference: Difference,
}

/// What a set of queries says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// What the set is called.
    pub name: String,
    /// Judged queries.
    pub n_queries: u64,
    /// By words alone: tuning does not change it.
    pub lexical: Metrics,
    /// By vectors.
    pub dense: Leg,
    /// By words and vectors.
    pub hybrid: Leg,
    /// Queries that are better or worse by vectors, those that changed most first.
    pub wins: Vec<Changed>,
    /// See `wins`.
    pub losses: Vec<Changed>,
}

/// A query that changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    /// Its id.
    pub id: String,
    /// Its text.
    pub text: String,
    /// Its nDCG@10 before.
    pub before: f64,
    /// And after.
    pub after: f64,
}

/// All that was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// Held-out queries.
    pub held_out: Effect,
    /// General queries, which nothing was tuned to.
    pub general: Effect,
    /// What stands on both sides of the data.
    pub leaks: Leaks,
    /// The verdict.
    pub gate: Gate,
}

/// What a tuning learned from, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainedOn {
    /// The pairs that it is measured with.
    ThesePairs,
    /// Others.
    Others,
    /// It came without a record.
    Unknown,
}

impl TrainedOn {
    /// By the `hash` of the data that a record has, where there is one, beside `pairs`.
    pub fn of(hash: Option<&str>, pairs: &Pairs) -> Self {
        match hash {
            Some(hash) if hash == pairs.hash => Self::ThesePairs,
            Some(_) => Self::Others,
            None => Self::Unknown,
        }
    }
}

/// What is measured with.
#[derive(Debug, Clone, Copy)]
pub struct Measurement<'a> {
    /// The folder of pairs, read.
    pub pairs: &'a Pairs,
    /// What the tuning learned from.
    pub trained: TrainedOn,
    /// General queries; `None` drafts some from the documents.
    pub general: Option<&'a Dataset>,
    /// How far general queries may fall.
    pub margin: f64,
}

impl Measurement<'_> {
    /// Measures the index `before`, of the documents `corpus`, and as it would be `after`.
    ///
    /// # Errors
    /// [`TuneError`] when something cannot be read.
    pub fn run<A: Host + Sync, B: Host + Sync>(
        &self,
        before: &Index<A>,
        after: &Index<B>,
        corpus: &Corpus,
    ) -> Result<Measured, TuneError> {
        let held_out = effect(before, after, &self.pairs.judged)?;
        let general = effect(before, after, &self.general(corpus))?;
        let leaks = self.pairs.leaks();
        Ok(Measured {
            gate: Gate::new(&held_out, &general, &leaks, self.trained, self.margin),
            held_out,
            general,
            leaks,
        })
    }

    /// The general queries: those that are there, or some drafted from the documents.
    pub(super) fn general(&self, corpus: &Corpus) -> Cow<'_, Dataset> {
        match self.general {
            Some(general) => Cow::Borrowed(general),
            None => Cow::Owned(known_items(corpus)),
        }
    }
}

impl Measured {
    /// What an index will say of it, if it was trained on `n_pairs` of `pairs`.
    pub fn gains(&self, pairs: &Pairs, n_pairs: u64) -> Gains {
        let share = |x: f64| (x * 10_000.0).round().clamp(0.0, 10_000.0) as u16;
        let both = |leg: &Leg| [share(leg.before.ndcg_10), share(leg.after.ndcg_10)];
        Gains {
            data: first_bytes(&pairs.hash),
            n_pairs: n_pairs as u32,
            n_held_out: self.held_out.n_queries as u32,
            dense: both(&self.held_out.dense),
            hybrid: both(&self.held_out.hybrid),
            p: share(self.held_out.dense.difference.p),
            general: both(&self.general.hybrid),
            forced: !self.gate.passed,
        }
    }
}

/// The first bytes of a hash in hexadecimal.
pub(super) fn first_bytes(hash: &str) -> [u8; 8] {
    let hash = hash.as_bytes();
    let digit = |i: usize| hash.get(i).and_then(|&c| char::from(c).to_digit(16));
    std::array::from_fn(|i| {
        let digits = digit(2 * i).zip(digit(2 * i + 1));
        digits.map_or(0, |(high, low)| (high << 4 | low) as u8)
    })
}

/// Queries made of the documents, each with the document that it was made of.
fn known_items(corpus: &Corpus) -> Dataset {
    let drafted = draft(&pages(corpus), &[], 1, DRAFTED);
    let queries = drafted.iter().map(|query| Query {
        id: query.id.clone(),
        text: query.text.clone(),
    });
    let judged = drafted.iter().flat_map(|query| {
        let documents = query.documents.iter();
        documents.map(|document| (query.id.clone(), document.clone(), 1))
    });
    Dataset::new(
        "known items",
        "drafted",
        queries.collect(),
        judged.collect(),
    )
}

fn effect<A: Host + Sync, B: Host + Sync>(
    before: &Index<A>,
    after: &Index<B>,
    dataset: &Dataset,
) -> Result<Effect, TuneError> {
    let options = |mode| SearchOptions {
        mode,
        excerpt_chars: 0,
        ..SearchOptions::default()
    };
    let both = |mode| -> Result<(Leg, [Run; 2]), TuneError> {
        let runs = [
            run(before, dataset, &options(mode))?,
            run(after, dataset, &options(mode))?,
        ];
        let of = |run: &Run| -> Vec<f64> { run.per_query.values().map(|m| m.ndcg_10).collect() };
        let leg = Leg {
            before: runs[0].metrics,
            after: runs[1].metrics,
            difference: paired(&of(&runs[0]), &of(&runs[1])),
        };
        Ok((leg, runs))
    };
    let lexical = run(before, dataset, &options(Mode::Lexical))?.metrics;
    let (dense, runs) = both(Mode::Dense)?;
    let (hybrid, _) = both(Mode::Hybrid)?;
    let [wins, losses] = changes(dataset, [&runs[0].per_query, &runs[1].per_query]);
    Ok(Effect {
        name: dataset.name.clone(),
        n_queries: dataset.judged_queries().count() as u64,
        lexical,
        dense,
        hybrid,
        wins,
        losses,
    })
}

/// The queries of `dataset` that are better after than before, and those that are worse, each with those
/// first that changed most.
pub(super) fn changes(
    dataset: &Dataset,
    [before, after]: [&BTreeMap<String, Metrics>; 2],
) -> [Vec<Changed>; 2] {
    let changed = dataset.judged_queries().filter_map(|query| {
        Some(Changed {
            text: query.text.clone(),
            id: query.id.clone(),
            before: before.get(&query.id)?.ndcg_10,
            after: after.get(&query.id)?.ndcg_10,
        })
    });
    let mut changed: Vec<Changed> = changed.collect();
    changed.sort_by(|a, b| {
        let by = |c: &Changed| (c.after - c.before).abs();
        by(b).total_cmp(&by(a)).then_with(|| a.id.cmp(&b.id))
    });
    let (mut wins, mut losses) = (Vec::new(), Vec::new());
    for query in changed {
        if query.after > query.before + EVEN {
            wins.push(query);
        } else if query.after < query.before - EVEN {
            losses.push(query);
        }
    }
    [wins, losses]
}
