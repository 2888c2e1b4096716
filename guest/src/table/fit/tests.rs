use super::*;
use crate::build::OneThread;

/// Runs the items from the last to the first, as threads might.
pub(in crate::table) struct Backwards;

impl Workers for Backwards {
    fn map<I: Send, O: Send>(&self, items: Vec<I>, f: impl Fn(I) -> O + Sync) -> Vec<O> {
        let mut done: Vec<O> = items.into_iter().rev().map(f).collect();
        done.reverse();
        done
    }
}

const DIMS: usize = 24;
const WORDS: usize = 60;

/// Numbers from −1 to 1.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn below(&mut self, n: usize) -> u32 {
        (f32::midpoint(self.next(), 1.0) * n as f32).min(n as f32 - 1.0) as u32
    }
}

/// A corpus whose encoder is a hidden table with a little noise.
struct Corpus {
    spans: Spans,
    held_out: Spans,
    chunks: Vec<f32>,
    start: Vec<f32>,
    counts: Vec<u32>,
}

impl Corpus {
    fn new(noise: f32) -> Self {
        let mut numbers = Numbers(7);
        let hidden: Vec<f32> = (0..WORDS * DIMS).map(|_| numbers.next()).collect();
        let mut text = |n: u32| {
            let rows: Vec<u32> = (0..n).map(|_| numbers.below(WORDS)).collect();
            let mut vector = vec![0.0; DIMS];
            for &row in &rows {
                add(&mut vector, 1.0, &hidden[row as usize * DIMS..][..DIMS]);
            }
            for v in &mut vector {
                *v += noise * numbers.next();
            }
            normalise(&mut vector);
            (rows, vector)
        };
        let (mut spans, mut held_out) = (Spans::default(), Spans::default());
        for i in 0..700 {
            let n = 2 + i % 7;
            let (rows, vector) = text(n);
            let to = if i < 600 { &mut spans } else { &mut held_out };
            to.push(&rows, n, &vector);
        }
        let chunks = (0..200).flat_map(|_| text(20).1).collect();
        let start = (0..WORDS * 4).map(|_| numbers.next()).collect();
        let mut counts = vec![0; WORDS];
        spans.rows.iter().for_each(|&row| counts[row as usize] += 1);
        Self {
            spans,
            held_out,
            chunks,
            start,
            counts,
        }
    }

    fn input(&self) -> FitInput<'_> {
        FitInput {
            dims: DIMS,
            counts: &self.counts,
            n_rows: WORDS,
            start: &self.start,
            width: 4,
            spans: &self.spans,
            held_out: &self.held_out,
            chunks: &self.chunks,
        }
    }
}

const OPTIONS: FitOptions = FitOptions {
    half_weight: 1e-2,
    ridge: 0.3,
    iterations: 20,
    steps: 60,
    hold: 3.0,
    temperature: 0.05,
    bits: 8,
    seed: 3,
};

#[test]
fn a_table_that_exists_is_found() {
    let corpus = Corpus::new(0.1);
    let fit = fit(&corpus.input(), &OPTIONS, &OneThread);
    assert_eq!(fit.rows.len(), WORDS);
    assert!(fit.report.cosine > 950, "{:?}", fit.report);
    assert!(fit.report.overlap > 800, "{:?}", fit.report);
    assert_eq!(fit.report.n_spans, 600);
    assert_eq!(fit.report.n_held_out, 50);
    assert_eq!(fit.report.verdict().name(), "good");
}

#[test]
fn vectors_that_say_nothing_about_the_words_are_reported_as_poor() {
    let mut corpus = Corpus::new(0.0);
    let mut numbers = Numbers(99);
    for spans in [&mut corpus.spans, &mut corpus.held_out] {
        spans.vectors.iter_mut().for_each(|v| *v = numbers.next());
        spans.vectors.chunks_exact_mut(DIMS).for_each(|v| {
            normalise(v);
        });
    }
    let fit = fit(&corpus.input(), &OPTIONS, &OneThread);
    assert_eq!(fit.report.verdict().name(), "poor", "{:?}", fit.report);
}

#[test]
fn the_order_of_work_does_not_matter() {
    let corpus = Corpus::new(0.3);
    let forwards = fit(&corpus.input(), &OPTIONS, &OneThread);
    assert_eq!(forwards, fit(&corpus.input(), &OPTIONS, &Backwards));
    let other = FitOptions { bits: 5, ..OPTIONS };
    assert_ne!(forwards, fit(&corpus.input(), &other, &OneThread));
}

