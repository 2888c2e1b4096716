//! Retrieval metrics, defined as trec_eval defines them.
//!
//! | name | trec_eval | definition |
//! |---|---|---|
//! | `ndcg@10` | `ndcg_cut_10` | Σ gain / log2(rank + 1) over the first 10, divided by the same sum over the best possible order; gain = grade, negative grades gain 0 |
//! | `recall@10`, `recall@100` | `recall_10`, `recall_100` | relevant documents among the first k, divided by all relevant ones |
//! | `mrr@10` | `recip_rank` of the first 10 | 1 / rank of the first relevant document, 0 if it is not among the first 10 |
//! | `map@100` | `map_cut_100` | Σ precision at each relevant document among the first 100, divided by all relevant ones |
//!
//! Relevant means a grade of 1 or more. A judged query without any relevant document scores 0 and
//! counts in the mean, as does one without results (`trec_eval -c`); a query absent from the
//! judgements does not count at all. Figures agree with trec_eval to its printed precision.
//!
//! Source: <https://github.com/usnistgov/trec_eval>, `m_ndcg_cut.c`, `m_recall.c`,
//! `m_recip_rank.c`, `m_map_cut.c`, `form_res_rels.c`. Järvelin and Kekäläinen, "Cumulated
//! gain-based evaluation of IR techniques", 2002, for nDCG.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::dataset::Qrels;

/// Smallest grade that counts as relevant; trec_eval's default level.
const RELEVANT: i32 = 1;

/// The five figures of one query, or their means; each between 0 and 1, higher is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Normalised discounted cumulative gain of the first 10.
    #[serde(rename = "ndcg@10")]
    pub ndcg_10: f64,
    /// Share of the relevant documents found among the first 10.
    #[serde(rename = "recall@10")]
    pub recall_10: f64,
    /// Share of the relevant documents found among the first 100.
    #[serde(rename = "recall@100")]
    pub recall_100: f64,
    /// Reciprocal rank of the first relevant document among the first 10.
    #[serde(rename = "mrr@10")]
    pub mrr_10: f64,
    /// Average precision over the first 100.
    #[serde(rename = "map@100")]
    pub map_100: f64,
}

impl Metrics {
    /// Measures document ids given best first against one query's grades.
    ///
    /// A repeated id counts where it first stands and closes up behind it, so a ranking of chunks
    /// named by their documents is measured as the ranking of documents it stands for.
    pub fn of_ranking<S: AsRef<str>>(ranking: &[S], grades: &BTreeMap<String, i32>) -> Self {
        let mut seen = HashSet::new();
        let ranked: Vec<i32> = ranking
            .iter()
            .map(AsRef::as_ref)
            .filter(|id| seen.insert(*id))
            .take(100)
            .map(|id| grades.get(id).copied().unwrap_or(0))
            .collect();
        let mut ideal: Vec<i32> = grades
            .values()
            .copied()
            .filter(|grade| *grade > 0)
            .collect();
        ideal.sort_unstable_by_key(|grade| Reverse(*grade));

        let n_relevant = grades.values().filter(|grade| **grade >= RELEVANT).count() as f64;
        let first = &ranked[..ranked.len().min(10)];
        Self {
            ndcg_10: ratio(gain(first), gain(&ideal[..ideal.len().min(10)])),
            recall_10: ratio(relevant_in(first) as f64, n_relevant),
            recall_100: ratio(relevant_in(&ranked) as f64, n_relevant),
            mrr_10: first
                .iter()
                .position(|grade| *grade >= RELEVANT)
                .map_or(0.0, |idx| 1.0 / (idx + 1) as f64),
            map_100: ratio(summed_precision(&ranked), n_relevant),
        }
    }

    /// Measures scored documents in any order, after [`sort_like_trec_eval`].
    pub fn of_scores<S: AsRef<str>>(
        mut scored: Vec<(S, f32)>,
        grades: &BTreeMap<String, i32>,
    ) -> Self {
        sort_like_trec_eval(&mut scored);
        let ranking: Vec<&str> = scored.iter().map(|(id, _)| id.as_ref()).collect();
        Self::of_ranking(&ranking, grades)
    }

