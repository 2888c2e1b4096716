//! Orders the best candidates anew, by a model that reads query and passage together.

use super::EngineError;
use super::MAX_HITS;
use super::blocks::{Fetched, Index};
use super::fuse::Scored;
use super::legs::meant;
use super::rare::rare;
use super::result::{Note, Rerank, SearchOptions};
use super::search::Found;
use crate::build::encoder_text;
use crate::host::Host;
use littoral_indexes::order::sort_by;

impl<H: Host> Index<H> {
    /// As [`Index::find`], and where `options` ask for it, the best of what was found in the order of
    /// a reranker: one more round, for their passages.
    ///
    /// The score of a reranked place is its relevance, from 0 to 1. What lies behind the places that
    /// were read keeps its order, with a score of 0.
    pub(super) async fn reranked(
        &self,
        text: &str,
        options: &SearchOptions,
        fetched: &mut Fetched,
        notes: &mut Vec<Note>,
    ) -> Result<Found, EngineError> {
        match options.rerank {
            None => self.find(text, options, fetched, notes).await,
            Some(rerank) => rare(self.rerank(rerank, text, options, fetched, notes)).await,
        }
    }

    async fn rerank(
        &self,
        rerank: Rerank,
        text: &str,
        options: &SearchOptions,
        fetched: &mut Fetched,
        notes: &mut Vec<Note>,
    ) -> Result<Found, EngineError> {
        if options.sort.is_some() {
            return Err(EngineError::Unsupported {
                what:
                    "hits ordered by a sort key cannot be reranked; leave out the one or the other"
                        .to_owned(),
            });
        }
        let wanted = options.k.clamp(1, MAX_HITS);
        let wide = SearchOptions {
            k: options.k.max(rerank.depth).min(MAX_HITS),
            ..options.clone()
        };
        let mut found = self.find(text, &wide, fetched, notes).await?;
        let asked = meant(text, options, notes);
        let n_read = rerank.depth.min(found.ranking.len());
        let read = self
            .relevance(&rerank, &asked, &found.ranking[..n_read], wanted, fetched)
            .await?;
        match read {
            Some(read) => reorder(&mut found.ranking, &read),
            None => notes.push(Note {
                code: "no-reranker".into(),
                message: "the reranker that was asked for is not here; hits are ordered without it"
                    .to_owned(),
                suggestion: None,
            }),
        }
        found.ranking.truncate(wanted);
        Ok(found)
    }

    /// How relevant the passages of `candidates` are, of which `wanted` are kept; `None` when the host has no such reranker.
    async fn relevance(
        &self,
        rerank: &Rerank,
        asked: &str,
        candidates: &[Scored],
        wanted: usize,
        fetched: &mut Fetched,
    ) -> Result<Option<Vec<f64>>, EngineError> {
        let places: Vec<_> = candidates.iter().map(|scored| scored.place).collect();
        let blocks = self.passages(&places, fetched).await?;
        let texts = places.iter().zip(&blocks).map(|(&place, block)| {
            self.records(place, block)
                .map(|(document, chunk)| encoder_text(document, chunk))
                .unwrap_or_default()
        });
        let texts: Vec<String> = texts.collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let host = self.host();
        let relevance = host.rerank(rerank.model, asked, &texts, wanted).await;
        // A host that gives something else than one number for each text has not answered.
        Ok(relevance.filter(|r| r.len() == texts.len() && r.iter().all(|r| r.is_finite())))
    }
}

/// Puts the first places of `ranking` into the order of their `relevance`, highest first; equals stay
/// as they were.
fn reorder(ranking: &mut [Scored], relevance: &[f64]) {
    let (read, rest) = ranking.split_at_mut(relevance.len());
    for (scored, &relevance) in read.iter_mut().zip(relevance) {
        scored.rerank = Some(relevance);
        scored.score = relevance;
    }
    sort_by(read, |a, b| b.score.total_cmp(&a.score));
    for scored in rest {
        scored.score = 0.0;
    }
}
