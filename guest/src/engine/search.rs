//! Answers a query: the whole story.
//!
//! ```text
//! text ─plan→ terms ──lexical→ places ─order, verify─┐
//!   └───embed→ vector ─dense→ places ────────────────┴fuse→ ranking ─present→ hits
//! ```

use super::blocks::Index;
use super::dense::Dense;
use super::fuse::{DEPTH, alone, fuse};
use super::plan::{Plan, plan};
use super::result::{Note, SearchOptions, SearchResult, Timings, Work};
use super::{EngineError, MAX_HITS};
use crate::host::Host;
use crate::query::{Occur, parse};
use std::sync::PoisonError;

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
        let k = options.k.clamp(1, MAX_HITS);

        let mut plan = self.plan(text, options, &mut notes)?;
        let legs = self.legs(&plan, options, &mut notes)?;
        let selection = self.selection(options)?;
        self.first_round(&plan, &selection, legs, &mut fetched)
            .await?;
        if options.correct {
            self.correct(text, &mut plan, &mut fetched, &mut notes)
                .await?;
        }
        let query = if legs.dense {
            self.query_vector(text, options, &mut fetched, &mut notes)
                .await?
        } else {
            None
        };

        let mut lexical = self.lexical(&plan, &selection, &mut fetched).await?;
        if legs.lexical {
            let wanted = match &query {
                // An order other than the score's needs everything found.
                _ if options.sort.is_some() => usize::MAX,
                Some(_) => k.max(DEPTH),
                None => k,
            };
            let firm = if query.is_some() { k } else { wanted };
            self.rank(&mut lexical, wanted, firm, options.chunks, &mut fetched)
                .await?;
        }
        let dense = match &query {
            Some(query) => {
                let restrictions = &lexical.restrictions;
                let wanted = k.max(DEPTH);
                self.dense(query, restrictions, wanted, options.chunks, &mut fetched)
                    .await?
            }
            None => Dense::default(),
        };
        let n_found = self.count(&lexical);
        let facets = self.facets(options, &lexical, &mut fetched).await?;
        if let Some(order) = &options.sort {
            self.order_by(order, &mut lexical.places, &mut fetched)
                .await?;
        }
        if plan.phrases.iter().any(|p| p.occur == Occur::Must) {
            lexical.places = self
                .verified(&plan, &mut lexical, k, options, &mut fetched, &mut notes)
                .await?;
        }

        let words = lexical.scored();
        let mut ranking = match (&query, legs.lexical) {
            (Some(_), true) => fuse(&words, &dense.places, options.fusion, options.chunks),
            (Some(_), false) => alone(&dense.places, |s, found| s.dense = Some(found)),
            (None, _) => alone(&words, |s, found| s.lexical = Some(found)),
        };
        ranking.truncate(k);
        let hits = self
            .present(&ranking, &lexical.terms, options, &mut fetched)
            .await?;
        Ok(SearchResult {
            query: text.to_owned(),
            mode: options.mode,
            n_found: n_found.max(hits.len() as u32),
            hits,
            facets,
            fetched,
            work: Work {
                distances: dense.work.distances,
                ..lexical.work
            },
            timings_ms: Timings::default(),
            notes,
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
                code: "query-truncated",
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
