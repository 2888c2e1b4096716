//! The matrix of the fit: which rows each text is the sum of, and back.

use super::Spans;

/// Columns that are solved together.
pub(super) const LANES: usize = 16;

/// Those columns of a row or of a text: one line of cache, and never on two.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub(super) struct Lanes(pub(super) [f32; LANES]);

impl Lanes {
    pub(super) const ZERO: Self = Self([0.0; LANES]);

    /// Adds `other`, each lane `by` times.
    #[inline(always)]
    pub(super) fn add(&mut self, by: [f32; LANES], other: Self) {
        for (lane, (by, other)) in self.0.iter_mut().zip(by.iter().zip(other.0)) {
            *lane += by * other;
        }
    }
}

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

    /// The texts of `rows`: `[n_rows]` to `[n_texts]`.
    #[inline(always)]
    pub(super) fn forwards(&self, rows: &[Lanes], out: &mut [Lanes]) {
        for (text, out) in out.iter_mut().enumerate() {
            let mut sum = Lanes::ZERO;
            for &row in self.spans.rows_of(text) {
                add(&mut sum, &rows[row as usize]);
            }
            let share = self.spans.share(text);
            *out = Lanes(sum.0.map(|v| v * share));
        }
    }

    /// What `texts` ask of the rows: `[n_texts]` to `[n_rows]`. `texts` are scaled by their share.
    #[inline(always)]
    pub(super) fn backwards(&self, texts: &mut [Lanes], out: &mut [Lanes]) {
        for (text, lanes) in texts.iter_mut().enumerate() {
            let share = self.spans.share(text);
            *lanes = Lanes(lanes.0.map(|v| v * share));
        }
        let mut start = 0;
        for (out, &end) in out.iter_mut().zip(&self.ends) {
            let mut sum = Lanes::ZERO;
            for &text in &self.texts[start as usize..end as usize] {
                add(&mut sum, &texts[text as usize]);
            }
            *out = sum;
            start = end;
        }
    }
}

#[inline(always)]
fn add(sum: &mut Lanes, by: &Lanes) {
    for (sum, by) in sum.0.iter_mut().zip(by.0) {
        *sum += by;
    }
}
