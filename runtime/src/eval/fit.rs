//! Fits what an index decides by judged queries: how words and vectors are joined, and how much
//! evidence an answer needs.
//!
//! What is fitted on some queries is measured on others (five-fold cross-validation), and kept only
//! where it is better there than what was before, by more than chance. The value that is kept is the
//! one that all queries together choose.
//!
//! | what | is chosen by | from |
//! |---|---|---|
//! | fusion | mean nDCG@10 | reciprocal ranks, and shares of vectors from 0 to 1 in sixteenths |
//! | threshold | mean of the share of questions answered, and of those refused that have no answer | evidence from 0.05 to 0.95 in twentieths |
//!
//! Source: Bruch, Gai, Ingber, "An analysis of fusion functions for hybrid retrieval" (TOIS 2023), for
//! convex combinations of scores against ranks.

use super::compare::{Difference, SIGNIFICANT, paired};
use super::dataset::{Dataset, Query};
use super::metrics::Metrics;
use littoral_guest::Host;
use littoral_guest::answer::AnswerOptions;
use littoral_guest::engine::{EngineError, Fusion, Index, SearchOptions};
use serde::{Deserialize, Serialize};

/// Parts that the queries are cut into: each is held out once.
const FOLDS: usize = 5;

/// Queries below which nothing is fitted.
pub const LEAST_QUERIES: usize = 20;

/// Weights of the dense leg that are tried, in 1/256: their distance.
const STEP: u16 = 16;

/// Thresholds that are tried: so many twentieths.
const TWENTIETHS: u16 = 19;

/// A value that was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fitted<T> {
    /// What was before.
    pub before: T,
    /// What all queries choose.
    pub chosen: T,
    /// What the figure was on queries that did not choose, before.
    pub held_out_before: f64,
    /// What it is there with what the other queries choose.
    pub held_out: f64,
    /// The difference between the two.
    pub difference: Difference,
    /// Whether it is better beyond chance, and so is kept.
    pub kept: bool,
    /// Queries.
    pub n_queries: u64,
}

/// All that was fitted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Fits {
    /// How rankings are joined; `None` without vectors, or with too few queries.
    pub fusion: Option<Fitted<Fusion>>,
    /// Evidence that an answer needs; `None` with too few questions of either kind.
    pub threshold: Option<Fitted<f64>>,
}

/// How rankings are joined best.
///
/// `None` where there are too few judged queries.
///
/// # Errors
/// [`EngineError`] of the first query that fails.
pub fn fit_fusion<H: Host>(
    index: &Index<H>,
    dataset: &Dataset,
    options: &SearchOptions,
    before: Fusion,
) -> Result<Option<Fitted<Fusion>>, EngineError> {
    let queries: Vec<&Query> = dataset.judged_queries().collect();
    if queries.len() < LEAST_QUERIES {
        return Ok(None);
    }
    let mut methods = vec![before];
    let mut others: Vec<Fusion> = (0..=256)
        .step_by(usize::from(STEP))
        .map(|dense_weight| Fusion::Scores { dense_weight })
        .collect();
    others.push(Fusion::Ranks);
    methods.extend(others.into_iter().filter(|method| *method != before));
    let mut figures = Vec::new();
    for &method in &methods {
        let options = SearchOptions {
            fusion: Some(method),
            k: 10,
            excerpt_chars: 0,
            ..options.clone()
        };
        let mut of_method = Vec::new();
        for query in &queries {
            let found = pollster::block_on(index.search(&query.text, &options))?;
            let ids: Vec<&str> = found.hits.iter().map(|hit| &*hit.document.id).collect();
            let metrics = dataset
                .qrels
                .grades(&query.id)
                .map(|grades| Metrics::of_ranking(&ids, grades));
            of_method.push(metrics.map_or(0.0, |metrics| metrics.ndcg_10));
        }
        figures.push(of_method);
    }
    let ids: Vec<&str> = queries.iter().map(|query| &*query.id).collect();
    Ok(Some(cross_validated(&methods, &figures, &ids)))
}

