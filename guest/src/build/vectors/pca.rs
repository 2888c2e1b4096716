//! Principal axes: the rotation that puts what tells vectors apart into the first dimensions.
//!
//! The second moments are summed in blocks of fixed size whose sums are added in order, and the
//! eigenvectors come from additions, multiplications, divisions and square roots of `f64` alone,
//! which are exact on every host: the same vectors give the same axes everywhere.

use crate::build::Workers;

/// Vectors whose products are summed together.
const BLOCK: usize = 512;

/// Steps of the iteration for one eigenvalue; about two suffice.
const MAX_STEPS: usize = 60;

/// Principal axes of a set of vectors, the one with the largest variance first.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::build) struct Axes {
    /// Unit vectors. `[dims, dims]`
    pub(in crate::build) rows: Vec<f32>,
    /// Mean square of the vectors along each axis, descending. `[dims]`
    pub(in crate::build) variances: Vec<f32>,
}

/// The axes of `vectors`, `[n, dims]`, about the origin.
pub(in crate::build) fn principal_axes(
    vectors: &[f32],
    dims: usize,
    workers: &impl Workers,
) -> Axes {
    let n = vectors.len() / dims.max(1);
    let blocks: Vec<&[f32]> = vectors.chunks(BLOCK * dims.max(1)).collect();
    let mut moments = vec![0f64; dims * dims];
    // A batch at a time, so that few partial sums are held.
    for batch in blocks.chunks(16) {
        for partial in workers.map(batch.to_vec(), |block| second_moments(block, dims)) {
            for (sum, x) in moments.iter_mut().zip(partial) {
                *sum += x;
            }
        }
    }
    let scale = 1.0 / (n.max(1) as f64);
    for x in &mut moments {
        *x *= scale;
    }
    let (values, columns) = symmetric_eigen(moments, dims);
    let mut order: Vec<usize> = (0..dims).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    let mut axes = Axes {
        rows: Vec::with_capacity(dims * dims),
        variances: Vec::with_capacity(dims),
    };
    for i in order {
        axes.variances.push(values[i].max(0.0) as f32);
        axes.rows
            .extend((0..dims).map(|d| columns[d * dims + i] as f32));
    }
    axes
}

/// The sum of the outer products of `vectors`, `[dims, dims]`.
fn second_moments(vectors: &[f32], dims: usize) -> Vec<f64> {
    let mut sums = vec![0f64; dims * dims];
    let mut wide = vec![0f64; dims];
    for vector in vectors.chunks_exact(dims) {
        for (w, &x) in wide.iter_mut().zip(vector) {
            *w = f64::from(x);
        }
        for (i, &x) in wide.iter().enumerate() {
            let row = &mut sums[i * dims..=i * dims + i];
            for (sum, &y) in row.iter_mut().zip(&wide) {
                *sum += x * y;
            }
        }
    }
    for i in 0..dims {
        for j in 0..i {
            sums[j * dims + i] = sums[i * dims + j];
        }
    }
    sums
}

/// Eigenvalues and eigenvectors (as columns) of a symmetric matrix.
///
/// Source: Householder's reduction to a tridiagonal matrix and the QL algorithm with implicit
/// shifts, as in Bowdler, Martin, Reinsch, Wilkinson, "The QR and QL algorithms for symmetric
/// matrices" (Numerische Mathematik 11, 1968).
fn symmetric_eigen(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut diagonal, mut off) = tridiagonal(&mut a, n);
    off.rotate_left(1.min(n));
    for l in 0..n {
        for _ in 0..MAX_STEPS {
            // The first negligible element below l splits the matrix.
            let m = (l..n.saturating_sub(1))
                .find(|&m| {
                    let scale = diagonal[m].abs() + diagonal[m + 1].abs();
                    off[m].abs() <= f64::EPSILON * scale
                })
                .unwrap_or(n - 1);
            if m == l {
                break;
            }
            let half = (diagonal[l + 1] - diagonal[l]) / (2.0 * off[l]);
            let root = (half * half + 1.0).sqrt();
            let mut g = diagonal[m] - diagonal[l] + off[l] / (half + root.copysign(half));
            let (mut sine, mut cosine, mut shift) = (1.0f64, 1.0f64, 0.0f64);
            let mut split = false;
            for i in (l..m).rev() {
                let f = sine * off[i];
                let b = cosine * off[i];
                let r = (f * f + g * g).sqrt();
                off[i + 1] = r;
                if r == 0.0 {
                    diagonal[i + 1] -= shift;
                    off[m] = 0.0;
                    split = true;
                    break;
                }
                sine = f / r;
                cosine = g / r;
                let p = diagonal[i + 1] - shift;
                let q = (diagonal[i] - p) * sine + 2.0 * cosine * b;
                shift = sine * q;
                diagonal[i + 1] = p + shift;
                g = cosine * q - b;
                for row in a.chunks_exact_mut(n) {
                    let (x, y) = (row[i], row[i + 1]);
                    row[i + 1] = sine * x + cosine * y;
                    row[i] = cosine * x - sine * y;
                }
            }
            if split {
                continue;
            }
            diagonal[l] -= shift;
            off[l] = g;
            off[m] = 0.0;
        }
    }
    (diagonal, a)
}

