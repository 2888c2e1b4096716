//! From the terms of a plan to their postings: directories, lexicon blocks, prefixes and tails.

use super::EngineError;
use super::blocks::{Fetched, Index};
use super::decode::Decoded;
use super::filter::Selection;
use super::plan::{Plan, PlannedPhrase, PlannedTerm};
use super::segment::Segment;
use crate::host::Host;
use crate::query::Occur;
use littoral_indexes::envelope::{BlockId, Kind};
use littoral_indexes::impact::{ImpactList, Lent};
use littoral_indexes::lexicon::BlockTerm;
use littoral_indexes::order::{sort_by, sort_by_key};
use std::cmp::Reverse;
use std::sync::{Arc, PoisonError};

/// Most terms a prefix is completed to.
const MAX_COMPLETIONS: usize = 12;

/// Blocks looked into to complete a prefix.
const MAX_PREFIX_BLOCKS: u32 = 3;

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

impl<H: Host> Index<H> {
    /// Reads at once all that is known to be needed: lexicon blocks of the terms, positions for
    /// phrases, filters, sort columns, the dictionary of the passages, and what vectors need where
    /// something is `asked` of them.
    pub(super) async fn first_round(
        &self,
        plan: &Plan,
        selection: &Selection,
        asked: Option<&str>,
        fetched: &mut Fetched,
    ) -> Result<(), EngineError> {
        let terms = all_terms(plan);
        self.read_directories(&terms, fetched).await?;
        let mut wanted = selection.blocks.clone();
        if let Some(asked) = asked {
            wanted.extend(self.dense_blocks(asked));
        }
        for segment in &self.segments {
            wanted.extend(segment.dictionary_block());
            for term in &terms {
                wanted.push(self.lexicon_block(segment, term.as_bytes()));
            }
            for term in plan.terms.iter().filter(|t| t.is_prefix) {
                wanted.extend(self.prefix_blocks(segment, &term.word));
            }
            for term in positional_terms(plan) {
                let block = self.lexicon_block(segment, term.as_bytes());
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
            .flat_map(|segment| {
                terms
                    .iter()
                    .map(|term| self.lexicon_block(segment, term.as_bytes()))
            })
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
                leaves.extend(terms.iter().map(|term| segment.leaf_of(term.as_bytes())));
            }
        }
        if !leaves.is_empty() {
            sort_by(&mut leaves, Ord::cmp);
            leaves.dedup();
            let read = self.blocks(&leaves, fetched).await?;
            let mut cache = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
            for (leaf, decoded) in leaves.into_iter().zip(read) {
                cache.insert(leaf, decoded);
            }
        }
        Ok(())
    }

    /// The lexicon block where `term` would be; its leaf was read before.
    pub(super) fn lexicon_block(&self, segment: &Segment, term: &[u8]) -> BlockId {
        let per_leaf = segment.manifest.blocks_per_leaf;
        let number = if per_leaf == 0 {
            segment.separators.block_of(term)
        } else {
            let leaf = segment.leaf_of(term);
            let leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
            let within = match leaves.get(&leaf).map(|decoded| &**decoded) {
                Some(Decoded::Directory(separators)) => separators.block_of(term),
                _ => 0,
            };
            leaf.number.saturating_mul(per_leaf).saturating_add(within)
        };
        let last = segment.manifest.n_lexicon_blocks.saturating_sub(1);
        segment.block(Kind::Lexicon, number.min(last))
    }