    /// The figures by their names, in a fixed order.
    pub fn named(&self) -> [(&'static str, f64); 5] {
        [
            ("ndcg@10", self.ndcg_10),
            ("recall@10", self.recall_10),
            ("recall@100", self.recall_100),
            ("mrr@10", self.mrr_10),
            ("map@100", self.map_100),
        ]
    }

    fn add(&mut self, other: &Self) {
        self.ndcg_10 += other.ndcg_10;
        self.recall_10 += other.recall_10;
        self.recall_100 += other.recall_100;
        self.mrr_10 += other.mrr_10;
        self.map_100 += other.map_100;
    }

    fn divided_by(self, n: f64) -> Self {
        Self {
            ndcg_10: ratio(self.ndcg_10, n),
            recall_10: ratio(self.recall_10, n),
            recall_100: ratio(self.recall_100, n),
            mrr_10: ratio(self.mrr_10, n),
            map_100: ratio(self.map_100, n),
        }
    }
}

/// Sorts by falling score, ties by *falling* id in byte order, as trec_eval does.
///
/// Scores are `f32` because trec_eval holds them so: two that differ only beyond single precision
/// are tied there. A score that is not a number ranks last.
pub fn sort_like_trec_eval<S: AsRef<str>>(scored: &mut [(S, f32)]) {
    // Adding zero turns −0 into 0, which trec_eval holds equal.
    let key = |score: f32| {
        if score.is_nan() {
            f32::NEG_INFINITY
        } else {
            score + 0.0
        }
    };
    scored.sort_unstable_by(|(a_id, a), (b_id, b)| {
        key(*b)
            .total_cmp(&key(*a))
            .then_with(|| b_id.as_ref().as_bytes().cmp(a_id.as_ref().as_bytes()))
    });
}

/// The figures of each judged query and their means.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Means over all judged queries.
    pub mean: Metrics,
    /// Every judged query, by its id.
    pub per_query: BTreeMap<String, Metrics>,
}

/// Collects rankings query by query; judged queries that never come count 0.
#[derive(Debug, Clone)]
pub struct Evaluator<'a> {
    qrels: &'a Qrels,
    per_query: BTreeMap<String, Metrics>,
}

impl<'a> Evaluator<'a> {
    /// Starts with every judged query at 0.
    pub fn new(qrels: &'a Qrels) -> Self {
        let per_query = qrels
            .iter()
            .map(|(id, _)| (id.to_owned(), Metrics::default()))
            .collect();
        Self { qrels, per_query }
    }

    /// Measures a query's ranking, best first; returns its figures, or `None` if it has no
    /// judgements and therefore does not count.
    pub fn add<S: AsRef<str>>(&mut self, query_id: &str, ranking: &[S]) -> Option<Metrics> {
        let metrics = Metrics::of_ranking(ranking, self.qrels.grades(query_id)?);
        self.per_query.insert(query_id.to_owned(), metrics);
        Some(metrics)
    }

    /// Measures a query's scored documents in any order, tied ones in trec_eval's order.
    pub fn add_scores<S: AsRef<str>>(
        &mut self,
        query_id: &str,
        scored: Vec<(S, f32)>,
    ) -> Option<Metrics> {
        let metrics = Metrics::of_scores(scored, self.qrels.grades(query_id)?);
        self.per_query.insert(query_id.to_owned(), metrics);
        Some(metrics)
    }

    /// Takes the means over all judged queries.
    pub fn finish(self) -> Evaluation {
        let mut sum = Metrics::default();
        for metrics in self.per_query.values() {
            sum.add(metrics);
        }
        Evaluation {
            mean: sum.divided_by(self.per_query.len() as f64),
            per_query: self.per_query,
        }
    }
}

/// Discounted cumulative gain of grades in rank order.
fn gain(grades: &[i32]) -> f64 {
    grades
        .iter()
        .zip(2_u32..)
        .filter(|(grade, _)| **grade > 0)
        .map(|(grade, rank_plus_1)| f64::from(*grade) / f64::from(rank_plus_1).log2())
        .sum()
}

fn relevant_in(grades: &[i32]) -> usize {
    grades.iter().filter(|grade| **grade >= RELEVANT).count()
}

/// Sum of the precisions at each relevant document's rank.
fn summed_precision(grades: &[i32]) -> f64 {
    grades
        .iter()
        .enumerate()
        .filter(|(_, grade)| **grade >= RELEVANT)
        .zip(1_u32..)
        .map(|((idx, _), n_found)| f64::from(n_found) / (idx + 1) as f64)
        .sum()
}

