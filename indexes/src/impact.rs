//! Impacts: what a term adds to a score.
//!
//! A posting stores how often a term stands in a chunk as a *level*: the term's frequency over the
//! fields, each with its weight, divided by the length normalisation of the chunk. Levels grow
//! geometrically by 1.2, so the error of a frequency is at most 10 %, and of the saturated impact
//! half of that. Impacts are computed from levels when a block is read, in integers:
//!
//! ```text
//! S(x)  = x (k1 + 1) / (k1 + x)                                  saturation
//! base  = share · S(title + Σ x_c / norm) + (1 − share) · S(title)    for every chunk
//! extra = (1 − share) · (S(title + x_c) − S(title))                   for a chunk that holds it
//! norm  = 1 − b + b · chunks of the document / mean chunks of a document
//! ```
//!
//! So the score of a chunk blends its own BM25F with its document's, and a document whose title
//! holds the term gives it to all its chunks. That the document's part follows from its chunks'
//! levels saves its storage, a fifth of the postings.
//!
//! Sources: Robertson, Zaragoza, Taylor, "Simple BM25 extension to multiple weighted fields" (CIKM
//! 2004), for saturating the fields together; Anh, de Kretser, Moffat, "Vector-space ranking with
//! effective early termination" (SIGIR 2001), for geometric levels.

use crate::layout::Layout;
use crate::manifest::{Averages, ScoringParameters};
use crate::postings::PostingList;

/// The unit of impacts and frequencies: 1.0.
pub const UNIT: u32 = 1024;

/// Weighted, normalised frequency of each level, in [`UNIT`]s.
pub const FREQUENCIES: [u32; 24] = [
    184, 221, 265, 318, 382, 458, 549, 659, 791, 949, 1139, 1367, 1641, 1969, 2362, 2835, 3402,
    4082, 4899, 5879, 7054, 8465, 10158, 12190,
];

/// Most occurrences in a title that are told apart.
pub const MAX_TITLE_COUNT: u8 = 3;

/// The level nearest to `frequency` (in [`UNIT`]s).
pub fn level(frequency: u32) -> u8 {
    let above = FREQUENCIES.partition_point(|&f| f < frequency);
    if above == 0 {
        return 0;
    }
    if above == FREQUENCIES.len() {
        return (FREQUENCIES.len() - 1) as u8;
    }
    // Half way in the geometric sense: the level whose ratio to the frequency is nearer to one.
    let (low, high) = (
        u64::from(FREQUENCIES[above - 1]),
        u64::from(FREQUENCIES[above]),
    );
    let square = u64::from(frequency) * u64::from(frequency);
    (if square >= low * high {
        above
    } else {
        above - 1
    }) as u8
}

/// The parameters of the impacts of one index, as integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scoring {
    /// In [`UNIT`]s.
    k1: u64,
    b: u64,
    title: u64,
    share: u64,
    /// Words of a mean chunk and a mean document.
    chunk_words: u64,
    document_words: u64,
}

impl Scoring {
    /// From the settings and averages of an index.
    pub fn new(parameters: ScoringParameters, averages: Averages) -> Self {
        let units = |hundredths: u16| u64::from(hundredths) * u64::from(UNIT) / 100;
        Self {
            k1: units(parameters.k1),
            b: units(parameters.b.min(100)),
            title: units(parameters.title_weight),
            share: units(parameters.document_share.min(100)),
            chunk_words: u64::from(averages.chunk_words.max(1)),
            document_words: u64::from(averages.document_words.max(1)),
        }
    }

    /// `S(x)`, in [`UNIT`]s: below `k1 + 1`.
    fn saturate(&self, frequency: u64) -> u64 {
        if frequency == 0 {
            return 0;
        }
        let frequency = frequency.min(1 << 40);
        frequency * (self.k1 + u64::from(UNIT)) / (self.k1 + frequency)
    }

    /// The impacts of `list`.
    pub fn score(&self, list: &PostingList, layout: &Layout) -> ImpactList {
        let unit = u64::from(UNIT);
        let own_share = unit - self.share;
        // S of every level, with the titles that occur.
        let mut saturated = [[None; FREQUENCIES.len()]; MAX_TITLE_COUNT as usize + 1];
        let mut out = ImpactList::with_capacity(list.len(), list.levels.len());
        out.levels.clone_from(&list.levels);
        let mut classes = layout.cursor();
        for (i, &document) in list.documents.iter().enumerate() {
            let n_chunks = u64::from(classes.n_chunks(document));
            let count = list.titles[i].min(MAX_TITLE_COUNT);
            let title = self.title * u64::from(count);
            let from_title = self.saturate(title);
            let entries = list.entries(i);
            let total: u64 = list.levels[entries.clone()]
                .iter()
                .map(|&level| u64::from(FREQUENCIES[usize::from(level)]))
                .sum();
            let mean = (self.b * n_chunks).saturating_mul(self.chunk_words) / self.document_words;
            let norm = (unit - self.b).saturating_add(mean).max(1);
            let whole = self.saturate(title + total * unit / norm);
            let base = (self.share * whole + own_share * from_title) / unit;
            out.documents.push(document);
            out.bases.push(base.min(u64::from(u16::MAX)) as u16);
            for entry in entries {
                let level = usize::from(list.levels[entry]);
                let extra = *saturated[usize::from(count)][level].get_or_insert_with(|| {
                    let own = self.saturate(title + u64::from(FREQUENCIES[level]));
                    (own_share * (own - from_title) / unit).min(u64::from(u16::MAX)) as u16
                });
                out.chunks.push(list.chunks[entry]);
                out.extras.push(extra);
            }
            out.close();
        }
        out
    }
}

