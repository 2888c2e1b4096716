//! The matrix of the fit: which rows each text is the sum of, and back.

use super::Spans;

/// Columns that are solved together: one line of cache for each row.
pub(super) const LANES: usize = 16;

/// Texts as sums of rows, scaled by their share, and the same by row.
#[derive(Debug)]
pub(super) struct Sums<'a> {
    spans: &'a Spans,
    /// Texts that each row is in, with repetition, ascending; row after row.
    texts: Vec<u32>,
    /// Where each row's texts end. `[n_rows]`
    ends: Vec<u32>,
}

impl<'a> Sums<'a> {
    pub(super) fn new(spans: &'a Spans, n_rows: usize) -> Self {
        let mut ends = vec![0_u32; n_rows + 1];
        for &row in &spans.rows {
            ends[row as usize + 1] += 1;
        }
        for row in 0..n_rows {
            ends[row + 1] += ends[row];
        }
        let mut texts = vec![0; spans.rows.len()];
        for text in 0..spans.len() {
            for &row in spans.rows_of(text) {
                let at = &mut ends[row as usize];
                texts[*at as usize] = text as u32;
                *at += 1;
            }
        }
        ends.pop();
        Self { spans, texts, ends }
    }

    /// The texts of `rows`: `[n_rows, LANES]` to `[n_texts, LANES]`.
    pub(super) fn forwards(&self, rows: &[[f32; LANES]], out: &mut [[f32; LANES]]) {
        for (text, out) in out.iter_mut().enumerate() {
            let mut sum = [0.0; LANES];
            for &row in self.spans.rows_of(text) {
                add(&mut sum, &rows[row as usize]);
            }
            let share = self.spans.share(text);
            *out = sum.map(|v| v * share);
        }
    }

    /// What `texts` ask of the rows: `[n_texts, LANES]` to `[n_rows, LANES]`.
    pub(super) fn backwards(&self, texts: &[[f32; LANES]], out: &mut [[f32; LANES]]) {
        let mut start = 0;
        for (out, &end) in out.iter_mut().zip(&self.ends) {
            let mut sum = [0.0; LANES];
            for &text in &self.texts[start as usize..end as usize] {
                let share = self.spans.share(text as usize);
                add(&mut sum, &texts[text as usize].map(|v| v * share));
            }
            *out = sum;
            start = end;
        }
    }
}

fn add(sum: &mut [f32; LANES], by: &[f32; LANES]) {
    for (sum, by) in sum.iter_mut().zip(by) {
        *sum += by;
    }
}
