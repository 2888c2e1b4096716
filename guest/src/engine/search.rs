//! Answers a query: plans it, reads what it needs, ranks, and shows passages.

use super::blocks::{Bits, Decoded, Fetched, Index, Segment};
use super::excerpt::excerpt;
use super::explain::explain;
use super::filter::Selection;
use super::phrase::{self, Candidates, PhraseWord};
use super::plan::{Plan, PlannedPhrase, PlannedTerm, plan};
use super::rank::{Allowed, Ranked, Weighted, top_chunks, top_documents};
use super::result::{
    ChunkHit, DocumentHit, Hit, Mode, Note, Ranks, Scores, SearchOptions, SearchResult, Timings,
    Work,
};
use super::{EngineError, MAX_HITS};
use crate::analysis::{Language, TokenKind};
use crate::host::Host;
use crate::query::{Occur, parse};
use littoral_indexes::envelope::{BlockId, Kind};
use littoral_indexes::impact::{ImpactList, UNIT};
use littoral_indexes::lexicon::BlockTerm;
use littoral_indexes::passages::{ChunkRecord, DocumentRecord};
use littoral_indexes::postings::Positions;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

/// Most terms a prefix is completed to.
const MAX_COMPLETIONS: usize = 12;

/// Blocks looked into to complete a prefix.
const MAX_PREFIX_BLOCKS: u32 = 3;

/// Passages read to find hits that hold a phrase, at most; beyond, a note says so.
const MAX_VERIFIED: usize = 256;

/// Impact units times weight units in a score of 1.0.
pub(super) const SCORE_UNIT: f64 = (UNIT * 256) as f64;

/// Skipping a tail may cost a document at most this share of the k-th score, in 1/256.
const TAIL_SLACK: u64 = 48;

/// A term's postings in one segment.
#[derive(Clone)]
pub(super) enum Source {
    /// Place in a lexicon block.
    Block(Arc<Decoded>, usize),
    /// Put together from several.
    Owned(Arc<ImpactList>),
}

impl Source {
    pub(super) fn list(&self) -> &ImpactList {
        static EMPTY: ImpactList = ImpactList::EMPTY;
        match self {
            Self::Block(decoded, i) => match &**decoded {
                Decoded::Lexicon(block) => &block.terms()[*i].list,
                _ => &EMPTY,
            },
            Self::Owned(list) => list,
        }
    }

    pub(super) fn term(&self) -> Option<&BlockTerm> {
        match self {
            Self::Block(decoded, i) => match &**decoded {
                Decoded::Lexicon(block) => block.terms().get(*i),
                _ => None,
            },
            Self::Owned(_) => None,
        }
    }
}

/// What one term of the plan finds.
pub(super) struct FoundTerm {
    pub(super) planned: PlannedTerm,
    /// Documents that hold it in all segments.
    pub(super) df: u32,
    /// Weight in the score, in 1/256.
    pub(super) weight: u32,
    /// By segment.
    pub(super) sources: Vec<Option<Source>>,
}

