//! What documents must fulfil: words that must or must not be there, fields, phrases, filters.

use super::EngineError;
use super::blocks::{Fetched, Index};
use super::decode::Decoded;
use super::filter::Selection;
use super::lookup::{FoundTerm, Source};
use super::phrase::{self, Candidates, PhraseWord};
use super::plan::{Plan, PlannedPhrase};
use super::segment::{Bits, Segment};
use super::verify::MAX_VERIFIED;
use crate::analysis::TokenKind;
use crate::host::Host;
use crate::query::Occur;
use littoral_indexes::envelope::{BlockId, Kind};
use littoral_indexes::impact::ImpactList;
use littoral_indexes::order::sort_by;
use littoral_indexes::postings::Positions;
use std::sync::Arc;

/// What the documents of a segment must fulfil.
#[derive(Debug, Clone, Default)]
pub(super) struct Restriction {
    pub(super) only: Option<Bits>,
    pub(super) excluded: Option<Bits>,
    /// Chunks that may hold each phrase, to be the best of their documents.
    pub(super) phrases: Vec<ImpactList>,
    /// Whether an excluded phrase has more candidates than were checked.
    pub(super) is_partial: bool,
}

impl Restriction {
    pub(super) fn apply(&mut self, documents: Bits, occur: Occur) {
        if occur == Occur::MustNot {
            self.excluded.get_or_insert_default().union(&documents);
        } else if let Some(only) = &mut self.only {
            only.intersect(&documents);
        } else {
            self.only = Some(documents);
        }
    }
}

impl<H: Host> Index<H> {
    /// What the documents found must fulfil, by segment.
    pub(super) async fn restrict(
        &self,
        plan: &Plan,
        found: &[FoundTerm],
        selection: &Selection,
        fetched: &mut Fetched,
    ) -> Result<Vec<Restriction>, EngineError> {
        let mut restrictions = self.filtered(selection, fetched).await?;
        for (s, segment) in self.segments.iter().enumerate() {
            let restriction = &mut restrictions[s];
            for term in found {
                if term.planned.occur == Occur::Should && term.planned.field.is_none() {
                    continue;
                }
                let documents = match (term.planned.field, &term.sources[s]) {
                    (_, None) => Bits::default(),
                    // What an expansion lends, a document does not say.
                    (None, Some(source)) => source.list().holders().collect(),
                    (Some(field), Some(_)) => {
                        let phrase = PlannedPhrase {
                            text: term.planned.word.clone(),
                            occur: term.planned.occur,
                            field: Some(field),
                            variants: term
                                .planned
                                .alternatives
                                .iter()
                                .map(|t| vec![(0, t.clone(), term.planned.kind == TokenKind::Stop)])
                                .collect(),
                        };
                        self.phrase(segment, &phrase, fetched).await?.documents
                    }
                };
                restriction.apply(documents, term.planned.occur);
            }
            for phrase in &plan.phrases {
                let candidates = self.phrase(segment, phrase, fetched).await?;
                if phrase.occur == Occur::MustNot {
                    // Residues may claim too much: only passages tell. Excluding a document that
                    // merely may hold the phrase is wrong, so each is read.
                    restriction.is_partial |= candidates.chunks.len() > MAX_VERIFIED;
                    let documents = self.exactly(s, phrase, &candidates, fetched).await?;
                    restriction.apply(documents, Occur::MustNot);
                } else {
                    restriction.apply(candidates.documents, Occur::Must);
                    restriction.phrases.push(candidates.chunks);
                }
            }
        }
        Ok(restrictions)
    }

    async fn phrase(
        &self,
        segment: &Segment,
        phrase: &PlannedPhrase,
        fetched: &mut Fetched,
    ) -> Result<Candidates, EngineError> {
        let mut all = Candidates {
            chunks: ImpactList::new(),
            ..Candidates::default()
        };
        'variants: for variant in &phrase.variants {
            let first = variant.first().map_or(0, |&(position, _, _)| position);
            let mut words: Vec<(u32, Source, Option<Positions>)> = Vec::new();
            // Stop words have no positions; among other words they are checked in the passage.
            let only_stop = variant.iter().all(|&(_, _, is_stop)| is_stop);
            for (position, term, is_stop) in variant {
                if *is_stop && !only_stop {
                    continue;
                }
                let Some(source) = self.term(segment, term, fetched).await? else {
                    continue 'variants;
                };
                let (source, positions) = self.positions(segment, source, fetched).await?;
                words.push((position - first, source, positions));
            }
            let words: Vec<PhraseWord<'_>> = words
                .iter()
                .map(|(offset, source, positions)| PhraseWord {
                    offset: *offset,
                    list: source.list(),
                    positions: positions.as_ref(),
                })
                .collect();
            let found = phrase::candidates(&words, phrase.field);
            all.documents.union(&found.documents);
            if all.chunks.is_empty() {
                all.chunks = found.chunks;
            }
        }
        Ok(all)
    }

    /// The whole list of a term with its positions.
    async fn positions(
        &self,
        segment: &Segment,
        source: Source,
        fetched: &mut Fetched,
    ) -> Result<(Source, Option<Positions>), EngineError> {
        let Some(term) = source.term() else {
            return Ok((source, None));
        };
        let has_positions = self.manifest.settings.positions && !term.is_stop;
        let head_positions = if has_positions {
            let block = self.lexicon_block(segment, &term.term);
            let wanted = [
                block,
                BlockId {
                    kind: Kind::Positions,
                    ..block
                },
            ];
            let read = self.blocks(&wanted, fetched).await?;
            match (&*read[0], &*read[1]) {
                (Decoded::Lexicon(lexicon), Decoded::Positions(positions)) => lexicon
                    .find(&term.term)
                    .and_then(|i| positions.lists.get(i).cloned().flatten()),
                _ => None,
            }
        } else {
            None
        };
        let Some(tail) = term.tail else {
            return Ok((source, head_positions));
        };
        let mut pieces = vec![(source.list().clone(), head_positions.unwrap_or_default())];
        for block in segment.tail_blocks(tail) {
            let mut wanted = vec![block];
            if has_positions {
                wanted.push(crate::build::positions_block(
                    block,
                    segment.manifest.n_lexicon_blocks,
                ));
            }
            let read = self.blocks(&wanted, fetched).await?;
            let Decoded::Tail(list) = &*read[0] else {
                continue;
            };
            let positions = match read.get(1).map(|decoded| &**decoded) {
                Some(Decoded::TailPositions(positions)) => positions.clone(),
                _ => Positions::default(),
            };
            pieces.push((list.clone(), positions));
        }
        let (list, positions) = join(&pieces, has_positions);
        Ok((
            Source::Owned(Arc::new(list)),
            has_positions.then_some(positions),
        ))
    }
}

/// The union of lists without a common document, with their positions.
fn join(pieces: &[(ImpactList, Positions)], has_positions: bool) -> (ImpactList, Positions) {
    let mut places: Vec<(u32, usize, usize)> = Vec::new();
    for (p, (list, _)) in pieces.iter().enumerate() {
        places.extend(list.documents.iter().enumerate().map(|(i, &d)| (d, p, i)));
    }
    sort_by(&mut places, Ord::cmp);
    let mut joined = ImpactList::new();
    let mut positions = Positions::default();
    for (document, p, i) in places {
        let (list, from) = &pieces[p];
        joined.push_lent(document, list.bases[i], list.lent(i), list.pairs(i));
        if has_positions {
            positions.push(from, i, list.entries(i));
        }
    }
    (joined, positions)
}