    fn prefix_blocks(&self, segment: &Segment, prefix: &str) -> Vec<BlockId> {
        if segment.manifest.blocks_per_leaf > 0 {
            return vec![self.lexicon_block(segment, prefix.as_bytes())];
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
        // By term and segment.
        let mut alternatives: Vec<Vec<Vec<Source>>> = Vec::new();
        for planned in &plan.terms {
            let mut by_segment = Vec::new();
            for segment in &self.segments {
                let mut sources = Vec::new();
                for term in &planned.alternatives {
                    sources.extend(self.term(segment, term, fetched).await?);
                }
                if planned.is_prefix {
                    self.complete(segment, &planned.word, &mut sources, fetched)
                        .await?;
                }
                by_segment.push(sources);
            }
            alternatives.push(by_segment);
        }
        // Terms that must be there, or must not, are needed whole.
        let heads = plan
            .terms
            .iter()
            .zip(&mut alternatives)
            .filter(|(planned, _)| planned.occur != Occur::Should || planned.field.is_some())
            .flat_map(|(_, by_segment)| self.segments.iter().zip(by_segment))
            .flat_map(|(segment, sources)| sources.iter_mut().map(move |s| (segment, s)))
            .collect();
        self.read_tails(heads, fetched).await?;

        let found = plan.terms.iter().zip(alternatives);
        let found = found.map(|(planned, by_segment)| {
            let df = by_segment.iter().map(|sources| frequency(sources)).sum();
            FoundTerm {
                planned: planned.clone(),
                df,
                weight: weight(df, n_documents, planned.weight),
                sources: by_segment.into_iter().map(unite).collect(),
            }
        });
        Ok(found.collect())
    }

    /// The postings of `term` in `segment`, if it has them.
    pub(super) async fn term(
        &self,
        segment: &Segment,
        term: &str,
        fetched: &mut Fetched,
    ) -> Result<Option<Source>, EngineError> {
        self.read_directories(&[term], fetched).await?;
        let block = self.lexicon_block(segment, term.as_bytes());
        let decoded = self.block(block, fetched).await?;
        let Decoded::Lexicon(lexicon) = &*decoded else {
            return Ok(None);
        };
        Ok(lexicon
            .find(term.as_bytes())
            .map(|i| Source::Block(Arc::clone(&decoded), i)))
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
        sort_by_key(&mut terms, |s| std::cmp::Reverse(frequency(s)));
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

    /// Replaces the heads of the terms that `needed` names by whole lists, in one round.
    pub(super) async fn complete_lists(
        &self,
        found: &mut [FoundTerm],
        needed: &[bool],
        fetched: &mut Fetched,
    ) -> Result<(), EngineError> {
        let heads = found
            .iter_mut()
            .zip(needed)
            .filter(|(_, needed)| **needed)
            .flat_map(|(term, _)| self.segments.iter().zip(&mut term.sources))
            .filter_map(|(segment, source)| Some((segment, source.as_mut()?)))
            .collect();
        self.read_tails(heads, fetched).await
    }

    /// Replaces heads by whole lists, in one round.
    async fn read_tails(
        &self,
        heads: Vec<(&Segment, &mut Source)>,
        fetched: &mut Fetched,
    ) -> Result<(), EngineError> {
        let tails: Vec<Vec<BlockId>> = heads
            .iter()
            .map(|(segment, source)| tail_blocks(segment, source))
            .collect();
        let mut read = self.blocks(&tails.concat(), fetched).await?.into_iter();
        for ((_, source), tail) in heads.into_iter().zip(&tails) {
            if tail.is_empty() {
                continue;
            }
            let mut whole = source.list().clone();
            for decoded in read.by_ref().take(tail.len()) {
                if let Decoded::Tail(list) = &*decoded {
                    whole = whole.merge(list);
                }
            }
            *source = Source::Owned(Arc::new(whole));
        }
        Ok(())
    }
}

/// The blocks of the tail that `source` was read without.
fn tail_blocks(segment: &Segment, source: &Source) -> Vec<BlockId> {
    let Some(tail) = source.term().and_then(|term| term.tail) else {
        return Vec::new();
    };
    segment.tail_blocks(tail).collect()
}

/// Documents that hold at least one of `alternatives`, as far as their own counts tell.
fn frequency(alternatives: &[Source]) -> u32 {
    let documents = |s: &Source| match s.term() {
        Some(term) => term.document_frequency(),
        None => s.list().len() as u32,
    };
    alternatives.iter().map(documents).max().unwrap_or(0)
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
    sort_by(&mut terms, Ord::cmp);
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
    let lists: Vec<&ImpactList> = sources.iter().map(Source::list).collect();
    let mut places: Vec<(u32, usize, usize)> = Vec::new();
    for (l, list) in lists.iter().enumerate() {
        places.extend(list.documents.iter().enumerate().map(|(i, &d)| (d, l, i)));
    }
    sort_by(&mut places, Ord::cmp);
    let mut list = ImpactList::new();
    let mut entries: Vec<(u32, u16)> = Vec::new();
    for same in places.chunk_by(|a, b| a.0 == b.0) {
        entries.clear();
        let (mut base, mut lent) = (0, Lent::default());
        let is_alone = same.iter().all(|&(_, l, i)| lists[l].lent(i).is_alone);
        for &(_, l, i) in same {
            if lists[l].bases[i] > base || base == 0 {
                (base, lent) = (lists[l].bases[i], lists[l].lent(i));
            }
            entries.extend(lists[l].pairs(i));
        }
        // The highest level of each chunk comes first and stays.
        sort_by_key(&mut entries, |&(chunk, extra)| (chunk, Reverse(extra)));
        entries.dedup_by_key(|&mut (chunk, _)| chunk);
        lent.is_alone = is_alone;
        list.push_lent(same[0].0, base, lent, entries.drain(..));
    }
    Some(Source::Owned(Arc::new(list)))
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
    // A word of nearly every document tells nothing apart, but is still to be found.
    ((idf * f64::from(query_weight) + 0.5) as u32).max(1)
}
