//! Runs the judged queries of a collection against an index.

use super::dataset::Dataset;
use super::latency::Latency;
use super::metrics::Evaluator;
use super::report::{ColdCost, Run};
use littoral_guest::Host;
use littoral_guest::engine::{EngineError, Fusion, Index, Mode, SearchOptions};
use std::time::Instant;

/// Depth of a ranking: what recall@100 needs.
const DEPTH: usize = 100;

/// Runs all judged queries of `dataset` in `mode` and measures; `fusion` joins the legs of a hybrid.
///
/// # Errors
/// [`EngineError`] of the first query that fails.
pub fn run<H: Host>(
    index: &Index<H>,
    dataset: &Dataset,
    mode: Mode,
    fusion: Fusion,
) -> Result<Run, EngineError> {
    let mut evaluator = Evaluator::new(&dataset.qrels);
    let deep = SearchOptions {
        k: DEPTH,
        mode,
        fusion,
        ..SearchOptions::default()
    };
    let shown = SearchOptions {
        k: 10,
        mode,
        fusion,
        ..SearchOptions::default()
    };
    let (mut times, mut rounds, mut requests, mut bytes, mut n) = (Vec::new(), 0.0, 0.0, 0.0, 0u32);
    for query in dataset.judged_queries() {
        let result = pollster::block_on(index.search(&query.text, &deep))?;
        let ids: Vec<&str> = result
            .hits
            .iter()
            .map(|hit| hit.document.id.as_str())
            .collect();
        evaluator.add(&query.id, &ids);
        // What a user waits for: ten hits, from blocks that may be cached.
        let start = Instant::now();
        let result = pollster::block_on(index.search(&query.text, &shown))?;
        times.push(start.elapsed());
        rounds += f64::from(result.fetched.round_trips);
        requests += f64::from(result.fetched.requests);
        bytes += result.fetched.bytes as f64;
        n += 1;
    }
    let n = f64::from(n.max(1));
    let name = match mode {
        Mode::Hybrid => "hybrid",
        Mode::Lexical => "lexical",
        Mode::Dense => "dense",
    };
    Ok(Run {
        name: name.to_owned(),
        metrics: evaluator.finish().mean,
        latency_ms: Latency::of(&times),
        cold: ColdCost {
            round_trips: rounds / n,
            requests: requests / n,
            bytes: bytes / n,
        },
    })
}
