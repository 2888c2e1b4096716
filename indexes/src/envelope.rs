//! The envelope around every `.lit` file: what it is, to which segment it belongs, and a checksum.
//!
//! | offset | size | field | meaning |
//! |---|---|---|---|
//! | 0 | 3 | magic | `lit` |
//! | 3 | 1 | version | [`FORMAT_VERSION`] |
//! | 4 | 1 | kind | the letter of the [`Kind`] |
//! | 5 | 4 | number | little-endian number of the block within its kind |
//! | 9 | 8 | segment | the segment's id |
//! | 17 | 8 | checksum | first 8 bytes of BLAKE3 over bytes 0..17 and the payload |
//! | 25 | … | payload | the section's own bytes |
//!
//! A file moved to another name, taken from another index or changed in any bit is refused.

use crate::error::{IndexError, Section};
use crate::hash::first_eight;
use std::fmt;

/// The version of the format written and read.
pub const FORMAT_VERSION: u8 = 1;

/// Bytes in front of the payload.
pub const HEADER_BYTES: usize = 25;

/// Bytes of a block's id.
pub const BLOCK_KEY_BYTES: usize = 13;

const MAGIC: &[u8; 3] = b"lit";

/// Identifies a segment: the first eight bytes of a BLAKE3 hash over all that determines its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SegmentId(pub [u8; 8]);

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A leaf of the lexicon's directory.
    Directory,
    /// Terms with their posting lists.
    Lexicon,
    /// A piece of a long posting list.
    Postings,
    /// Positions and field marks of the lexicon block of the same number; those of tails follow.
    Positions,
    /// Words for correction and completion.
    Spelling,
    /// The dictionary of the passages.
    Dictionary,
    /// Chunk texts with their documents' records.
    Passages,
    /// Documents by filter value.
    Filters,
    /// Values of a sort key by document.
    Sort,
    /// Centroids of the cells of vectors.
    Centroids,
    /// Codes of the vectors of a cell.
    Cells,
    /// Finer rows of the vectors of a cell.
    Rows,
    /// The rotation of the vectors.
    Rotation,
    /// Rows of the query table.
    Table,
    /// Hashes of the segment's documents and files.
    Inventory,
}

impl Kind {
    /// Every kind, in the order of their letters' meaning above.
    pub const ALL: [Self; 15] = [
        Self::Directory,
        Self::Lexicon,
        Self::Postings,
        Self::Positions,
        Self::Spelling,
        Self::Dictionary,
        Self::Passages,
        Self::Filters,
        Self::Sort,
        Self::Centroids,
        Self::Cells,
        Self::Rows,
        Self::Rotation,
        Self::Table,
        Self::Inventory,
    ];

    /// The letter in file names and headers.
    pub fn letter(self) -> char {
        match self {
            Self::Directory => 'd',
            Self::Lexicon => 'l',
            Self::Postings => 'p',
            Self::Positions => 'w',
            Self::Spelling => 's',
            Self::Dictionary => 'z',
            Self::Passages => 't',
            Self::Filters => 'f',
            Self::Sort => 'o',
            Self::Centroids => 'c',
            Self::Cells => 'v',
            Self::Rows => 'x',
            Self::Rotation => 'r',
            Self::Table => 'q',
            Self::Inventory => 'i',
        }
    }

    /// The kind of a letter.
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.letter() == letter)
    }

    /// The section that files of this kind hold.
    pub fn section(self) -> Section {
        match self {
            Self::Directory => Section::Directory,
            Self::Lexicon => Section::Lexicon,
            Self::Postings => Section::Postings,
            Self::Positions => Section::Positions,
            Self::Spelling => Section::Spelling,
            Self::Dictionary => Section::Dictionary,
            Self::Passages => Section::Passages,
            Self::Filters => Section::Filters,
            Self::Sort => Section::Sort,
            Self::Centroids => Section::Centroids,
            Self::Cells => Section::Cells,
            Self::Rows => Section::Rows,
            Self::Rotation => Section::Rotation,
            Self::Table => Section::Table,
            Self::Inventory => Section::Inventory,
        }
    }
}

/// Names one block, and so one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId {
    /// The segment it belongs to.
    pub segment: SegmentId,
    /// What it holds.
    pub kind: Kind,
    /// Its number within its kind.
    pub number: u32,
}

impl BlockId {
    /// The file's path within the index folder: `<segment>/<letter><number, base 36>.lit`.
    ///
    /// ```
    /// use littoral_indexes::envelope::{BlockId, Kind, SegmentId};
    /// let id = BlockId { segment: SegmentId([0xab; 8]), kind: Kind::Lexicon, number: 47 };
    /// assert_eq!(id.path(), "abababababababab/l1b.lit");
    /// ```
    pub fn path(self) -> String {
        let mut digits = Vec::new();
        let mut rest = self.number;
        loop {
            digits.push(char::from_digit(rest % 36, 36).unwrap_or('0'));
            rest /= 36;
            if rest == 0 {
                break;
            }
        }
        let number: String = digits.iter().rev().collect();
        format!("{}/{}{number}.lit", self.segment, self.kind.letter())
    }

