//! The lexical leg: documents ranked by the words of a query, without their passages.

use super::EngineError;
use super::blocks::{Fetched, Index};
use super::filter::Selection;
use super::lookup::FoundTerm;
use super::plan::Plan;
use super::rank::{Allowed, Ranked, Weighted, top_chunks, top_documents};
use super::rare::rare;
use super::restrict::Restriction;
use super::result::Work;
use super::segment::Bits;
use crate::host::Host;
use crate::query::Occur;
use littoral_indexes::impact::UNIT;
use littoral_indexes::order::sort_by_key;

/// Impact units times weight units in a score of 1.0.
pub(super) const SCORE_UNIT: f64 = (UNIT * 256) as f64;

/// Skipping a tail may cost a document at most this share of the k-th score, in 1/256.
const TAIL_SLACK: u64 = 48;

/// A place in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) segment: usize,
    pub(super) ranked: Ranked,
}

impl Place {
    /// Tells places apart, whatever their scores.
    pub(super) fn key(&self) -> (usize, u32, u32) {
        (self.segment, self.ranked.document, self.ranked.chunk)
    }
}

/// What the words of a query find.
pub(super) struct Lexical {
    pub(super) terms: Vec<FoundTerm>,
    /// What documents must fulfil, by segment: for every leg of the search.
    pub(super) restrictions: Vec<Restriction>,
    /// Best first: higher score, then lower segment, document and chunk.
    pub(super) places: Vec<Place>,
    pub(super) work: Work,
}

impl Lexical {
    /// The places with their scores.
    pub(super) fn scored(&self) -> Vec<(Place, f64)> {
        let score = |p: &Place| (*p, f64::from(p.ranked.score) / SCORE_UNIT);
        self.places.iter().map(score).collect()
    }
}

impl<H: Host> Index<H> {
    /// Looks up the words of `plan` and finds what documents must fulfil; ranks nothing yet.
    pub(super) async fn lexical(
        &self,
        plan: &Plan,
        selection: &Selection,
        fetched: &mut Fetched,
    ) -> Result<Lexical, EngineError> {
        let terms = self.look_up(plan, fetched).await?;
        let is_free =
            |term: &FoundTerm| term.planned.occur == Occur::Should && term.planned.field.is_none();
        let restrictions =
            if selection.is_empty() && plan.phrases.is_empty() && terms.iter().all(is_free) {
                vec![Restriction::default(); self.segments.len()]
            } else {
                rare(self.restrict(plan, &terms, selection, fetched)).await?
            };
        Ok(Lexical {
            terms,
            restrictions,
            places: Vec::new(),
            work: Work::default(),
        })
    }

    /// Ranks the best `k` over all segments anew. Tails that cannot change the first `firm` are left
    /// unread.
    pub(super) async fn rank(
        &self,
        lexical: &mut Lexical,
        k: usize,
        firm: usize,
        chunks: bool,
        fetched: &mut Fetched,
    ) -> Result<(), EngineError> {
        let Lexical {
            terms: found,
            restrictions,
            places,
            work,
        } = lexical;
        let before = work.postings;
        let mut bounds = self.bounds.take();
        loop {
            places.clear();
            work.postings = before;
            for (s, segment) in self.segments.iter().enumerate() {
                let restriction = &restrictions[s];
                let mut lists: Vec<Weighted<'_>> = Vec::new();
                let mut phrase_weight = 0;
                for term in found.iter() {
                    let Some(source) = &term.sources[s] else {
                        continue;
                    };
                    if term.planned.occur == Occur::MustNot {
                        continue;
                    }
                    phrase_weight = phrase_weight.max(term.weight);
                    lists.push(Weighted {
                        list: source.list(),
                        weight: term.weight,
                    });
                }
                lists.extend(restriction.phrases.iter().map(|list| Weighted {
                    list,
                    weight: phrase_weight,
                }));
                work.postings += lists.iter().map(|w| w.list.len() as u64).sum::<u64>();
                let allowed = Allowed {
                    only: restriction.only.as_ref(),
                    excluded: restriction.excluded.as_ref(),
                    deleted: (segment.n_deleted > 0).then_some(&segment.deleted),
                };
                let top = if chunks { top_chunks } else { top_documents };
                let ranked = top(&lists, &segment.layout, allowed, k, &mut bounds);
                places.extend(
                    ranked
                        .into_iter()
                        .map(|ranked| Place { segment: s, ranked }),
                );
            }
            sort_by_key(places, |p| {
                (
                    std::cmp::Reverse(p.ranked.score),
                    p.segment,
                    p.ranked.document,
                    p.ranked.chunk,
                )
            });
            places.truncate(k);
            let needed = Self::tails_that_matter(found, places, firm.min(k));
            if !needed.contains(&true) {
                self.bounds.give_back(bounds);
                return Ok(());
            }
            self.complete_lists(found, &needed, fetched).await?;
        }
    }

    /// By term, whether its tail is to be read: all but those, of the least potential, that together
    /// cannot change the result by more than the slack.
    fn tails_that_matter(found: &[FoundTerm], places: &[Place], k: usize) -> Vec<bool> {
        let potential = |term: &FoundTerm| {
            let tails = term.sources.iter().flatten();
            let tails = tails.filter_map(|source| source.term()?.tail);
            let highest = tails.map(|tail| tail.max_impact).max().unwrap_or(0);
            u64::from(highest) * u64::from(term.weight)
        };
        let threshold = if places.len() < k {
            0
        } else {
            places
                .get(k.saturating_sub(1))
                .map_or(0, |p| p.ranked.score)
        };
        let mut slack = u64::from(threshold) * TAIL_SLACK / 256;
        let mut by_potential: Vec<(u64, usize)> = found.iter().map(potential).zip(0..).collect();
        sort_by_key(&mut by_potential, |&place| place);
        let mut needed = vec![false; found.len()];
        for (potential, term) in by_potential {
            // What was left out before is paid for out of the same slack.
            match slack.checked_sub(potential) {
                Some(rest) => slack = rest,
                None => needed[term] = true,
            }
        }
        needed
    }

    /// How many documents fulfil the query.
    pub(super) fn count(&self, lexical: &Lexical) -> u32 {
        self.matching(lexical).iter().map(Bits::count).sum()
    }

    /// The documents that fulfil the query, by segment.
    pub(super) fn matching(&self, lexical: &Lexical) -> Vec<Bits> {
        let mut all = Vec::new();
        for (s, segment) in self.segments.iter().enumerate() {
            let mut bits = Bits::default();
            for term in lexical
                .terms
                .iter()
                .filter(|t| t.planned.occur != Occur::MustNot)
            {
                let Some(source) = &term.sources[s] else {
                    continue;
                };
                source.list().documents.iter().for_each(|&d| bits.insert(d));
            }
            let restriction = &lexical.restrictions[s];
            if let Some(only) = &restriction.only {
                bits.intersect(only);
            }
            if let Some(excluded) = &restriction.excluded {
                bits.remove(excluded);
            }
            bits.remove(&segment.deleted);
            all.push(bits);
        }
        all
    }
}
