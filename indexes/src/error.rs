//! What can be wrong with the bytes of an index.

use std::fmt;

/// The section of an index that a byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Section {
    /// `littoral.json`.
    Entry,
    /// The manifest inside the entry.
    Manifest,
    /// The header in front of every `.lit` file.
    Envelope,
    /// A leaf of the lexicon's directory.
    Directory,
    /// Terms with their posting lists.
    Lexicon,
    /// The continuation of a long posting list.
    Postings,
    /// Positions and field marks of a lexicon block's postings.
    Positions,
    /// Words for spelling correction and prefix completion.
    Spelling,
    /// The passage dictionary.
    Dictionary,
    /// Chunk texts and document records.
    Passages,
    /// Filter values and the documents that carry them.
    Filters,
    /// A sort column.
    Sort,
    /// Rows of the query table.
    Table,
    /// The list of a segment's documents and files.
    Inventory,
}

impl Section {
    /// The stable kebab-case name, the same in every language binding.
    pub fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Manifest => "manifest",
            Self::Envelope => "envelope",
            Self::Directory => "directory",
            Self::Lexicon => "lexicon",
            Self::Postings => "postings",
            Self::Positions => "positions",
            Self::Spelling => "spelling",
            Self::Dictionary => "dictionary",
            Self::Passages => "passages",
            Self::Filters => "filters",
            Self::Sort => "sort",
            Self::Table => "table",
            Self::Inventory => "inventory",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why bytes were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The bytes contradict themselves or their checksum.
    #[error("the {section} section is damaged at byte {offset}: {reason}")]
    Corrupt {
        /// Where the damage was seen.
        section: Section,
        /// Byte offset within the section's file.
        offset: usize,
        /// What was expected there.
        reason: &'static str,
    },
    /// The file is of another index, segment, kind or number than asked for.
    #[error("a {section} file belongs to another index or block than the one asked for")]
    Mismatch {
        /// The section asked for.
        section: Section,
    },
    /// Written by another version of the format.
    #[error("the index has format version {found}; this program reads version {supported}")]
    Version {
        /// The version in the file.
        found: u32,
        /// The version this program reads.
        supported: u32,
    },
    /// A size beyond what the format allows.
    #[error("the {section} section would need {size} bytes; the format allows {limit}")]
    TooLarge {
        /// The section to be written or read.
        section: Section,
        /// Size in bytes.
        size: usize,
        /// Largest legal size in bytes.
        limit: usize,
    },
}

impl IndexError {
    /// A [`IndexError::Corrupt`] at `offset` of `section`.
    pub fn corrupt(section: Section, offset: usize, reason: &'static str) -> Self {
        Self::Corrupt {
            section,
            offset,
            reason,
        }
    }

    /// The stable kebab-case code of the error, the same in every language binding.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Corrupt { .. } => "index-corrupt",
            Self::Mismatch { .. } => "index-mismatch",
            Self::Version { .. } => "index-version",
            Self::TooLarge { .. } => "index-too-large",
        }
    }
}
