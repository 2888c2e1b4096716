//! The centroids of a segment's cells: what is read before it is known which cells are needed.
//!
//! Where cells are few, their centroids are one block, which every query reads. Where they are many,
//! cells near each other form a group: block 0 holds the centroids of the groups, block 1 + *g* those
//! of the cells of group *g*, and a query reads the groups near it. Cells are numbered by group.
//!
//! Block 0:
//!
//! | field | coding | meaning |
//! |---|---|---|
//! | dims | number | dimensions of the vectors |
//! | step | 4 bytes | of the cells' axes, an `f32`, little-endian |
//! | classes | 1 byte each | of the cells' axes `[dims]` |
//! | sizes | a number for each group | cells in the group |
//! | codes | to the end | the centroids, as a cell's vectors are coded, with a step four times as wide |
//!
//! The other blocks hold codes alone. A centroid is the mean of its vectors scaled to unit length.
//!
//! Source: Jégou, Douze, Schmid, "Product quantization for nearest neighbor search" (IEEE TPAMI 33,
//! 2011), section V-A on inverted files; Babenko, Lempitsky, "The inverted multi-index" (CVPR 2012),
//! on why many cells want a directory of their own.

use super::MAX_DIMS;
use super::codes::{Axes, Codes};
use crate::bytes::{FieldReader, put_number};
use crate::coder::{Decoder, Encoder};
use crate::error::{IndexError, Section};
use std::ops::Range;

/// The step of centroids is this power of two times that of the cells.
const COARSER_LOG2: u8 = 2;

/// Block 0 of a segment's centroids.
#[derive(Debug, Clone, PartialEq)]
pub struct Centroids {
    /// Axes of the cells.
    pub axes: Axes,
    /// Cells in each group; empty where there are no groups. `[n_groups]`
    pub groups: Vec<u32>,
    /// The centroids of the groups, or of the cells where there are no groups, coded along
    /// [`Self::own_axes`]. `[n, dims]`
    pub vectors: Codes,
}

impl Centroids {
    /// The axes that centroids are coded along.
    pub fn own_axes(axes: &Axes) -> Axes {
        axes.coarser(COARSER_LOG2)
    }

    /// The cells of group `group`.
    pub fn cells_of(&self, group: u32) -> Range<u32> {
        let before = self.groups.iter().take(group as usize);
        let start = before.sum();
        start..start + self.groups.get(group as usize).copied().unwrap_or(0)
    }

    /// Writes block 0.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, self.axes.dims() as u32);
        out.extend_from_slice(&self.axes.step().to_le_bytes());
        out.extend_from_slice(self.axes.classes());
        self.groups.iter().for_each(|&n| put_number(&mut out, n));
        out.extend(self.write_group(&self.vectors));
        out
    }

    /// Writes the block of a group whose cells have the centroids `vectors`.
    pub fn write_group(&self, vectors: &Codes) -> Vec<u8> {
        let mut encoder = Encoder::new();
        Self::own_axes(&self.axes).encode(vectors, &mut encoder);
        encoder.finish()
    }

    /// Reads block 0 of a segment with `n_cells` cells in `n_groups` groups.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the payload is not what [`Self::write`] makes.
    pub fn read(payload: &[u8], n_cells: u32, n_groups: u32) -> Result<Self, IndexError> {
        let mut fields = FieldReader::new(payload, Section::Centroids);
        let dims = fields.number()? as usize;
        if dims == 0 || dims > MAX_DIMS {
            return Err(fields.error("vectors have no dimensions, or too many"));
        }
        let mut step = [0; 4];
        step.copy_from_slice(fields.take(4)?);
        let axes = Axes::new(f32::from_le_bytes(step), fields.take(dims)?.to_vec())?;
        let mut groups = Vec::new();
        let mut total = 0u64;
        for _ in 0..n_groups {
            // A number takes at least a byte, so that no more are read than there are bytes.
            let n = fields.number()?;
            total += u64::from(n);
            groups.push(n);
        }
        if n_groups > 0 && total != u64::from(n_cells) {
            return Err(fields.error("groups do not hold as many cells as there are"));
        }
        let n = if n_groups > 0 { n_groups } else { n_cells };
        let rest = fields.rest();
        let vectors = read_codes(fields.take(rest)?, &axes, n)?;
        Ok(Self {
            axes,
            groups,
            vectors,
        })
    }

    /// Reads the centroids of the cells of group `group`.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the payload is not what [`Self::write_group`] makes.
    pub fn read_group(&self, payload: &[u8], group: u32) -> Result<Codes, IndexError> {
        let n = self.groups.get(group as usize);
        let n = n.ok_or_else(|| corrupt("there are not as many groups"))?;
        read_codes(payload, &self.axes, *n)
    }
}

fn corrupt(reason: &'static str) -> IndexError {
    IndexError::corrupt(Section::Centroids, 0, reason)
}

/// `n` centroids.
fn read_codes(payload: &[u8], axes: &Axes, n: u32) -> Result<Codes, IndexError> {
    // A centroid takes at least the byte of its factor.
    if n as usize > payload.len() {
        return Err(corrupt("there are not as many centroids as cells"));
    }
    let own = Centroids::own_axes(axes);
    own.decode(n as usize, &mut Decoder::new(payload), Section::Centroids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TWO: [f32; 8] = [
        0.7, 0.6, 0.1, 0.02, //
        -0.9, 0.3, -0.2, 0.0,
    ];

    fn example(groups: &[u32]) -> Centroids {
        let axes = Axes::fit(0.05, &[0.04, 0.01, 0.002, 0.0001]).unwrap();
        Centroids {
            vectors: Centroids::own_axes(&axes).quantise(&TWO),
            groups: groups.to_vec(),
            axes,
        }
    }

    #[test]
    fn centroids_are_read_as_written() {
        let centroids = example(&[]);
        let bytes = centroids.write();
        assert_eq!(Centroids::read(&bytes, 2, 0), Ok(centroids));
        assert!(Centroids::read(&bytes, 200, 0).is_err());
    }

    #[test]
    fn groups_are_read_as_written() {
        let centroids = example(&[5, 2]);
        let bytes = centroids.write();
        assert_eq!(Centroids::read(&bytes, 7, 2), Ok(centroids.clone()));
        assert!(Centroids::read(&bytes, 8, 2).is_err());
        assert_eq!([centroids.cells_of(0), centroids.cells_of(1)], [0..5, 5..7]);
        let of_cells = Centroids::own_axes(&centroids.axes).quantise(&TWO);
        let bytes = centroids.write_group(&of_cells);
        assert_eq!(centroids.read_group(&bytes, 1), Ok(of_cells));
        assert!(centroids.read_group(&bytes, 2).is_err());
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
            n in 0u32..9,
            n_groups in 0u32..5,
        ) {
            let _ = Centroids::read(&bytes, n, n_groups);
            let _ = example(&[n, 3]).read_group(&bytes, n_groups);
        }

        #[test]
        fn a_changed_byte_never_panics(at in 0usize..20, value in any::<u8>(), is_grouped in any::<bool>()) {
            let groups: &[u32] = if is_grouped { &[5, 2] } else { &[] };
            let mut bytes = example(groups).write();
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = Centroids::read(&bytes, 7, groups.len() as u32);
        }
    }
}
