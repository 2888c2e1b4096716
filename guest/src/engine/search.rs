//! Answers a query: the whole story.
//!
//! ```text
//! text ─plan→ terms ─lexical→ places ─order, verify→ places ─present→ hits
//! ```

use super::blocks::{Fetched, Index};
use super::lexical::{Lexical, Place};
use super::plan::{Plan, plan};
use super::result::{Mode, Note, SearchOptions, SearchResult, Timings};
use super::verify::phrase_limit;
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
        let mode = Self::mode(options.mode, &mut notes)?;
        let k = options.k.clamp(1, MAX_HITS);

        let (plan, mut lexical) = self.leg(text, options, k, &mut fetched, &mut notes).await?;
        if !options.facets.is_empty() {
            self.read_all_tails(&mut lexical.terms, &mut fetched)
                .await?;
        }
        let n_found = self.count(&lexical);
        let facets = self.facets(options, &lexical, &mut fetched).await?;
        let places = self
            .chosen(&plan, &mut lexical, k, options, &mut fetched, &mut notes)
            .await?;
        let hits = self
            .present(&places, &lexical.terms, options, &mut fetched)
            .await?;
        Ok(SearchResult {
            query: text.to_owned(),
            mode,
            n_found: n_found.max(hits.len() as u32),
            hits,
            facets,
            fetched,
            work: lexical.work,
            timings_ms: Timings::default(),
            notes,
        })
    }

    /// From `text` to the lexical leg: the plan, its first round, corrections, the best `k` places.
    pub(super) async fn leg(
        &self,
        text: &str,
        options: &SearchOptions,
        k: usize,
        fetched: &mut Fetched,
        notes: &mut Vec<Note>,
    ) -> Result<(Plan, Lexical), EngineError> {
        // An order other than the score's needs everything found.
        let wanted = if options.sort.is_some() {
            usize::MAX
        } else {
            k
        };
        let mut plan = self.plan(text, options, notes)?;
        let selection = self.selection(options)?;
        self.first_round(&plan, &selection, fetched).await?;
        if options.correct {
            self.correct(text, &mut plan, fetched, notes).await?;
        }
        let lexical = self
            .lexical(&plan, &selection, wanted, options.chunks, fetched)
            .await?;
        if lexical.restrictions.iter().any(|r| r.is_partial) {
            notes.push(phrase_limit());
        }
        Ok((plan, lexical))
    }

    /// The first `k` places in the order asked for that hold every phrase of the plan.
    pub(super) async fn chosen(
        &self,
        plan: &Plan,
        lexical: &mut Lexical,
        k: usize,
        options: &SearchOptions,
        fetched: &mut Fetched,
        notes: &mut Vec<Note>,
    ) -> Result<Vec<Place>, EngineError> {
        if let Some(order) = &options.sort {
            self.order_by(order, &mut lexical.places, fetched).await?;
        }
        if plan.phrases.iter().any(|p| p.occur == Occur::Must) {
            return self
                .verified(plan, lexical, k, options, fetched, notes)
                .await;
        }
        lexical.places.truncate(k);
        Ok(lexical.places.clone())
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

    fn mode(asked: Mode, notes: &mut Vec<Note>) -> Result<Mode, EngineError> {
        match asked {
            Mode::Lexical => Ok(Mode::Lexical),
            Mode::Hybrid => {
                let message = "the index has no vectors; searched by words alone".to_owned();
                notes.push(Note {
                    code: "no-vectors",
                    message,
                    suggestion: None,
                });
                Ok(Mode::Hybrid)
            }
            Mode::Dense => Err(EngineError::Unsupported {
                what: "the index has no vectors, so it cannot be searched by them alone; \
                       search with the mode lexical"
                    .to_owned(),
            }),
        }
    }
}
