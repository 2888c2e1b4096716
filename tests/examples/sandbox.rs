//! What the sandbox costs: the same queries natively and in the sandbox, by turns, on one thread, and
//! how long it takes to instantiate and open an index.
//!
//! ```text
//! sandbox INDEX QUERIES.jsonl [hybrid|lexical|dense] [ROUNDS]     one JSON object
//! ```
//!
//! Of each, the quickest round counts: what else a machine does makes rounds slower, never quicker.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program of the bench, not of the product"
)]

use littoral_guest::engine::Mode;
use littoral_guest::{Index, SearchOptions};
use littoral_runtime::host::IndexHost;
use littoral_runtime::sandbox::{Limits, Sandbox};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How often an index is instantiated and opened.
const OPENS: usize = 500;

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [index, queries, rest @ ..] = &arguments[..] else {
        panic!("usage: sandbox INDEX QUERIES.jsonl [hybrid|lexical|dense] [ROUNDS]");
    };
    let mode = match rest.first().map(String::as_str) {
        Some("lexical") => Mode::Lexical,
        Some("dense") => Mode::Dense,
        _ => Mode::Hybrid,
    };
    let rounds: usize = rest.get(1).map_or(7, |rounds| rounds.parse().unwrap());
    let text = std::fs::read_to_string(queries).unwrap();
    let queries: Vec<String> = text
        .lines()
        .map(|line| {
            let query: Value = serde_json::from_str(line).unwrap();
            query["text"].as_str().unwrap().to_owned()
        })
        .collect();
    let options = SearchOptions {
        mode,
        ..SearchOptions::default()
    };

    let host = IndexHost::new(index);
    let limits = Limits {
        instances: 4,
        ..Limits::default()
    };
    let (sandbox, compile) = timed(|| Sandbox::new(limits).unwrap());
    let prepared = sandbox.prepare().unwrap();
    let mut opens: Vec<Duration> = (0..OPENS)
        .map(|_| timed(|| prepared.open(host.clone()).unwrap()).1)
        .collect();
    opens.sort_unstable();
    let (native, native_open) = timed(|| pollster::block_on(Index::open(host.clone())).unwrap());
    let mut sandboxed = prepared.open(host).unwrap();

    let mut best = [Duration::MAX; 2];
    let mut n_hits = [0; 2];
    for _ in 0..rounds {
        let (found, time) = timed(|| {
            let search = |query: &String| pollster::block_on(native.search(query, &options));
            queries
                .iter()
                .map(|query| search(query).unwrap().hits.len())
                .sum::<usize>()
        });
        (n_hits[0], best[0]) = (found, best[0].min(time));
        let (found, time) = timed(|| {
            let mut search = |query: &String| sandboxed.search(query, &options);
            queries
                .iter()
                .map(|query| search(query).unwrap().hits.len())
                .sum::<usize>()
        });
        (n_hits[1], best[1]) = (found, best[1].min(time));
    }
    assert_eq!(n_hits[0], n_hits[1]);
    let per_second = |time: Duration| queries.len() as f64 / time.as_secs_f64();
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    println!(
        "{}",
        json!({
            "queries": queries.len(),
            "mode": mode,
            "native_per_second": per_second(best[0]),
            "sandbox_per_second": per_second(best[1]),
            "ratio": per_second(best[1]) / per_second(best[0]),
            "compile_ms": compile.as_secs_f64() * 1e3,
            "open_us": {"min": us(opens[0]), "p50": us(opens[OPENS / 2]), "p99": us(opens[OPENS * 99 / 100])},
            "native_open_us": us(native_open),
            "sandbox_memory_bytes": sandboxed.memory_bytes(),
        })
    );
}
