//! From ranked places to hits: reads their passages and cuts excerpts.

use super::EngineError;
use super::blocks::{Fetched, Index};
use super::decode::Decoded;
use super::excerpt::excerpt;
use super::explain::explain;
use super::fuse::Scored;
use super::lexical::Place;
use super::lookup::FoundTerm;
use super::read::{chunk_of, document_of};
use super::result::{Hit, Ranks, Scores, SearchOptions};
use super::segment::Segment;
use crate::analysis::Language;
use crate::host::Host;
use crate::map::Map;
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
        let hit = |((rank, scored), block)| self.hit(rank, scored, block, found, options);
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
        found: &[FoundTerm],
        options: &SearchOptions,
    ) -> Hit {
        let place = scored.place;
        let none = (DocumentRecord::default(), ChunkRecord::default());
        let (document, chunk) = self.records(place, block).unwrap_or((&none.0, &none.1));
        let mut weights: Map<&str, (usize, u32)> = Map::default();
        for (i, term) in found
            .iter()
            .enumerate()
            .filter(|(_, t)| t.planned.occur != Occur::MustNot)
        {
            for alternative in &term.planned.alternatives {
                weights.get_or_insert_with(alternative, || (i, term.weight.max(1)));
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
                    weights.get_or_insert_with(name, || (i, term.weight.max(1)));
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
        let shown = if options.excerpt_chars == 0 {
            String::new()
        } else {
            let mut analyzers = self
                .analyzers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let analyzer = analyzers.get(Language::from_code(&document.lang));
            excerpt(analyzer, &chunk.text, options.excerpt_chars, weigh)
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
