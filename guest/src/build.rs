//! From documents to the files of a segment.
//!
//! ```text
//! document ─prepare→ PreparedDocument ─add→ SegmentBuilder ─finish→ files, SegmentManifest
//! ```
//!
//! [`Preparer::prepare`] chunks and analyses one document and knows nothing of the others, so the
//! host may run it on many threads. [`SegmentBuilder::add`] collects; what does not fit its memory
//! budget goes to the host's [`Scratch`]. [`SegmentBuilder::finish`] orders documents and terms and
//! writes blocks, many at a time through the host's [`Workers`]. The files depend on the documents
//! and the settings alone: not on the order of arrival, the number of threads or the budget.

mod impacts;
mod lexicon;
mod passages;
mod payload;
mod prepare;
mod runs;
mod segment;
mod settings;
mod vectors;

pub(crate) use lexicon::positions_block;
pub use prepare::{PreparedDocument, Preparer, encoder_text};
pub(crate) use segment::filter_value;
pub use segment::{SegmentBuilder, SegmentInput, segment_id};
#[cfg(feature = "languages")]
pub use settings::preparer;
pub use settings::{default_settings, source_hash};
pub use vectors::{Encode, Queries, Turning, VectorInput};

use littoral_indexes::envelope::BlockId;
use littoral_indexes::table::TableManifest;
use std::io;

/// Where a builder puts finished files.
pub trait Sink {
    /// Stores the sealed file of a block.
    ///
    /// # Errors
    /// What the place reports.
    fn put(&mut self, block: BlockId, file: Vec<u8>) -> io::Result<()>;
}

/// Room for what does not fit in memory: an append-only store of bytes.
pub trait Scratch {
    /// Appends `bytes` and returns the offset they start at.
    ///
    /// # Errors
    /// What the place reports.
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64>;

    /// Reads exactly `out.len()` bytes from `offset`.
    ///
    /// # Errors
    /// What the place reports.
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;
}

/// A table as a fit leaves it.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedTable {
    /// Its blocks.
    pub blocks: Vec<Vec<u8>>,
    /// What the manifest says of it.
    pub manifest: TableManifest,
}

/// Remembers fitted tables by the hash of all that they are fitted to.
pub trait Tables {
    /// What is remembered for `key`, as it was when it was put.
    fn get(&self, key: &[u8; 32]) -> Option<FittedTable>;

    /// Remembers `table`.
    ///
    /// # Errors
    /// What the place reports.
    fn put(&self, key: &[u8; 32], table: &FittedTable) -> io::Result<()>;
}

/// Runs independent jobs, perhaps side by side.
pub trait Workers {
    /// `f` of every item, in the order of the items.
    fn map<I: Send, O: Send>(&self, items: Vec<I>, f: impl Fn(I) -> O + Sync) -> Vec<O>;

    /// For each of `asked` a place in `centroids`: about the nearest, found without comparing all of
    /// them. `None` where that would not pay; the answer depends on nothing but the input.
    fn nearest(&self, asked: Directions<'_>, centroids: &[Direction]) -> Option<Vec<u32>> {
        let _ = (asked, centroids);
        None
    }
}

/// A direction in whole numbers: 12 bits a dimension, and what one unit is worth at unit length.
#[derive(Debug, Clone, PartialEq)]
pub struct Direction {
    /// Within ±[`QUERY_LIMIT`](littoral_indexes::kernels::QUERY_LIMIT). `[dims]`
    pub row: Vec<i16>,
    /// Reciprocal of the row's length.
    pub scale: f32,
}

/// Directions of 8 bits a dimension, in places `members` of `rows`.
#[derive(Debug, Clone, Copy)]
pub struct Directions<'a> {
    /// All rows, `[n, dims]`.
    pub rows: &'a [i8],
    /// Places of those that are meant.
    pub members: &'a [u32],
}

/// One job after another, on the thread that asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct OneThread;

impl Workers for OneThread {
    fn map<I: Send, O: Send>(&self, items: Vec<I>, f: impl Fn(I) -> O + Sync) -> Vec<O> {
        items.into_iter().map(f).collect()
    }
}

/// Scratch space in memory, for pages and tests.
#[derive(Debug, Clone, Default)]
pub struct MemoryScratch {
    bytes: Vec<u8>,
}

impl Scratch for MemoryScratch {
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let offset = self.bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        Ok(offset)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = offset as usize;
        let found = self.bytes.get(start..start + out.len());
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Why a segment could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The host could not store or give back bytes.
    #[error("could not write the index: {0}")]
    Io(#[from] io::Error),
    /// The documents do not fit the format.
    #[error(transparent)]
    Index(#[from] littoral_indexes::IndexError),
    /// Two documents have the same id.
    #[error("two documents have the id {id:?}; ids are unique within an index")]
    DuplicateId {
        /// The id.
        id: String,
    },
}

impl BuildError {
    /// The stable kebab-case code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "write-failed",
            Self::Index(error) => error.code(),
            Self::DuplicateId { .. } => "duplicate-id",
        }
    }
}