/// The postings of one term in one segment, as they add up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImpactList {
    /// Documents, ascending. `[n_documents]`
    pub documents: Vec<u32>,
    /// What the term adds to every chunk of each document, in [`UNIT`]s. `[n_documents]`
    pub bases: Vec<u16>,
    /// First entry of each document, and the number of entries at the end. `[n_documents + 1]`
    pub starts: Vec<u32>,
    /// The chunk of each entry, counted within its document, ascending. `[n_entries]`
    pub chunks: Vec<u32>,
    /// What the term adds to the chunk of each entry, in [`UNIT`]s. `[n_entries]`
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

    fn with_capacity(n_documents: usize, n_entries: usize) -> Self {
        let mut starts = Vec::with_capacity(n_documents + 1);
        starts.push(0);
        Self {
            documents: Vec::with_capacity(n_documents),
            bases: Vec::with_capacity(n_documents),
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

    /// Appends a document, which is above the last one, with its entries `(chunk, extra)`.
    pub fn push(
        &mut self,
        document: u32,
        base: u16,
        entries: impl IntoIterator<Item = (u32, u16)>,
    ) {
        debug_assert!(self.documents.last().is_none_or(|&last| last < document));
        self.documents.push(document);
        self.bases.push(base);
        for (chunk, extra) in entries {
            self.chunks.push(chunk);
            self.extras.push(extra);
        }
        self.close();
    }

    fn close(&mut self) {
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
        self.documents.len() * 12 + self.chunks.len() * 6 + self.levels.len()
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
            out.push(list.documents[i], list.bases[i], list.pairs(i));
            if first {
                a += 1;
            } else {
                b += 1;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Class;

    #[test]
    fn every_level_is_nearest_to_itself_and_errors_stay_in_bounds() {
        for (i, &frequency) in FREQUENCIES.iter().enumerate() {
            assert_eq!(usize::from(level(frequency)), i);
        }
        for frequency in 180..12190u32 {
            let got = f64::from(FREQUENCIES[usize::from(level(frequency))]);
            assert!(
                (got / f64::from(frequency) - 1.0).abs() < 0.1,
                "{frequency} {got}"
            );
        }
    }

    #[test]
    fn impacts_are_those_computed_by_hand() {
        let parameters = ScoringParameters {
            k1: 120,
            b: 75,
            title_weight: 200,
            heading_weight: 100,
            document_share: 50,
        };
        // Chunks of 100 words, documents of 200: two chunks on average.
        let averages = Averages {
            chunk_words: 100,
            document_words: 200,
        };
        let class = |c, n| Class {
            chunks_per_document: c,
            n_documents: n,
        };
        let layout = Layout::new(vec![class(1, 1), class(4, 1)]).unwrap();
        let mut list = PostingList::new();
        list.push(0, 1, &[(0, 9)]);
        list.push(1, 0, &[(0, 9), (2, 9)]);
        let impacts = Scoring::new(parameters, averages).score(&list, &layout);
        let s = |x: f64| x * 2.2 / (1.2 + x);
        let x = 949.0 / 1024.0;
        // One chunk where two are usual: norm = 0.25 + 0.75 / 2.
        let base = 0.5 * s(2.0 + x / 0.625) + 0.5 * s(2.0);
        let extra = 0.5 * (s(2.0 + x) - s(2.0));
        assert!((f64::from(impacts.bases[0]) / 1024.0 - base).abs() < 0.003);
        assert!((f64::from(impacts.extras[0]) / 1024.0 - extra).abs() < 0.003);
        // Four chunks, two of which hold it: norm = 0.25 + 0.75 * 4 / 2.
        let base = 0.5 * s(2.0 * x / 1.75);
        assert!((f64::from(impacts.bases[1]) / 1024.0 - base).abs() < 0.003);
        assert!((f64::from(impacts.extras[2]) / 1024.0 - 0.5 * s(x)).abs() < 0.003);
        assert_eq!(impacts.peaks[1], impacts.bases[1] + impacts.extras[1]);
    }
}
