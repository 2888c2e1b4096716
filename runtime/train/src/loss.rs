//! The contrastive loss of vectors, and its gradient.
//!
//! A query's answer is to be nearer than every other passage of the step: the cross-entropy of a softmax
//! over cosines divided by a temperature. Where vectors are to rank well when they are cut, the mean over
//! the lengths is what is made small.
//!
//! Source: van den Oord and others, "Representation Learning with Contrastive Predictive Coding", 2018;
//! Kusupati and others, "Matryoshka Representation Learning", 2022.

/// Shortest vector that is divided by its length.
const LEAST_LENGTH: f32 = 1e-12;

/// What is compared with what.
#[derive(Debug, Clone)]
pub struct Contrast {
    /// Width of a vector.
    pub width: usize,
    /// Lengths that vectors are cut to; the whole width among them.
    pub cuts: Vec<usize>,
    /// Cosines are divided by it.
    pub temperature: f64,
    /// For each query the place of its answer among the passages.
    pub answers: Vec<usize>,
    /// Passages that a query is not compared with since they may answer it, `[queries, passages]`.
    pub ignored: Vec<bool>,
}

/// A loss with its gradients.
#[derive(Debug, Clone)]
pub struct Loss {
    /// Mean over queries and cuts.
    pub loss: f64,
    /// `[queries, width]`
    pub of_queries: Vec<f32>,
    /// `[passages, width]`
    pub of_passages: Vec<f32>,
}

impl Contrast {
    /// The loss of `queries`, `[queries, width]`, and `passages`, `[passages, width]`.
    pub fn loss(&self, queries: &[f32], passages: &[f32]) -> Loss {
        let width = self.width;
        let (n_queries, n_passages) = (queries.len() / width, passages.len() / width);
        let mut all = Loss {
            loss: 0.0,
            of_queries: vec![0.0; queries.len()],
            of_passages: vec![0.0; passages.len()],
        };
        let share = 1.0 / (n_queries * self.cuts.len()).max(1) as f64;
        for &dims in &self.cuts {
            let q = Units::new(queries, width, dims);
            let p = Units::new(passages, width, dims);
            let mut toward_q = vec![0.0f32; n_queries * dims];
            let mut toward_p = vec![0.0f32; n_passages * dims];
            for query in 0..n_queries {
                let answer = self.answers[query];
                let is_there = |&passage: &usize| {
                    passage == answer || !self.ignored[query * n_passages + passage]
                };
                let there: Vec<usize> = (0..n_passages).filter(is_there).collect();
                let scores: Vec<f64> = there
                    .iter()
                    .map(|&passage| f64::from(dot(q.row(query), p.row(passage))) / self.temperature)
                    .collect();
                let top = scores.iter().copied().fold(f64::MIN, f64::max);
                let sum: f64 = scores.iter().map(|s| libm::exp(s - top)).sum();
                for (&passage, score) in there.iter().zip(&scores) {
                    let mut pull = libm::exp(score - top) / sum;
                    if passage == answer {
                        all.loss -= share * (score - top - libm::log(sum));
                        pull -= 1.0;
                    }
                    let pull = (pull * share / self.temperature) as f32;
                    let to = &mut toward_q[query * dims..][..dims];
                    to.iter_mut()
                        .zip(p.row(passage))
                        .for_each(|(t, x)| *t += pull * x);
                    let to = &mut toward_p[passage * dims..][..dims];
                    to.iter_mut()
                        .zip(q.row(query))
                        .for_each(|(t, x)| *t += pull * x);
                }
            }
            q.back(&toward_q, &mut all.of_queries, width);
            p.back(&toward_p, &mut all.of_passages, width);
        }
        all
    }
}

/// Vectors cut to `dims` and brought to length 1.
struct Units {
    dims: usize,
    rows: Vec<f32>,
    lengths: Vec<f32>,
}

impl Units {
    fn new(vectors: &[f32], width: usize, dims: usize) -> Self {
        let (mut rows, mut lengths) = (Vec::new(), Vec::new());
        for vector in vectors.chunks_exact(width) {
            let cut = &vector[..dims];
            let length = dot(cut, cut).sqrt().max(LEAST_LENGTH);
            rows.extend(cut.iter().map(|x| x / length));
            lengths.push(length);
        }
        Self {
            dims,
            rows,
            lengths,
        }
    }

    fn row(&self, i: usize) -> &[f32] {
        &self.rows[i * self.dims..][..self.dims]
    }

    /// Adds to `to` what a gradient by the units, `toward`, is by the vectors: what lies along a vector
    /// changes its length alone.
    fn back(&self, toward: &[f32], to: &mut [f32], width: usize) {
        for (i, length) in self.lengths.iter().enumerate() {
            let (unit, toward) = (self.row(i), &toward[i * self.dims..][..self.dims]);
            let along = dot(unit, toward);
            let to = &mut to[i * width..][..self.dims];
            for ((to, toward), unit) in to.iter_mut().zip(toward).zip(unit) {
                *to += (toward - along * unit) / length;
            }
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for i in 0..8 {
            lanes[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::uniform;

    fn contrast() -> Contrast {
        Contrast {
            width: 12,
            cuts: vec![12, 5],
            temperature: 0.3,
            answers: vec![1, 0, 4],
            ignored: (0..15).map(|i| i == 7).collect(),
        }
    }

    #[test]
    fn the_gradient_is_that_of_differences() {
        let contrast = contrast();
        let queries = uniform(1, "queries", 3 * 12, 1.0);
        let passages = uniform(1, "passages", 5 * 12, 1.0);
        let found = contrast.loss(&queries, &passages);
        let step = 1e-2;
        let mut moved = [queries.clone(), passages.clone()];
        for (which, gradient) in [&found.of_queries, &found.of_passages]
            .into_iter()
            .enumerate()
        {
            for (i, gradient) in gradient.iter().enumerate() {
                let at = moved[which][i];
                let mut loss = |by: f32| {
                    moved[which][i] = at + by;
                    contrast.loss(&moved[0], &moved[1]).loss
                };
                let slope = (loss(step) - loss(-step)) / f64::from(2.0 * step);
                moved[which][i] = at;
                let error = (slope - f64::from(*gradient)).abs();
                assert!(
                    error < 1e-3 + 1e-2 * slope.abs(),
                    "{which} {i}: {gradient}, not {slope}"
                );
            }
        }
    }

    #[test]
    fn what_is_ignored_does_not_count() {
        let mut contrast = contrast();
        let queries = uniform(2, "queries", 3 * 12, 1.0);
        let mut passages = uniform(2, "passages", 5 * 12, 1.0);
        contrast.ignored = (0..15).map(|i| i % 5 == 3).collect();
        let before = contrast.loss(&queries, &passages);
        passages[3 * 12..4 * 12].fill(0.7);
        let after = contrast.loss(&queries, &passages);
        assert_eq!(before.loss.to_bits(), after.loss.to_bits());
        assert!(after.of_passages[3 * 12..4 * 12].iter().all(|x| *x == 0.0));
    }
}
