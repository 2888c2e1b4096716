//! The GPU beside the CPU, in one run: a table for each of similarity and encoding.
//!
//!   cargo run --release -p littoral-gpu --example bench-gpu -- [--software] scan [--rows 100000,1000000]
//!   … -- encode --model minilm.litmodel [--texts 4096]
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod encode;
mod scan;

use littoral_gpu::{Adapters, Gpu};

/// The value behind `--name`.
fn option(arguments: &[String], name: &str) -> Option<String> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).cloned()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let adapters = if has("--software") {
        Adapters::Any
    } else {
        Adapters::Hardware
    };
    let gpu = match Gpu::open(adapters) {
        Ok(gpu) => gpu,
        Err(error) => {
            println!("{error}");
            std::process::exit(2);
        }
    };
    let n_threads = std::thread::available_parallelism().unwrap();
    println!("GPU: {} | CPU: {n_threads} threads", gpu.name());
    if has("scan") {
        let rows = option(&arguments, "--rows").unwrap_or_else(|| "100000,1000000".into());
        let rows = rows.split(',').map(|n| n.parse().unwrap());
        scan::run(&gpu, &rows.collect::<Vec<_>>());
    }
    if has("encode") {
        let Some(model) = option(&arguments, "--model") else {
            println!("encode needs --model FILE.litmodel, as littoral model pull stores it");
            std::process::exit(2);
        };
        let n = option(&arguments, "--texts").map_or(4096, |n| n.parse().unwrap());
        encode::run(&gpu, &model, n);
    }
}
