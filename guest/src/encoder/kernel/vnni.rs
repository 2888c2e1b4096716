//! AVX-512 VNNI: `vpdpbusd` sums four products of bytes, inputs above zero with weights of any sign.
//!
//! Inputs are shifted above zero, and what that adds, the sum of an output's weights times the shift,
//! is taken away again. Inputs of 12 bits are two digits of 6 bits. A tile of up to 8 rows and 32
//! outputs keeps 16 sums of 512 bits in registers, twice that with two digits a row of half as many
//! rows.
#![expect(unsafe_code, reason = "loads and stores within checked slices")]
#![allow(
    clippy::wildcard_imports,
    reason = "intrinsics have a prefix of their own"
)]

use crate::encoder::math;
use crate::encoder::matrix::{GROUP, Line, Matrix, PANEL};
use std::arch::x86_64::*;

/// What is added to inputs of 8 and of 12 bits.
const SHIFTS: [i32; 2] = [128, 2048];

/// As [`math::quantize_bytes`], compiled for 512-bit vectors.
pub(super) fn quantize_bytes(row: &[f32], max: f32, out: &mut [u8]) -> f32 {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn wide(row: &[f32], max: f32, out: &mut [u8]) -> f32 {
        math::quantize_bytes(row, max, out)
    }
    // SAFETY: `Kernel::Vnni` is made only where AVX-512 VNNI is there.
    unsafe { wide(row, max, out) }
}

