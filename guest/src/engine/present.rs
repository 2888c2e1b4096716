//! From ranked places to hits: reads their passages and cuts excerpts.

use super::EngineError;
use super::blocks::{Fetched, Index};
use super::decode::Decoded;
use super::excerpt::{Marks, excerpt};
use super::explain::explain;
use super::fuse::Scored;
use super::lexical::Place;
use super::lookup::FoundTerm;
use super::read::{chunk_of, document_of};
use super::result::{Hit, Ranks, Scores, SearchOptions};
use super::segment::Segment;
use crate::analysis::Language;
use crate::host::Host;
use crate::query::Occur;
use littoral_indexes::envelope::BlockId;
use littoral_indexes::passages::{ChunkRecord, DocumentRecord};
use std::sync::{Arc, PoisonError};

impl<H: Host> Index<H> {
    /// The hits of a ranking, in its order: one round.
    pub(super) async fn present(
        &self,
        ranking: &[Scored],
        found: &[FoundTerm],
        options: &SearchOptions,
        fetched: &mut Fetched,
    ) -> Result<Vec<Hit>, EngineError> {
        let places: Vec<Place> = ranking.iter().map(|scored| scored.place).collect();
        let blocks = self.passages(&places, fetched).await?;
        let marks = marks(found);
        let hit = |((rank, scored), block)| self.hit(rank, scored, block, (found, &marks), options);
        Ok((1..).zip(ranking).zip(&blocks).map(hit).collect())
    }

    /// The passage blocks of `places`, in their order: one round.
    pub(super) async fn passages(
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

    pub(super) fn records<'a>(
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
        scored: &Scored,
        block: &Arc<Decoded>,
        (found, marks): (&[FoundTerm], &Marks<'_>),
        options: &SearchOptions,
    ) -> Hit {
        let place = scored.place;
        let none = (DocumentRecord::default(), ChunkRecord::default());
        let (document, chunk) = self.records(place, block).unwrap_or((&none.0, &none.1));
        let shown = if options.excerpt_chars == 0 {
            String::new()
        } else {
            let mut analyzers = self
                .analyzers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let analyzer = analyzers.get(Language::from_code(&document.lang));
            excerpt(analyzer, &chunk.text, options.excerpt_chars, marks)
        };
        Hit {
            rank,
            score: scored.score,
            document: document_of(document),
            chunk: chunk_of(place.ranked.chunk, chunk),
            excerpt: shown,
            scores: Scores {
                lexical: scored.lexical.map(|(_, score)| score),
                dense: scored.dense.map(|(_, score)| score),
                rerank: scored.rerank,
            },
            ranks: Ranks {
                lexical: scored.lexical.map(|(rank, _)| rank),
                dense: scored.dense.map(|(rank, _)| rank),
            },
            explain: options
                .explain
                .then(|| explain(found, scored, self.n_documents())),
        }
    }
}

/// What excerpts mark: words of the query that are not to be absent, and what stands for them.
fn marks(found: &[FoundTerm]) -> Marks<'_> {
    let mut marks = Marks::default();
    let wanted = found.iter().enumerate();
    for (i, term) in wanted.filter(|(_, t)| t.planned.occur != Occur::MustNot) {
        let weight = term.weight.max(1);
        for alternative in &term.planned.alternatives {
            marks.add(alternative, i, weight);
        }
        if !term.planned.is_prefix {
            continue;
        }
        for source in term.sources.iter().flatten() {
            let name = source.term().map(|t| std::str::from_utf8(&t.term));
            if let Some(Ok(name)) = name {
                marks.add(name, i, weight);
            }
        }
    }
    for term in found.iter().filter(|t| t.planned.is_prefix) {
        marks.add_prefix(&term.planned.word);
    }
    marks
}
