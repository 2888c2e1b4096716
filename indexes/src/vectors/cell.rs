//! A cell: the chunks near one centroid, and their codes.
//!
//! One range-coded stream: the number of vectors in a Number around 64; the gaps between the chunks'
//! numbers, ascending, in a Number around their mean; then the vectors.

use super::codes::{Axes, Codes};
use crate::coder::{Decoder, Encoder, Number};
use crate::error::{IndexError, Section};

/// Log2 of the number of vectors that a cell is expected to have.
const TYPICAL_LOG2: i32 = 6;

/// The vectors of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// Chunks, ascending. `[n]`
    pub chunks: Vec<u32>,
    /// Their codes. `[n, dims]`
    pub vectors: Codes,
}

fn gaps(n_chunks: u32, n: usize) -> Number {
    Number::geometric((n_chunks / (n as u32).max(1)).max(1).ilog2() as i32)
}

impl Cell {
    /// Writes the cell of a segment of `n_chunks`.
    pub fn write(&self, axes: &Axes, n_chunks: u32) -> Vec<u8> {
        let mut encoder = Encoder::new();
        Number::geometric(TYPICAL_LOG2).encode(&mut encoder, self.chunks.len() as u32);
        let mut gap = gaps(n_chunks, self.chunks.len());
        let mut next = 0;
        for &chunk in &self.chunks {
            gap.encode(&mut encoder, chunk - next);
            next = chunk + 1;
        }
        axes.encode(&self.vectors, &mut encoder);
        encoder.finish()
    }

    /// Reads a cell of a segment of `n_chunks`.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the payload is not what [`Self::write`] makes.
    pub fn read(payload: &[u8], axes: &Axes, n_chunks: u32) -> Result<Self, IndexError> {
        let section = Section::Cells;
        let mut decoder = Decoder::new(payload);
        let corrupt = |d: &Decoder<'_>, why| Err(IndexError::corrupt(section, d.offset(), why));
        let n = Number::geometric(TYPICAL_LOG2).decode(&mut decoder);
        // A vector takes at least the 8 bits of its factor.
        if n > n_chunks || n as usize > payload.len() {
            return corrupt(&decoder, "a cell has more vectors than there are chunks");
        }
        let mut gap = gaps(n_chunks, n as usize);
        let mut next = 0u32;
        let mut chunks = Vec::with_capacity(n as usize);
        for _ in 0..n {
            let chunk = next.checked_add(gap.decode(&mut decoder));
            let Some(chunk) = chunk.filter(|&c| c < n_chunks) else {
                return corrupt(&decoder, "a cell names a chunk beyond the last");
            };
            chunks.push(chunk);
            next = chunk + 1;
        }
        let vectors = axes.decode(n as usize, &mut decoder, section)?;
        Ok(Self { chunks, vectors })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::codes::N_CLASSES;
    use proptest::prelude::*;

    fn axes() -> Axes {
        Axes::new(0.05, (0..40).map(|d| 16 - (d / 4) as u8).collect()).unwrap()
    }

    proptest! {
        #[test]
        fn a_cell_is_read_as_written(
            chunks in prop::collection::btree_set(0u32..900, 0..40),
            seed in any::<u64>(),
        ) {
            let axes = axes();
            let mut state = seed | 1;
            let mut codes = Codes::default();
            for _ in &chunks {
                for _ in 0..40 {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    codes.codes.push(((state >> 33) % 255) as u8 as i8);
                }
                codes.factors.push((state >> 40) as u8);
            }
            codes.codes.iter_mut().for_each(|c| *c = (*c).max(-127));
            let cell = Cell { chunks: chunks.into_iter().collect(), vectors: codes };
            prop_assert_eq!(Cell::read(&cell.write(&axes, 900), &axes, 900), Ok(cell));
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Cell::read(&bytes, &axes(), 900);
        }
    }

    #[test]
    fn the_estimate_of_a_dot_product_is_close() {
        let dims = 64;
        let axes = Axes::fit(0.02, &vec![1.0 / 64.0; dims]).unwrap();
        assert!(
            axes.classes()
                .iter()
                .all(|&class| usize::from(class) < N_CLASSES)
        );
        let unit = |i: usize| -> Vec<f32> {
            let raw: Vec<f32> = (0..dims)
                .map(|d| ((i * 31 + d * 17) % 23) as f32 - 11.0)
                .collect();
            let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
            raw.iter().map(|x| x / norm).collect()
        };
        let (a, b) = (unit(1), unit(5));
        let codes = axes.quantise(&b);
        let exact: f32 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
        let rounded: f32 = a
            .iter()
            .zip(&codes.codes)
            .map(|(x, &c)| x * f32::from(c) * 0.02)
            .sum();
        let factor = (460.0 + f32::from(codes.factors[0])) / 512.0;
        assert!(
            (rounded * factor - exact).abs() < 0.02,
            "{exact} {rounded} {factor}"
        );
    }
}