/// How much evidence an answer needs to keep questions that the documents answer, which are the judged
/// ones, from those that they do not.
///
/// `None` where there are too few of either.
///
/// # Errors
/// [`EngineError`] of the first question that fails.
pub fn fit_threshold<H: Host>(
    index: &Index<H>,
    dataset: &Dataset,
    unanswerable: &[Query],
    options: &SearchOptions,
    before: f64,
) -> Result<Option<Fitted<f64>>, EngineError> {
    let answerable: Vec<&Query> = dataset.judged_queries().collect();
    if answerable.len().min(unanswerable.len()) < LEAST_QUERIES {
        return Ok(None);
    }
    let mut thresholds = vec![before];
    let others = (1..=TWENTIETHS).map(|n| f64::from(n) / 20.0);
    thresholds.extend(others.filter(|t| (t - before).abs() > 1e-9));
    let mut figures = vec![Vec::new(); thresholds.len()];
    let mut ids = Vec::new();
    let n = (answerable.len() + unanswerable.len()) as f64;
    let asked = answerable.iter().map(|query| (*query, true));
    for (query, has_answer) in asked.chain(unanswerable.iter().map(|query| (query, false))) {
        let asked = AnswerOptions::default();
        let answer = pollster::block_on(index.answer(&query.text, options, &asked))?;
        let evidence = answer.evidence.score;
        let others = if has_answer {
            answerable.len()
        } else {
            unanswerable.len()
        };
        // Both kinds of questions count the same, however many there are.
        let worth = n / (2.0 * others as f64);
        for (threshold, figures) in thresholds.iter().zip(&mut figures) {
            let is_right = (evidence >= *threshold) == has_answer;
            figures.push(if is_right { worth } else { 0.0 });
        }
        ids.push(format!("{has_answer} {}", query.id));
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    Ok(Some(cross_validated(&thresholds, &figures, &ids)))
}

/// Chooses among `values`, of which the first was before, by `figures`: for each value one for each
/// query.
fn cross_validated<T: Copy>(values: &[T], figures: &[Vec<f64>], ids: &[&str]) -> Fitted<T> {
    let folds: Vec<usize> = ids.iter().map(|id| fold(id)).collect();
    let best = |is_seen: &dyn Fn(usize) -> bool| {
        let mut best = (0, f64::NEG_INFINITY);
        for (v, figures) in figures.iter().enumerate() {
            let seen = figures.iter().enumerate().filter(|(q, _)| is_seen(*q));
            let sum: f64 = seen.map(|(_, figure)| figure).sum();
            // The first of equals: what was before, then the order of values.
            if sum > best.1 + 1e-9 {
                best = (v, sum);
            }
        }
        best.0
    };
    let by_fold: Vec<usize> = (0..FOLDS).map(|held| best(&|q| folds[q] != held)).collect();
    let held_out: Vec<f64> = folds
        .iter()
        .enumerate()
        .map(|(q, &fold)| figures[by_fold[fold]][q])
        .collect();
    let difference = paired(&figures[0], &held_out);
    let mean = |figures: &[f64]| figures.iter().sum::<f64>() / figures.len().max(1) as f64;
    Fitted {
        before: values[0],
        chosen: values[best(&|_| true)],
        held_out_before: mean(&figures[0]),
        held_out: mean(&held_out),
        difference,
        kept: difference.mean > 0.0 && difference.p < SIGNIFICANT,
        n_queries: ids.len() as u64,
    }
}

/// The part that a query is in, whatever others there are.
fn fold(id: &str) -> usize {
    usize::from(blake3::hash(id.as_bytes()).as_bytes()[0]) % FOLDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_better_on_queries_that_did_not_choose_is_kept_and_nothing_else() {
        let ids: Vec<String> = (0..100).map(|i| format!("q{i}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let before: Vec<f64> = (0..100).map(|i| f64::from(i % 5) / 10.0).collect();
        let better: Vec<f64> = before.iter().map(|figure| figure + 0.1).collect();
        let fitted = cross_validated(&["a", "b"], &[before.clone(), better], &ids);
        assert_eq!(
            (fitted.before, fitted.chosen, fitted.kept),
            ("a", "b", true)
        );
        assert!((fitted.held_out - fitted.held_out_before - 0.1).abs() < 1e-9);

        // Many values that are better and worse by lot: the best of them is so by chance.
        let mut figures = vec![before.clone()];
        for v in 0..20u8 {
            let lot =
                |i: usize| f64::from(blake3::hash(&[v, i as u8]).as_bytes()[0]) / 2560.0 - 0.05;
            figures.push(
                before
                    .iter()
                    .enumerate()
                    .map(|(i, figure)| figure + lot(i))
                    .collect(),
            );
        }
        let values: Vec<usize> = (0..figures.len()).collect();
        let fitted = cross_validated(&values, &figures, &ids);
        assert!(!fitted.kept, "{fitted:?}");

        let same = cross_validated(&["a", "b"], &[before.clone(), before], &ids);
        assert_eq!((same.chosen, same.kept), ("a", false));
    }
}
