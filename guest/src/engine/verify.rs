//! What only passages tell: whether a candidate really holds a phrase.

use super::EngineError;
use super::blocks::{Fetched, Index};
use super::decode::Decoded;
use super::lexical::{Lexical, Place};
use super::phrase::{self, Candidates};
use super::plan::{Plan, PlannedPhrase};
use super::rank::Ranked;
use super::result::{Note, SearchOptions};
use super::segment::Bits;
use crate::analysis::Language;
use crate::host::Host;
use crate::map::Set;
use crate::query::Occur;
use std::sync::{Arc, PoisonError};

/// Passages read to find hits that hold a phrase, at most; beyond, a note says so.
pub(super) const MAX_VERIFIED: usize = 256;

/// Says that not every candidate was checked for a phrase.
pub(super) fn phrase_limit() -> Note {
    Note {
        code: "phrase-limit".into(),
        message: format!("only the first {MAX_VERIFIED} candidates were checked for the phrase"),
        suggestion: None,
    }
}

impl<H: Host> Index<H> {
    /// The first `k` of the places of `lexical` whose passages hold every phrase of the plan; more
    /// are ranked when those run out, up to [`MAX_VERIFIED`].
    pub(super) async fn verified(
        &self,
        plan: &Plan,
        lexical: &mut Lexical,
        k: usize,
        options: &SearchOptions,
        fetched: &mut Fetched,
        notes: &mut Vec<Note>,
    ) -> Result<Vec<Place>, EngineError> {
        let required = |p: &&PlannedPhrase| p.occur == Occur::Must;
        let anywhere = plan
            .phrases
            .iter()
            .filter(required)
            .any(PlannedPhrase::is_all_stop_words);
        let mut checked = Set::default();
        let mut shown = Set::default();
        let mut holding = Vec::new();
        loop {
            let places = if anywhere {
                self.every_chunk(&lexical.places)
            } else {
                lexical.places.clone()
            };
            let is_new = |place: &Place| !checked.contains_key(&place.key());
            let fresh: Vec<Place> = places.iter().copied().filter(is_new).collect();
            let mut rest = fresh.as_slice();
            while !rest.is_empty() && holding.len() < k {
                let (batch, later) = rest.split_at(rest.len().min(k - holding.len()));
                rest = later;
                let blocks = self.passages(batch, fetched).await?;
                for (place, block) in batch.iter().zip(&blocks) {
                    checked.insert(place.key(), ());
                    let document = (place.segment, place.ranked.document);
                    if self.holds_phrases(&plan.phrases, *place, block)
                        && (options.chunks || !shown.contains_key(&document))
                    {
                        shown.insert(document, ());
                        holding.push(*place);
                    }
                }
                if checked.len() >= MAX_VERIFIED && holding.len() < k {
                    notes.push(phrase_limit());
                    return Ok(holding);
                }
            }
            let n = lexical.places.len();
            if holding.len() >= k || n >= MAX_VERIFIED || options.sort.is_some() {
                return Ok(holding);
            }
            let more = (n.max(k) * 2).min(MAX_VERIFIED);
            self.rank(lexical, more, more, options.chunks, fetched)
                .await?;
            if lexical.places.len() <= n {
                return Ok(holding);
            }
        }
    }

    /// The candidates that really hold a phrase, of the first [`MAX_VERIFIED`].
    pub(super) async fn exactly(
        &self,
        s: usize,
        phrase: &PlannedPhrase,
        candidates: &Candidates,
        fetched: &mut Fetched,
    ) -> Result<Bits, EngineError> {
        let mut documents = Bits::default();
        let list = &candidates.chunks;
        for (i, &document) in list.documents.iter().enumerate().take(MAX_VERIFIED) {
            let mut chunks: Vec<u32> = list.entries(i).map(|e| list.chunks[e]).collect();
            if chunks.is_empty() {
                chunks.push(0);
            }
            let places: Vec<Place> = chunks
                .into_iter()
                .map(|chunk| Place {
                    segment: s,
                    ranked: Ranked {
                        score: 0,
                        document,
                        chunk,
                    },
                })
                .collect();
            let blocks = self.passages(&places, fetched).await?;
            let phrases = [PlannedPhrase {
                occur: Occur::Must,
                ..phrase.clone()
            }];
            if places
                .iter()
                .zip(&blocks)
                .any(|(p, b)| self.holds_phrases(&phrases, *p, b))
            {
                documents.insert(document);
            }
        }
        Ok(documents)
    }

    fn holds_phrases(&self, phrases: &[PlannedPhrase], place: Place, block: &Arc<Decoded>) -> bool {
        let Some((document, chunk)) = self.records(place, block) else {
            return false;
        };
        let language = Language::from_code(&document.lang);
        let mut analyzers = self
            .analyzers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let analyzer = analyzers.get(language);
        phrases
            .iter()
            .filter(|p| p.occur == Occur::Must)
            .all(|p| phrase::holds(analyzer, &p.text, p.field, document, chunk))
    }

    /// Every chunk of the documents of `places`, in their order: where a phrase of stop words stands
    /// only passages tell.
    fn every_chunk(&self, places: &[Place]) -> Vec<Place> {
        let chunks = |place: &Place| {
            let (_, n) = self.segments[place.segment]
                .layout
                .chunks_of(place.ranked.document);
            let place = *place;
            (0..n).map(move |chunk| Place {
                ranked: Ranked {
                    chunk,
                    ..place.ranked
                },
                ..place
            })
        };
        places.iter().flat_map(chunks).collect()
    }
}