    /// The id as bytes: letter of the kind, number (little-endian), segment.
    ///
    /// ```
    /// use littoral_indexes::envelope::{BlockId, Kind, SegmentId};
    /// let id = BlockId { segment: SegmentId([0xab; 8]), kind: Kind::Lexicon, number: 47 };
    /// assert_eq!(BlockId::from_key(id.key()), Some(id));
    /// ```
    pub fn key(self) -> [u8; BLOCK_KEY_BYTES] {
        let mut key = [0; BLOCK_KEY_BYTES];
        key[0] = self.kind.letter() as u8;
        key[1..5].copy_from_slice(&self.number.to_le_bytes());
        key[5..].copy_from_slice(&self.segment.0);
        key
    }

    /// The id that `key` is of; `None` when there is no such kind.
    pub fn from_key(key: [u8; BLOCK_KEY_BYTES]) -> Option<Self> {
        let [letter, a, b, c, d, segment @ ..] = key;
        Some(Self {
            segment: SegmentId(segment),
            kind: Kind::from_letter(char::from(letter))?,
            number: u32::from_le_bytes([a, b, c, d]),
        })
    }
}

/// Wraps `payload` into the file of block `id`.
pub fn seal(id: BlockId, payload: &[u8]) -> Vec<u8> {
    let mut file = Vec::with_capacity(HEADER_BYTES + payload.len());
    file.extend_from_slice(MAGIC);
    file.push(FORMAT_VERSION);
    file.push(id.kind.letter() as u8);
    file.extend_from_slice(&id.number.to_le_bytes());
    file.extend_from_slice(&id.segment.0);
    let sum = first_eight(&[&file, payload]);
    file.extend_from_slice(&sum);
    file.extend_from_slice(payload);
    file
}

/// The payload of `file`, verified to be the undamaged file of block `id`.
///
/// # Errors
/// [`IndexError::Corrupt`] when the file is cut or changed, [`IndexError::Version`] when another
/// version wrote it, [`IndexError::Mismatch`] when it is intact but of another block.
pub fn open(id: BlockId, file: &[u8]) -> Result<&[u8], IndexError> {
    let section = id.kind.section();
    let Some((head, payload)) = file.split_at_checked(HEADER_BYTES) else {
        return Err(IndexError::corrupt(
            section,
            file.len(),
            "the file ends within its header",
        ));
    };
    if &head[..3] != MAGIC {
        return Err(IndexError::corrupt(
            section,
            0,
            "the file does not start with `lit`",
        ));
    }
    if first_eight(&[&head[..17], payload]) != head[17..] {
        if head[3] != FORMAT_VERSION {
            let found = u32::from(head[3]);
            return Err(IndexError::Version {
                found,
                supported: u32::from(FORMAT_VERSION),
            });
        }
        return Err(IndexError::corrupt(
            section,
            HEADER_BYTES,
            "the checksum does not match",
        ));
    }
    if head[3] != FORMAT_VERSION {
        let found = u32::from(head[3]);
        return Err(IndexError::Version {
            found,
            supported: u32::from(FORMAT_VERSION),
        });
    }
    if head[4..17] != id.key() {
        return Err(IndexError::Mismatch { section });
    }
    Ok(payload)
}

/// The checksum stored in a sealed file's header.
pub fn stored_checksum(file: &[u8]) -> Option<[u8; 8]> {
    file.get(17..25)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: BlockId = BlockId {
        segment: SegmentId([7; 8]),
        kind: Kind::Passages,
        number: 300,
    };

    #[test]
    fn every_flip_and_every_cut_is_refused() {
        let file = seal(ID, b"some payload");
        assert_eq!(open(ID, &file), Ok(&b"some payload"[..]));
        for i in 0..file.len() * 8 {
            let mut bad = file.clone();
            bad[i / 8] ^= 1 << (i % 8);
            assert!(open(ID, &bad).is_err(), "bit {i}");
        }
        for n in 0..file.len() {
            assert!(open(ID, &file[..n]).is_err(), "cut at {n}");
        }
    }

    #[test]
    fn an_intact_file_of_another_block_is_refused() {
        let file = seal(ID, b"x");
        for other in [
            BlockId { number: 301, ..ID },
            BlockId {
                kind: Kind::Lexicon,
                ..ID
            },
            BlockId {
                segment: SegmentId([8; 8]),
                ..ID
            },
        ] {
            assert!(matches!(
                open(other, &file),
                Err(IndexError::Mismatch { .. })
            ));
        }
    }

    #[test]
    fn letters_are_distinct() {
        let mut letters: Vec<char> = Kind::ALL.iter().map(|k| k.letter()).collect();
        letters.sort_unstable();
        letters.dedup();
        assert_eq!(letters.len(), Kind::ALL.len());
    }
}