/// A place in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) segment: usize,
    pub(super) ranked: Ranked,
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
        let mode = Self::mode(options.mode, &mut notes)?;
        let k = options.k.clamp(1, MAX_HITS);

        let query = parse(text);
        let mut planned = {
            let mut analyzers = self
                .analyzers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            plan(&query, &self.languages, &mut analyzers, options.as_you_type)
        };
        if planned.truncated {
            let message = "the query is too long; its end was left out".to_owned();
            notes.push(Note {
                code: "query-truncated",
                message,
                suggestion: None,
            });
        }
        if !self.manifest.settings.positions && planned.terms.iter().any(|t| t.field.is_some()) {
            return Err(EngineError::Unsupported {
                what: "the index has no positions, so it cannot look in one field alone; leave \
                       out title:, headings: and body:, or build it with positions"
                    .to_owned(),
            });
        }
        let selection = self.selection(options)?;
        self.first_round(&planned, &selection, &mut fetched).await?;
        if options.correct {
            self.correct(text, &mut planned, &mut fetched, &mut notes)
                .await?;
        }
        let mut found = self.look_up(&planned, &mut fetched).await?;
        let restrictions = self
            .restrict(&planned, &found, &selection, &mut fetched)
            .await?;
        let wanted = if options.sort.is_some() {
            usize::MAX
        } else {
            k
        };
        let (mut places, mut work) = self
            .rank(
                &mut found,
                &restrictions,
                wanted,
                options.chunks,
                &mut fetched,
            )
            .await?;
        let n_found = self.count(&found, &restrictions);
        if let Some(order) = &options.sort {
            self.order_by(order, &mut places, &mut fetched).await?;
        }
        let facets = self
            .facets(options, &found, &restrictions, &mut fetched)
            .await?;

        let must_verify = planned.phrases.iter().any(|p| p.occur == Occur::Must);
        if planned
            .phrases
            .iter()
            .any(|p| p.occur == Occur::Must && p.is_all_stop_words())
        {
            places = self.every_chunk(&places);
        }
        let mut hits = Vec::new();
        let mut shown = Vec::new();

        let (mut next, mut verified) = (0, 0);
        while hits.len() < k {
            if next == places.len() {
                // More candidates than the first ranking gave are needed only for phrases.
                if !must_verify || places.len() >= MAX_VERIFIED || options.sort.is_some() {
                    break;
                }
                let more = (places.len().max(k) * 2).min(MAX_VERIFIED);
                let (again, more_work) = self
                    .rank(
                        &mut found,
                        &restrictions,
                        more,
                        options.chunks,
                        &mut fetched,
                    )
                    .await?;
                work.postings += more_work.postings;
                if again.len() <= places.len() {
                    break;
                }
                places = again;
            }
            let batch = &places[next..places.len().min(next + k - hits.len())];
            next += batch.len();
            verified += batch.len();
            let records = self.passages(batch, &mut fetched).await?;
            for (place, block) in batch.iter().zip(records) {
                if must_verify && !self.holds_phrases(&planned.phrases, *place, &block) {
                    continue;
                }
                let document = (place.segment, place.ranked.document);
                if !options.chunks && shown.contains(&document) {
                    continue;
                }
                shown.push(document);
                hits.push(self.hit(hits.len() as u32 + 1, *place, &block, &found, options));
            }
            if verified >= MAX_VERIFIED {
                let message =
                    format!("only the first {MAX_VERIFIED} candidates were checked for the phrase");
                notes.push(Note {
                    code: "phrase-limit",
                    message,
                    suggestion: None,
                });
                break;
            }
        }
        Ok(SearchResult {
            query: text.to_owned(),
            mode,
            n_found: n_found.max(hits.len() as u32),
            hits,
            facets,
            fetched,
            work,
            timings_ms: Timings::default(),
            notes,
        })
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

    /// Reads at once all that is known to be needed: lexicon blocks of the terms, positions for
    /// phrases, filters, sort columns, and the dictionary of the passages.
    async fn first_round(
        &self,
        plan: &Plan,
        selection: &Selection,
        fetched: &mut Fetched,
    ) -> Result<(), EngineError> {
        let terms = all_terms(plan);
        self.read_directories(&terms, fetched).await?;
        let mut wanted = selection.blocks.clone();
        for segment in &self.segments {
            wanted.extend(segment.dictionary_block());
            for term in &terms {
                wanted.push(self.lexicon_block(segment, term));
            }
            for term in plan.terms.iter().filter(|t| t.is_prefix) {
                wanted.extend(self.prefix_blocks(segment, &term.word));
            }
            for term in positional_terms(plan) {
                let block = self.lexicon_block(segment, term);
                if self.manifest.settings.positions {
                    wanted.push(BlockId {
                        kind: Kind::Positions,
                        ..block
                    });
                }
            }
        }
        self.blocks(&wanted, fetched).await?;
        Ok(())
    }

    /// Reads the lexicon blocks of `terms` in all segments: one round, or two with directories.
    pub(super) async fn read_lexicon(
        &self,
        terms: &[&str],
        fetched: &mut Fetched,
    ) -> Result<(), EngineError> {
        self.read_directories(terms, fetched).await?;
        let blocks: Vec<BlockId> = self
            .segments
            .iter()
            .flat_map(|segment| terms.iter().map(|term| self.lexicon_block(segment, term)))
            .collect();
        self.blocks(&blocks, fetched).await.map(drop)
    }

    async fn read_directories(
        &self,
        terms: &[&str],
        fetched: &mut Fetched,
    ) -> Result<(), EngineError> {
        let mut leaves = Vec::new();
        for segment in &self.segments {
            if segment.manifest.blocks_per_leaf > 0 {
                leaves.extend(terms.iter().map(|term| segment.leaf_of(term)));
            }
        }
        if !leaves.is_empty() {
            leaves.sort_unstable();
            leaves.dedup();
            let read = self.blocks(&leaves, fetched).await?;
            let mut cache = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
            cache.extend(leaves.into_iter().zip(read));
        }
        Ok(())
    }

    /// The lexicon block where `term` would be; its leaf was read before.
    fn lexicon_block(&self, segment: &Segment, term: &str) -> BlockId {
        let per_leaf = segment.manifest.blocks_per_leaf;
        let number = if per_leaf == 0 {
            segment.separators.block_of(term.as_bytes())
        } else {
            let leaf = segment.leaf_of(term);
            let leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
            let within = match leaves.get(&leaf).map(|decoded| &**decoded) {
                Some(Decoded::Directory(separators)) => separators.block_of(term.as_bytes()),
                _ => 0,
            };
            leaf.number.saturating_mul(per_leaf).saturating_add(within)
        };
        let last = segment.manifest.n_lexicon_blocks.saturating_sub(1);
        segment.block(Kind::Lexicon, number.min(last))
    }

    fn prefix_blocks(&self, segment: &Segment, prefix: &str) -> Vec<BlockId> {
        if segment.manifest.blocks_per_leaf > 0 {
            return vec![self.lexicon_block(segment, prefix)];
        }
        let range = segment.separators.blocks_with_prefix(prefix.as_bytes());
        let last = (*range.end())
            .min(range.start() + MAX_PREFIX_BLOCKS - 1)
            .min(segment.manifest.n_lexicon_blocks.saturating_sub(1));
        (*range.start()..=last)
            .map(|number| segment.block(Kind::Lexicon, number))
            .collect()
    }

    /// The postings of every term of the plan in every segment.
    pub(super) async fn look_up(
        &self,
        plan: &Plan,
        fetched: &mut Fetched,
    ) -> Result<Vec<FoundTerm>, EngineError> {
        let n_documents = self.n_documents().max(1);
        let mut found = Vec::new();
        for planned in &plan.terms {
            let mut sources = Vec::new();
            let mut df = 0;
            for segment in &self.segments {
                let mut alternatives = Vec::new();
                for term in &planned.alternatives {
                    alternatives.extend(self.term(segment, term, fetched).await?);
                }
                if planned.is_prefix {
                    self.complete(segment, &planned.word, &mut alternatives, fetched)
                        .await?;
                }
                // Terms that must be there, or must not, are needed whole.
                if planned.occur != Occur::Should || planned.field.is_some() {
                    self.read_tails(segment, &mut alternatives, fetched).await?;
                }
                df += alternatives
                    .iter()
                    .map(|s| {
                        s.term()
                            .map_or(s.list().len() as u32, BlockTerm::document_frequency)
                    })
                    .max()
                    .unwrap_or(0);
                sources.push(unite(alternatives));
            }
            let weight = weight(df, n_documents, planned.weight);
            found.push(FoundTerm {
                planned: planned.clone(),
                df,
                weight,
                sources,
            });
        }
        Ok(found)
    }

    /// The postings of `term` in `segment`, if it has them.
    async fn term(
        &self,
        segment: &Segment,
        term: &str,
        fetched: &mut Fetched,
    ) -> Result<Option<Source>, EngineError> {
        self.read_directories(&[term], fetched).await?;
        let block = self.lexicon_block(segment, term);
        let decoded = self.block(block, fetched).await?;
        let Decoded::Lexicon(lexicon) = &*decoded else {
            return Ok(None);
        };
        Ok(lexicon
            .find(term.as_bytes())
            .map(|i| Source::Block(Arc::clone(&decoded), i)))
    }

    pub(super) async fn block(
        &self,
        block: BlockId,
        fetched: &mut Fetched,
    ) -> Result<Arc<Decoded>, EngineError> {
        let mut read = self.blocks(&[block], fetched).await?;
        Ok(read.swap_remove(0))
    }

    /// Adds the most frequent terms that start with `prefix`.
    async fn complete(
        &self,
        segment: &Segment,
        prefix: &str,
        sources: &mut Vec<Source>,
        fetched: &mut Fetched,
    ) -> Result<(), EngineError> {
        let blocks = self.prefix_blocks(segment, prefix);
        let mut terms: Vec<Source> = Vec::new();
        for decoded in self.blocks(&blocks, fetched).await? {
            let Decoded::Lexicon(lexicon) = &*decoded else {
                continue;
            };
            terms.extend(
                lexicon
                    .with_prefix(prefix.as_bytes())
                    .filter(|&i| !lexicon.terms()[i].is_stop)
                    .map(|i| Source::Block(Arc::clone(&decoded), i)),
            );
        }
        let frequency = |s: &Source| s.term().map_or(0, BlockTerm::document_frequency);
        terms.sort_by_key(|s| std::cmp::Reverse(frequency(s)));
        for term in terms.into_iter().take(MAX_COMPLETIONS) {
            let name = term.term().map(|t| t.term.clone());
            if !sources
                .iter()
                .any(|s| s.term().map(|t| t.term.clone()) == name)
            {
                sources.push(term);
            }
        }
        Ok(())
    }

    /// Replaces heads by whole lists.
    async fn read_tails(
        &self,
        segment: &Segment,
        sources: &mut [Source],
        fetched: &mut Fetched,
    ) -> Result<(), EngineError> {
        for source in sources {
            let Some(tail) = source.term().and_then(|term| term.tail) else {
                continue;
            };
            let end = tail.first_block.saturating_add(tail.n_blocks);
            let blocks: Vec<BlockId> = (tail.first_block
                ..end.min(segment.manifest.n_postings_blocks))
                .map(|number| segment.block(Kind::Postings, number))
                .collect();
            let mut whole = source.list().clone();
            for decoded in self.blocks(&blocks, fetched).await? {
                if let Decoded::Tail(list) = &*decoded {
                    whole = whole.merge(list);
                }
            }
            *source = Source::Owned(Arc::new(whole));
        }
        Ok(())
    }

    /// What the documents found must fulfil, by segment.
    async fn restrict(
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
                    (None, Some(source)) => Bits::of(&source.list().documents),
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
            let block = self.lexicon_block(segment, &String::from_utf8_lossy(&term.term));
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
        let end = tail.first_block.saturating_add(tail.n_blocks);
        for number in tail.first_block..end.min(segment.manifest.n_postings_blocks) {
            let block = segment.block(Kind::Postings, number);
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

    /// The candidates that really hold a phrase.
    async fn exactly(
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

    /// Ranks over all segments.
    async fn rank(
        &self,
        found: &mut [FoundTerm],
        restrictions: &[Restriction],
        k: usize,
        chunks: bool,
        fetched: &mut Fetched,
    ) -> Result<(Vec<Place>, Work), EngineError> {
        let mut work = Work::default();
        loop {
            let mut places = Vec::new();
            work.postings = 0;
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
                let ranked = top(&lists, &segment.layout, allowed, k);
                places.extend(
                    ranked
                        .into_iter()
                        .map(|ranked| Place { segment: s, ranked }),
                );
            }
            places.sort_by_key(|p| {
                (
                    std::cmp::Reverse(p.ranked.score),
                    p.segment,
                    p.ranked.document,
                    p.ranked.chunk,
                )
            });
            places.truncate(k);
            if !Self::tails_matter(found, &places, k) {
                return Ok((places, work));
            }
            for term in found.iter_mut() {
                for (segment, source) in self.segments.iter().zip(&mut term.sources) {
                    if let Some(source) = source {
                        self.read_tails(segment, std::slice::from_mut(source), fetched)
                            .await?;
                    }
                }
            }
        }
    }

    /// Whether the tails left out could change the result by more than the slack.
    fn tails_matter(found: &[FoundTerm], places: &[Place], k: usize) -> bool {
        let mut potential = 0u64;
        for term in found {
            let tail = |source: &Option<Source>| {
                source
                    .as_ref()
                    .and_then(Source::term)
                    .and_then(|term| term.tail)
            };
            let highest = term
                .sources
                .iter()
                .filter_map(tail)
                .map(|tail| tail.max_impact)
                .max();
            potential += u64::from(highest.unwrap_or(0)) * u64::from(term.weight);
        }
        let threshold = if places.len() < k {
            0
        } else {
            places.last().map_or(0, |p| p.ranked.score)
        };
        potential > u64::from(threshold) * TAIL_SLACK / 256
    }

    /// How many documents fulfil the query.
    fn count(&self, found: &[FoundTerm], restrictions: &[Restriction]) -> u32 {
        self.matching(found, restrictions)
            .iter()
            .map(|documents| documents.len() as u32)
            .sum()
    }

    /// The documents that fulfil the query, by segment, ascending.
    pub(super) fn matching(
        &self,
        found: &[FoundTerm],
        restrictions: &[Restriction],
    ) -> Vec<Vec<u32>> {
        let mut all = Vec::new();
        for (s, segment) in self.segments.iter().enumerate() {
            let mut bits = Bits::default();
            for term in found.iter().filter(|t| t.planned.occur != Occur::MustNot) {
                let Some(source) = &term.sources[s] else {
                    continue;
                };
                source.list().documents.iter().for_each(|&d| bits.insert(d));
            }
            let restriction = &restrictions[s];
            if let Some(only) = &restriction.only {
                bits.intersect(only);
            }
            all.push(
                bits.iter()
                    .filter(|&d| !restriction.excluded.as_ref().is_some_and(|b| b.contains(d)))
                    .filter(|&d| !segment.deleted.contains(d))
                    .collect(),
            );
        }
        all
    }

    /// The passage blocks of `places`, in their order: one round.
    async fn passages(
        &self,
        places: &[Place],
        fetched: &mut Fetched,
    ) -> Result<Vec<Arc<Decoded>>, EngineError> {
        let mut wanted: Vec<BlockId> = places
            .iter()
            .map(|place| {
                let segment = &self.segments[place.segment];
                let (first, _) = segment.layout.chunks_of(place.ranked.document);
                segment.passage_block(first + place.ranked.chunk).0
            })
            .collect();
        let n = wanted.len();
        wanted.extend(self.segments.iter().filter_map(Segment::dictionary_block));
        let mut read = self.blocks(&wanted, fetched).await?;
        read.truncate(n);
        Ok(read)
    }

    fn records<'a>(
        &self,
        place: Place,
        block: &'a Arc<Decoded>,
    ) -> Option<(&'a DocumentRecord, &'a ChunkRecord)> {
        let Decoded::Passages(block) = &**block else {
            return None;
        };
        let segment = &self.segments[place.segment];
        let (first, _) = segment.layout.chunks_of(place.ranked.document);
        let (_, within) = segment.passage_block(first + place.ranked.chunk);
        let document = block.document(place.ranked.document)?;
        Some((document, block.chunks.get(within)?))
    }

    fn hit(
        &self,
        rank: u32,
        place: Place,
        block: &Arc<Decoded>,
        found: &[FoundTerm],
        options: &SearchOptions,
    ) -> Hit {
        let none = (DocumentRecord::default(), ChunkRecord::default());
        let (document, chunk) = self.records(place, block).unwrap_or((&none.0, &none.1));
        let mut weights: FxHashMap<&str, (usize, u32)> = FxHashMap::default();
        for (i, term) in found
            .iter()
            .enumerate()
            .filter(|(_, t)| t.planned.occur != Occur::MustNot)
        {
            for alternative in &term.planned.alternatives {
                weights
                    .entry(alternative)
                    .or_insert((i, term.weight.max(1)));
            }
            for source in term
                .sources
                .iter()
                .flatten()
                .filter(|_| term.planned.is_prefix)
            {
                if let Some(name) = source
                    .term()
                    .and_then(|t| std::str::from_utf8(&t.term).ok())
                {
                    weights.entry(name).or_insert((i, term.weight.max(1)));
                }
            }
        }
        let prefixes: Vec<&str> = found
            .iter()
            .filter(|t| t.planned.is_prefix)
            .map(|t| t.planned.word.as_str())
            .collect();
        let weigh = |term: &str| {
            weights.get(term).copied().or_else(|| {
                prefixes
                    .iter()
                    .any(|p| term.starts_with(p))
                    .then_some((found.len(), 1))
            })
        };
        let shown = {
            let mut analyzers = self
                .analyzers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let analyzer = analyzers.get(Language::from_code(&document.lang));
            excerpt(analyzer, &chunk.text, options.excerpt_chars.max(1), weigh)
        };
        let score = f64::from(place.ranked.score) / SCORE_UNIT;
        Hit {
            rank,
            score,
            document: DocumentHit {
                id: document.id.clone(),
                url: document.url.clone(),
                title: document.title.clone(),
                meta: document.meta.iter().cloned().collect::<BTreeMap<_, _>>(),
            },
            chunk: ChunkHit {
                id: place.ranked.chunk,
                heading: chunk.headings.clone(),
                anchor: chunk.anchor.clone(),
                start: chunk.start as usize,
                end: chunk.start as usize + chunk.text.len(),
                text: chunk.text.clone(),
            },
            excerpt: shown,
            scores: Scores {
                lexical: Some(score),
                ..Scores::default()
            },
            ranks: Ranks {
                lexical: Some(rank),
                dense: None,
            },
            explain: options
                .explain
                .then(|| explain(found, place, self.n_documents())),
        }
    }
}

