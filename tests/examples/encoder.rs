//! What a packed model does here: vectors of lines on standard input, or CPU time.
//!
//! ```text
//! encoder vectors MODEL [KERNEL]   a line of JSON per line of input
//! encoder tokens MODEL             a line of JSON per line of input
//! encoder pack FOLDER MODEL [12]   packs a folder, activations of 8 bits or 12
//! encoder bench MODEL [KERNEL]     CPU milliseconds a call, as one JSON object
//! ```
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program of the bench, not of the product"
)]

use littoral_guest::Encoder;
use littoral_guest::encoder::Kernel;
use littoral_runtime::models;
use littoral_runtime::models::folder::Weights;
use littoral_runtime::models::pack::{FAST, FINE, pack};
use std::io::BufRead;
use std::path::Path;
use std::time::Duration;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments[0] == "pack" {
        let weights = Weights::read(Path::new(&arguments[1]), "minilm").unwrap();
        let is_fine = arguments.get(3).is_some_and(|bits| bits == "12");
        let model = pack(&weights, if is_fine { FINE } else { FAST });
        std::fs::write(&arguments[2], model.write()).unwrap();
        return;
    }
    let mut encoder = models::load(Path::new(&arguments[1])).unwrap();
    if let Some(name) = arguments.get(2) {
        let kernels = Kernel::available();
        let named = |kernel: &&Kernel| format!("{kernel:?}").eq_ignore_ascii_case(name);
        encoder = encoder.with_kernel(
            *kernels
                .iter()
                .find(named)
                .expect("a kernel of this machine"),
        );
    }
    match arguments[0].as_str() {
        "vectors" => {
            for line in std::io::stdin().lock().lines() {
                println!("{:?}", encoder.embed(&[&line.unwrap()]));
            }
        }
        "tokens" => {
            for line in std::io::stdin().lock().lines() {
                println!(
                    "{:?}",
                    encoder.tokenizer().encode(&line.unwrap(), usize::MAX)
                );
            }
        }
        "bench" => bench(&encoder),
        other => panic!("{other} is no command"),
    }
}

fn bench(encoder: &Encoder) {
    let mut results = Vec::new();
    for (n_texts, n_tokens) in [(1, 8), (1, 16), (1, 32), (1, 128), (8, 128)] {
        // Any tokens cost the same.
        let text = |t: usize| (0..n_tokens).map(move |i| (1000 + t * 977 + i * 131) as u32);
        let texts: Vec<Vec<u32>> = (0..n_texts).map(|t| text(t).collect()).collect();
        let runs = (400 / n_texts / n_tokens).max(3);
        let mut best = Duration::MAX;
        for _ in 0..9 {
            let start = cpu_time();
            for _ in 0..runs {
                std::hint::black_box(encoder.encode(&texts));
            }
            best = best.min((cpu_time() - start) / runs as u32);
        }
        results.push(format!(
            "\"{n_texts}x{n_tokens}\":{:.3}",
            best.as_secs_f64() * 1e3
        ));
    }
    println!("{{{}}}", results.join(","));
}

/// CPU time of this process so far.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
