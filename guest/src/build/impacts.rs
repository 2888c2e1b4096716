//! From counts to levels: the weighted, length-normalised frequency of a term in each chunk.
//!
//! What a level adds to a score is computed when it is read: see [`littoral_indexes::impact`].

use super::payload::Payload;
use littoral_indexes::impact::{MAX_TITLE_COUNT, UNIT, level};
use littoral_indexes::manifest::{Averages, ScoringParameters};

/// The parameters that are baked into levels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leveler {
    b: f64,
    heading: f64,
    chunk_words: f64,
}

/// The levels of one posting.
#[derive(Debug, Clone, Default)]
pub(super) struct Levels {
    pub(super) title: u8,
    pub(super) expansion: Option<u8>,
    pub(super) entries: Vec<(u32, u8)>,
}

impl Leveler {
    pub(super) fn new(parameters: ScoringParameters, averages: Averages) -> Self {
        Self {
            b: f64::from(parameters.b) / 100.0,
            heading: f64::from(parameters.heading_weight) / 100.0,
            chunk_words: f64::from(averages.chunk_words.max(1)) / 256.0,
        }
    }

    /// The levels of `payload` in a document whose chunks have these words and weights.
    pub(super) fn levels(
        &self,
        payload: &Payload,
        words: &[u16],
        weights: &[u8],
        out: &mut Levels,
    ) {
        out.title = payload.title.count.min(MAX_TITLE_COUNT);
        out.expansion = payload.expansion;
        out.entries.clear();
        for chunk in &payload.chunks {
            let i = chunk.chunk as usize;
            let norm = 1.0 - self.b + self.b * f64::from(words[i]) / self.chunk_words;
            let body = f64::from(weights[i]) / 10.0 * f64::from(chunk.body.count) / norm.max(0.01);
            let frequency = body + self.heading * f64::from(chunk.headings.count);
            let units = (frequency * f64::from(UNIT) + 0.5).min(1e9) as u32;
            out.entries.push((chunk.chunk, level(units)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::payload::ChunkOccurrences;
    use super::*;
    use littoral_indexes::impact::FREQUENCIES;

    #[test]
    fn a_frequency_is_normalised_by_the_length_of_its_chunk() {
        let parameters = ScoringParameters {
            k1: 120,
            b: 75,
            title_weight: 200,
            heading_weight: 100,
            document_share: 50,
            expansion_weight: 80,
        };
        // 100 words on average, this one has 200; the term occurs three times.
        let averages = Averages {
            chunk_words: 100 * 256,
            document_words: 100 * 256,
        };
        let leveler = Leveler::new(parameters, averages);
        let mut chunk = ChunkOccurrences::default();
        (0..3).for_each(|i| chunk.body.add(i));
        let payload = Payload {
            chunks: vec![chunk],
            ..Payload::default()
        };
        let mut levels = Levels::default();
        leveler.levels(&payload, &[200], &[10], &mut levels);
        // By hand: 3 / (0.25 + 0.75 * 2) = 1.714.
        let frequency = f64::from(FREQUENCIES[usize::from(levels.entries[0].1)]) / 1024.0;
        assert!((frequency / 1.714 - 1.0).abs() < 0.1, "{frequency}");
    }
}
