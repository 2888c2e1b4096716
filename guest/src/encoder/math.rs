//! The arithmetic on `f32`, written once.
//!
//! Every function is a fixed sequence of IEEE 754 additions, multiplications, divisions and square
//! roots per element; sums run in 16 lanes that are then added in halves. Rust neither reorders nor
//! fuses them, so whatever vectors the compiler makes of a loop, the bits are those of the scalar
//! program. Functions are inlined into the kernels, which compile them for wider vectors.
#![expect(
    clippy::inline_always,
    reason = "a function that is called, not inlined, is not compiled for the caller's vectors"
)]

/// Lanes of a sum.
pub(super) const LANES: usize = 16;

/// Added and taken away again, it leaves the nearest whole number (ties to even), for magnitudes
/// below 2²².
const ROUNDER: f32 = 12_582_912.0;

/// The nearest whole number of a magnitude below 2²².
#[inline(always)]
pub(super) fn round(x: f32) -> i32 {
    (x + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits()) as i32
}

/// `eˣ` for `x ≤ 88`, to a relative error of 2e-7 and 1e-7 more per unit of `x`, which rounding the
/// exponent to 24 bits costs; 2⁻¹²⁶ or less from −87.3 down.
///
/// The exponent is split into a whole power of two and a polynomial of degree 5 on ±½, fitted to the
/// least relative error (8e-8).
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let t = (x * std::f32::consts::LOG2_E).max(-126.0);
    let whole = (t + ROUNDER) - ROUNDER;
    let f = t - whole;
    let p = 1.326_697e-3f32;
    let p = p * f + 9.675_46e-3;
    let p = p * f + 5.550_742_6e-2;
    let p = p * f + 2.402_212_2e-1;
    let p = p * f + 6.931_469_5e-1;
    let p = p * f + 1.0;
    // Adds to the exponent's bits.
    f32::from_bits((p.to_bits() as i32).wrapping_add(round(t) << 23) as u32)
}

/// `x Φ(x)`, the exact form of GELU, with Φ within 1.3e-6.
///
/// `Φ(x) − ½` is an odd rational function on ±5, fitted to the least absolute error; beyond, Φ is 0
/// or 1 to six digits.
///
/// Source: Hendrycks and Gimpel, *Gaussian Error Linear Units* (2016).
#[inline(always)]
pub(super) fn gelu(x: f32) -> f32 {
    let c = x.clamp(-5.0, 5.0);
    let s = c * c;
    let p = 5.231_431_7e-5f32;
    let p = p * s + 4.139_650_5e-3;
    let p = p * s + 2.911_312_2e-2;
    let p = p * s + 3.989_482_2e-1;
    let q = 2.588_187_2e-6f32;
    let q = q * s + 1.378_541_4e-3;
    let q = q * s + 2.523_371_4e-2;
    let q = q * s + 2.397_130_2e-1;
    let q = q * s + 1.0;
    x * (0.5 + c * p / q)
}

/// The hyperbolic tangent, within 3e-7.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let e = exp(x.clamp(-20.0, 20.0) * 2.0);
    1.0 - 2.0 / (e + 1.0)
}

/// The sum of lanes, in halves.
#[inline(always)]
fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut n = LANES / 2;
    while n > 0 {
        for i in 0..n {
            lanes[i] += lanes[i + n];
        }
        n /= 2;
    }
    lanes[0]
}

/// The sum of `f` of every value: value `i` goes into lane `i mod 16`.
#[inline(always)]
fn sum(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += f(value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += f(value);
    }
    fold(lanes)
}

/// The largest magnitude.
#[inline(always)]
fn largest(values: &[f32]) -> f32 {
    // The bits of positive numbers are in the order of the numbers, and integers have a maximum that
    // vectors have too.
    let bits = |value: &f32| value.to_bits() & 0x7FFF_FFFF;
    let mut lanes = [0u32; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = (*lane).max(bits(value));
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = (*lane).max(bits(value));
    }
    f32::from_bits(lanes.into_iter().fold(0, u32::max))
}

/// Cuts a row to whole numbers of magnitude at most `max`; returns the size of a step.
#[inline(always)]
pub(super) fn quantize(row: &[f32], max: f32, out: &mut [i16]) -> f32 {
    let top = largest(row);
    let (step, per_step) = steps(top, max);
    for (out, &value) in out.iter_mut().zip(row) {
        *out = round(value * per_step) as i16;
    }
    step
}

/// As [`quantize`] to 8 bits, as bytes above zero: `value + 128`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn quantize_bytes(row: &[f32], max: f32, out: &mut [u8]) -> f32 {
    let (step, per_step) = steps(largest(row), max);
    for (out, &value) in out.iter_mut().zip(row) {
        *out = round(value * per_step) as u8 ^ 0x80;
    }
    step
}

