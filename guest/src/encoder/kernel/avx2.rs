//! AVX2: eight weights widen to two pairs of two outputs, `vpmaddwd` sums pairs of products.
//!
//! A tile of up to 5 rows and 8 outputs keeps 10 sums of 256 bits in registers, beside two vectors
//! of weights and one of inputs.
#![expect(unsafe_code, reason = "loads and stores within checked slices")]
#![allow(
    clippy::wildcard_imports,
    reason = "intrinsics have a prefix of their own"
)]

use crate::encoder::matrix::{Line, Matrix, PANEL};
use std::arch::x86_64::*;

const MAX_ROWS: usize = 5;

/// Products of rows with the outputs of a matrix. Runs only where AVX2 was found.
pub(super) fn multiply(rows: &[i16], matrix: &Matrix, out: &mut [i32]) {
    // SAFETY: `Kernel::Avx2` is made only where AVX2 is there.
    unsafe { multiply_avx2(rows, matrix, out) }
}

/// As [`multiply`], for columns in panels.
pub(super) fn multiply_wide(a: &[i16], width: usize, b: &[i16], out: &mut [i32]) {
    // SAFETY: as above.
    unsafe { multiply_wide_avx2(a, width, b, out) }
}

/// Calls `$tile::<N>` with the number of rows as a constant.
macro_rules! by_rows {
    ($n:expr, $tile:ident, $arguments:tt) => {
        match $n {
            1 => $tile::<1> $arguments,
            2 => $tile::<2> $arguments,
            3 => $tile::<3> $arguments,
            4 => $tile::<4> $arguments,
            _ => $tile::<5> $arguments,
        }
    };
}

#[target_feature(enable = "avx2")]
fn multiply_avx2(rows: &[i16], matrix: &Matrix, out: &mut [i32]) {
    let (width, n_out) = (matrix.n_in(), matrix.padded_out());
    for (p, lines) in matrix.lines().chunks_exact(matrix.n_groups()).enumerate() {
        let tiles = rows.chunks(width * MAX_ROWS);
        for (rows, out) in tiles.zip(out.chunks_mut(n_out * MAX_ROWS)) {
            for half in 0..2 {
                let column = p * PANEL + half * 8;
                by_rows!(
                    rows.len() / width,
                    tile,
                    (rows, lines, half, out, n_out, column)
                );
            }
        }
    }
}

#[target_feature(enable = "avx2")]
fn tile<const ROWS: usize>(
    rows: &[i16],
    lines: &[Line],
    half: usize,
    out: &mut [i32],
    n_out: usize,
    column: usize,
) {
    let width = lines.len() * 4;
    assert!(rows.len() >= ROWS * width && out.len() >= (ROWS - 1) * n_out + column + 8 && half < 2);
    let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
    for (g, line) in lines.iter().enumerate() {
        let start = line.0[half * 32..].as_ptr();
        // SAFETY: 32 of the line's 64 bytes follow `start`, as `half` is 0 or 1.
        let (low, high) = unsafe {
            (
                _mm256_cvtepi8_epi16(_mm_loadu_si128(start.cast())),
                _mm256_cvtepi8_epi16(_mm_loadu_si128(start.add(16).cast())),
            )
        };
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `g < width / 4`, so four values from `r width + 4 g` on are in `rows`, which
            // has at least `ROWS width`.
            let values = unsafe {
                let at = rows.as_ptr().add(r * width + g * 4);
                _mm256_set1_epi64x(at.cast::<i64>().read_unaligned())
            };
            sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(low, values));
            sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(high, values));
        }
    }
    for (r, [low, high]) in sums.into_iter().enumerate() {
        // Two sums an output lie side by side; the addition leaves outputs 0 1 4 5 2 3 6 7.
        let added = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(low, high));
        let out = &mut out[r * n_out + column..][..8];
        // SAFETY: `out` has 8 values of 32 bits.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), added) };
    }
}

#[target_feature(enable = "avx2")]
fn multiply_wide_avx2(a: &[i16], width: usize, b: &[i16], out: &mut [i32]) {
    let n_out = b.len() / width;
    for (p, panel) in b.chunks_exact(width * PANEL).enumerate() {
        let tiles = a.chunks(width * MAX_ROWS);
        for (rows, out) in tiles.zip(out.chunks_mut(n_out * MAX_ROWS)) {
            let n_rows = rows.len() / width;
            by_rows!(
                n_rows,
                tile_wide,
                (rows, width, panel, out, n_out, p * PANEL)
            );
        }
    }
}

#[target_feature(enable = "avx2")]
fn tile_wide<const ROWS: usize>(
    rows: &[i16],
    width: usize,
    panel: &[i16],
    out: &mut [i32],
    n_out: usize,
    column: usize,
) {
    assert!(rows.len() >= ROWS * width && out.len() >= (ROWS - 1) * n_out + column + PANEL);
    let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
    for (g, pair) in panel
        .as_chunks::<{ 2 * PANEL }>()
        .0
        .iter()
        .enumerate()
        .take(width / 2)
    {
        // SAFETY: a pair of 16 columns is 32 values of 16 bits.
        let (low, high) = unsafe {
            (
                _mm256_loadu_si256(pair.as_ptr().cast()),
                _mm256_loadu_si256(pair.as_ptr().add(16).cast()),
            )
        };
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `g < width / 2`, so two values from `r width + 2 g` on are in `rows`.
            let values = unsafe {
                let at = rows.as_ptr().add(r * width + g * 2);
                _mm256_set1_epi32(at.cast::<i32>().read_unaligned())
            };
            sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(low, values));
            sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(high, values));
        }
    }
    for (r, [low, high]) in sums.into_iter().enumerate() {
        let out = &mut out[r * n_out + column..][..PANEL];
        // SAFETY: `out` has 16 values of 32 bits.
        unsafe {
            _mm256_storeu_si256(out.as_mut_ptr().cast(), low);
            _mm256_storeu_si256(out.as_mut_ptr().add(8).cast(), high);
        }
    }
}

/// The stages of `math`, compiled for 256-bit vectors.
pub(super) mod stage {
    use crate::encoder::kernel::each_stage;
    use crate::encoder::math;

    macro_rules! compile {
        ($($(#[$doc:meta])* $name:ident = $stage:path, ($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
            $($(#[$doc])*
            pub(in crate::encoder) fn $name($($argument: $type),*) $(-> $result)? {
                #[target_feature(enable = "avx2")]
                fn wide($($argument: $type),*) $(-> $result)? {
                    $stage($($argument),*)
                }
                // SAFETY: `Kernel::Avx2` is made only where AVX2 is there.
                unsafe { wide($($argument),*) }
            })*
        };
    }
    each_stage!(compile);
}
