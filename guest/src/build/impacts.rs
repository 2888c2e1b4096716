//! Impacts: BM25F at the level of the chunk and of the document, folded into levels.
//!
//! A field-weighted, length-normalised term frequency is saturated once, over all fields together.
//! Source: Robertson, Zaragoza, Taylor, "Simple BM25 extension to multiple weighted fields" (CIKM
//! 2004). The score of a chunk blends its own BM25F with its document's: `document_share` of the
//! one, the rest of the other, so that a chunk from a document about the subject precedes a chunk
//! that mentions it in passing.

use super::payload::Payload;
use littoral_indexes::impact::{UNIT, base_level, extra_level};
use littoral_indexes::manifest::{Averages, ScoringParameters};

/// [`ScoringParameters`] and [`Averages`] as numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scorer {
    k1: f64,
    b: f64,
    title: f64,
    heading: f64,
    document_share: f64,
    chunk_words: f64,
    document_words: f64,
}

/// The levels of one posting.
#[derive(Debug, Clone, Default)]
pub(super) struct Levels {
    pub(super) base: u8,
    pub(super) entries: Vec<(u32, u8)>,
}

/// What lengths a document has, in words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lengths<'a> {
    pub(super) chunks: &'a [u16],
    pub(super) weights: &'a [u8],
    pub(super) document: u32,
}

impl Scorer {
    pub(super) fn new(parameters: ScoringParameters, averages: Averages) -> Self {
        let hundredths = |x: u16| f64::from(x) / 100.0;
        Self {
            k1: hundredths(parameters.k1),
            b: hundredths(parameters.b),
            title: hundredths(parameters.title_weight),
            heading: hundredths(parameters.heading_weight),
            document_share: hundredths(parameters.document_share),
            chunk_words: f64::from(averages.chunk_words.max(1)) / 256.0,
            document_words: f64::from(averages.document_words.max(1)) / 256.0,
        }
    }

    fn saturate(&self, frequency: f64) -> f64 {
        frequency * (self.k1 + 1.0) / (self.k1 + frequency)
    }

    fn normalise(&self, frequency: f64, words: f64, mean: f64) -> f64 {
        frequency / (1.0 - self.b + self.b * words / mean)
    }

    pub(super) fn levels(&self, payload: &Payload, lengths: Lengths<'_>, out: &mut Levels) {
        let title = self.title * f64::from(payload.title.count);
        let own_share = 1.0 - self.document_share;
        let mut total = 0.0;
        let mut headings = 0u8;
        for chunk in &payload.chunks {
            let weight = f64::from(lengths.weights[chunk.chunk as usize]) / 10.0;
            total += weight * f64::from(chunk.body.count);
            headings = headings.max(chunk.headings.count);
        }
        let whole = self.normalise(total, f64::from(lengths.document), self.document_words)
            + self.heading * f64::from(headings)
            + title;
        let base = self.document_share * self.saturate(whole) + own_share * self.saturate(title);
        out.entries.clear();
        let mut only = 0.0;
        for chunk in &payload.chunks {
            let i = chunk.chunk as usize;
            let weight = f64::from(lengths.weights[i]) / 10.0;
            let body = weight * f64::from(chunk.body.count);
            let own = self.normalise(body, f64::from(lengths.chunks[i]), self.chunk_words)
                + self.heading * f64::from(chunk.headings.count)
                + title;
            let extra = own_share * (self.saturate(own) - self.saturate(title));
            only += extra;
            out.entries.push((chunk.chunk, extra_level(units(extra))));
        }
        if lengths.chunks.len() == 1 {
            out.base = base_level(units(base + only));
            out.entries.clear();
            out.entries.push((0, 0));
        } else {
            out.base = base_level(units(base));
        }
    }
}

fn units(impact: f64) -> u32 {
    (impact * f64::from(UNIT) + 0.5) as u32
}

#[cfg(test)]
mod tests {
    use super::super::payload::ChunkOccurrences;
    use super::*;
    use littoral_indexes::impact::{BASE, EXTRA};

    #[test]
    fn the_only_chunk_of_a_document_scores_as_bm25() {
        let parameters = ScoringParameters {
            k1: 120,
            b: 75,
            title_weight: 200,
            heading_weight: 100,
            document_share: 50,
        };
        // 100 words on average, this one has 200; the term occurs three times.
        let averages = Averages {
            chunk_words: 100 * 256,
            document_words: 100 * 256,
        };
        let scorer = Scorer::new(parameters, averages);
        let mut chunk = ChunkOccurrences::default();
        (0..3).for_each(|i| chunk.body.add(i));
        let payload = Payload {
            chunks: vec![chunk],
            ..Payload::default()
        };
        let lengths = Lengths {
            chunks: &[200],
            weights: &[10],
            document: 200,
        };
        let mut levels = Levels::default();
        scorer.levels(&payload, lengths, &mut levels);
        // By hand: tf = 3 / (0.25 + 0.75 * 2) = 1.714; 1.714 * 2.2 / (1.2 + 1.714) = 1.294.
        let impact = f64::from(BASE[usize::from(levels.base)]) / 1024.0;
        assert!((impact / 1.294 - 1.0).abs() < 0.06, "{impact}");
        assert_eq!(levels.entries, [(0, 0)]);
        // In a document of two chunks, half of it is the document's and half the chunk's.
        let lengths = Lengths {
            chunks: &[200, 0],
            weights: &[10, 10],
            document: 200,
        };
        scorer.levels(&payload, lengths, &mut levels);
        let (base, extra) = (levels.base, levels.entries[0].1);
        let impact = f64::from(BASE[usize::from(base)] + EXTRA[usize::from(extra)]) / 1024.0;
        assert!((impact / 1.294 - 1.0).abs() < 0.08, "{impact}");
    }
}
