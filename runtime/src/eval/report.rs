//! What `littoral eval --json` prints.

use serde::{Deserialize, Serialize};

use super::compare::{Comparison, Differences};
use super::fit::Fits;
use super::{AnswerReport, Latency, Metrics};
use std::collections::BTreeMap;

/// One evaluation: a collection, an index of it, and one [`Run`] per retrieval mode.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The collection's name.
    pub data: String,
    /// The judged split, such as `test`.
    pub split: String,
    /// Documents in the index.
    pub n_documents: u64,
    /// Chunks in the index.
    pub n_chunks: u64,
    /// Judged queries; the denominator of every mean.
    pub n_queries: u64,
    /// The embedder of the index, or `none`.
    pub embedder: String,
    /// One run per mode, in the order asked for.
    pub runs: Vec<Run>,
    /// What building the index took.
    pub build: BuildCost,
    /// What answers were like, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<AnswerReport>,
    /// What was fitted to the queries, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit: Option<Fits>,
    /// Each run beside the same run of a baseline, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// The system with one thing changed at a time, where it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ablation: Vec<Ablated>,
}

/// The figures of one retrieval mode.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The mode or ablation, such as `hybrid`.
    pub name: String,
    /// Means over the judged queries.
    pub metrics: Metrics,
    /// Time per query on a warm index.
    pub latency_ms: Latency,
    /// Mean cost of a query on a cold page.
    pub cold: ColdCost,
    /// Figures of every judged query, by its id: what a later run is compared with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_query: BTreeMap<String, Metrics>,
    /// The first hits of every judged query, for a page that shows them.
    #[serde(skip)]
    pub best: BTreeMap<String, Vec<Shown>>,
}

/// A hit as a page shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Its document.
    pub id: String,
    /// The document's address.
    pub url: String,
    /// Its title.
    pub title: String,
}

/// The system with one thing changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ablated {
    /// What was changed, as the run's name, and its figures.
    #[serde(flatten)]
    pub run: Run,
    /// The change of each figure, and whether it may be chance.
    pub differences: Differences,
    /// What the index cost; that of the whole system where it was not built anew.
    pub build: BuildCost,
}

/// Means of what one cold query fetches, entry and manifest included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ColdCost {
    /// Rounds of requests, each waiting for the one before.
    pub round_trips: f64,
    /// Files requested.
    pub requests: f64,
    /// Bytes as stored.
    pub bytes: f64,
}

/// What an index cost to build; zeros where an existing index was evaluated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct BuildCost {
    /// Wall time.
    pub seconds: f64,
    /// Bytes of all files of the index.
    pub index_bytes: u64,
    /// Largest resident memory of the process while building.
    pub peak_rss_bytes: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_report_has_the_fields_of_the_contract() {
        let report = Report {
            runs: vec![Run::default()],
            ..Report::default()
        };
        let printed: Value = serde_json::to_value(&report).unwrap();
        let contract = json!({
            "data": "", "split": "", "n_documents": 0, "n_chunks": 0, "n_queries": 0,
            "embedder": "",
            "runs": [{
                "name": "",
                "metrics": {
                    "ndcg@10": 0.0, "recall@10": 0.0, "recall@100": 0.0, "mrr@10": 0.0,
                    "map@100": 0.0
                },
                "latency_ms": {"p50": 0.0, "p99": 0.0},
                "cold": {"round_trips": 0.0, "requests": 0.0, "bytes": 0.0}
            }],
            "build": {"seconds": 0.0, "index_bytes": 0, "peak_rss_bytes": 0}
        });
        assert_eq!(printed, contract);
        assert_eq!(serde_json::from_value::<Report>(contract).unwrap(), report);
    }
}
