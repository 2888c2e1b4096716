//! Whether one run is better than another, by chance or not.
//!
//! Two runs answer the same queries, so their difference is looked at query by query. The p-value is
//! of the two-sided paired randomisation test: how often a difference as large comes up when it is
//! drawn by lot, for each query, which of the two runs a figure is of. Intervals are percentiles of
//! resampled means.
//!
//! Both draw from a generator with a fixed seed, so the same runs give the same figures.
//!
//! Source: Smucker, Allan, Carterette, "A comparison of statistical significance tests for
//! information retrieval evaluation" (CIKM 2007); Efron, "Bootstrap methods" (1979); Vigna's
//! SplitMix64 for the draws.

use super::metrics::Metrics;
use super::report::{Report, Run};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Draws of the randomisation test: the least p-value is about one in as many.
const DRAWS: u32 = 10_000;

/// Resampled means of an interval.
const SAMPLES: usize = 1_000;

/// Below this, a difference is taken for more than chance.
pub const SIGNIFICANT: f64 = 0.05;

/// The difference between two runs over the same queries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Mean of the differences: positive where the second run is better.
    pub mean: f64,
    /// Chance of a difference as large between two runs that are equally good.
    pub p: f64,
}

/// The difference of each figure, by its name.
pub type Differences = BTreeMap<String, Difference>;

/// Runs beside those of a baseline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The baseline's file.
    pub baseline: String,
    /// How far a figure may fall.
    pub margin: f64,
    /// Whether no figure fell further, beyond chance.
    pub passed: bool,
    /// Judged queries that both have.
    pub n_queries: u64,
    /// By the name of the run.
    pub runs: BTreeMap<String, Differences>,
}

/// Why two evaluations cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// The baseline lacks what each query gave.
    #[error(
        "{baseline} does not say what each query gave: it was not written by --json of this version"
    )]
    NoQueries {
        /// The file.
        baseline: String,
    },
    /// A run of the baseline was not made now.
    #[error("{baseline} has a run {run:?}, and this evaluation has none")]
    NoRun {
        /// The file.
        baseline: String,
        /// The run.
        run: String,
    },
    /// The queries are others.
    #[error("{baseline} and this evaluation have no judged query in common")]
    NothingShared {
        /// The file.
        baseline: String,
    },
}

/// Sets every run of `base`, read from the file `baseline`, beside the same run of `new`; over the
/// queries that both have.
///
/// # Errors
/// [`CompareError`] where there is nothing to compare.
pub fn compare(
    base: &Report,
    new: &Report,
    baseline: &str,
    margin: f64,
) -> Result<Comparison, CompareError> {
    let mut comparison = Comparison {
        baseline: baseline.to_owned(),
        margin,
        passed: true,
        ..Comparison::default()
    };
    for run in &base.runs {
        let baseline = baseline.to_owned();
        if run.per_query.is_empty() {
            return Err(CompareError::NoQueries { baseline });
        }
        let Some(other) = new.runs.iter().find(|other| other.name == run.name) else {
            let run = run.name.clone();
            return Err(CompareError::NoRun { baseline, run });
        };
        let shared = other.per_query.keys();
        let shared = shared.filter(|id| run.per_query.contains_key(*id)).count();
        if shared == 0 {
            return Err(CompareError::NothingShared { baseline });
        }
        comparison.n_queries = shared as u64;
        let differences = differences(run, other);
        let fell = |d: &Difference| d.mean < -margin && d.p < SIGNIFICANT;
        comparison.passed &= !differences.values().any(fell);
        comparison.runs.insert(run.name.clone(), differences);
    }
    Ok(comparison)
}

/// The differences of all figures between two runs, over the queries that both have.
pub fn differences(base: &Run, new: &Run) -> Differences {
    let pairs: Vec<(&Metrics, &Metrics)> = base
        .per_query
        .iter()
        .filter_map(|(id, base)| Some((base, new.per_query.get(id)?)))
        .collect();
    let names = Metrics::default().named().map(|(name, _)| name);
    let figures = names.iter().enumerate().map(|(i, name)| {
        let base: Vec<f64> = pairs.iter().map(|(base, _)| base.named()[i].1).collect();
        let new: Vec<f64> = pairs.iter().map(|(_, new)| new.named()[i].1).collect();
        ((*name).to_owned(), paired(&base, &new))
    });
    figures.collect()
}

