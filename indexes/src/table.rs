//! The query table: what each word adds to the vector of a query.
//!
//! Documents carry the vectors of an encoder; a query's vector is the sum of one row for each of its
//! words, fitted so that the sum points where the encoder would. The rows are read like postings: a
//! query fetches the blocks of its own words and nothing else.
//!
//! ```text
//! word ─BLAKE3→ 64 bits ┬ upper half → number of the block
//!                       └ lower 24   → mark of the row within the block
//! ```
//!
//! So nothing has to be listed: neither a vocabulary, nor a directory, nor what the blocks hold. A
//! word that has no row is found to have none by reading the block where it would be. Rows are of
//! one size and lie in the open, so a block is not decoded but looked into.
//!
//! Two words that are often side by side may have a row as a pair, which is added to theirs. It has
//! the mark of `first second` and lies in the block of either word, so it costs no request: a reader
//! looks into both.
//!
//! | field | size | meaning |
//! |---|---|---|
//! | rows | number | *n*, of the block |
//! | marks | 3 · n | little-endian, strictly ascending |
//! | steps | 2 · n | little-endian: what a code of 1 is worth in that row |
//! | codes | n · dims · bits ÷ 8 | row after row, lowest bits first; a code stands for its value less 2^(bits − 1) |

mod block;
mod row;

#[cfg(test)]
mod tests;

pub use block::{RowRef, TableBlock, write_block};
pub use row::Row;

use crate::error::{IndexError, Section};
use crate::hash::first_eight;
use bincode::{Decode, Encode};

/// Most dimensions of a table.
pub const MAX_DIMS: u16 = 2048;

/// Most rows that are summed: with more, a sum could leave 32 bits.
pub const MAX_ROWS: usize = 256;

/// Size that blocks are aimed at, in bytes. Small: each word of a query has its block to itself, so
/// what lies beside its row is ballast. Larger means fewer files. A block is found larger than the
/// mean, for a query's words are those that have pairs.
pub const BLOCK_BYTES: usize = 800;

/// Blocks beyond which they grow instead of becoming more: static hosts take 20,000 files, some less,
/// and a table is one part of an index. The writer of tables keeps to rows that fit
/// ([`MAX_TABLE_ROWS`]).
pub const MAX_BLOCKS: usize = 6_000;

/// Rows of a table, at most: six for each of [`MAX_BLOCKS`], so that the rows of 8 words stay within
/// 12 kB at 165 bytes a row.
pub const MAX_TABLE_ROWS: usize = 6 * MAX_BLOCKS;

/// Form of a table: what a reader must know to find and read rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct TableShape {
    /// Width of a row: a multiple of 8, 8 to [`MAX_DIMS`].
    pub dims: u16,
    /// Bits of a code, 2–8. Few save bytes, many keep the direction of a row: of a query's ten
    /// neighbours at 256 dimensions, 5 bits lose up to 0.5 %, 4 about 1 %, 3 about 3 % (measured on
    /// two collections).
    pub bits: u8,
    /// Blocks over which the words are spread; at least 1.
    pub n_blocks: u32,
}

impl TableShape {
    /// The form of a table of `n_rows` rows, with blocks of about [`BLOCK_BYTES`], or larger ones where
    /// there would be more than [`MAX_BLOCKS`].
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when `dims` or `bits` is out of range.
    pub fn new(dims: u16, bits: u8, n_rows: usize) -> Result<Self, IndexError> {
        let mut shape = Self {
            dims,
            bits,
            n_blocks: 1,
        };
        shape.check()?;
        let n_blocks = n_rows.div_ceil((BLOCK_BYTES / shape.stored_bytes()).max(1));
        shape.n_blocks = n_blocks.clamp(1, MAX_BLOCKS) as u32;
        Ok(shape)
    }

