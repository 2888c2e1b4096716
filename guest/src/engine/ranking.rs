//! A search that stops before the passages: documents by number, with their scores.

use super::EngineError;
use super::blocks::{Fetched, Index};
use super::fuse::Scored;
use super::result::{Note, SearchOptions, Work};
use crate::host::Host;

/// A document among the best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankedDocument {
    /// Its segment, counted from 0.
    pub segment: usize,
    /// Its number within the segment.
    pub document: u32,
    /// Its best chunk, counted within the document.
    pub chunk: u32,
    /// As in [`super::Hit::score`].
    pub score: f64,
}

/// The best documents for a query.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// Best first: higher score, then lower segment and number.
    pub documents: Vec<RankedDocument>,
    /// What a cold query would have fetched.
    pub fetched: Fetched,
    /// How much was computed.
    pub work: Work,
    /// What the reader should know.
    pub notes: Vec<Note>,
}

impl<H: Host> Index<H> {
    /// Ranks for `text` as [`Index::search`] does, and reads passages only where a
    /// phrase must be verified or candidates are reranked. `options.facets` and `options.explain` are not looked at.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub async fn ranking(
        &self,
        text: &str,
        options: &SearchOptions,
    ) -> Result<Ranking, EngineError> {
        let mut fetched = self.fetched();
        let mut notes = Vec::new();
        let found = self
            .reranked(text, options, &mut fetched, &mut notes)
            .await?;
        let ranked = |scored: &Scored| RankedDocument {
            segment: scored.place.segment,
            document: scored.place.ranked.document,
            chunk: scored.place.ranked.chunk,
            score: scored.score,
        };
        Ok(Ranking {
            documents: found.ranking.iter().map(ranked).collect(),
            fetched,
            work: found.work,
            notes,
        })
    }
}