/// Cuts every head of a token's row, `[n_heads, width]`, as [`quantize`] does. Head `h` goes to
/// `out[h stride..]`, its step to `steps[h]`.
#[inline(always)]
pub(super) fn quantize_heads(
    row: &[f32],
    width: usize,
    max: f32,
    stride: usize,
    steps: &mut [f32],
    out: &mut [i16],
) {
    let heads = row.chunks_exact(width).zip(steps);
    for (h, (head, step)) in heads.enumerate() {
        *step = quantize(head, max, &mut out[h * stride..][..width]);
    }
}

/// Raises `tops[h]` to the largest magnitude of head `h` in a token's row, `[n_heads, width]`.
#[inline(always)]
pub(super) fn raise_tops(row: &[f32], width: usize, tops: &mut [f32]) {
    for (head, top) in row.chunks_exact(width).zip(tops) {
        *top = f32::from_bits(largest(head).to_bits().max(top.to_bits()));
    }
}

/// Cuts a head's values of two tokens and lays them in pairs, `out[2 c + i]` that of token `i`, in
/// panels of [`LANES`] columns, `stride` apart.
#[inline(always)]
pub(super) fn pack_pairs(a: &[f32], b: &[f32], per_step: f32, stride: usize, out: &mut [i16]) {
    let columns = a.chunks(LANES).zip(b.chunks(LANES));
    for (p, (a, b)) in columns.enumerate() {
        let pairs = out[p * stride..].as_chunks_mut::<2>().0;
        for (pair, (&a, &b)) in pairs.iter_mut().zip(a.iter().zip(b)) {
            *pair = [round(a * per_step) as i16, round(b * per_step) as i16];
        }
    }
}

/// Sums of attention as values, each worth `step`.
#[inline(always)]
pub(super) fn scale(sums: &[i32], step: f32, out: &mut [f32]) {
    for (out, &sum) in out.iter_mut().zip(sums) {
        *out = sum as f32 * step;
    }
}

/// The size of a step when `top` is `max` steps, and its inverse.
#[inline(always)]
pub(super) fn steps(top: f32, max: f32) -> (f32, f32) {
    // Smaller, the inverse would not be finite; such a row is nothing but noise.
    if top > 1e-30 {
        (top / max, max / top)
    } else {
        (0.0, 0.0)
    }
}

/// Sums of a product's row as values: each times its output's scale and the row's step, plus the
/// bias.
#[inline(always)]
pub(super) fn rescale(sums: &[i32], scales: &[f32], biases: &[f32], step: f32, out: &mut [f32]) {
    let parameters = scales.iter().zip(biases);
    for ((out, &sum), (&scale, &bias)) in out.iter_mut().zip(sums).zip(parameters) {
        *out = sum as f32 * (scale * step) + bias;
    }
}

/// As [`rescale`], added to what is there.
#[inline(always)]
pub(super) fn rescale_add(
    sums: &[i32],
    scales: &[f32],
    biases: &[f32],
    step: f32,
    out: &mut [f32],
) {
    let parameters = scales.iter().zip(biases);
    for ((out, &sum), (&scale, &bias)) in out.iter_mut().zip(sums).zip(parameters) {
        *out += sum as f32 * (scale * step) + bias;
    }
}

/// As [`rescale`], then GELU.
#[inline(always)]
pub(super) fn rescale_gelu(
    sums: &[i32],
    scales: &[f32],
    biases: &[f32],
    step: f32,
    out: &mut [f32],
) {
    let parameters = scales.iter().zip(biases);
    for ((out, &sum), (&scale, &bias)) in out.iter_mut().zip(sums).zip(parameters) {
        *out = gelu(sum as f32 * (scale * step) + bias);
    }
}

/// Layer normalisation in place.
///
/// Source: Ba, Kiros and Hinton, *Layer Normalization* (2016).
#[inline(always)]
pub(super) fn normalize(row: &mut [f32], gain: &[f32], shift: &[f32], epsilon: f32) {
    let n = row.len() as f32;
    let mean = sum(row, |x| x) / n;
    let variance = sum(row, |x| (x - mean) * (x - mean)) / n;
    let inverse = 1.0 / (variance + epsilon).sqrt();
    for ((x, &gain), &shift) in row.iter_mut().zip(gain).zip(shift) {
        *x = (*x - mean) * inverse * gain + shift;
    }
}

