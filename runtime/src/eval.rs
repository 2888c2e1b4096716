//! Evaluation: judged collections in, retrieval metrics and their report out.
//!
//! [`dataset`] reads queries and judgements (BEIR layout, or any pair of files) and streams the
//! corpus; [`metrics`] turns rankings into the figures trec_eval would print; [`report`] is the
//! shape of `littoral eval --json`, with its [`latency`] percentiles; [`answers`] measures what
//! `littoral ask` says; [`draft`] makes queries of documents where there are no judgements yet; [`fit`] fits an index to
//! queries, and [`advise`] says what limits it.
//!
//! ```no_run
//! use littoral_runtime::eval::{Dataset, Evaluator};
//! # fn search(_: &str) -> Vec<String> { Vec::new() }
//! let data = Dataset::open("scifact".as_ref(), "test")?;
//! let mut evaluator = Evaluator::new(&data.qrels);
//! for query in data.judged_queries() {
//!     evaluator.add(&query.id, &search(&query.text));
//! }
//! println!("{:.4}", evaluator.finish().mean.ndcg_10);
//! # Ok::<(), littoral_runtime::eval::DatasetError>(())
//! ```

pub mod advise;
pub mod answers;
pub mod compare;
pub mod dataset;
pub mod draft;
pub mod fit;
pub mod html;
pub mod latency;
pub mod metrics;
pub mod report;
mod run;

pub use answers::{AnswerReport, Answers, answer_all, read_unanswerable};
pub use compare::{CompareError, Comparison, Difference, Differences, compare, differences};
pub use dataset::{Corpus, Dataset, DatasetError, Qrels, Query, Record};
pub use latency::Latency;
pub use metrics::{Evaluation, Evaluator, Metrics};
pub use report::{Ablated, BuildCost, ColdCost, Report, Run, Shown};
pub use run::{name, run};
