//! Answers a query: the whole story.
//!
//! ```text
//! text ─plan→ terms ──lexical→ places ─order, verify─┐
//!   └───embed→ vector ─dense→ places ────────────────┴fuse→ ranking ─(rerank)─present→ hits
//! ```

use super::blocks::{Fetched, Index};
use super::dense::Dense;
use super::diverse::diversify;
use super::fuse::{DEPTH, Scored, alone, fuse};
use super::legs::wording;
use super::lexical::Lexical;
use super::plan::{Plan, plan};
use super::rare::rare;
use super::result::{Note, SearchOptions, SearchResult, Timings, Work};
use super::verify::phrase_limit;
use super::{EngineError, MAX_HITS};
use crate::host::Host;
use crate::map::Map;
use crate::query::{Occur, identifiers, parse};
use std::sync::PoisonError;

/// What a query finds, before its passages.
pub(super) struct Found {
    pub(super) lexical: Lexical,
    /// The best, best first.
    pub(super) ranking: Vec<Scored>,
    pub(super) work: Work,
}

impl<H: Host> Index<H> {
    /// Answers `text`.
    ///
    /// # Errors
    /// [`EngineError`] when a block cannot be had or is damaged, or an option names what the index
    /// does not have.
    pub async fn search(
        &self,
        text: &str,
        options: &SearchOptions,
    ) -> Result<SearchResult, EngineError> {
        let mut fetched = self.fetched();
        let mut notes = Vec::new();
        let mut found = self
            .reranked(text, options, &mut fetched, &mut notes)
            .await?;
        let facets = if options.facets.is_empty() {
            Map::default()
        } else {
            rare(self.facets(options, &mut found.lexical, &mut fetched)).await?
        };
        let n_found = self.count(&found.lexical);
        let hits = self
            .present(&found.ranking, &found.lexical.terms, options, &mut fetched)
            .await?;
        Ok(SearchResult {
            query: text.to_owned(),
            mode: options.mode,
            n_found: n_found.max(hits.len() as u32),
            hits,
            facets,
            fetched,
            work: found.work,
            timings_ms: Timings::default(),
            notes,
        })
    }

    /// From `text` to the first `k` places in the order asked for, which hold every phrase.
    pub(super) async fn find(
        &self,
        text: &str,
        options: &SearchOptions,
        fetched: &mut Fetched,
        notes: &mut Vec<Note>,
    ) -> Result<Found, EngineError> {
        let k = options.k.clamp(1, MAX_HITS);
        let mut plan = self.plan(text, options, notes)?;
        let legs = self.legs(&plan, options, notes)?;
        let selection = self.selection(options)?;
        let asked = legs.dense.then(|| wording(text, options.as_you_type));
        self.first_round(&plan, &selection, asked.as_deref(), fetched)
            .await?;
        if options.correct {
            self.correct(text, &mut plan, fetched, notes).await?;
        }
        let query = if legs.dense {
            self.query_vector(text, options, fetched, notes).await?
        } else {
            None
        };

        let mut lexical = self.lexical(&plan, &selection, fetched).await?;
        if lexical.restrictions.iter().any(|r| r.is_partial) {
            notes.push(phrase_limit());
        }
        if legs.lexical {
            let wanted = match &query {
                // An order other than the score's needs everything found.
                _ if options.sort.is_some() => usize::MAX,
                Some(_) => k.max(DEPTH),
                None => k,
            };
            let firm = if query.is_some() { k } else { wanted };
            self.rank(&mut lexical, wanted, firm, options.chunks, fetched)
                .await?;
        }
        let dense = match &query {
            Some(query) => {
                let restrictions = &lexical.restrictions;
                self.dense(query, restrictions, k.max(DEPTH), options, fetched)
                    .await?
            }
            None => Dense::default(),
        };
        if let Some(order) = &options.sort {
            rare(self.order_by(order, &mut lexical.places, fetched)).await?;
        }
        if legs.lexical && plan.phrases.iter().any(|p| p.occur == Occur::Must) {
            let verified = self.verified(&plan, &mut lexical, k, options, fetched, notes);
            lexical.places = rare(verified).await?;
        }

        let words = lexical.scored();
        let mut ranking = match (&query, legs.lexical) {
            (Some(_), true) => {
                let method = options.fusion.unwrap_or_else(|| self.fusion());
                let method = method.leaning(identifiers(&parse(text)));
                fuse(&words, &dense.places, method, options.chunks)
            }
            (Some(_), false) => alone(&dense.places, |s, found| s.dense = Some(found)),
            (None, _) => alone(&words, |s, found| s.lexical = Some(found)),
        };
        if options.diversity > 0.0 && query.is_some() {
            ranking = diversify(&ranking, &dense, k, options.diversity);
        }
        ranking.truncate(k);
        let work = Work {
            distances: dense.work.distances,
            ..lexical.work
        };
        Ok(Found {
            lexical,
            ranking,
            work,
        })
    }

    /// What `text` asks for; refuses what this index cannot answer.
    fn plan(
        &self,
        text: &str,
        options: &SearchOptions,
        notes: &mut Vec<Note>,
    ) -> Result<Plan, EngineError> {
        let query = parse(text);
        let mut analyzers = self
            .analyzers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let plan = plan(&query, &self.languages, &mut analyzers, options.as_you_type);
        if plan.truncated {
            notes.push(Note {
                code: "query-truncated".into(),
                message: "the query is too long; its end was left out".to_owned(),
                suggestion: None,
            });
        }
        if !self.manifest.settings.positions && plan.terms.iter().any(|t| t.field.is_some()) {
            return Err(EngineError::Unsupported {
                what: "the index has no positions, so it cannot look in one field alone; leave \
                       out title:, headings: and body:, or build it with positions"
                    .to_owned(),
            });
        }
        Ok(plan)
    }
}
