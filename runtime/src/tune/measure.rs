//! Measures what a tuned table gains and loses: held-out queries before and after, and general ones.
//!
//! | | words | vectors | words and vectors |
//! |---|---|---|---|
//! | before | lexical | dense | hybrid |
//! | after | the same | dense | hybrid |
//!
//! The gate lets a tuning through when held-out queries are ranked better by vectors, by more than
//! chance; when they are not ranked worse by words and vectors, by more than chance; when general
//! queries lose no more than a margin; and when nothing leaks from the held-out side to the other.

use super::corpus::Corpus;
use super::error::TuneError;
use super::overlay::Delta;
use super::pairs::{Leaks, Pairs};
use super::sources::pages;
use super::table::Table;
use super::tuned::Tuned;
use crate::eval::compare::{SIGNIFICANT, paired};
use crate::eval::draft::draft;
use crate::eval::{Dataset, Difference, Metrics, Query, Run, run};
use littoral_guest::Host;
use littoral_guest::engine::{Index, Mode, SearchOptions};
use littoral_indexes::manifest::TunedTable;
use serde::Serialize;
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
    /// Its nDCG@10 by vectors before.
    pub before: f64,
    /// And after.
    pub after: f64,
}

/// Whether a tuning may be deployed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Gate {
    /// Whether it may.
    pub passed: bool,
    /// How far general queries may fall.
    pub margin: f64,
    /// Why not: code and sentence.
    pub refusals: Vec<Refusal>,
}

/// A reason against a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Stable, kebab-case.
    pub code: &'static str,
    /// In words.
    pub message: String,
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

/// What is measured, and with what.
#[derive(Debug, Clone, Copy)]
pub struct Measurement<'a> {
    /// The tuned table.
    pub tuned: &'a Tuned,
    /// The folder of pairs, read.
    pub pairs: &'a Pairs,
    /// General queries; `None` drafts some from the documents.
    pub general: Option<&'a Dataset>,
    /// How far general queries may fall.
    pub margin: f64,
}

impl Measurement<'_> {
    /// Measures on `index`, whose host is asked for all that does not change. Returns the delta that a
    /// deployment would write, with the figures in its record, too.
    ///
    /// # Errors
    /// [`TuneError::OtherTable`] when the tuned table began with another one than the index has, and
    /// [`TuneError`] when something cannot be read.
    pub fn run<H: Host + Clone>(
        &self,
        index: &Index<H>,
        corpus: &Corpus,
        path: &std::path::Path,
    ) -> Result<(Measured, Delta), TuneError> {
        let table = Table::read(index)?.ok_or(TuneError::NoTable)?;
        let (own, found) = (self.tuned.record.table.clone(), table.hash());
        if own != found {
            let path = path.to_owned();
            return Err(TuneError::OtherTable { path, own, found });
        }
        let payloads = self.tuned.blocks(&table)?;
        let fusion = self.tuned.record.fusion;
        let delta = |record| Delta::new(index.manifest(), &payloads, record, fusion);
        let over = delta(TunedTable::default()).over(index.host().clone())?;
        let after = pollster::block_on(Index::open(over))?;
        let held_out = effect(index, &after, &self.pairs.judged)?;
        let drafted;
        let general = if let Some(general) = self.general {
            general
        } else {
            drafted = known_items(corpus);
            &drafted
        };
        let general = effect(index, &after, general)?;
        let leaks = self.pairs.leaks();
        let mut measured = Measured {
            gate: Gate::default(),
            held_out,
            general,
            leaks,
        };
        measured.gate = self.gate(&measured);
        let record = record(self.tuned, &measured);
        Ok((measured, delta(record)))
    }

    fn gate(&self, measured: &Measured) -> Gate {
        let mut refusals = Vec::new();
        let mut refuse = |code, message| refusals.push(Refusal { code, message });
        if !measured.leaks.is_empty() {
            refuse("leaks", measured.leaks.describe());
        }
        if self.tuned.record.data_hash != self.pairs.hash {
            let message = "the pairs are not those that it was tuned on".to_owned();
            refuse("other-data", message);
        }
        let dense = measured.held_out.dense.difference;
        if dense.mean <= 0.0 || dense.p >= SIGNIFICANT {
            let message = format!(
                "held-out queries are not ranked better by vectors beyond chance: nDCG@10 {:+.4}, p {:.3}",
                dense.mean, dense.p
            );
            refuse("no-gain", message);
        }
        let hybrid = measured.held_out.hybrid.difference;
        if hybrid.mean < 0.0 && hybrid.p < SIGNIFICANT {
            let message = format!(
                "held-out queries are ranked worse by words and vectors: nDCG@10 {:+.4}, p {:.3}",
                hybrid.mean, hybrid.p
            );
            refuse("hybrid-fell", message);
        }
        let general = measured.general.hybrid.difference;
        if general.mean < -self.margin {
            let message = format!(
                "general queries are ranked worse by words and vectors: nDCG@10 {:+.4}, and {:.3} is let pass",
                general.mean, self.margin
            );
            refuse("general-fell", message);
        }
        Gate {
            passed: refusals.is_empty(),
            margin: self.margin,
            refusals,
        }
    }
}

/// What the index will say of it.
fn record(tuned: &Tuned, measured: &Measured) -> TunedTable {
    let share = |x: f64| (x * 10_000.0).round().clamp(0.0, 10_000.0) as u16;
    let both = |leg: &Leg| [share(leg.before.ndcg_10), share(leg.after.ndcg_10)];
    let hash = tuned.record.data_hash.as_bytes();
    let digit = |i: usize| hash.get(i).and_then(|&c| char::from(c).to_digit(16));
    TunedTable {
        data: std::array::from_fn(|i| {
            let digits = digit(2 * i).zip(digit(2 * i + 1));
            digits.map_or(0, |(high, low)| (high << 4 | low) as u8)
        }),
        n_pairs: tuned.record.n_pairs as u32,
        n_held_out: measured.held_out.n_queries as u32,
        dense: both(&measured.held_out.dense),
        hybrid: both(&measured.held_out.hybrid),
        p: share(measured.held_out.dense.difference.p),
        general: both(&measured.general.hybrid),
        ..TunedTable::default()
    }
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

fn effect<A: Host, B: Host>(
    before: &Index<A>,
    after: &Index<B>,
    dataset: &Dataset,
) -> Result<Effect, TuneError> {
    let options = |mode| SearchOptions {
        mode,
        excerpt_chars: 1,
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
    let texts: BTreeMap<&str, &str> = dataset
        .judged_queries()
        .map(|query| (query.id.as_str(), query.text.as_str()))
        .collect();
    let changed = runs[0].per_query.iter().filter_map(|(id, before)| {
        let after = runs[1].per_query.get(id)?;
        Some(Changed {
            text: (*texts.get(id.as_str())?).to_owned(),
            id: id.clone(),
            before: before.ndcg_10,
            after: after.ndcg_10,
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
