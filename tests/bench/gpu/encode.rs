//! Texts of tokens drawn at random into vectors.

use littoral_gpu::{Gpu, GpuEncoder};
use littoral_guest::Encoder;
use std::sync::Arc;
use std::time::Instant;

/// `n` texts of `lengths` tokens in turn.
fn texts(encoder: &Encoder, n: usize, lengths: &[usize]) -> Vec<Vec<u32>> {
    let task = encoder.tokenizer().task_tokens();
    let limit = encoder.config().vocabulary as u32;
    let mut state = 9u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % limit
    };
    let mut text = |length: usize| {
        let middle = (2..length).map(|_| draw());
        [task.begin]
            .into_iter()
            .chain(middle)
            .chain([task.end])
            .collect()
    };
    (0..n).map(|i| text(lengths[i % lengths.len()])).collect()
}

/// Encodes on all threads, 16 texts at a time.
fn on_cpu(encoder: &Encoder, texts: &[Vec<u32>], n_threads: usize) -> Vec<f32> {
    let share = texts.len().div_ceil(n_threads);
    std::thread::scope(|scope| {
        let own = texts.chunks(share);
        let threads: Vec<_> = own
            .map(|own| {
                let each = move || {
                    own.chunks(16)
                        .flat_map(|some| encoder.encode(some))
                        .collect()
                };
                scope.spawn::<_, Vec<f32>>(each)
            })
            .collect();
        let vectors = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap());
        vectors.collect()
    })
}

pub(crate) fn run(gpu: &Arc<Gpu>, model: &str, n: usize) {
    let encoder = Encoder::load(&std::fs::read(model).unwrap()).unwrap();
    let start = Instant::now();
    let on_gpu = GpuEncoder::load(gpu, encoder.model()).unwrap();
    println!(
        "{} brought to the device in {:.2} s",
        encoder.config().name,
        start.elapsed().as_secs_f64()
    );
    let n_threads = std::thread::available_parallelism().unwrap().get();
    println!(
        "tokens a text | GPU texts/s | CPU texts/s, {n_threads} threads | ratio | least cosine | same in every bit"
    );
    for (what, lengths) in [
        ("128", &[128][..]),
        ("256", &[256]),
        ("8 to 248", &[8, 24, 200, 248, 64, 90, 33, 150]),
    ] {
        let all = texts(&encoder, n, lengths);
        let few = &all[..(n / 16).clamp(16, n)];
        // Kernels are compiled and room is made the first time.
        on_gpu.encode(&all).unwrap();
        let mut gpu_s = f64::MAX;
        let mut found = Vec::new();
        for _ in 0..3 {
            let start = Instant::now();
            found = on_gpu.encode(&all).unwrap();
            gpu_s = gpu_s.min(start.elapsed().as_secs_f64());
        }
        let start = Instant::now();
        let exact = on_cpu(&encoder, few, n_threads);
        let cpu_s = start.elapsed().as_secs_f64();
        let dims = encoder.dims();
        let pairs = found.chunks_exact(dims).zip(exact.chunks_exact(dims));
        let cosine = pairs
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>())
            .fold(1.0, f64::min);
        let pairs = found.chunks_exact(dims).zip(exact.chunks_exact(dims));
        let n_same = pairs.filter(|(a, b)| a == b).count();
        let (of_gpu, of_cpu) = (all.len() as f64 / gpu_s, few.len() as f64 / cpu_s);
        println!(
            "{what} | {of_gpu:.0} | {of_cpu:.0} | {:.1} | {cosine:.6} | {n_same} of {}",
            of_gpu / of_cpu,
            few.len()
        );
    }
}
