//! Hard negatives: passages that the index ranks high for a query and that do not answer it.
//!
//! What is nearly as near to the query as the passage that answers it may answer it too, only that
//! nobody said so; such candidates are skipped. Passages drawn by lot fill up what is missing, so that
//! all rows have as many.
//!
//! Documents that answer held-out queries are no negatives of those that are trained on: a model would see
//! them as wrong alone, and might learn that they are.
//!
//! Source: Moreira et al., "NV-Retriever: improving text embedding models with effective hard-negative
//! mining" (2024), for the share of the positive's score.

use super::corpus::Corpus;
use super::error::TuneError;
use super::sources::{Asked, distinct};
use super::split::lot;
use littoral_guest::Host;
use littoral_guest::engine::{Hit, Index, Mode, SearchOptions};
use std::collections::{BTreeSet, HashMap};

/// Documents looked at: those that may be negatives, and those whose nearness is known.
const CANDIDATES: usize = 60;
const DEPTH: usize = 200;

/// How negatives are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MineOptions {
    /// Negatives of a row.
    pub n: usize,
    /// A candidate nearer than this share of the positive's nearness is skipped. 0.5 – 1: low leaves
    /// easy ones alone, high lets false ones in.
    pub near: f64,
    /// Seed of the lots.
    pub seed: u64,
}

/// A passage: the places of its document, and of it within that.
pub type Place = (usize, usize);

/// What was mined for one query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mined {
    /// For each document that answers, in their order, the passage that does best.
    pub positives: Vec<Place>,
    /// Negatives, the hardest first.
    pub negatives: Vec<Place>,
    /// How many of them were drawn by lot.
    pub n_drawn: usize,
    /// Candidates that were too near.
    pub n_skipped: usize,
    /// Whether no passage that answers shares a word with the query or is among the nearest.
    pub is_far: bool,
}

/// Mines for one query; documents that are `kept_out` are no negatives.
///
/// # Errors
/// [`TuneError::Engine`] when a search fails.
pub fn mine<H: Host>(
    index: &Index<H>,
    corpus: &Corpus,
    asked: &Asked,
    kept_out: &BTreeSet<usize>,
    options: &MineOptions,
) -> Result<Mined, TuneError> {
    let has_vectors = corpus.dims > 0;
    let search = |mode, k| {
        let options = SearchOptions {
            mode,
            k,
            excerpt_chars: 0,
            correct: false,
            ..SearchOptions::default()
        };
        pollster::block_on(index.search(&asked.text, &options))
    };
    let (wide, narrow) = if has_vectors {
        (Mode::Dense, Mode::Hybrid)
    } else {
        (Mode::Lexical, Mode::Lexical)
    };
    let known = search(wide, DEPTH)?.hits;
    let ranked = search(narrow, CANDIDATES)?.hits;
    let score = |hit: &Hit| {
        if has_vectors {
            hit.scores.dense
        } else {
            hit.scores.lexical
        }
    };
    let mut scores: HashMap<usize, f64> = HashMap::new();
    let mut best: HashMap<usize, usize> = HashMap::new();
    for hit in known.iter().chain(&ranked) {
        let Some(document) = corpus.of_id(&hit.document.id) else {
            continue;
        };
        if let Some(score) = score(hit) {
            scores.entry(document).or_insert(score);
        }
        let passages = corpus.documents[document].passages.iter();
        let passage = passages.take_while(|p| p.start < hit.chunk.start).count();
        best.entry(document).or_insert(passage);
    }
    let positives = asked.relevant.keys().map(|&document| {
        let passage = best.get(&document).copied();
        (
            document,
            passage.unwrap_or_else(|| by_words(corpus, document, &asked.text)),
        )
    });
    let positives: Vec<Place> = positives.collect();
    let lowest = known.last().and_then(score).unwrap_or(0.0);
    let nearest = positives
        .iter()
        .filter_map(|(document, _)| scores.get(document));
    let nearest = nearest.fold(None, |best: Option<f64>, &score| {
        Some(best.map_or(score, |best| best.max(score)))
    });
    let bound = nearest.unwrap_or(lowest) * options.near;
    let mut mined = Mined {
        is_far: nearest.is_none() && !shares_word(corpus, &positives, &asked.text),
        positives,
        ..Mined::default()
    };
    let may_be =
        |document: &usize| !asked.relevant.contains_key(document) && !kept_out.contains(document);
    for hit in &ranked {
        let Some(document) = corpus.of_id(&hit.document.id).filter(may_be) else {
            continue;
        };
        if mined.negatives.len() == options.n {
            break;
        }
        if scores.get(&document).is_some_and(|&score| score >= bound) {
            mined.n_skipped += 1;
        } else {
            mined.negatives.push((document, best[&document]));
        }
    }
    fill(&mut mined, corpus, &asked.text, may_be, options);
    Ok(mined)
}

/// Draws passages of documents that `may_be` by lot until there are as many negatives as asked for.
fn fill(
    mined: &mut Mined,
    corpus: &Corpus,
    text: &str,
    may_be: impl Fn(&usize) -> bool,
    options: &MineOptions,
) {
    let n = corpus.documents.len();
    for turn in 0..100 {
        if mined.negatives.len() >= options.n || n == 0 {
            return;
        }
        let drawn = lot(options.seed, &format!("{turn} {text}"));
        let number = u64::from_le_bytes(std::array::from_fn(|i| drawn[i]));
        let document = (number % n as u64) as usize;
        let is_new = mined.negatives.iter().all(|(other, _)| *other != document);
        let passages = &corpus.documents[document].passages;
        if is_new && !passages.is_empty() && may_be(&document) {
            mined.negatives.push((document, 0));
            mined.n_drawn += 1;
        }
    }
}

/// The passage of `document` that shares most words with `text`, the first of several.
fn by_words(corpus: &Corpus, document: usize, text: &str) -> usize {
    let words = distinct(text);
    let passages = corpus.documents[document].passages.iter().enumerate();
    let common = |text: &str| distinct(text).intersection(&words).count();
    let best = passages.max_by_key(|(i, p)| (common(&p.text), std::cmp::Reverse(*i)));
    best.map_or(0, |(i, _)| i)
}

/// Whether any of `positives` has a word of four letters or more in common with `text`.
fn shares_word(corpus: &Corpus, positives: &[Place], text: &str) -> bool {
    let words = distinct(text);
    positives.iter().any(|&(document, passage)| {
        let passages = &corpus.documents[document].passages;
        let own = passages.get(passage).map(|passage| distinct(&passage.text));
        own.is_some_and(|own| {
            own.intersection(&words)
                .any(|word| word.chars().count() > 3)
        })
    })
}
