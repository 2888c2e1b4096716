//! Runs the judged queries of a collection against an index.

use super::dataset::{Dataset, Query};
use super::latency::Latency;
use super::metrics::Evaluator;
use super::report::{ColdCost, Run, Shown};
use littoral_guest::Host;
use littoral_guest::engine::{EngineError, Index, Mode, SearchOptions};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::time::Instant;

/// Depth of a ranking: what recall@100 needs.
const DEPTH: usize = 100;

/// Runs all judged queries of `dataset` with `options`, whose `k` is not looked at, and measures.
///
/// # Errors
/// [`EngineError`] of the first query that fails.
pub fn run<H: Host + Sync>(
    index: &Index<H>,
    dataset: &Dataset,
    options: &SearchOptions,
) -> Result<Run, EngineError> {
    let mut evaluator = Evaluator::new(&dataset.qrels);
    let deep = SearchOptions {
        k: DEPTH,
        excerpt_chars: 0,
        ..options.clone()
    };
    let shown = SearchOptions {
        k: 10,
        ..options.clone()
    };
    let queries: Vec<&Query> = dataset.judged_queries().collect();
    let rankings = queries.par_iter().map(|query| {
        let result = pollster::block_on(index.search(&query.text, &deep))?;
        let ids = result.hits.into_iter().map(|hit| hit.document.id);
        Ok(ids.collect())
    });
    let rankings = rankings.collect::<Result<Vec<Vec<String>>, EngineError>>()?;
    let mut best = BTreeMap::new();
    let (mut times, mut rounds, mut requests, mut bytes, mut n) = (Vec::new(), 0.0, 0.0, 0.0, 0u32);
    for (query, ranking) in queries.into_iter().zip(rankings) {
        let ids: Vec<&str> = ranking.iter().map(String::as_str).collect();
        evaluator.add(&query.id, &ids);
        // What a user waits for: ten hits, from blocks that may be cached.
        let start = Instant::now();
        let result = pollster::block_on(index.search(&query.text, &shown))?;
        times.push(start.elapsed());
        let hits = result.hits.iter().map(|hit| Shown {
            id: hit.document.id.clone(),
            url: hit.document.url.clone(),
            title: hit.document.title.clone(),
        });
        best.insert(query.id.clone(), hits.collect());
        rounds += f64::from(result.fetched.round_trips);
        requests += f64::from(result.fetched.requests);
        bytes += result.fetched.bytes as f64;
        n += 1;
    }
    let n = f64::from(n.max(1));
    let evaluation = evaluator.finish();
    Ok(Run {
        name: name(options),
        metrics: evaluation.mean,
        latency_ms: Latency::of(&times),
        cold: ColdCost {
            round_trips: rounds / n,
            requests: requests / n,
            bytes: bytes / n,
        },
        per_query: evaluation.per_query,
        best,
    })
}

/// What the run of a search with `options` is called.
pub fn name(options: &SearchOptions) -> String {
    let mode = match options.mode {
        Mode::Hybrid => "hybrid",
        Mode::Lexical => "lexical",
        Mode::Dense => "dense",
    };
    let rerank = if options.rerank.is_some() {
        "+rerank"
    } else {
        ""
    };
    [mode, rerank].concat()
}
