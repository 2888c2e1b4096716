//! The ten nearest of many int8 vectors of 384 dimensions.

use littoral_gpu::scan::portable;
use littoral_gpu::{Gpu, Resident};
use std::sync::Arc;
use std::time::Instant;

const DIMS: usize = 384;
const K: usize = 10;

/// Milliseconds of `f`: the least of at least 5 runs and about a second.
fn least_ms(mut f: impl FnMut()) -> f64 {
    let begin = Instant::now();
    let mut least = f64::MAX;
    let mut n = 0;
    while n < 5 || (begin.elapsed().as_secs_f64() < 1.0 && n < 200) {
        let start = Instant::now();
        f();
        least = least.min(start.elapsed().as_secs_f64() * 1e3);
        n += 1;
        if begin.elapsed().as_secs_f64() > 6.0 {
            break;
        }
    }
    least
}

/// Random int8 within ±127.
fn draw(n: usize) -> Vec<i8> {
    let n_threads = std::thread::available_parallelism().unwrap().get();
    let mut all = vec![0i8; n];
    std::thread::scope(|scope| {
        for (i, part) in all.chunks_mut(n.div_ceil(n_threads)).enumerate() {
            scope.spawn(move || {
                let mut state = i as u64 * 77 + 5;
                for bytes in part.chunks_mut(8) {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    for (x, byte) in bytes.iter_mut().zip(state.to_le_bytes()) {
                        *x = (byte as i8).max(-127);
                    }
                }
            });
        }
    });
    all
}

/// The same on all cores: vectors shared out, the best of each put together.
fn on_cpu(rows: &[i8], queries: &[i16]) -> Vec<Vec<(i32, u32)>> {
    let n_threads = std::thread::available_parallelism().unwrap().get();
    let part_rows = (rows.len() / DIMS).div_ceil(n_threads);
    let mut all = vec![Vec::new(); queries.len() / DIMS];
    std::thread::scope(|scope| {
        let parts = rows.chunks(part_rows * DIMS);
        let threads: Vec<_> = parts
            .map(|part| scope.spawn(move || portable::nearest_int8(part, DIMS, queries, K, None)))
            .collect();
        for (i, thread) in threads.into_iter().enumerate() {
            for (all, hits) in all.iter_mut().zip(thread.join().unwrap()) {
                let first = (i * part_rows) as u32;
                all.extend(hits.iter().map(|hit| (-hit.score, hit.id + first)));
            }
        }
    });
    for hits in &mut all {
        hits.sort_unstable();
        hits.truncate(K);
    }
    all
}

pub(crate) fn run(gpu: &Arc<Gpu>, sizes: &[usize]) {
    let copy = gpu.copy_bytes_per_second().unwrap();
    println!(
        "copy on the device: {:.0} GB/s read and written",
        copy / 1e9
    );
    println!(
        "vectors | queries | GPU ms | CPU ms, all threads | GPU bytes of vectors/s | of copy | same"
    );
    for &n in sizes {
        let rows = draw(n * DIMS);
        let start = Instant::now();
        let resident = Resident::int8(gpu, DIMS, &rows).unwrap();
        println!(
            "{n} brought to the device in {:.2} s",
            start.elapsed().as_secs_f64()
        );
        for batch in [1, 8, 64, 256] {
            let queries: Vec<i16> = draw(batch * DIMS * 2)
                .as_chunks::<2>()
                .0
                .iter()
                .map(|&[a, b]| i16::from(a) * 16 + i16::from(b) % 16)
                .map(|q| q.clamp(-2047, 2047))
                .collect();
            let found = resident.nearest_int8(&queries, K, None).unwrap();
            let gpu_ms = least_ms(|| {
                resident.nearest_int8(&queries, K, None).unwrap();
            });
            // The CPU's time is that of few queries, times their number.
            let n_few = batch.min(8);
            let few = &queries[..n_few * DIMS];
            let exact = on_cpu(&rows, few);
            let same = found.iter().zip(&exact).all(|(found, exact)| {
                let found = found.iter().map(|hit| (-hit.score, hit.id));
                found.eq(exact.iter().copied())
            });
            let cpu_ms = least_ms(|| {
                on_cpu(&rows, few);
            }) * batch as f64
                / n_few as f64;
            let rate = (n * DIMS) as f64 / gpu_ms * 1e3;
            println!(
                "{n} | {batch} | {gpu_ms:.3} | {cpu_ms:.3} | {:.0} GB/s | {:.0} % | {same}",
                rate / 1e9,
                rate / copy * 100.0
            );
        }
    }
}