#[test]
fn a_corpus_without_texts_or_chunks_gives_zeros() {
    let none = Spans::default();
    let input = FitInput {
        dims: 8,
        counts: &[0, 0],
        n_rows: 3,
        start: &[],
        width: 0,
        spans: &none,
        held_out: &none,
        chunks: &[],
    };
    let fit = fit(&input, &FitOptions::default(), &OneThread);
    assert_eq!(fit.rows.len(), 3);
    assert!(fit.rows.iter().all(|row| row.codes == [0; 8]));
    assert_eq!(fit.report.verdict().name(), "poor");
}

#[test]
fn the_ridge_solves_its_normal_equations() {
    let corpus = Corpus::new(0.5);
    let input = corpus.input();
    let sums = Sums::new(&corpus.spans, WORDS);
    let scales = vec![1.0; corpus.spans.len()];
    let pull = ridge::Pull {
        ridge: OPTIONS.ridge,
        iterations: 200,
    };
    let rows = ridge::fit(
        &input,
        &sums,
        vec![0.0; WORDS * DIMS],
        &scales,
        &pull,
        &OneThread,
    );
    // The slope of the loss, written out: it is zero at the minimum.
    let mut slope: Vec<f64> = rows.iter().map(|&v| f64::from(v * OPTIONS.ridge)).collect();
    for text in 0..corpus.spans.len() {
        let share = f64::from(corpus.spans.share(text));
        for d in 0..DIMS {
            let of = |row: &u32| f64::from(rows[*row as usize * DIMS + d]);
            let sum: f64 = corpus.spans.rows_of(text).iter().map(of).sum();
            let off = sum * share - f64::from(corpus.spans.vector(text, DIMS)[d]);
            for &row in corpus.spans.rows_of(text) {
                slope[row as usize * DIMS + d] += share * off;
            }
        }
    }
    let steepest = slope.iter().fold(0.0_f64, |max, v| max.max(v.abs()));
    assert!(steepest < 1e-3, "{steepest}");
}

#[test]
fn the_map_finds_what_it_was_made_with() {
    let mut corpus = Corpus::new(0.0);
    // Vectors that are a linear function of the starts.
    let map: Vec<f32> = (0..4 * DIMS)
        .map(|i| ((i * 37) % 11) as f32 - 5.0)
        .collect();
    let n = corpus.spans.len();
    for text in 0..n {
        let share = corpus.spans.share(text);
        let mut vector = vec![0.0; DIMS];
        for &row in corpus.spans.rows_of(text) {
            for j in 0..4 {
                add(
                    &mut vector,
                    share * corpus.start[row as usize * 4 + j],
                    &map[j * DIMS..][..DIMS],
                );
            }
        }
        corpus.spans.vectors[text * DIMS..][..DIMS].copy_from_slice(&vector);
    }
    let even = FitOptions {
        half_weight: 1e9,
        ..OPTIONS
    };
    let input = corpus.input();
    let known = affine::Known::new(&input, &even, &OneThread);
    let rows = known.fit(&input, &vec![1.0; n], &OneThread);
    for word in 0..WORDS {
        for d in 0..DIMS {
            let start = &corpus.start[word * 4..][..4];
            let naive: f32 = (0..4).map(|j| start[j] * map[j * DIMS + d]).sum();
            let off = (rows[word * DIMS + d] - naive).abs();
            assert!(off < 0.2, "{off} of {naive}");
        }
    }
}

#[test]
fn lanes_add_up_to_the_product() {
    let mut numbers = Numbers(1);
    for n in 0..40 {
        let a: Vec<f32> = (0..n).map(|_| numbers.next()).collect();
        let naive: f32 = a.iter().map(|v| v * v).sum();
        assert!((dot(&a, &a) - naive).abs() < 1e-4);
    }
}

#[test]
fn four_at_a_time_are_to_the_bit_what_they_are_one_by_one() {
    let mut numbers = Numbers(2);
    for (dims, n) in [(8, 0), (8, 3), (16, 4), (24, 7), (24, 9), (7, 5)] {
        let vector: Vec<f32> = (0..dims).map(|_| numbers.next()).collect();
        let rows: Vec<f32> = (0..dims * n).map(|_| numbers.next()).collect();
        let single: Vec<f32> = rows.chunks(dims).map(|row| dot(&vector, row)).collect();
        let mut found = Vec::new();
        dots(&vector, &rows, &mut found);
        assert_eq!(found, single);
        if n >= 4 {
            let by = [0.3, -1.7, 0.01, 2.9];
            let (mut together, mut single) = (vector.clone(), vector);
            add_four(
                &mut together,
                by,
                [0, 1, 2, 3].map(|i| &rows[i * dims..][..dims]),
            );
            for (by, row) in by.into_iter().zip(rows.chunks(dims)) {
                add(&mut single, by, row);
            }
            assert_eq!(together, single);
        }
    }
}
