//! What the component costs beside the module of the sandbox: the same queries natively, in the
//! sandbox and in the component, by turns, on one thread, and how long it takes to instantiate and open
//! an index.
//!
//! ```text
//! component INDEX QUERIES.jsonl [hybrid|lexical|dense] [ROUNDS]     one JSON object
//! ```
//!
//! Both sandboxes have a pool of instances, copy-on-write memory and a clock that ends what takes too
//! long. Of each, the quickest round counts: what else a machine does makes rounds slower, never
//! quicker.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program of the bench, not of the product"
)]

use littoral_guest::engine::Mode;
use littoral_guest::{Index, SearchOptions};
use littoral_runtime::sandbox::{Limits, Sandbox};
use littoral_tests::component::{Compiled, Files, wit};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// How often an index is instantiated and opened.
const OPENS: usize = 500;

/// Instances at a time, in either sandbox.
const INSTANCES: u32 = 4;

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

/// As `runtime/src/sandbox.rs` has it.
fn engine() -> Engine {
    let limits = Limits::default();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(4 * INSTANCES)
        .total_component_instances(INSTANCES)
        .total_memories(INSTANCES)
        .total_tables(4 * INSTANCES)
        .max_memory_size(limits.memory_bytes)
        .table_elements(20_000);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .max_wasm_stack(limits.stack_bytes)
        .memory_init_cow(true);
    Engine::new(&config).unwrap()
}

/// The median and the slowest but one in a hundred, in microseconds.
fn spread(mut times: Vec<Duration>) -> Value {
    times.sort_unstable();
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    let n = times.len();
    json!({"min": us(times[0]), "p50": us(times[n / 2]), "p99": us(times[n * 99 / 100])})
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [index, queries, rest @ ..] = &arguments[..] else {
        panic!("usage: component INDEX QUERIES.jsonl [hybrid|lexical|dense] [ROUNDS]");
    };
    let (mode, asked) = match rest.first().map(String::as_str) {
        Some("lexical") => (Mode::Lexical, wit::Mode::Lexical),
        Some("dense") => (Mode::Dense, wit::Mode::Dense),
        _ => (Mode::Hybrid, wit::Mode::Hybrid),
    };
    let rounds: usize = rest.get(1).map_or(7, |rounds| rounds.parse().unwrap());
    let text = std::fs::read_to_string(queries).unwrap();
    let text_of = |line: &str| {
        let query: Value = serde_json::from_str(line).unwrap();
        query["text"].as_str().unwrap().to_owned()
    };
    let queries: Vec<String> = text.lines().map(text_of).collect();
    let options = SearchOptions {
        mode,
        ..SearchOptions::default()
    };

    let files = Files::read(Path::new(index));
    let limits = Limits {
        instances: INSTANCES,
        ..Limits::default()
    };
    let sandbox = Sandbox::new(limits).unwrap();
    let prepared = sandbox.prepare().unwrap();
    let (compiled, compile) = timed(|| Compiled::new(engine()));

    let opens = |open: &mut dyn FnMut()| spread((0..OPENS).map(|_| timed(&mut *open).1).collect());
    let instances = opens(&mut || drop(compiled.instance(files.clone()).unwrap()));
    let component_opens = opens(&mut || drop(compiled.open(files.clone()).unwrap().unwrap()));
    let sandbox_opens = opens(&mut || drop(prepared.open(files.clone()).unwrap()));
    let native = pollster::block_on(Index::open(files.clone())).unwrap();
    let mut sandboxed = prepared.open(files.clone()).unwrap();
    let mut hosted = compiled.open(files.clone()).unwrap().unwrap();
    let asked = wit::SearchOptions {
        mode: asked,
        ..hosted.instance.defaults().unwrap()
    };

    let mut best = [Duration::MAX; 3];
    let mut n_hits = [0; 3];
    for _ in 0..rounds {
        let mut searches: [&mut dyn FnMut(&str) -> usize; 3] = [
            &mut |query| {
                let found = pollster::block_on(native.search(query, &options));
                found.unwrap().hits.len()
            },
            &mut |query| sandboxed.search(query, &options).unwrap().hits.len(),
            &mut |query| hosted.search(query, &asked).unwrap().unwrap().hits.len(),
        ];
        for (i, search) in searches.iter_mut().enumerate() {
            let (found, time) = timed(|| queries.iter().map(|query| search(query)).sum());
            (n_hits[i], best[i]) = (found, best[i].min(time));
        }
    }
    assert!(n_hits.iter().all(|&n| n == n_hits[0]), "{n_hits:?}");
    let us = |time: Duration| time.as_secs_f64() * 1e6 / queries.len() as f64;
    // A call that does nothing but come back with a record.
    let (_, empty) = timed(|| (0..10_000).for_each(|_| drop(hosted.stats().unwrap())));
    println!(
        "{}",
        json!({
            "queries": queries.len(),
            "mode": mode,
            "us_per_query": {"native": us(best[0]), "sandbox": us(best[1]), "component": us(best[2])},
            "component_beside_sandbox": us(best[2]) / us(best[1]),
            "compile_ms": compile.as_secs_f64() * 1e3,
            "instantiate_us": instances,
            "open_us": {"component": component_opens, "sandbox": sandbox_opens},
            "stats_us": empty.as_secs_f64() * 100.0,
        })
    );
}