/// How much better `new` is than `base`, figure by figure of the same queries in the same order; the
/// shorter one's length counts.
pub fn paired(base: &[f64], new: &[f64]) -> Difference {
    let differences: Vec<f64> = base.iter().zip(new).map(|(base, new)| new - base).collect();
    // What is equal stays so whatever the lot says.
    let moved: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let sum: f64 = moved.iter().sum();
    if moved.is_empty() {
        return Difference { mean: 0.0, p: 1.0 };
    }
    // Sums that differ by rounding alone count as equal.
    let as_large = sum.abs() - 1e-9;
    let mut draws = Draws(0x1177_02A1);
    let mut n_as_large = 0u32;
    for _ in 0..DRAWS {
        let mut drawn = 0.0;
        for differences in moved.chunks(64) {
            let signs = draws.next();
            for (i, difference) in differences.iter().enumerate() {
                drawn += if signs >> i & 1 == 1 {
                    *difference
                } else {
                    -difference
                };
            }
        }
        n_as_large += u32::from(drawn.abs() >= as_large);
    }
    Difference {
        mean: sum / differences.len() as f64,
        p: f64::from(n_as_large + 1) / f64::from(DRAWS + 1),
    }
}

/// The interval that holds the mean of `values` with 95 % confidence; zeros for none.
pub fn interval(values: &[f64]) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let mut draws = Draws(0x5EED);
    let n = values.len() as u64;
    let mut means: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let drawn = (0..n).map(|_| values[draws.below(n) as usize]);
            drawn.sum::<f64>() / n as f64
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    (means[SAMPLES / 40], means[SAMPLES - 1 - SAMPLES / 40])
}

/// SplitMix64.
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test without lots: every way to give the figures to the runs.
    fn exact(differences: &[f64]) -> f64 {
        let sum: f64 = differences.iter().sum();
        let all = 1u32 << differences.len();
        let as_large = (0..all).filter(|signs| {
            let signed = differences.iter().enumerate();
            let drawn: f64 = signed
                .map(|(i, d)| if signs >> i & 1 == 1 { *d } else { -d })
                .sum();
            drawn.abs() >= sum.abs() - 1e-9
        });
        as_large.count() as f64 / f64::from(all)
    }

    #[test]
    fn the_chance_is_that_of_all_ways_to_share_out_the_figures() {
        let base = [0.1, 0.5, 0.3, 0.9, 0.2, 0.4, 0.6, 0.3, 0.2, 0.7];
        let new = [0.3, 0.5, 0.5, 0.8, 0.6, 0.5, 0.7, 0.2, 0.5, 0.9];
        let difference = paired(&base, &new);
        let all: Vec<f64> = base.iter().zip(&new).map(|(b, n)| n - b).collect();
        assert!((difference.mean - all.iter().sum::<f64>() / 10.0).abs() < 1e-12);
        assert!((difference.p - exact(&all)).abs() < 0.015, "{difference:?}");
        let other_way = paired(&new, &base);
        assert!((other_way.mean + difference.mean).abs() < 1e-12);
        assert!((other_way.p - difference.p).abs() < 0.015);
    }

    #[test]
    fn equal_runs_do_not_differ_and_one_that_always_wins_does() {
        let base = [0.5; 40];
        assert_eq!(paired(&base, &base), Difference { mean: 0.0, p: 1.0 });
        assert!(paired(&base, &[0.6; 40]).p < 0.001);
        assert_eq!(paired(&[], &[]), Difference { mean: 0.0, p: 1.0 });
    }

    #[test]
    fn a_run_that_falls_beyond_margin_and_chance_does_not_pass() {
        let run = |name: &str, ndcg: f64| Run {
            name: name.into(),
            per_query: (0..50)
                .map(|i| {
                    let ndcg_10 = ndcg + f64::from(i % 5) / 100.0;
                    (
                        format!("q{i}"),
                        Metrics {
                            ndcg_10,
                            ..Metrics::default()
                        },
                    )
                })
                .collect(),
            ..Run::default()
        };
        let report = |runs: Vec<Run>| Report {
            runs,
            ..Report::default()
        };
        let base = report(vec![run("hybrid", 0.5)]);
        let same = compare(&base, &base, "base.json", 0.01).unwrap();
        assert!(same.passed && same.n_queries == 50);
        assert!((same.runs["hybrid"]["ndcg@10"].p - 1.0).abs() < 1e-12);
        let worse = report(vec![run("lexical", 0.5), run("hybrid", 0.4)]);
        let fallen = compare(&base, &worse, "base.json", 0.01).unwrap();
        assert!(!fallen.passed);
        assert!((fallen.runs["hybrid"]["ndcg@10"].mean + 0.1).abs() < 1e-9);
        assert!(compare(&base, &worse, "base.json", 0.2).unwrap().passed);
        assert!(compare(&worse, &base, "base.json", 0.01).is_err());
        let none = report(vec![Run {
            name: "hybrid".into(),
            ..Run::default()
        }]);
        assert!(compare(&none, &base, "base.json", 0.01).is_err());
        assert!(compare(&base, &none, "base.json", 0.01).is_err());
    }

    #[test]
    fn an_interval_holds_the_mean_and_narrows_with_more_values() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i % 10) / 10.0).collect();
        let (low, high) = interval(&values);
        assert!(low < 0.45 && 0.45 < high, "{low} {high}");
        let (low_10, high_10) = interval(&values[..10]);
        assert!(high - low < high_10 - low_10);
        assert_eq!(interval(&[]), (0.0, 0.0));
    }
}