/// `values` of 12 bits as bytes above zero: all upper digits and then all lower ones.
pub(super) fn bytes(values: &[i16], out: &mut Vec<u8>) {
    // SAFETY: `Kernel::Vnni` is made only where AVX-512 VNNI is there.
    unsafe { bytes_wide(values, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn bytes_wide(values: &[i16], out: &mut Vec<u8>) {
    out.clear();
    let upper = |&value: &i16| (value.wrapping_add(2048) >> 6) as u8;
    out.extend(values.iter().map(upper));
    out.extend(values.iter().map(|&value| (value as u8) & 63));
}

/// Products of rows with the outputs of a matrix. Runs only where AVX-512 VNNI was found.
pub(super) fn multiply(bytes: &[u8], n_rows: usize, matrix: &Matrix, out: &mut [i32]) {
    let n_digits = if matrix.activation_max() <= 127 { 1 } else { 2 };
    assert_eq!(bytes.len(), n_digits * n_rows * matrix.n_in());
    let (high, low) = bytes.split_at(n_rows * matrix.n_in());
    // SAFETY: `Kernel::Vnni` is made only where AVX-512 VNNI is there.
    unsafe {
        if n_digits == 1 {
            multiply_digits::<1>([high], n_rows, matrix, out);
        } else {
            multiply_digits::<2>([high, low], n_rows, matrix, out);
        }
    }
}

/// As [`multiply`], for columns in panels.
pub(super) fn multiply_wide(a: &[i16], width: usize, b: &[i16], out: &mut [i32]) {
    // SAFETY: as above.
    unsafe { multiply_wide_vnni(a, width, b, out) }
}

/// Calls `$tile::<N, …>` with the number of rows as a constant.
macro_rules! by_rows {
    ($n:expr, $tile:ident, $panels:tt, $digits:tt, $arguments:tt) => {
        match $n {
            1 => $tile::<1, $panels, $digits> $arguments,
            2 => $tile::<2, $panels, $digits> $arguments,
            3 => $tile::<3, $panels, $digits> $arguments,
            4 => $tile::<4, $panels, $digits> $arguments,
            5 => $tile::<5, $panels, $digits> $arguments,
            6 => $tile::<6, $panels, $digits> $arguments,
            7 => $tile::<7, $panels, $digits> $arguments,
            _ => $tile::<8, $panels, $digits> $arguments,
        }
    };
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn multiply_digits<const DIGITS: usize>(
    digits: [&[u8]; DIGITS],
    n_rows: usize,
    matrix: &Matrix,
    out: &mut [i32],
) {
    let (width, n_groups) = (matrix.n_in(), matrix.n_groups());
    let max_rows = 8 / DIGITS;
    // Equal tiles: 9 rows are 5 and 4, not 8 and 1.
    let tile_rows = n_rows.div_ceil(n_rows.div_ceil(max_rows).max(1)).max(1);
    for (p, lines) in matrix.lines().chunks(n_groups * 2).enumerate() {
        for start in (0..n_rows).step_by(tile_rows) {
            let n = tile_rows.min(n_rows - start);
            let rows = digits.map(|digit| &digit[start * width..(start + n) * width]);
            let out = &mut out[start * matrix.padded_out()..];
            if lines.len() == n_groups * 2 {
                by_rows!(
                    n,
                    tile,
                    2,
                    DIGITS,
                    (rows, lines, matrix, out, p * 2 * PANEL)
                );
            } else {
                by_rows!(
                    n,
                    tile,
                    1,
                    DIGITS,
                    (rows, lines, matrix, out, p * 2 * PANEL)
                );
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn tile<const ROWS: usize, const PANELS: usize, const DIGITS: usize>(
    rows: [&[u8]; DIGITS],
    lines: &[Line],
    matrix: &Matrix,
    out: &mut [i32],
    column: usize,
) {
    let (n_groups, n_out) = (matrix.n_groups(), matrix.padded_out());
    let width = n_groups * GROUP;
    assert!(lines.len() == PANELS * n_groups);
    assert!(rows.iter().all(|digit| digit.len() >= ROWS * width));
    let mut sums = [[[_mm512_setzero_si512(); PANELS]; ROWS]; DIGITS];
    for g in 0..n_groups {
        let mut weights = [_mm512_setzero_si512(); PANELS];
        for (p, weights) in weights.iter_mut().enumerate() {
            // SAFETY: `lines` has `PANELS n_groups` lines of 64 bytes.
            *weights = unsafe { _mm512_load_si512(lines.as_ptr().add(p * n_groups + g).cast()) };
        }
        for (sums, digit) in sums.iter_mut().zip(rows) {
            for (r, sums) in sums.iter_mut().enumerate() {
                // SAFETY: `g < width / 4` and `r < ROWS`, so four bytes from `r width + 4 g` on are
                // in `digit`, which has at least `ROWS width`.
                let values = unsafe {
                    let at = digit.as_ptr().add(r * width + g * GROUP);
                    _mm512_set1_epi32(at.cast::<i32>().read_unaligned())
                };
                for (sum, &weights) in sums.iter_mut().zip(&weights) {
                    *sum = _mm512_dpbusd_epi32(*sum, values, weights);
                }
            }
        }
    }
    #[expect(clippy::needless_range_loop, reason = "the sums of a panel lie across")]
    for p in 0..PANELS {
        let column = column + p * PANEL;
        let weight_sums = &matrix.sums()[column..][..PANEL];
        // SAFETY: 16 values of 32 bits.
        let weight_sums = unsafe { _mm512_loadu_si512(weight_sums.as_ptr().cast()) };
        let shift = _mm512_set1_epi32(SHIFTS[DIGITS - 1]);
        let excess = _mm512_mullo_epi32(weight_sums, shift);
        for r in 0..ROWS {
            let mut sum = sums[0][r][p];
            if DIGITS == 2 {
                sum = _mm512_add_epi32(_mm512_slli_epi32::<6>(sum), sums[1][r][p]);
            }
            let out = &mut out[r * n_out + column..][..PANEL];
            // SAFETY: `out` has 16 values of 32 bits.
            unsafe {
                _mm512_storeu_si512(out.as_mut_ptr().cast(), _mm512_sub_epi32(sum, excess));
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn multiply_wide_vnni(a: &[i16], width: usize, b: &[i16], out: &mut [i32]) {
    let n_out = b.len() / width;
    for (p, panels) in b.chunks(width * PANEL * 2).enumerate() {
        let tiles = a.chunks(width * 8);
        for (rows, out) in tiles.zip(out.chunks_mut(n_out * 8)) {
            let n = rows.len() / width;
            if panels.len() == width * PANEL * 2 {
                by_rows!(
                    n,
                    tile_wide,
                    2,
                    1,
                    (rows, width, panels, out, n_out, p * 2 * PANEL)
                );
            } else {
                by_rows!(
                    n,
                    tile_wide,
                    1,
                    1,
                    (rows, width, panels, out, n_out, p * 2 * PANEL)
                );
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn tile_wide<const ROWS: usize, const PANELS: usize, const DIGITS: usize>(
    rows: &[i16],
    width: usize,
    panels: &[i16],
    out: &mut [i32],
    n_out: usize,
    column: usize,
) {
    assert!(rows.len() >= ROWS * width && panels.len() == PANELS * width * PANEL);
    let mut sums = [[_mm512_setzero_si512(); PANELS]; ROWS];
    for g in 0..width / 2 {
        let mut weights = [_mm512_setzero_si512(); PANELS];
        for (p, weights) in weights.iter_mut().enumerate() {
            // SAFETY: a panel has `width / 2` pairs of 16 columns, 32 values of 16 bits each.
            *weights = unsafe {
                let at = panels.as_ptr().add((p * (width / 2) + g) * 2 * PANEL);
                _mm512_loadu_si512(at.cast())
            };
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `g < width / 2`, so two values from `r width + 2 g` on are in `rows`.
            let values = unsafe {
                let at = rows.as_ptr().add(r * width + g * 2);
                _mm512_set1_epi32(at.cast::<i32>().read_unaligned())
            };
            for (sum, &weights) in sums.iter_mut().zip(&weights) {
                *sum = _mm512_dpwssd_epi32(*sum, values, weights);
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        for (p, sum) in sums.into_iter().enumerate() {
            let out = &mut out[r * n_out + column + p * PANEL..][..PANEL];
            // SAFETY: `out` has 16 values of 32 bits.
            unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), sum) };
        }
    }
}

/// The stages of `math`, compiled for 512-bit vectors.
pub(super) mod stage {
    use crate::encoder::kernel::each_stage;
    use crate::encoder::math;

    macro_rules! compile {
        ($($(#[$doc:meta])* $name:ident = $stage:path, ($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
            $($(#[$doc])*
            pub(in crate::encoder) fn $name($($argument: $type),*) $(-> $result)? {
                #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
                fn wide($($argument: $type),*) $(-> $result)? {
                    $stage($($argument),*)
                }
                // SAFETY: `Kernel::Vnni` is made only where all of these are there.
                unsafe { wide($($argument),*) }
            })*
        };
    }
    each_stage!(compile);
}
