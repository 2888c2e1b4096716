//! The postings of a term as they add up, and what expansions have to do with them.

/// What a document's expansion has to do with a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lent {
    /// How much of the document's base it gives, in [`super::UNIT`]s.
    pub impact: u16,
    /// Level of the term in it plus one; 0 where it does not hold the term.
    pub level: u8,
    /// Whether the document holds the term nowhere else: then it is found by it, but does not say it.
    pub is_alone: bool,
}

/// The postings of one term in one segment, as they add up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImpactList {
    /// Documents, ascending. `[n_documents]`
    pub documents: Vec<u32>,
    /// What the term adds to every chunk of each document, in [`super::UNIT`]s. `[n_documents]`
    pub bases: Vec<u16>,
    /// What each document's expansion gives; empty when none holds the term. `[n_documents]` or `[0]`
    pub lent: Vec<Lent>,
    /// First entry of each document, and the number of entries at the end. `[n_documents + 1]`
    pub starts: Vec<u32>,
    /// The chunk of each entry, counted within its document, ascending. `[n_entries]`
    pub chunks: Vec<u32>,
    /// What the term adds to the chunk of each entry, in [`super::UNIT`]s. `[n_entries]`
    pub extras: Vec<u16>,
    /// Level of each entry, by which its positions are read; empty in a list that was not read from
    /// a block. `[n_entries]` or `[0]`
    pub levels: Vec<u8>,
    /// The highest sum of base and extra of each document. `[n_documents]`
    pub peaks: Vec<u16>,
}

impl ImpactList {
    /// A list of nothing, which cannot be appended to.
    pub const EMPTY: Self = Self {
        documents: Vec::new(),
        bases: Vec::new(),
        lent: Vec::new(),
        starts: Vec::new(),
        chunks: Vec::new(),
        extras: Vec::new(),
        levels: Vec::new(),
        peaks: Vec::new(),
    };

    /// A list of nothing.
    pub fn new() -> Self {
        Self {
            starts: vec![0],
            ..Self::EMPTY
        }
    }

    pub(super) fn with_capacity(n_documents: usize, n_entries: usize) -> Self {
        let mut starts = Vec::with_capacity(n_documents + 1);
        starts.push(0);
        Self {
            documents: Vec::with_capacity(n_documents),
            bases: Vec::with_capacity(n_documents),
            lent: Vec::new(),
            starts,
            chunks: Vec::with_capacity(n_entries),
            extras: Vec::with_capacity(n_entries),
            levels: Vec::new(),
            peaks: Vec::with_capacity(n_documents),
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

    /// Appends a document that owes nothing to an expansion, as [`Self::push_lent`] does.
    pub fn push(
        &mut self,
        document: u32,
        base: u16,
        entries: impl IntoIterator<Item = (u32, u16)>,
    ) {
        self.push_lent(document, base, Lent::default(), entries);
    }

    /// Appends a document, which is above the last one, with what its expansion gives and its entries
    /// `(chunk, extra)`.
    pub fn push_lent(
        &mut self,
        document: u32,
        base: u16,
        lent: Lent,
        entries: impl IntoIterator<Item = (u32, u16)>,
    ) {
        debug_assert!(self.documents.last().is_none_or(|&last| last < document));
        self.documents.push(document);
        self.bases.push(base);
        self.put_lent(lent);
        for (chunk, extra) in entries {
            self.chunks.push(chunk);
            self.extras.push(extra);
        }
        self.close();
    }

    /// Says what the expansion of the document pushed last gives.
    pub(super) fn put_lent(&mut self, lent: Lent) {
        if lent != Lent::default() || !self.lent.is_empty() {
            self.lent.resize(self.documents.len() - 1, Lent::default());
            self.lent.push(lent);
        }
    }

    /// What the expansion of the `i`-th document gives.
    #[inline]
    pub fn lent(&self, i: usize) -> Lent {
        self.lent.get(i).copied().unwrap_or_default()
    }

    /// The documents that hold the term themselves, and not in their expansions alone.
    pub fn holders(&self) -> impl Iterator<Item = u32> {
        let all = self.documents.iter().enumerate();
        all.filter(|&(i, _)| !self.lent(i).is_alone)
            .map(|(_, &document)| document)
    }

    pub(super) fn close(&mut self) {
        let first = self.starts.last().map_or(0, |&start| start as usize);
        let extra = self.extras[first..].iter().max().copied().unwrap_or(0);
        let base = self.bases.last().copied().unwrap_or(0);
        self.peaks.push(base.saturating_add(extra));
        self.starts.push(self.chunks.len() as u32);
    }

    /// The range of entries of the `i`-th document.
    #[inline]
    pub fn entries(&self, i: usize) -> std::ops::Range<usize> {
        self.starts[i] as usize..self.starts[i + 1] as usize
    }

    /// The chunks of the `i`-th document with what they add.
    pub fn pairs(&self, i: usize) -> impl Iterator<Item = (u32, u16)> {
        self.entries(i)
            .map(|entry| (self.chunks[entry], self.extras[entry]))
    }

    /// Bytes held in memory.
    pub fn size_bytes(&self) -> usize {
        let documents = self.documents.len() * 12 + self.lent.len() * size_of::<Lent>();
        documents + self.chunks.len() * 6 + self.levels.len()
    }

    /// The union of two lists without a common document.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let mut out = Self::with_capacity(
            self.len() + other.len(),
            self.chunks.len() + other.chunks.len(),
        );
        let (mut a, mut b) = (0, 0);
        while a < self.len() || b < other.len() {
            let first =
                b == other.len() || (a < self.len() && self.documents[a] < other.documents[b]);
            let (list, i) = if first { (self, a) } else { (other, b) };
            let (document, base) = (list.documents[i], list.bases[i]);
            out.push_lent(document, base, list.lent(i), list.pairs(i));
            if first {
                a += 1;
            } else {
                b += 1;
            }
        }
        out
    }
}