/// Reduces `a` to its diagonal and off-diagonal (from place 1 on); `a` becomes the transformation.
fn tridiagonal(a: &mut [f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut diagonal, mut off) = (vec![0f64; n], vec![0f64; n]);
    for i in (1..n).rev() {
        let scale: f64 = a[i * n..i * n + i].iter().map(|x| x.abs()).sum();
        if i == 1 || scale == 0.0 {
            off[i] = a[i * n + i - 1];
            continue;
        }
        let mut h = 0.0;
        for x in &mut a[i * n..i * n + i] {
            *x /= scale;
            h += *x * *x;
        }
        let f = a[i * n + i - 1];
        let g = -h.sqrt().copysign(f);
        off[i] = scale * g;
        h -= f * g;
        a[i * n + i - 1] = f - g;
        let u: Vec<f64> = a[i * n..i * n + i].to_vec();
        // p = A u / h, with the lower triangle of A alone.
        let mut p = vec![0f64; i];
        for j in 0..i {
            let row = &a[j * n..=j * n + j];
            let mut sum = 0.0;
            for (k, &x) in row.iter().enumerate() {
                sum += x * u[k];
                if k < j {
                    p[k] += x * u[j];
                }
            }
            p[j] += sum;
        }
        let mut dot = 0.0;
        for j in 0..i {
            a[j * n + i] = u[j] / h;
            p[j] /= h;
            dot += p[j] * u[j];
        }
        let half = dot / (2.0 * h);
        for j in 0..i {
            p[j] -= half * u[j];
            for k in 0..=j {
                a[j * n + k] -= u[j] * p[k] + p[j] * u[k];
            }
        }
        diagonal[i] = h;
    }
    for i in 0..n {
        if i > 0 && diagonal[i] != 0.0 {
            let mut g = vec![0f64; i];
            for k in 0..i {
                let x = a[i * n + k];
                for (sum, &y) in g.iter_mut().zip(&a[k * n..k * n + i]) {
                    *sum += x * y;
                }
            }
            for k in 0..i {
                let x = a[k * n + i];
                for (j, &sum) in g.iter().enumerate() {
                    a[k * n + j] -= sum * x;
                }
            }
        }
        diagonal[i] = a[i * n + i];
        a[i * n + i] = 1.0;
        for j in 0..i {
            a[j * n + i] = 0.0;
            a[i * n + j] = 0.0;
        }
    }
    (diagonal, off)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::OneThread;

    fn noise(n: usize) -> Vec<f32> {
        let mut state = 7u64;
        (0..n)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                ((state >> 40) as f32) / (1u64 << 24) as f32 - 0.5
            })
            .collect()
    }

    #[test]
    fn axes_are_orthonormal_and_explain_the_moments() {
        let (n, dims) = (1500, 24);
        let mut vectors = noise(n * dims);
        for vector in vectors.chunks_exact_mut(dims) {
            for (d, x) in vector.iter_mut().enumerate() {
                *x *= 1.0 + (d % 7) as f32;
            }
            vector[3] = vector[5] + 0.1 * vector[3];
        }
        let axes = principal_axes(&vectors, dims, &OneThread);
        let row = |i: usize| &axes.rows[i * dims..(i + 1) * dims];
        for i in 0..dims {
            for j in 0..=i {
                let dot: f32 = row(i).iter().zip(row(j)).map(|(x, y)| x * y).sum();
                assert!(
                    (dot - f32::from(u8::from(i == j))).abs() < 1e-4,
                    "{i} {j} {dot}"
                );
            }
            let along = |v: &[f32]| -> f32 { v.iter().zip(row(i)).map(|(x, y)| x * y).sum() };
            let mean: f32 = vectors
                .chunks_exact(dims)
                .map(|v| along(v).powi(2))
                .sum::<f32>()
                / n as f32;
            assert!(
                (mean - axes.variances[i]).abs() < 1e-3 * (1.0 + mean),
                "{i} {mean}"
            );
        }
        assert!(axes.variances.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn degenerate_sets_have_axes_too() {
        for (vectors, dims) in [
            (vec![], 3),
            (vec![0.0; 12], 4),
            (vec![1.0, 0.0, 1.0, 0.0], 2),
            (vec![2.0], 1),
        ] {
            let axes = principal_axes(&vectors, dims, &OneThread);
            assert_eq!(axes.rows.len(), dims * dims);
            assert!(axes.rows.iter().all(|x| x.is_finite()));
        }
    }
}
