//! A query as a vector, and its scores with coded vectors: whole numbers, the same on every host.

use littoral_indexes::kernels::{QUERY_LIMIT, dot_rows};
use littoral_indexes::order::sort_by;
use littoral_indexes::vectors::Codes;
use littoral_indexes::vectors::codes::FACTOR_BASE;

/// A query along the axes of an index, rounded to 12 bits a dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryVector {
    row: Vec<i16>,
    /// What one unit is worth.
    scale: f64,
}

impl QueryVector {
    /// Rounds `vector`, `[dims]`.
    pub fn new(vector: &[f32]) -> Self {
        let largest = vector.iter().fold(0f32, |largest, x| largest.max(x.abs()));
        let largest = if largest > 0.0 {
            f64::from(largest)
        } else {
            1.0
        };
        let scale = largest / f64::from(QUERY_LIMIT);
        let row = vector
            .iter()
            .map(|&x| {
                let scaled = f64::from(x) / scale;
                (scaled + 0.5f64.copysign(scaled)) as i16
            })
            .collect();
        Self { row, scale }
    }

    /// A vector of whole numbers of at most 12 bits, of any length, followed by zeros up to `dims`;
    /// its scores are those of its direction.
    pub fn of_codes(mut codes: Vec<i16>, dims: usize) -> Self {
        codes.resize(dims, 0);
        let square: i64 = codes.iter().map(|&x| i64::from(x) * i64::from(x)).sum();
        Self {
            row: codes,
            scale: 1.0 / (square.max(1) as f64).sqrt(),
        }
    }

    /// The components. `[dims]`
    pub fn row(&self) -> &[i16] {
        &self.row
    }

    /// The cosine that a score of codes with the width `step` stands for.
    pub fn cosine(&self, score: i64, step: f32) -> f64 {
        score as f64 * self.scale * f64::from(step) / 512.0
    }

    /// The cosine that a dot product with a row of `scale` stands for.
    pub fn row_cosine(&self, dot: i32, scale: f32) -> f64 {
        f64::from(dot) * self.scale * f64::from(scale)
    }
}

/// The score of every coded vector: its dot product with the query times its factor.
pub fn score_codes(query: &QueryVector, vectors: &Codes) -> Vec<i64> {
    let mut dots = vec![0i32; vectors.factors.len()];
    dot_rows(&query.row, &vectors.codes, &mut dots);
    dots.iter()
        .zip(&vectors.factors)
        .map(|(&dot, &factor)| i64::from(dot) * i64::from(FACTOR_BASE + i32::from(factor)))
        .collect()
}

/// The places of coded vectors with their scores, best first; equal scores by place.
pub fn ranked(query: &QueryVector, vectors: &Codes) -> Vec<(i64, u32)> {
    let scores = score_codes(query, vectors);
    let mut order: Vec<(i64, u32)> = scores.into_iter().zip(0..).collect();
    sort_by(&mut order, |a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    order
}