/// 0 where there is nothing to divide by.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grades(pairs: &[(&str, i32)]) -> BTreeMap<String, i32> {
        pairs
            .iter()
            .map(|(id, grade)| ((*id).to_owned(), *grade))
            .collect()
    }

    fn close(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-12, "{left} is not {right}");
    }

    #[test]
    fn graded_gains_are_linear_and_discounted_by_rank() {
        // Ranks:                      1 (gain 1)  2 (0)  3 (gain 3); d is relevant, never found.
        let metrics = Metrics::of_ranking(
            &["a", "b", "c"],
            &grades(&[("a", 1), ("b", 0), ("c", 3), ("d", 2)]),
        );
        let dcg = 1.0 + 3.0 / 2.0;
        let ideal = 3.0 + 2.0 / 3_f64.log2() + 1.0 / 2.0;
        close(metrics.ndcg_10, dcg / ideal);
        close(metrics.recall_10, 2.0 / 3.0);
        close(metrics.recall_100, 2.0 / 3.0);
        close(metrics.mrr_10, 1.0);
        close(metrics.map_100, (1.0 + 2.0 / 3.0) / 3.0);
    }

    #[test]
    fn cut_offs_look_no_further_than_their_rank() {
        let ranking: Vec<String> = (1..=150).map(|rank| format!("d{rank:03}")).collect();
        let relevant = grades(&[("d011", 1), ("d100", 1), ("d101", 1)]);
        let metrics = Metrics::of_ranking(&ranking, &relevant);
        close(metrics.ndcg_10, 0.0);
        close(metrics.mrr_10, 0.0);
        close(metrics.recall_10, 0.0);
        close(metrics.recall_100, 2.0 / 3.0);
        close(metrics.map_100, (1.0 / 11.0 + 2.0 / 100.0) / 3.0);
    }

    #[test]
    fn the_ideal_order_is_cut_at_ten_too() {
        let twelve: Vec<String> = (0..12).map(|n| format!("d{n:02}")).collect();
        let all = twelve.iter().map(|id| (id.clone(), 1)).collect();
        let metrics = Metrics::of_ranking(&twelve, &all);
        close(metrics.ndcg_10, 1.0);
        close(metrics.recall_10, 10.0 / 12.0);
    }

    #[test]
    fn negative_grades_gain_nothing_and_are_not_relevant() {
        let metrics = Metrics::of_ranking(&["bad", "good"], &grades(&[("bad", -1), ("good", 1)]));
        close(metrics.ndcg_10, 1.0 / 3_f64.log2());
        close(metrics.mrr_10, 0.5);
        close(metrics.recall_10, 1.0);
    }

    #[test]
    fn repeated_ids_count_once_and_close_up() {
        let judged = grades(&[("a", 1), ("c", 1)]);
        let repeated = Metrics::of_ranking(&["b", "b", "a", "a", "c"], &judged);
        assert_eq!(repeated, Metrics::of_ranking(&["b", "a", "c"], &judged));
    }

    #[test]
    fn ties_fall_by_id_and_what_is_no_number_is_last() {
        let mut scored = vec![
            ("a", 1.0),
            ("nan", f32::NAN),
            ("b", 1.0),
            ("top", 2.0),
            ("z", 0.0),
            ("zz", -0.0),
        ];
        sort_like_trec_eval(&mut scored);
        let ids: Vec<&str> = scored.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, ["top", "b", "a", "zz", "z", "nan"]);
    }

    #[test]
    fn scores_apart_only_beyond_single_precision_are_tied() {
        let judged = grades(&[("a", 1)]);
        let scored = vec![("a", 1.000_000_02_f64 as f32), ("b", 1.0)];
        close(Metrics::of_scores(scored, &judged).mrr_10, 0.5);
    }

    #[test]
    fn judged_queries_without_results_count_and_unjudged_ones_do_not() {
        let qrels = Qrels::from_iter([("q1", "a", 1), ("q2", "b", 1), ("q3", "c", 0)]);
        let mut evaluator = Evaluator::new(&qrels);
        assert!(evaluator.add("q1", &["a"]).is_some());
        assert!(evaluator.add("unjudged", &["a"]).is_none());
        let evaluation = evaluator.finish();
        close(evaluation.mean.ndcg_10, 1.0 / 3.0);
        assert_eq!(
            evaluation.per_query.keys().collect::<Vec<_>>(),
            ["q1", "q2", "q3"]
        );
    }
}
