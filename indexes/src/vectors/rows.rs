//! Finer rows of a cell's vectors, for rescoring: 8 bits a dimension with a scale of their own.
//!
//! A block has the number of its cell and holds, for each of the cell's vectors in their order, a
//! scale (an `f32`, little-endian) and its `dims` bytes. A component is its byte times the scale.

use crate::bytes::FieldReader;
use crate::error::{IndexError, Section};

/// Rows of 8 bits a dimension.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// `[n]`
    pub scales: Vec<f32>,
    /// `[n, dims]`
    pub rows: Vec<i8>,
}

/// Largest magnitude of a row's component.
const LIMIT: f32 = 127.0;

impl Rows {
    /// Rounds `vectors`, `[n, dims]`, each to its own largest magnitude.
    pub fn quantise(vectors: &[f32], dims: usize) -> Self {
        let mut rows = Self::default();
        for vector in vectors.chunks_exact(dims.max(1)) {
            let largest = vector.iter().fold(0f32, |largest, x| largest.max(x.abs()));
            let scale = if largest > 0.0 { largest / LIMIT } else { 1.0 };
            rows.scales.push(scale);
            rows.rows.extend(vector.iter().map(|x| {
                let scaled = x / scale;
                (scaled + 0.5f32.copysign(scaled)).clamp(-LIMIT, LIMIT) as i8
            }));
        }
        rows
    }

    /// Writes the block.
    pub fn write(&self, dims: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.rows.len() + 4 * self.scales.len());
        for (scale, row) in self.scales.iter().zip(self.rows.chunks_exact(dims.max(1))) {
            out.extend_from_slice(&scale.to_le_bytes());
            out.extend(row.iter().map(|&x| x as u8));
        }
        out
    }

    /// Reads a block of vectors of `dims` dimensions.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the payload is not what [`Self::write`] makes.
    pub fn read(payload: &[u8], dims: usize) -> Result<Self, IndexError> {
        let mut fields = FieldReader::new(payload, Section::Rows);
        let row = dims + 4;
        if !payload.len().is_multiple_of(row) {
            return Err(fields.error("a block of rows ends within a row"));
        }
        let mut rows = Self::default();
        for _ in 0..payload.len() / row {
            let mut scale = [0; 4];
            scale.copy_from_slice(fields.take(4)?);
            let scale = f32::from_le_bytes(scale);
            if !scale.is_finite() {
                return Err(fields.error("the scale of a row is not a number"));
            }
            rows.scales.push(scale);
            rows.rows
                .extend(fields.take(dims)?.iter().map(|&x| x as i8));
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_written() {
        let rows = Rows::quantise(&[0.5, -0.25, 0.0, 1.0, 0.1, -1.0], 3);
        assert_eq!(rows.rows, [127, -64, 0, 127, 13, -127]);
        let bytes = rows.write(3);
        assert_eq!(Rows::read(&bytes, 3), Ok(rows));
        assert!(Rows::read(&bytes[1..], 3).is_err());
    }
}
