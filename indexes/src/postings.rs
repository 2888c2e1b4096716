//! Posting lists: which documents and chunks hold a term, and how often.
//!
//! A list is ordered by document. Each document says how often its title holds the term, and has an
//! entry for each chunk that holds it in its text or headings, with the level of its frequency (see
//! [`crate::impact`]). A document that has the term in its title alone has no entry. Where documents
//! have expansions, words with weights that someone or something gave them, each says with which
//! level its expansion holds the term; one that holds it there alone has neither title nor entry.
//!
//! Gaps are coded with contexts that start from the geometric distribution of a list with that many
//! documents and learn from there, so clustered lists cost less. Source: Moffat, Turpin,
//! "Compression and Coding Algorithms" (2002), chapter 3, on adaptive coding of gaps.

mod codec;
mod held;
mod positions;

pub use codec::PostingCodec;
pub use positions::{PositionCodec, Positions, RESIDUES, Shape};

/// The postings of one term in one segment, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostingList {
    /// Documents, ascending. `[n_documents]`
    pub documents: Vec<u32>,
    /// Occurrences in each document's title, at most [`crate::impact::MAX_TITLE_COUNT`].
    /// `[n_documents]`
    pub titles: Vec<u8>,
    /// Level of the term in each document's expansion plus one, 0 where it is not in it; empty when
    /// it is in none. `[n_documents]` or `[0]`
    pub expansions: Vec<u8>,
    /// First entry of each document, and the number of entries at the end. `[n_documents + 1]`
    pub starts: Vec<u32>,
    /// The chunk of each entry, counted within its document, ascending. `[n_entries]`
    pub chunks: Vec<u32>,
    /// Level of each entry. `[n_entries]`
    pub levels: Vec<u8>,
}

impl PostingList {
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

    /// Appends a document without an expansion, as [`Self::push_expanded`] does.
    pub fn push(&mut self, document: u32, title: u8, entries: &[(u32, u8)]) {
        self.push_expanded(document, title, None, entries);
    }

    /// Appends a document, which is above the last one, with the level of the term in its expansion
    /// and its entries `(chunk, level)`.
    pub fn push_expanded(
        &mut self,
        document: u32,
        title: u8,
        expansion: Option<u8>,
        entries: &[(u32, u8)],
    ) {
        debug_assert!(self.documents.last().is_none_or(|&last| last < document));
        self.documents.push(document);
        self.titles.push(title);
        self.put_expansion(expansion);
        for &(chunk, level) in entries {
            self.chunks.push(chunk);
            self.levels.push(level);
        }
        self.starts.push(self.chunks.len() as u32);
    }

    /// Says of the document pushed last with which level its expansion holds the term.
    fn put_expansion(&mut self, expansion: Option<u8>) {
        if expansion.is_some() || !self.expansions.is_empty() {
            self.expansions.resize(self.documents.len() - 1, 0);
            self.expansions.push(expansion.map_or(0, |level| level + 1));
        }
    }

    /// The level of the term in the expansion of the `i`-th document.
    #[inline]
    pub fn expansion(&self, i: usize) -> Option<u8> {
        self.expansions.get(i)?.checked_sub(1)
    }

    /// The range of entries of the `i`-th document.
    #[inline]
    pub fn entries(&self, i: usize) -> std::ops::Range<usize> {
        self.starts[i] as usize..self.starts[i + 1] as usize
    }

    /// Splits by `keep(i)`: the documents kept, and the others.
    pub fn partition(&self, keep: impl Fn(usize) -> bool) -> (Self, Self) {
        let (mut kept, mut rest) = (Self::new(), Self::new());
        for i in 0..self.len() {
            let entries: Vec<_> = self
                .entries(i)
                .map(|e| (self.chunks[e], self.levels[e]))
                .collect();
            let target = if keep(i) { &mut kept } else { &mut rest };
            let (document, title) = (self.documents[i], self.titles[i]);
            target.push_expanded(document, title, self.expansion(i), &entries);
        }
        (kept, rest)
    }
}
