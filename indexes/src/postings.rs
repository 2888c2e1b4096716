//! Posting lists: which documents and chunks hold a term, and how much that counts.
//!
//! A list is ordered by document. Each document has a base level (see [`crate::impact`]), and one
//! entry for each chunk that holds the term in its text or headings, with an extra level. A
//! document of several chunks that has the term in its title alone has no entry; a document of one
//! chunk always has exactly one, which is not written, since its base says all.
//!
//! Document gaps are coded with contexts that start from the geometric distribution of a list with
//! that many documents and learn from there, so clustered lists cost less. Source: Moffat, Turpin,
//! "Compression and Coding Algorithms" (2002), chapter 3, on adaptive coding of gaps.

mod codec;
mod positions;

pub use codec::PostingCodec;
pub use positions::{PositionCodec, Positions, RESIDUES};

use crate::impact::{BASE, EXTRA};

/// The postings of one term in one segment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostingList {
    /// Documents, ascending. `[n_documents]`
    pub documents: Vec<u32>,
    /// Base level of each document. `[n_documents]`
    pub bases: Vec<u8>,
    /// First entry of each document, and the number of entries at the end. `[n_documents + 1]`
    pub starts: Vec<u32>,
    /// The chunk of each entry, counted within its document, ascending. `[n_entries]`
    pub chunks: Vec<u32>,
    /// Extra level of each entry. `[n_entries]`
    pub extras: Vec<u8>,
    /// Highest impact of each document in any of its chunks, which follows from the levels.
    /// `[n_documents]`
    pub peaks: Vec<u16>,
}

impl PostingList {
    /// A list that cannot be appended to, of nothing.
    pub const EMPTY: Self = Self {
        documents: Vec::new(),
        bases: Vec::new(),
        starts: Vec::new(),
        chunks: Vec::new(),
        extras: Vec::new(),
        peaks: Vec::new(),
    };

    /// A list of nothing.
    pub fn new() -> Self {
        Self {
            starts: vec![0],
            ..Self::default()
        }
    }

    /// Documents in the list.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Appends a document, which is above the last one, with its entries `(chunk, extra level)`.
    pub fn push(&mut self, document: u32, base: u8, entries: &[(u32, u8)]) {
        debug_assert!(self.documents.last().is_none_or(|&last| last < document));
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        self.documents.push(document);
        self.bases.push(base);
        for &(chunk, extra) in entries {
            self.chunks.push(chunk);
            self.extras.push(extra);
        }
        self.close();
    }

    /// Ends the entries of the last document and notes its highest impact.
    pub(crate) fn close(&mut self) {
        let first = self.starts.last().map_or(0, |&start| start as usize);
        let extra = self.extras[first..]
            .iter()
            .max()
            .map_or(0, |&e| EXTRA[usize::from(e)]);
        let base = self.bases.last().map_or(0, |&b| BASE[usize::from(b)]);
        self.peaks.push(base + extra);
        self.starts.push(self.chunks.len() as u32);
    }

    /// The range of entries of the `i`-th document.
    #[inline]
    pub fn entries(&self, i: usize) -> std::ops::Range<usize> {
        self.starts[i] as usize..self.starts[i + 1] as usize
    }

    /// Bytes held in memory.
    pub fn size_bytes(&self) -> usize {
        self.documents.len() * 11 + self.chunks.len() * 5
    }

    /// Splits by `keep(i)`: the documents kept, and the others.
    pub fn partition(&self, keep: impl Fn(usize) -> bool) -> (Self, Self) {
        let (mut kept, mut rest) = (Self::new(), Self::new());
        for i in 0..self.len() {
            let entries: Vec<_> = self
                .entries(i)
                .map(|e| (self.chunks[e], self.extras[e]))
                .collect();
            let target = if keep(i) { &mut kept } else { &mut rest };
            target.push(self.documents[i], self.bases[i], &entries);
        }
        (kept, rest)
    }

    /// The union of two lists without a common document.
    pub fn merge(&self, other: &Self) -> Self {
        let mut out = Self::new();
        let (mut a, mut b) = (0, 0);
        while a < self.len() || b < other.len() {
            let first =
                b == other.len() || (a < self.len() && self.documents[a] < other.documents[b]);
            let (list, i) = if first { (self, a) } else { (other, b) };
            let entries: Vec<_> = list
                .entries(i)
                .map(|e| (list.chunks[e], list.extras[e]))
                .collect();
            out.push(list.documents[i], list.bases[i], &entries);
            if first {
                a += 1;
            } else {
                b += 1;
            }
        }
        out
    }
}
