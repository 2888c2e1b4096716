//! The rotation of an index: from the space of its embedder to the principal axes of its documents.
//!
//! | field | coding | meaning |
//! |---|---|---|
//! | width | number | dimensions of the embedder's space |
//! | rows | 2 bytes each, to the end | `[dims, width]`, little-endian `i16`, 32,767 for 1 |
//!
//! Row *i* is the *i*-th principal axis. There may be fewer than the embedder has dimensions: what
//! lies along the others is left out. The query table's rows are turned already, so only a query
//! that a transformer encoded, and documents that are added, need the rotation.

use super::MAX_DIMS;
use crate::bytes::{FieldReader, put_number};
use crate::error::{IndexError, Section};

const ONE: f32 = 32_767.0;

/// The first rows of an orthogonal matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    width: usize,
    rows: Vec<i16>,
}

impl Rotation {
    /// The rotation whose rows are `axes`, `[dims, width]`, of unit length.
    pub fn new(width: usize, axes: &[f32]) -> Self {
        let rows = axes
            .iter()
            .map(|&x| {
                let scaled = x.clamp(-1.0, 1.0) * ONE;
                (scaled + 0.5f32.copysign(scaled)) as i16
            })
            .collect();
        Self { width, rows }
    }

    /// Dimensions of the embedder's space.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Dimensions of a turned vector: the number of axes.
    pub fn dims(&self) -> usize {
        self.rows.len() / self.width.max(1)
    }

    /// `vector` along the axes. Sums are taken in the order of dimensions, eight side by side, so
    /// that every host rounds alike.
    ///
    /// # Panics
    /// When `vector` has not [`Self::width`] dimensions.
    pub fn apply(&self, vector: &[f32]) -> Vec<f32> {
        assert_eq!(vector.len(), self.width);
        let row = |row: &[i16]| {
            let mut sums = [0f32; 8];
            for (xs, rs) in vector.chunks(8).zip(row.chunks(8)) {
                for ((sum, &x), &r) in sums.iter_mut().zip(xs).zip(rs) {
                    *sum += x * f32::from(r);
                }
            }
            let [a, b, c, d, e, f, g, h] = sums;
            (((a + b) + (c + d)) + ((e + f) + (g + h))) / ONE
        };
        self.rows.chunks_exact(self.width).map(row).collect()
    }

    /// Writes the block.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, self.width as u32);
        self.rows
            .iter()
            .for_each(|row| out.extend_from_slice(&row.to_le_bytes()));
        out
    }

    /// Reads the block.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the payload is not what [`Self::write`] makes.
    pub fn read(payload: &[u8]) -> Result<Self, IndexError> {
        let mut fields = FieldReader::new(payload, Section::Rotation);
        let width = fields.number()? as usize;
        if width == 0 || width > MAX_DIMS {
            return Err(fields.error("vectors have no dimensions, or too many"));
        }
        let rest = fields.rest();
        if rest == 0 || !rest.is_multiple_of(2 * width) || rest > 2 * width * width {
            return Err(fields.error("a rotation has no rows, or part of one, or too many"));
        }
        let bytes = fields.take(rest)?;
        let rows = bytes
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        Ok(Self { width, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_is_read_as_written_and_turns() {
        let (c, s) = (0.6, 0.8);
        let rotation = Rotation::new(2, &[c, s, -s, c]);
        assert_eq!(Rotation::read(&rotation.write()), Ok(rotation.clone()));
        let turned = rotation.apply(&[1.0, 0.0]);
        assert!((turned[0] - 0.6).abs() < 1e-4 && (turned[1] + 0.8).abs() < 1e-4);
        assert!(Rotation::read(&rotation.write()[..8]).is_err());
        let first = Rotation::new(2, &[c, s]);
        assert_eq!(Rotation::read(&first.write()), Ok(first.clone()));
        assert_eq!((first.width(), first.dims()), (2, 1));
        assert_eq!(first.apply(&[1.0, 0.0]).len(), 1);
        assert!(Rotation::read(&[0]).is_err());
    }
}
