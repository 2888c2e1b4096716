//! Impacts: what a term adds to a score.
//!
//! A posting stores how often a term stands in a chunk as a *level*: the term's frequency over the
//! fields, each with its weight, divided by the length normalisation of the chunk. Levels grow
//! geometrically by 1.2, so the error of a frequency is at most 10 %, and of the saturated impact
//! half of that. Impacts are computed from levels when a block is read, in integers:
//!
//! ```text
//! S(x)  = x (k1 + 1) / (k1 + x)                                  saturation
//! whole = title + expansion, each with its weight, of the document
//! base  = share · S(whole + Σ x_c / norm) + (1 − share) · S(whole)    for every chunk
//! extra = (1 − share) · (S(whole + x_c) − S(whole))                   for a chunk that holds it
//! norm  = 1 − b + b · chunks of the document / mean chunks of a document
//! ```
//!
//! So the score of a chunk blends its own BM25F with its document's, and a document whose title or
//! expansion holds the term gives it to all its chunks. That the document's part follows from its
//! chunks' levels saves its storage, a fifth of the postings.
//!
//! Sources: Robertson, Zaragoza, Taylor, "Simple BM25 extension to multiple weighted fields" (CIKM
//! 2004), for saturating the fields together; Anh, de Kretser, Moffat, "Vector-space ranking with
//! effective early termination" (SIGIR 2001), for geometric levels.

mod list;

pub use list::{ImpactList, Lent};

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
    expansion: u64,
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
            expansion: units(parameters.expansion_weight),
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

    /// What the level of a term in an expansion counts, in [`UNIT`]s of frequency.
    fn lent(&self, level: Option<u8>) -> u64 {
        let frequency = level.and_then(|level| FREQUENCIES.get(usize::from(level)));
        frequency.map_or(0, |&f| self.expansion * u64::from(f) / u64::from(UNIT))
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
            let expansion = list.expansion(i);
            let lent = self.lent(expansion);
            let elsewhere = title + lent;
            let from_elsewhere = self.saturate(elsewhere);
            let entries = list.entries(i);
            let total: u64 = list.levels[entries.clone()]
                .iter()
                .map(|&level| u64::from(FREQUENCIES[usize::from(level)]))
                .sum();
            let mean = (self.b * n_chunks).saturating_mul(self.chunk_words) / self.document_words;
            let norm = (unit - self.b).saturating_add(mean).max(1);
            let of_text = total * unit / norm;
            let base = |elsewhere: u64, from_elsewhere: u64| {
                let whole = self.saturate(elsewhere + of_text);
                let base = (self.share * whole + own_share * from_elsewhere) / unit;
                base.min(u64::from(u16::MAX)) as u16
            };
            let with_all = base(elsewhere, from_elsewhere);
            out.documents.push(document);
            out.bases.push(with_all);
            if let Some(level) = expansion {
                let impact = with_all.saturating_sub(base(title, self.saturate(title)));
                out.put_lent(Lent {
                    impact,
                    level: level + 1,
                    is_alone: count == 0 && entries.is_empty(),
                });
            } else {
                out.put_lent(Lent::default());
            }
            for entry in entries {
                let level = usize::from(list.levels[entry]);
                let extra = || {
                    let own = self.saturate(elsewhere + u64::from(FREQUENCIES[level]));
                    (own_share * (own - from_elsewhere) / unit).min(u64::from(u16::MAX)) as u16
                };
                let extra = match expansion {
                    Some(_) => extra(),
                    None => *saturated[usize::from(count)][level].get_or_insert_with(extra),
                };
                out.chunks.push(list.chunks[entry]);
                out.extras.push(extra);
            }
            out.close();
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
            expansion_weight: 80,
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
    #[test]
    fn an_expansion_counts_as_its_weight_times_its_level_for_every_chunk() {
        let parameters = ScoringParameters {
            k1: 120,
            b: 75,
            title_weight: 200,
            heading_weight: 100,
            document_share: 50,
            expansion_weight: 80,
        };
        let averages = Averages {
            chunk_words: 100,
            document_words: 100,
        };
        let class = Class {
            chunks_per_document: 1,
            n_documents: 3,
        };
        let layout = Layout::new(vec![class]).unwrap();
        let mut list = PostingList::new();
        list.push_expanded(0, 0, Some(9), &[]);
        list.push_expanded(1, 0, Some(9), &[(0, 9)]);
        list.push(2, 0, &[(0, 9)]);
        let impacts = Scoring::new(parameters, averages).score(&list, &layout);
        let s = |x: f64| x * 2.2 / (1.2 + x);
        let x = 949.0 / 1024.0;
        let near = |found: u16, expected: f64| {
            assert!(
                (f64::from(found) / 1024.0 - expected).abs() < 0.003,
                "{found} {expected}"
            );
        };
        near(impacts.bases[0], s(0.8 * x));
        near(impacts.bases[1], 0.5 * s(1.8 * x) + 0.5 * s(0.8 * x));
        near(impacts.extras[0], 0.5 * (s(1.8 * x) - s(0.8 * x)));
        near(impacts.bases[2], 0.5 * s(x));
        near(impacts.lent(0).impact, s(0.8 * x));
        near(
            impacts.lent(1).impact,
            0.5 * s(1.8 * x) + 0.5 * s(0.8 * x) - 0.5 * s(x),
        );
        assert_eq!(impacts.lent(2), Lent::default());
        assert_eq!(impacts.lent(1).level, 10);
        assert!(impacts.lent(0).is_alone && !impacts.lent(1).is_alone);
        assert_eq!(impacts.holders().collect::<Vec<_>>(), [1, 2]);
    }
}
