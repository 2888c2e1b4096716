//! WebAssembly: eight weights widen to two pairs of two outputs, `i32x4.dot_i16x8_s` sums pairs of
//! products.
//!
//! A tile of up to 4 rows and 4 outputs keeps 8 sums of 128 bits in registers, beside 4 vectors of
//! inputs and 2 of weights: engines on x86 leave 15, and order loads before products.
#![expect(unsafe_code, reason = "loads and stores within checked slices")]
#![allow(
    clippy::wildcard_imports,
    reason = "intrinsics have a prefix of their own"
)]

use crate::encoder::matrix::{GROUP, Line, Matrix, PANEL};
use std::arch::wasm32::*;

const MAX_ROWS: usize = 4;

/// Calls `$tile::<N>` with the number of rows as a constant.
macro_rules! by_rows {
    ($n:expr, $tile:ident, $arguments:tt) => {
        match $n {
            1 => $tile::<1> $arguments,
            2 => $tile::<2> $arguments,
            3 => $tile::<3> $arguments,
            _ => $tile::<4> $arguments,
        }
    };
}

/// Rows of each tile for `n_rows`: equal ones, 9 rows are 5 and 4.
fn tile_rows(n_rows: usize) -> usize {
    n_rows.div_ceil(n_rows.div_ceil(MAX_ROWS).max(1)).max(1)
}

/// A group of values of the rows of a tile, `[row, value]`.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(32))]
pub(super) struct Step([[i16; GROUP]; MAX_ROWS]);

/// Rows in tiles, a tile as its steps: what a step of the product reads lies together.
pub(super) fn pack(rows: &[i16], width: usize, out: &mut Vec<Step>) {
    out.clear();
    for tile in rows.chunks(width * tile_rows(rows.len() / width)) {
        let start = out.len();
        out.resize(start + width / GROUP, Step([[0; GROUP]; MAX_ROWS]));
        for (r, row) in tile.chunks_exact(width).enumerate() {
            for (step, values) in out[start..].iter_mut().zip(row.as_chunks::<GROUP>().0) {
                step.0[r] = *values;
            }
        }
    }
}

/// Products of `n_rows` rows, as [`pack`] laid them, with the outputs of a matrix.
pub(super) fn multiply(packed: &[Step], n_rows: usize, matrix: &Matrix, out: &mut [i32]) {
    let (n_groups, n_out) = (matrix.n_groups(), matrix.padded_out());
    let tile_rows = tile_rows(n_rows);
    for (p, lines) in matrix.lines().chunks_exact(n_groups).enumerate() {
        let tiles = packed.chunks_exact(n_groups);
        for (steps, out) in tiles.zip(out.chunks_mut(n_out * tile_rows)) {
            for quarter in 0..4 {
                let at = (quarter, n_out, p * PANEL + quarter * 4);
                match out.len() / n_out {
                    1 => tile::<1>(steps, lines, out, at),
                    2 => tile::<2>(steps, lines, out, at),
                    3 => tile::<3>(steps, lines, out, at),
                    _ => tile::<4>(steps, lines, out, at),
                }
            }
        }
    }
}

fn tile<const ROWS: usize>(
    steps: &[Step],
    lines: &[Line],
    out: &mut [i32],
    (quarter, n_out, column): (usize, usize, usize),
) {
    assert!(steps.len() == lines.len() && quarter < 4 && ROWS <= MAX_ROWS);
    let mut sums = [[i32x4_splat(0); 2]; ROWS];
    for (line, step) in lines.iter().zip(steps) {
        // SAFETY: 16 of the line's 64 bytes follow `16 quarter`.
        let (low, high) = unsafe {
            let weights = line.0.as_ptr().add(quarter * 16);
            (
                i16x8_load_extend_i8x8(weights),
                i16x8_load_extend_i8x8(weights.add(8)),
            )
        };
        for (values, sums) in step.0.iter().zip(&mut sums) {
            // SAFETY: four values of 16 bits.
            let values = unsafe { v128_load64_splat(values.as_ptr().cast()) };
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
