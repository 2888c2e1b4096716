//! How near a table comes to its encoder, on texts held out.

use super::wide::wide;
use super::{FitInput, Spans, add, dot, dots, normalise};
use crate::build::Workers;
use littoral_indexes::table::TableReport;

/// Most held-out texts that are looked at.
const MAX_TEXTS: usize = 1_200;

/// Neighbours compared.
const K: usize = 10;

/// The held-out texts with the encoder's nearest chunks.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    dims: usize,
    held_out: &'a Spans,
    chunks: &'a [f32],
    n_spans: u32,
    /// Texts looked at: those at even places choose, those at odd places are reported.
    texts: Vec<usize>,
    /// The encoder's nearest chunks of each. `[texts]`
    nearest: Vec<Vec<u32>>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(input: &FitInput<'a>, workers: &impl Workers) -> Self {
        let n = input.held_out.len();
        let step = n.div_ceil(MAX_TEXTS).max(1);
        let texts: Vec<usize> = (0..n).step_by(step).collect();
        let (dims, chunks, held_out) = (input.dims, input.chunks, input.held_out);
        let nearest = workers.map(texts.clone(), |text| {
            wide(|| nearest(held_out.vector(text, dims), chunks))
        });
        Self {
            dims,
            held_out,
            chunks,
            n_spans: input.spans.len() as u32,
            texts,
            nearest,
        }
    }

    /// Overlap with the encoder's nearest chunks on the texts that choose, as a sum.
    pub(super) fn choice(&self, rows: &[f32], workers: &impl Workers) -> u32 {
        let measured = self.measure(rows, 0, workers);
        measured.iter().map(|&(_, overlap)| overlap).sum()
    }

    /// The figures of the texts that do not choose.
    pub(super) fn report(&self, rows: &[f32], workers: &impl Workers) -> TableReport {
        let measured = self.measure(rows, 1, workers);
        let n = measured.len().max(1) as f64;
        let cosine: f64 = measured.iter().map(|&(cosine, _)| f64::from(cosine)).sum();
        let overlap: u32 = measured.iter().map(|&(_, overlap)| overlap).sum();
        let n_chunks = self.chunks.len() / self.dims.max(1);
        let of = n * n_chunks.clamp(1, K) as f64;
        TableReport {
            n_spans: self.n_spans,
            n_held_out: measured.len() as u32,
            cosine: (cosine / n * 1000.0).round_ties_even() as i16,
            overlap: (f64::from(overlap) / of * 1000.0).round_ties_even() as u16,
        }
    }

    /// Cosine and overlap of every second text from `first` on.
    fn measure(&self, rows: &[f32], first: usize, workers: &impl Workers) -> Vec<(f32, u32)> {
        let dims = self.dims;
        let places: Vec<usize> = (first..self.texts.len()).step_by(2).collect();
        workers.map(places, |place| {
            let text = self.texts[place];
            let mut sum = vec![0.0; dims];
            for &row in self.held_out.rows_of(text) {
                add(&mut sum, 1.0, &rows[row as usize * dims..][..dims]);
            }
            normalise(&mut sum);
            let found = wide(|| nearest(&sum, self.chunks));
            let common = found.iter().filter(|c| self.nearest[place].contains(c));
            let cosine = dot(&sum, self.held_out.vector(text, dims));
            (cosine, common.count() as u32)
        })
    }
}

/// The nearest chunks, the nearest first; of equals the earlier.
#[inline(always)]
fn nearest(vector: &[f32], chunks: &[f32]) -> Vec<u32> {
    let mut best: Vec<(f32, u32)> = Vec::with_capacity(K + 1);
    let mut scores = Vec::new();
    dots(vector, chunks, &mut scores);
    for (i, score) in (0..).zip(scores) {
        if best.len() == K && best[K - 1].0 >= score {
            continue;
        }
        let at = best.partition_point(|&(other, _)| other >= score);
        best.insert(at, (score, i));
        best.truncate(K);
    }
    best.into_iter().map(|(_, i)| i).collect()
}