/// What the documents of a segment must fulfil.
#[derive(Debug, Clone, Default)]
pub(super) struct Restriction {
    pub(super) only: Option<Bits>,
    pub(super) excluded: Option<Bits>,
    /// Chunks that may hold each phrase, to be the best of their documents.
    pub(super) phrases: Vec<ImpactList>,
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

/// Every term string that the plan looks up.
fn all_terms(plan: &Plan) -> Vec<&str> {
    let mut terms: Vec<&str> = plan
        .terms
        .iter()
        .flat_map(|t| &t.alternatives)
        .map(String::as_str)
        .collect();
    for phrase in &plan.phrases {
        terms.extend(phrase_terms(phrase));
    }
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// The terms of a phrase that are looked up: stop words only when there is nothing else.
fn phrase_terms(phrase: &PlannedPhrase) -> impl Iterator<Item = &str> {
    phrase.variants.iter().flat_map(|variant| {
        let only_stop = variant.iter().all(|&(_, _, is_stop)| is_stop);
        variant
            .iter()
            .filter(move |(_, _, is_stop)| !is_stop || only_stop)
            .map(|(_, term, _)| term.as_str())
    })
}

/// The terms whose positions are needed.
fn positional_terms(plan: &Plan) -> impl Iterator<Item = &str> {
    let in_fields = plan
        .terms
        .iter()
        .filter(|t| t.field.is_some())
        .flat_map(|t| &t.alternatives);
    in_fields
        .map(String::as_str)
        .chain(plan.phrases.iter().flat_map(phrase_terms))
}

/// One source of the union of several: each document with its highest levels.
fn unite(mut sources: Vec<Source>) -> Option<Source> {
    if sources.len() < 2 {
        return sources.pop();
    }
    let mut united: BTreeMap<u32, (u16, BTreeMap<u32, u16>)> = BTreeMap::new();
    for source in &sources {
        let list = source.list();
        for (i, &document) in list.documents.iter().enumerate() {
            let (base, entries) = united.entry(document).or_default();
            *base = (*base).max(list.bases[i]);
            for (chunk, extra) in list.pairs(i) {
                let highest = entries.entry(chunk).or_default();
                *highest = (*highest).max(extra);
            }
        }
    }
    let mut list = ImpactList::new();
    for (document, (base, entries)) in united {
        list.push(document, base, entries);
    }
    Some(Source::Owned(Arc::new(list)))
}

/// The union of lists without a common document, with their positions.
fn join(pieces: &[(ImpactList, Positions)], has_positions: bool) -> (ImpactList, Positions) {
    let mut places: Vec<(u32, usize, usize)> = Vec::new();
    for (p, (list, _)) in pieces.iter().enumerate() {
        places.extend(list.documents.iter().enumerate().map(|(i, &d)| (d, p, i)));
    }
    places.sort_unstable();
    let mut joined = ImpactList::new();
    let mut positions = Positions::default();
    for (document, p, i) in places {
        let (list, from) = &pieces[p];
        joined.push(document, list.bases[i], list.pairs(i));
        if has_positions {
            positions.titles.push(from.titles[i]);
            positions
                .headings
                .extend_from_slice(&from.headings[list.entries(i)]);
            positions
                .bodies
                .extend_from_slice(&from.bodies[list.entries(i)]);
        }
    }
    (joined, positions)
}

/// The weight of a term in 1/256: its inverse document frequency, `ln(1 + (N - df + 0.5) / (df +
/// 0.5))`, times its weight in the query. The logarithm is the portable one, so the result is the
/// same on every host. Source: Robertson, Zaragoza, "The Probabilistic Relevance Framework" (2009),
/// section 3, with Lucene's `1 +` that keeps it positive.
pub(super) fn weight(df: u32, n_documents: u32, query_weight: u32) -> u32 {
    if df == 0 {
        return 0;
    }
    let (n, df) = (f64::from(n_documents.max(df)), f64::from(df));
    let idf = libm::log(1.0 + (n - df + 0.5) / (df + 0.5));
    (idf * f64::from(query_weight) + 0.5) as u32
}