    /// Whether the fields are legal; a manifest may say anything.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when one is not.
    pub fn check(self) -> Result<(), IndexError> {
        let is_legal = (8..=MAX_DIMS).contains(&self.dims)
            && self.dims.is_multiple_of(8)
            && (2..=8).contains(&self.bits)
            && self.n_blocks > 0;
        if is_legal {
            Ok(())
        } else {
            let reason = "the shape of the query table is out of range";
            Err(IndexError::corrupt(Section::Manifest, 0, reason))
        }
    }

    /// Bytes of a row's codes.
    pub fn row_bytes(self) -> usize {
        usize::from(self.dims) * usize::from(self.bits) / 8
    }

    /// Bytes of a row with its mark and its step.
    fn stored_bytes(self) -> usize {
        self.row_bytes() + 5
    }

    /// The block where the row of `word` is, and those of its pairs.
    pub fn block_of(self, word: &str) -> u32 {
        (((hash(word) >> 32) * u64::from(self.n_blocks)) >> 32) as u32
    }
}

fn hash(key: &str) -> u64 {
    u64::from_le_bytes(first_eight(&[key.as_bytes()]))
}

/// The mark of a row within its block; `key` is a word, or two with a space between.
///
/// ```
/// assert!(littoral_indexes::table::mark_of("spring tide") < 1 << 24);
/// ```
pub fn mark_of(key: &str) -> u32 {
    hash(key) as u32 & 0x00FF_FFFF
}

/// What the manifest holds of a segment's query table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct TableManifest {
    /// Form of the table.
    pub shape: TableShape,
    /// How well it stands in for the encoder.
    pub report: TableReport,
}

/// How well a table stands in for its encoder, on texts that the fit did not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Default)]
pub struct TableReport {
    /// Texts that were fitted.
    pub n_spans: u32,
    /// Texts kept back that the figures below are of.
    pub n_held_out: u32,
    /// Mean cosine between the sum of rows and the encoder's vector, in 1/1000.
    pub cosine: i16,
    /// Mean share of the encoder's ten nearest chunks that are among the table's ten, in 1/1000.
    pub overlap: u16,
}

/// What a report amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Searching by meaning is little better than guessing; use the encoder for queries, or words.
    Poor,
    /// Usable beside the words.
    Fair,
    /// As good as the encoder, or nearly.
    Good,
}

impl Verdict {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Poor => "poor",
            Self::Fair => "fair",
            Self::Good => "good",
        }
    }
}

impl TableReport {
    /// The verdict. The bounds are rough, read off judged collections: tables with an overlap of
    /// 0.59 – 0.71 kept 91 – 100 % of the encoder's nDCG@10, at 0.53 – 0.58 it was 81 – 94 %, and at
    /// 0.45 – 0.51 it was 71 – 78 % on CISI, the hardest.
    pub fn verdict(self) -> Verdict {
        match self.overlap {
            550.. => Verdict::Good,
            450.. => Verdict::Fair,
            _ => Verdict::Poor,
        }
    }
}

/// A row and where it belongs.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The word whose block it is in.
    pub home: &'a str,
    /// What it is the row of: the same word, or a pair that the word is in.
    pub key: &'a str,
    /// The row.
    pub row: &'a Row,
}

/// Writes the blocks of a table, by number. Of rows that a reader could not tell apart the first is
/// kept, so give the more frequent first.
///
/// # Errors
/// [`IndexError::Corrupt`] when the shape is illegal or a row is not of it.
pub fn write<'a>(
    shape: TableShape,
    entries: impl IntoIterator<Item = Entry<'a>>,
) -> Result<Vec<Vec<u8>>, IndexError> {
    shape.check()?;
    let mut blocks: Vec<Vec<(u32, &Row)>> = vec![Vec::new(); shape.n_blocks as usize];
    for entry in entries {
        entry.row.check(shape)?;
        let block = &mut blocks[shape.block_of(entry.home) as usize];
        let mark = mark_of(entry.key);
        if let Err(at) = block.binary_search_by_key(&mark, |&(mark, _)| mark) {
            block.insert(at, (mark, entry.row));
        }
    }
    Ok(blocks
        .iter()
        .map(|rows| block::write(shape, rows))
        .collect())
}
