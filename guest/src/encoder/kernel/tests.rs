use super::*;

/// Numbers that look random, the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn within(&mut self, max: i32) -> i32 {
        (self.next() % (2 * max as u64 + 1)) as i32 - max
    }
}

#[test]
fn all_kernels_multiply_exactly() {
    let mut numbers = Numbers(7);
    for (n_rows, n_in, n_out) in [
        (1, 4, 1),
        (2, 8, 16),
        (3, 12, 17),
        (5, 20, 33),
        (8, 384, 48),
        (9, 36, 64),
        (17, 100, 40),
        (31, 1536, 32),
    ] {
        for max in [127u32, 2047] {
            let weights: Vec<f32> = (0..n_in * n_out)
                .map(|_| numbers.within(127) as f32)
                .collect();
            let biases = vec![0.0; n_out];
            let matrix = Matrix::pack(&weights, &biases, n_in, max);
            // The largest sums there can be are among them.
            let values: Vec<f32> = (0..n_rows * n_in)
                .map(|i| {
                    let value = numbers.within(max as i32) as f32;
                    if i < n_in { max as f32 } else { value }
                })
                .collect();
            let width = matrix.padded_out();
            let mut first: Option<Vec<i32>> = None;
            let mut plain = Rows::default();
            Kernel::Scalar.quantize(&values, n_in, max, &mut plain);
            for kernel in Kernel::available() {
                let mut rows = Rows::default();
                kernel.quantize(&values, n_in, max, &mut rows);
                let mut out = vec![-1; n_rows * width];
                kernel.multiply(&rows, &matrix, &mut out);
                for r in 0..n_rows {
                    for o in 0..n_out {
                        let row = &plain.values[r * n_in..][..n_in];
                        let products = row.iter().enumerate();
                        let sum: i64 = products
                            .map(|(i, &x)| i64::from(x) * i64::from(matrix.weight(o, i)))
                            .sum();
                        assert_eq!(i64::from(out[r * width + o]), sum, "{kernel:?}");
                    }
                }
                assert_eq!(*first.get_or_insert_with(|| out.clone()), out, "{kernel:?}");
            }
        }
    }
}

#[test]
fn all_kernels_multiply_wide_numbers_exactly() {
    let mut numbers = Numbers(9);
    for (n_rows, width, n_columns) in [
        (1, 2, 16),
        (3, 32, 48),
        (7, 64, 16),
        (32, 128, 32),
        (9, 6, 64),
    ] {
        let max = (i32::MAX as usize / width).isqrt().min(32_767) as i32;
        let mut draw =
            |n: usize| -> Vec<i16> { (0..n).map(|_| numbers.within(max) as i16).collect() };
        let (a, b) = (draw(n_rows * width), draw(n_columns * width));
        for kernel in Kernel::available() {
            let mut out = vec![-1; n_rows * n_columns];
            kernel.multiply_wide(&a, width, &b, &mut out);
            for r in 0..n_rows {
                for c in 0..n_columns {
                    let at = |i: usize| (c / 16 * width / 2 + i / 2) * 32 + c % 16 * 2 + i % 2;
                    let products =
                        (0..width).map(|i| i32::from(a[r * width + i]) * i32::from(b[at(i)]));
                    assert_eq!(out[r * n_columns + c], products.sum::<i32>(), "{kernel:?}");
                }
            }
        }
    }
}

#[test]
fn all_kernels_compute_the_same_bits_between_products() {
    let mut numbers = Numbers(3);
    for n in [1usize, 4, 15, 16, 33, 384, 1000] {
        let row: Vec<f32> = (0..n)
            .map(|_| numbers.within(100_000) as f32 / 7919.0)
            .collect();
        let sums: Vec<i32> = (0..n).map(|_| numbers.within(3_000_000)).collect();
        let scales: Vec<f32> = (0..n).map(|_| numbers.within(1000) as f32 / 1e6).collect();
        let padded = n.next_multiple_of(16);
        let mut wide_sums = sums.clone();
        wide_sums.resize(padded, 0);
        let mut wide_scales = scales.clone();
        wide_scales.resize(padded, 0.0);
        let mut first: Option<Vec<u32>> = None;
        for kernel in Kernel::available() {
            let mut bits = Vec::new();
            let mut keep = |values: &[f32]| bits.extend(values.iter().map(|x| x.to_bits()));
            let mut out = row.clone();
            kernel.normalize(&mut out, &scales, &row, 1e-12);
            keep(&out);
            kernel.rescale_gelu(&sums, &scales, &row, 0.01, &mut out);
            keep(&out);
            kernel.rescale_add(&sums, &scales, &row, 0.3, &mut out);
            keep(&out);
            kernel.rescale(&sums, &scales, &row, 0.3, &mut out);
            keep(&out);
            let mut cut = vec![0; n];
            keep(&[kernel.quantize_row(&row, 2047.0, &mut cut)]);
            let (mut room, mut shares) = (vec![0.0; padded], vec![0; padded]);
            kernel.softmax(&wide_sums, n, 0.01, &wide_scales, &mut room, &mut shares);
            keep(&room);
            bits.extend(cut.iter().chain(&shares).map(|&x| x as u32));
            if n.is_multiple_of(16) {
                let mut tops = vec![0.0; n / 16];
                kernel.raise_tops(&row, 16, &mut tops);
                bits.extend(tops.iter().map(|x| x.to_bits()));
                let mut steps = vec![0.0; n / 16];
                let mut heads = vec![0; n];
                kernel.quantize_heads(&row, 16, 8191.0, 16, &mut steps, &mut heads);
                bits.extend(steps.iter().map(|x| x.to_bits()));
                let mut pairs = vec![0; 2 * n];
                kernel.pack_pairs(&row, &scales, 40.0, 32, &mut pairs);
                bits.extend(heads.iter().chain(&pairs).map(|&x| x as u32));
            }
            assert_eq!(
                *first.get_or_insert_with(|| bits.clone()),
                bits,
                "{kernel:?} {n}"
            );
        }
    }
}
