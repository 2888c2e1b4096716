//! The centroids of a segment's cells: what is read before it is known which cells are needed.
//!
//! | field | coding | meaning |
//! |---|---|---|
//! | dims | number | dimensions of the vectors |
//! | step | 4 bytes | of the cells' axes, an `f32`, little-endian |
//! | classes | 1 byte each | of the cells' axes `[dims]` |
//! | n | number | cells |
//! | sizes | n numbers | vectors in each cell |
//! | codes | to the end | the centroids, as a cell's vectors are coded, with a step four times as wide |
//!
//! A centroid is the mean of its cell's vectors scaled to unit length.

use super::codes::{Axes, Codes};
use super::{MAX_CELL, MAX_DIMS};
use crate::bytes::{FieldReader, put_number};
use crate::coder::{Decoder, Encoder};
use crate::error::{IndexError, Section};

/// The step of centroids is this power of two times that of the cells.
const COARSER_LOG2: u8 = 2;

/// Centroids of the cells of a segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Centroids {
    /// Axes of the cells.
    pub axes: Axes,
    /// Vectors in each cell. `[n]`
    pub sizes: Vec<u32>,
    /// The centroids, coded along [`Self::own_axes`]. `[n, dims]`
    pub vectors: Codes,
}

impl Centroids {
    /// The axes that centroids are coded along.
    pub fn own_axes(axes: &Axes) -> Axes {
        axes.coarser(COARSER_LOG2)
    }

    /// Writes the block.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, self.axes.dims() as u32);
        out.extend_from_slice(&self.axes.step().to_le_bytes());
        out.extend_from_slice(self.axes.classes());
        put_number(&mut out, self.sizes.len() as u32);
        self.sizes.iter().for_each(|&n| put_number(&mut out, n));
        let mut encoder = Encoder::new();
        Self::own_axes(&self.axes).encode(&self.vectors, &mut encoder);
        out.extend_from_slice(&encoder.finish());
        out
    }

    /// Reads the block of a segment with `n_cells` cells over `n_chunks` chunks.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the payload is not what [`Self::write`] makes.
    pub fn read(payload: &[u8], n_cells: u32, n_chunks: u32) -> Result<Self, IndexError> {
        let mut fields = FieldReader::new(payload, Section::Centroids);
        let dims = fields.number()? as usize;
        if dims == 0 || dims > MAX_DIMS {
            return Err(fields.error("vectors have no dimensions, or too many"));
        }
        let mut step = [0; 4];
        step.copy_from_slice(fields.take(4)?);
        let axes = Axes::new(f32::from_le_bytes(step), fields.take(dims)?.to_vec())?;
        let n = fields.number()? as usize;
        // A centroid takes at least the bytes of its size and its factor.
        if n != n_cells as usize || n > fields.rest() {
            return Err(fields.error("there are not as many centroids as cells"));
        }
        let mut sizes = Vec::with_capacity(n);
        let mut total = 0u64;
        for _ in 0..n {
            let size = fields.number()?;
            total += u64::from(size);
            if size as usize > MAX_CELL || total > u64::from(n_chunks) {
                return Err(fields.error("cells hold more vectors than there are chunks"));
            }
            sizes.push(size);
        }
        let rest = fields.rest();
        let mut decoder = Decoder::new(fields.take(rest)?);
        let own = Self::own_axes(&axes);
        let vectors = own.decode(n, &mut decoder, Section::Centroids)?;
        Ok(Self {
            axes,
            sizes,
            vectors,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn example() -> Centroids {
        let axes = Axes::fit(0.05, &[0.04, 0.01, 0.002, 0.0001]).unwrap();
        let vectors = Centroids::own_axes(&axes).quantise(&[
            0.7, 0.6, 0.1, 0.02, //
            -0.9, 0.3, -0.2, 0.0,
        ]);
        let sizes = vec![5, 3];
        Centroids {
            axes,
            sizes,
            vectors,
        }
    }

    #[test]
    fn centroids_are_read_as_written() {
        let centroids = example();
        let bytes = centroids.write();
        assert_eq!(Centroids::read(&bytes, 2, 8), Ok(centroids));
        assert!(Centroids::read(&bytes, 2, 7).is_err());
        assert!(Centroids::read(&bytes, 3, 8).is_err());
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), n in 0u32..9) {
            let _ = Centroids::read(&bytes, n, 100);
        }

        #[test]
        fn a_changed_byte_never_panics(at in 0usize..20, value in any::<u8>()) {
            let mut bytes = example().write();
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = Centroids::read(&bytes, 2, 8);
        }
    }
}