/// Softmax of a row of attention sums, in steps of 1/32767.
///
/// `sums` is padded to whole lanes; the first `n` count, and what follows them in `out` becomes 0.
/// A sum is worth `row_step` times its column's step.
#[inline(always)]
pub(super) fn softmax(
    sums: &[i32],
    n: usize,
    row_step: f32,
    column_steps: &[f32],
    room: &mut [f32],
    out: &mut [i16],
) {
    for ((x, &sum), &step) in room.iter_mut().zip(sums).zip(column_steps) {
        *x = sum as f32 * (step * row_step);
    }
    for x in &mut room[n..] {
        *x = -1e30;
    }
    let mut lanes = [-1e30f32; LANES];
    for chunk in room.as_chunks::<LANES>().0 {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = if x > *lane { x } else { *lane };
        }
    }
    let top = lanes.into_iter().fold(-1e30, f32::max);
    for x in room.iter_mut() {
        *x = exp(*x - top);
    }
    for x in &mut room[n..] {
        *x = 0.0;
    }
    let per_step = 32_767.0 / sum(room, |x| x);
    for (out, &x) in out.iter_mut().zip(&*room) {
        *out = round(x * per_step) as i16;
    }
}

/// Makes the length of `row` 1, where it has one.
#[inline(always)]
pub(super) fn unit(row: &mut [f32]) {
    let length = sum(row, |x| x * x).sqrt();
    if length > 0.0 {
        for x in row {
            *x /= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_as_exact_as_it_says() {
        for i in 0..=88_000 {
            let x = -(i as f32) / 1000.0;
            let exact = libm::exp(f64::from(x));
            let error = (f64::from(exp(x)) - exact).abs();
            let bound = 2e-7 + 1e-7 * f64::from(x.abs());
            assert!(error <= exact * bound + 2e-38, "{x}: {error}");
        }
        assert!(exp(-1e30) < 2e-38 && exp(-1e30) >= 0.0);
    }

    #[test]
    fn gelu_is_as_exact_as_it_says() {
        for i in -100_000..=100_000 {
            let x = i as f32 / 10_000.0;
            let wide = f64::from(x);
            let exact = wide * 0.5 * (1.0 + libm::erf(wide / std::f64::consts::SQRT_2));
            let error = (f64::from(gelu(x)) - exact).abs();
            assert!(error <= 1.3e-6 * wide.abs() + 1e-9, "{x}: {error}");
        }
    }

    #[test]
    fn tanh_is_exact_to_six_digits() {
        for i in -30_000..=30_000 {
            let x = i as f32 / 1000.0;
            let exact = libm::tanh(f64::from(x));
            assert!((f64::from(tanh(x)) - exact).abs() < 4e-7, "{x}");
        }
    }

    #[test]
    fn quantized_rows_come_back_within_half_a_step() {
        let row: Vec<f32> = (0..50).map(|i| libm::sinf(i as f32 * 1.7) * 3.0).collect();
        for max in [127.0, 2047.0, 32767.0] {
            let mut cut = [0i16; 50];
            let step = quantize(&row, max, &mut cut);
            assert_eq!(cut.iter().map(|c| c.abs()).max(), Some(max as i16));
            for (&value, &c) in row.iter().zip(&cut) {
                assert!((value - f32::from(c) * step).abs() <= step * 0.501);
            }
        }
        let mut cut = [7i16; 3];
        assert_eq!(quantize(&[0.0; 3], 127.0, &mut cut).to_bits(), 0);
        assert_eq!(cut, [0; 3]);
    }

    #[test]
    fn softmax_sums_to_one_and_leaves_out_what_is_padding() {
        let mut sums = [1000i32; 32];
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = i as i32 * 10;
        }
        let (mut room, mut out) = ([0.0; 32], [1i16; 32]);
        softmax(&sums, 21, 0.5, &[0.02; 32], &mut room, &mut out);
        let exact: Vec<f64> = (0..21).map(|i| libm::exp(f64::from(i) * 0.1)).collect();
        let total: f64 = exact.iter().sum();
        for i in 0..21 {
            let share = f64::from(out[i]) / 32767.0;
            assert!((share - exact[i] / total).abs() < 3e-5);
        }
        assert!(out[21..].iter().all(|&share| share == 0));
    }

    #[test]
    fn a_normalised_row_has_mean_zero_and_variance_one() {
        let mut row: Vec<f32> = (0..37).map(|i| (i * i % 17) as f32 + 5.0).collect();
        normalize(&mut row, &[1.0; 37], &[0.0; 37], 1e-12);
        assert!(row.iter().sum::<f32>().abs() < 1e-4);
        assert!((row.iter().map(|x| x * x).sum::<f32>() / 37.0 - 1.0).abs() < 1e-4);
    }
}
