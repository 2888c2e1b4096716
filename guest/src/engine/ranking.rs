//! A search that stops before the passages: documents by number, with their scores.

use super::blocks::{Fetched, Index};
use super::lexical::{Place, SCORE_UNIT};
use super::result::{Note, SearchOptions, Work};
use super::{EngineError, MAX_HITS};
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
    /// Ranks by the words of `text` as [`Index::search`] does, and reads passages only where a
    /// phrase must be verified. `options.facets` and `options.explain` are not looked at.
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
        let k = options.k.clamp(1, MAX_HITS);
        let (plan, mut lexical) = self.leg(text, options, k, &mut fetched, &mut notes).await?;
        let places = self
            .chosen(&plan, &mut lexical, k, options, &mut fetched, &mut notes)
            .await?;
        let ranked = |place: Place| RankedDocument {
            segment: place.segment,
            document: place.ranked.document,
            chunk: place.ranked.chunk,
            score: f64::from(place.ranked.score) / SCORE_UNIT,
        };
        Ok(Ranking {
            documents: places.into_iter().map(ranked).collect(),
            fetched,
            work: lexical.work,
            notes,
        })
    }
}
