//! Blocks of rows, writer and reader.

use super::{Row, TableShape};
use crate::bytes::{FieldReader, put_number};
use crate::error::{IndexError, Section};

/// Writes the block of `rows` of `shape` by their marks, strictly ascending: what
/// [`TableBlock::rows`] gives, changed or not.
///
/// # Errors
/// [`IndexError::Corrupt`] when a row is not of the shape or marks are out of order.
pub fn write_block(shape: TableShape, rows: &[(u32, Row)]) -> Result<Vec<u8>, IndexError> {
    for (_, row) in rows {
        row.check(shape)?;
    }
    if rows.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        let reason = "marks are out of order";
        return Err(IndexError::corrupt(Section::Table, 0, reason));
    }
    let rows: Vec<(u32, &Row)> = rows.iter().map(|(mark, row)| (*mark, row)).collect();
    Ok(write(shape, &rows))
}

/// Writes rows in the order of their marks.
pub(super) fn write(shape: TableShape, rows: &[(u32, &Row)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + rows.len() * shape.stored_bytes());
    put_number(&mut out, rows.len() as u32);
    for &(mark, _) in rows {
        out.extend_from_slice(&mark.to_le_bytes()[..3]);
    }
    for (_, row) in rows {
        out.extend_from_slice(&row.step.to_le_bytes());
    }
    let half = 1_i16 << (shape.bits - 1);
    for (_, row) in rows {
        let (mut bits, mut n_bits) = (0_u32, 0);
        for &code in &row.codes {
            bits |= ((i16::from(code) + half) as u32) << n_bits;
            n_bits += u32::from(shape.bits);
            while n_bits >= 8 {
                out.push(bits as u8);
                bits >>= 8;
                n_bits -= 8;
            }
        }
    }
    out
}

/// A block of rows, checked and kept as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableBlock {
    shape: TableShape,
    n_rows: usize,
    /// The marks, the steps and the codes.
    bytes: Vec<u8>,
}

impl TableBlock {
    /// Reads what [`super::write()`] wrote for `shape`. Any code is legal, so only the length and the
    /// order of the marks are checked.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when the shape or the payload is not sound.
    pub fn read(payload: &[u8], shape: TableShape) -> Result<Self, IndexError> {
        shape.check()?;
        let mut fields = FieldReader::new(payload, Section::Table);
        let n_rows = fields.number()? as usize;
        if n_rows.checked_mul(shape.stored_bytes()) != Some(fields.rest()) {
            return Err(fields.error("the rows do not fill the block"));
        }
        let block = Self {
            shape,
            n_rows,
            bytes: fields.take(fields.rest())?.to_vec(),
        };
        if (1..n_rows).any(|i| block.mark(i - 1) >= block.mark(i)) {
            return Err(fields.error("marks are out of order"));
        }
        Ok(block)
    }

    /// How many rows it has.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn mark(&self, i: usize) -> u32 {
        let at = &self.bytes[3 * i..];
        u32::from(at[0]) | u32::from(at[1]) << 8 | u32::from(at[2]) << 16
    }

    /// The rows with their marks, by mark.
    pub fn rows(&self) -> impl Iterator<Item = (u32, Row)> {
        (0..self.n_rows).map(|i| {
            let mut worth = vec![0; usize::from(self.shape.dims)];
            let row = self.row(i);
            let one = RowRef { step: 1, ..row };
            one.add_to(&mut worth);
            let codes = worth.into_iter().map(|code| code as i8).collect();
            let step = row.step;
            (self.mark(i), Row { step, codes })
        })
    }

    fn row(&self, i: usize) -> RowRef<'_> {
        let step = &self.bytes[3 * self.n_rows + 2 * i..];
        let len = self.shape.row_bytes();
        RowRef {
            step: u16::from_le_bytes([step[0], step[1]]),
            bits: self.shape.bits,
            codes: &self.bytes[5 * self.n_rows + i * len..][..len],
        }
    }

    /// The row with `mark`, as [`super::mark_of`] gives it; `None` when the block has none.
    pub fn find(&self, mark: u32) -> Option<RowRef<'_>> {
        (0..self.n_rows)
            .find(|&i| self.mark(i) == mark)
            .map(|i| self.row(i))
    }
}

/// A row within its block.
#[derive(Debug, Clone, Copy)]
pub struct RowRef<'a> {
    step: u16,
    bits: u8,
    codes: &'a [u8],
}

impl RowRef<'_> {
    /// Adds the row to `sum`, `[dims]`. With at most [`super::MAX_ROWS`] rows no sum leaves 32 bits:
    /// 128 · 65,535 · 256 is 2³¹ less 32,768.
    pub fn add_to(&self, sum: &mut [i32]) {
        let (step, width) = (i32::from(self.step), u32::from(self.bits));
        let (mask, half) = ((1_u32 << width) - 1, 1_i32 << (width - 1));
        let (mut bits, mut n_bits) = (0_u32, 0);
        let mut bytes = self.codes.iter();
        for sum in sum {
            if n_bits < width {
                bits |= u32::from(bytes.next().copied().unwrap_or(0)) << n_bits;
                n_bits += 8;
            }
            *sum += ((bits & mask) as i32 - half) * step;
            bits >>= width;
            n_bits -= width;
        }
    }
}
