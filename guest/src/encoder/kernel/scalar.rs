//! The plain kernel, to which the others are held.

use crate::encoder::matrix::{GROUP, Matrix, PANEL};

/// Products of rows with the outputs of a matrix.
pub(crate) fn multiply(rows: &[i16], matrix: &Matrix, out: &mut [i32]) {
    let (width, n_out) = (matrix.n_in(), matrix.padded_out());
    let n_groups = matrix.n_groups();
    for (row, out) in rows.chunks_exact(width).zip(out.chunks_exact_mut(n_out)) {
        let panels = matrix.lines().chunks_exact(n_groups);
        for (lines, out) in panels.zip(out.chunks_exact_mut(PANEL)) {
            let mut sums = [0i32; PANEL];
            for (line, values) in lines.iter().zip(row.as_chunks::<GROUP>().0) {
                for (sum, weights) in sums.iter_mut().zip(line.0.as_chunks::<GROUP>().0) {
                    for (&weight, &value) in weights.iter().zip(values) {
                        *sum = sum.wrapping_add(i32::from(weight) * i32::from(value));
                    }
                }
            }
            out.copy_from_slice(&sums);
        }
    }
}

/// Products of rows with columns in panels.
pub(crate) fn multiply_wide(a: &[i16], width: usize, b: &[i16], out: &mut [i32]) {
    let n_columns = b.len() / width;
    for (row, out) in a.chunks_exact(width).zip(out.chunks_exact_mut(n_columns)) {
        let panels = b.chunks_exact(width * PANEL);
        for (panel, out) in panels.zip(out.chunks_exact_mut(PANEL)) {
            let mut sums = [0i32; PANEL];
            let pairs = panel.as_chunks::<{ 2 * PANEL }>().0;
            for (pair, values) in pairs.iter().zip(row.as_chunks::<2>().0) {
                for (sum, weights) in sums.iter_mut().zip(pair.as_chunks::<2>().0) {
                    for (&weight, &value) in weights.iter().zip(values) {
                        *sum = sum.wrapping_add(i32::from(weight) * i32::from(value));
                    }
                }
            }
            out.copy_from_slice(&sums);
        }
    }
}
