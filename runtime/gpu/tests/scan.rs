//! Nearest neighbours on a device against the plain twin. Runs on whatever adapter there is, an
//! emulated one too; where there is none, says so.

use littoral_gpu::scan::{Hit, Resident, portable};
use littoral_gpu::{Adapters, Gpu, GpuError, Processor, Searcher};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A device; `None` where the machine has no driver at all, unless `LITTORAL_GPU_TESTS` demands one.
#[expect(clippy::print_stderr, reason = "a test that measures nothing says so")]
fn device() -> Option<Arc<Gpu>> {
    match Gpu::open(Adapters::Any) {
        Ok(gpu) => Some(gpu),
        Err(error @ GpuError::Absent { .. }) => {
            assert!(
                std::env::var_os("LITTORAL_GPU_TESTS").is_none(),
                "no device: {error}"
            );
            eprintln!("not tested: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as u32
    }

    fn below(&mut self, limit: u32) -> u32 {
        self.next() % limit
    }

    fn int8(&mut self, n: usize) -> Vec<i8> {
        (0..n)
            .map(|_| (self.below(255) as i16 - 127) as i8)
            .collect()
    }

    fn queries(&mut self, n: usize, limit: u32) -> Vec<i16> {
        let mut draw = || self.below(2 * limit + 1) as i16 - limit as i16;
        (0..n).map(|_| draw()).collect()
    }

    fn floats(&mut self, n: usize) -> Vec<f32> {
        (0..n)
            .map(|_| self.below(20_001) as f32 / 10_000.0 - 1.0)
            .collect()
    }
}

#[test]
fn int8_neighbours_are_those_of_the_cpu_in_every_shape() {
    let Some(gpu) = device() else { return };
    let mut random = Random(1);
    for (dims, n_rows, n_queries, limit, k) in [
        (384, 20_000, 1, 2047, 10),
        (384, 9_000, 8, 127, 100),
        (384, 9_000, 64, 2047, 10),
        (33, 1_000, 3, 2047, 256),
        (1, 70, 2, 2047, 5),
        (256, 5, 1, 2047, 10),
        (8_192, 300, 2, 2047, 7),
    ] {
        let rows = random.int8(n_rows * dims);
        let queries = random.queries(n_queries * dims, limit);
        let resident = Resident::int8(&gpu, dims, &rows).unwrap();
        let found = resident.nearest_int8(&queries, k, None).unwrap();
        let exact = portable::nearest_int8(&rows, dims, &queries, k, None);
        assert_eq!(found, exact, "{dims} {n_rows} {n_queries} {limit} {k}");
    }
}

#[test]
fn the_largest_sums_do_not_overflow() {
    let Some(gpu) = device() else { return };
    let dims = 8_192;
    let rows = [vec![127; dims], vec![-127; dims]].concat();
    let queries = [vec![2047; dims], vec![-2047; dims]].concat();
    let resident = Resident::int8(&gpu, dims, &rows).unwrap();
    let found = resident.nearest_int8(&queries, 2, None).unwrap();
    assert_eq!(
        found,
        portable::nearest_int8(&rows, dims, &queries, 2, None)
    );
    assert_eq!(found[1][0].score, 2047 * 127 * 8_192);
}

#[test]
fn many_buffers_ties_and_filters_change_nothing() {
    let Some(gpu) = device() else { return };
    let mut random = Random(2);
    let (dims, n_rows) = (64, 30_000usize);
    // Few different vectors, so that most scores are met many times.
    let patterns = random.int8(50 * dims);
    let rows: Vec<i8> = (0..n_rows)
        .flat_map(|_| {
            let at = random.below(50) as usize * dims;
            patterns[at..at + dims].to_vec()
        })
        .collect();
    let queries = random.queries(5 * dims, 2047);
    let some: Vec<u32> = (0..n_rows.div_ceil(32))
        .map(|_| random.next() & random.next())
        .collect();
    let few = {
        let mut bits = vec![0; n_rows.div_ceil(32)];
        bits[3] = 5;
        bits[900] = 1 << 31;
        bits
    };
    let resident = Resident::int8_in(&gpu, dims, &rows, 300_000).unwrap();
    // A bitmap that is too short allows nothing behind its end.
    for allowed in [
        None,
        Some(&some[..]),
        Some(&few[..]),
        Some(&some[..10]),
        Some(&[]),
    ] {
        let found = resident.nearest_int8(&queries, 20, allowed).unwrap();
        let exact = portable::nearest_int8(&rows, dims, &queries, 20, allowed);
        assert_eq!(found, exact);
    }
}

/// Scores within `bound`, and nearly all neighbours.
fn compare(found: &[Vec<Hit<f32>>], exact: &[Vec<Hit<f32>>], bound: f32) {
    let (mut n_found, mut n) = (0, 0);
    for (found, exact) in found.iter().zip(exact) {
        assert_eq!(found.len(), exact.len());
        let ids: BTreeSet<u32> = exact.iter().map(|hit| hit.id).collect();
        n_found += found.iter().filter(|hit| ids.contains(&hit.id)).count();
        n += exact.len();
        for (found, exact) in found.iter().zip(exact) {
            assert!(
                (found.score - exact.score).abs() <= bound,
                "{found:?} {exact:?}"
            );
        }
    }
    assert!(n_found * 1000 >= n * 999, "{n_found} of {n}");
}

#[test]
fn float_neighbours_are_those_of_the_cpu_within_a_thousandth() {
    let Some(gpu) = device() else { return };
    let mut random = Random(3);
    for (dims, n_rows, n_queries) in [(384, 20_000, 9), (100, 3_000, 1), (7, 500, 33)] {
        let unit = |values: Vec<f32>| -> Vec<f32> {
            let each = values.chunks_exact(dims).flat_map(|row| {
                let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
                row.iter().map(move |x| x / length).collect::<Vec<_>>()
            });
            each.collect()
        };
        let queries = unit(random.floats(n_queries * dims));
        // Vectors scatter about the queries, as neighbours do.
        let rows: Vec<f32> = (0..n_rows)
            .flat_map(|i| {
                let query = &queries[i % n_queries * dims..][..dims];
                let size = 0.02 + i as f32 / n_rows as f32;
                let noise = random.floats(dims);
                let near = query.iter().zip(noise).map(move |(q, x)| q + size * x);
                near.collect::<Vec<_>>()
            })
            .collect();
        let rows = unit(rows);
        let exact = portable::nearest_float(&rows, dims, &queries, 10, None);
        let resident = Resident::f32(&gpu, dims, &rows).unwrap();
        compare(
            &resident.nearest_float(&queries, 10, None).unwrap(),
            &exact,
            1e-5,
        );
        let resident = Resident::f16(&gpu, dims, &rows).unwrap();
        compare(
            &resident.nearest_float(&queries, 10, None).unwrap(),
            &exact,
            1e-3,
        );
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = device() else { return };
    let resident = Resident::int8(&gpu, 4, &[1; 40]).unwrap();
    let refused = resident.nearest_int8(&[1; 4], 257, None);
    assert!(
        matches!(refused, Err(GpuError::TooLarge { .. })),
        "{refused:?}"
    );
    let refused = Resident::int8(&gpu, 9_000, &[1; 9_000]);
    assert!(
        matches!(refused, Err(GpuError::TooLarge { .. })),
        "{refused:?}"
    );
    // The device is sound after a refusal.
    assert_eq!(resident.nearest_int8(&[1; 4], 3, None).unwrap()[0].len(), 3);
}

#[test]
fn a_hundred_losses_in_the_middle_of_queries_leave_no_query_without_its_answer() {
    if device().is_none() {
        return;
    }
    let mut random = Random(4);
    let (dims, n_rows) = (64, 40_000);
    let rows: Arc<[i8]> = random.int8(n_rows * dims).into();
    let (mut n_by_gpu, mut n_by_cpu) = (0, 0);
    for loss in 0..100 {
        let gpu = Gpu::open(Adapters::Any);
        let own = gpu.clone().unwrap();
        let searcher = Searcher::new(gpu, dims, Arc::clone(&rows));
        let queries = random.queries(2 * dims, 2047);
        let exact = portable::nearest_int8(&rows, dims, &queries, 10, None);
        std::thread::scope(|scope| {
            let (begin, begun) = std::sync::mpsc::channel();
            scope.spawn(move || {
                begun.recv().unwrap();
                // At another moment of the query each time.
                let until = std::time::Instant::now() + std::time::Duration::from_micros(loss * 60);
                while std::time::Instant::now() < until {
                    std::hint::spin_loop();
                }
                own.lose();
            });
            for query in 0..4 {
                if query == 1 {
                    begin.send(()).unwrap();
                }
                let answer = searcher.nearest(&queries, 10, None);
                assert_eq!(answer.hits, exact);
                match answer.by {
                    Processor::Gpu(_) => n_by_gpu += 1,
                    Processor::Cpu(error) => {
                        assert!(matches!(error, GpuError::Lost { .. }), "{error:?}");
                        n_by_cpu += 1;
                    }
                }
            }
        });
        let answer = searcher.nearest(&queries, 10, None);
        assert_eq!(answer.hits, exact);
        assert!(matches!(answer.by, Processor::Cpu(GpuError::Lost { .. })));
    }
    assert!(n_by_gpu >= 100 && n_by_cpu >= 50, "{n_by_gpu} {n_by_cpu}");
}

#[test]
fn without_a_device_the_cpu_answers_and_says_why() {
    let absent = GpuError::Absent {
        reason: "none was asked for".into(),
    };
    let searcher = Searcher::new(Err(absent.clone()), 2, vec![1, 2, 3, 4].into());
    let answer = searcher.nearest(&[1, 1], 1, None);
    assert_eq!(answer.hits, [[Hit { id: 1, score: 7 }]]);
    assert_eq!(answer.by, Processor::Cpu(absent));
}

#[test]
fn every_vector_is_assigned_to_the_direction_that_the_cpu_finds() {
    let Some(gpu) = device() else { return };
    let mut random = Random(11);
    for (dims, n_rows, n) in [
        (16, 1, 1),
        (40, 700, 9),
        (384, 3_000, 2_500),
        (130, 300, 4_097),
    ] {
        let rows = random.int8(n_rows * dims);
        let mut directions = random.queries(n * dims, 2047);
        // Equal ones, of which the first counts.
        let half = n / 2 * dims;
        directions.copy_within(..half, half);
        let scale = |row: &[i16]| {
            let square: i64 = row.iter().map(|&x| i64::from(x) * i64::from(x)).sum();
            1.0 / (square.max(1) as f32).sqrt()
        };
        let scales: Vec<f32> = directions.chunks_exact(dims).map(scale).collect();
        let resident = Resident::int8(&gpu, dims, &rows).unwrap();
        let found = resident.assign(&directions, &scales).unwrap();
        let nearest = |row: &[i8]| {
            let mut best = (f32::NEG_INFINITY, 0);
            for (c, (direction, scale)) in (0..).zip(directions.chunks_exact(dims).zip(&scales)) {
                let products = row.iter().zip(direction);
                let dot: i32 = products.map(|(&a, &b)| i32::from(a) * i32::from(b)).sum();
                let score = dot as f32 * scale;
                if score > best.0 {
                    best = (score, c);
                }
            }
            best.1
        };
        let exact: Vec<u32> = rows.chunks_exact(dims).map(nearest).collect();
        assert_eq!(found, exact, "{dims} {n_rows} {n}");
    }
}
