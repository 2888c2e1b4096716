//! WebAssembly: eight weights widen to two pairs of two outputs, `i32x4.dot_i16x8_s` sums pairs of
//! products.
//!
//! A tile of up to 5 rows and 4 outputs keeps 10 sums of 128 bits in registers, of which engines on
//! x86 leave 15.
#![expect(unsafe_code, reason = "loads and stores within checked slices")]
#![allow(
    clippy::wildcard_imports,
    reason = "intrinsics have a prefix of their own"
)]

use crate::encoder::matrix::{Line, Matrix, PANEL};
use std::arch::wasm32::*;

const MAX_ROWS: usize = 5;

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

/// Products of rows with the outputs of a matrix.
pub(super) fn multiply(rows: &[i16], matrix: &Matrix, out: &mut [i32]) {
    let (width, n_out) = (matrix.n_in(), matrix.padded_out());
    for (p, lines) in matrix.lines().chunks_exact(matrix.n_groups()).enumerate() {
        let tiles = rows.chunks(width * MAX_ROWS);
        for (rows, out) in tiles.zip(out.chunks_mut(n_out * MAX_ROWS)) {
            for quarter in 0..4 {
                let column = p * PANEL + quarter * 4;
                by_rows!(
                    rows.len() / width,
                    tile,
                    (rows, lines, quarter, out, n_out, column)
                );
            }
        }
    }
}

fn tile<const ROWS: usize>(
    rows: &[i16],
    lines: &[Line],
    quarter: usize,
    out: &mut [i32],
    n_out: usize,
    column: usize,
) {
    let width = lines.len() * 4;
    assert!(rows.len() >= ROWS * width && quarter < 4);
    let mut sums = [[i32x4_splat(0); 2]; ROWS];
    for (g, line) in lines.iter().enumerate() {
        // SAFETY: 16 of the line's 64 bytes follow `16 quarter`.
        let weights = unsafe { v128_load(line.0.as_ptr().add(quarter * 16).cast()) };
        let (low, high) = (
            i16x8_extend_low_i8x16(weights),
            i16x8_extend_high_i8x16(weights),
        );
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `g < width / 4`, so four values from `r width + 4 g` on are in `rows`, which
            // has at least `ROWS width`.
            let values = unsafe { v128_load64_splat(rows.as_ptr().add(r * width + g * 4).cast()) };
            sums[0] = i32x4_add(sums[0], i32x4_dot_i16x8(low, values));
            sums[1] = i32x4_add(sums[1], i32x4_dot_i16x8(high, values));
        }
    }
    for (r, [low, high]) in sums.into_iter().enumerate() {
        let even = i32x4_shuffle::<0, 2, 4, 6>(low, high);
        let odd = i32x4_shuffle::<1, 3, 5, 7>(low, high);
        let out = &mut out[r * n_out + column..][..4];
        // SAFETY: `out` has 4 values of 32 bits.
        unsafe { v128_store(out.as_mut_ptr().cast(), i32x4_add(even, odd)) };
    }
}

/// As [`multiply`], for columns in panels.
pub(super) fn multiply_wide(a: &[i16], width: usize, b: &[i16], out: &mut [i32]) {
    let n_out = b.len() / width;
    for (p, panel) in b.chunks_exact(width * PANEL).enumerate() {
        let tiles = a.chunks(width * MAX_ROWS);
        for (rows, out) in tiles.zip(out.chunks_mut(n_out * MAX_ROWS)) {
            for half in 0..2 {
                let column = p * PANEL + half * 8;
                by_rows!(
                    rows.len() / width,
                    tile_wide,
                    (rows, width, panel, half, out, n_out, column)
                );
            }
        }
    }
}

fn tile_wide<const ROWS: usize>(
    rows: &[i16],
    width: usize,
    panel: &[i16],
    half: usize,
    out: &mut [i32],
    n_out: usize,
    column: usize,
) {
    assert!(rows.len() >= ROWS * width && half < 2);
    let mut sums = [[i32x4_splat(0); 2]; ROWS];
    let pairs = panel.as_chunks::<{ 2 * PANEL }>().0;
    for (g, pair) in pairs.iter().enumerate().take(width / 2) {
        // SAFETY: a pair of 16 columns is 32 values of 16 bits, of which 16 follow `16 half`.
        let (low, high) = unsafe {
            let at = pair.as_ptr().add(half * 16);
            (v128_load(at.cast()), v128_load(at.add(8).cast()))
        };
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `g < width / 2`, so two values from `r width + 2 g` on are in `rows`.
            let values = unsafe { v128_load32_splat(rows.as_ptr().add(r * width + g * 2).cast()) };
            sums[0] = i32x4_add(sums[0], i32x4_dot_i16x8(low, values));
            sums[1] = i32x4_add(sums[1], i32x4_dot_i16x8(high, values));
        }
    }
    for (r, [low, high]) in sums.into_iter().enumerate() {
        let out = &mut out[r * n_out + column..][..8];
        // SAFETY: `out` has 8 values of 32 bits.
        unsafe {
            v128_store(out.as_mut_ptr().cast(), low);
            v128_store(out.as_mut_ptr().add(4).cast(), high);
        }
    }
}
