//! Where queries lose their document.
//!
//! | limit | the best relevant document |
//! |---|---|
//! | `none` | is among the first ten |
//! | `missing` | is not in the index |
//! | `ranking` | is found, by words, by vectors or by both, but not among the first ten |
//! | `chunking` | has the query's words, but no passage of it has most of them |
//! | `lexical-mismatch` | has other words than the query, and the index has no vectors |
//! | `embedding-gap` | has other words than the query, and vectors do not find it either |
//! | `answer` | is among the first ten, and no sentence that is quoted holds the known answer |

use crate::eval::answers::{Answers, holds_answer};
use crate::eval::dataset::Dataset;
use littoral_guest::Host;
use littoral_guest::analysis::{AnalysisOptions, Analyzer, TokenKind, detect};
use littoral_guest::answer::AnswerOptions;
use littoral_guest::engine::{EngineError, Index, MAX_CHUNKS_READ, Mode, SearchOptions};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Depth of a ranking that is looked at.
const DEPTH: usize = 100;

/// Ranks that a reader looks at.
const FIRST: usize = 10;

/// The share of a query's words from which a document speaks of it in the same words.
const SAME_WORDS: f64 = 0.5;

/// How much of a query's words a document has more than its best passage, where it is cut badly.
const CUT: f64 = 0.25;

/// Where a query loses its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// It does not.
    None,
    /// Documents are not there.
    Missing,
    /// It is found, and ranked low.
    Ranking,
    /// It is cut where it hurts.
    Chunking,
    /// Words differ, and only words are looked at.
    LexicalMismatch,
    /// Words differ, and vectors do not see that they mean the same.
    EmbeddingGap,
    /// It is found, and the answer in it is not.
    Answer,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Missing,
        Self::Ranking,
        Self::Chunking,
        Self::LexicalMismatch,
        Self::EmbeddingGap,
        Self::Answer,
    ];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "found among the first ten",
            Self::Missing => "the relevant documents are not in the index",
            Self::Ranking => "found, but not among the first ten",
            Self::Chunking => "the words are in the document, but in no passage together",
            Self::LexicalMismatch => "the document uses other words, and the index has no vectors",
            Self::EmbeddingGap => "the document uses other words, and its vectors are far away",
            Self::Answer => "found, but no quoted sentence holds the answer",
        }
    }
}

/// A query, and where it loses its document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Located {
    /// The query's id.
    pub query: String,
    /// Where.
    pub limit: Limit,
    /// The best rank of a relevant document by the whole system, among the first hundred.
    pub rank: Option<usize>,
    /// By words alone.
    pub lexical: Option<usize>,
    /// By vectors alone.
    pub dense: Option<usize>,
    /// The share of the query's words that the relevant document has; 1 where nobody looked.
    pub words: f64,
}

/// What was found out about all queries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Every judged query that has a relevant document.
    pub queries: Vec<Located>,
    /// nDCG@10 that a perfect order of the first hundred would have, as a mean.
    pub best_order: f64,
}

/// Looks where every judged query of `dataset` loses its document. Where `answers` are known, also
/// whether one is quoted.
///
/// # Errors
/// [`EngineError`] of the first query that fails.
pub fn locate<H: Host>(
    index: &Index<H>,
    dataset: &Dataset,
    answers: Option<&Answers>,
    options: &SearchOptions,
) -> Result<Found, EngineError> {
    let mut found = Found::default();
    for query in dataset.judged_queries() {
        let Some(grades) = dataset.qrels.grades(&query.id) else {
            continue;
        };
        let relevant: Vec<&str> = grades
            .iter()
            .filter(|(_, grade)| **grade > 0)
            .map(|(id, _)| id.as_str())
            .collect();
        if relevant.is_empty() {
            continue;
        }
        let ranked = |mode: Mode| -> Result<Vec<String>, EngineError> {
            let options = SearchOptions {
                mode,
                k: DEPTH,
                excerpt_chars: 0,
                rerank: options.rerank.filter(|_| mode == options.mode),
                ..options.clone()
            };
            let result = pollster::block_on(index.search(&query.text, &options))?;
            Ok(result.hits.into_iter().map(|hit| hit.document.id).collect())
        };
        let rank = |ids: &[String]| {
            ids.iter()
                .position(|id| relevant.contains(&&**id))
                .map(|i| i + 1)
        };
        let whole = ranked(options.mode)?;
        let mut located = Located {
            query: query.id.clone(),
            limit: Limit::None,
            rank: rank(&whole),
            lexical: None,
            dense: None,
            words: 1.0,
        };
        let best: Vec<&String> = whole
            .iter()
            .filter(|id| grades.get(*id).is_some_and(|g| *g > 0))
            .collect();
        let mut best: Vec<&String> = best;
        best.sort_by_key(|id| std::cmp::Reverse(grades[*id]));
        found.best_order += crate::eval::Metrics::of_ranking(&best, grades).ndcg_10;
        if located.rank.is_some_and(|rank| rank <= FIRST) {
            let known = answers.map_or(&[][..], |answers| answers.of(&query.id));
            if !known.is_empty() {
                let asked = AnswerOptions::default();
                let answer = pollster::block_on(index.answer(&query.text, options, &asked))?;
                if !holds_answer(&answer, known) {
                    located.limit = Limit::Answer;
                }
            }
        } else {
            if index.has_vectors() {
                located.lexical = rank(&ranked(Mode::Lexical)?);
                located.dense = rank(&ranked(Mode::Dense)?);
            } else {
                located.lexical = located.rank;
            }
            let is_found = located.rank.or(located.lexical).or(located.dense).is_some();
            located.limit = if is_found {
                Limit::Ranking
            } else {
                let (limit, words) = unfound(index, &query.text, &relevant)?;
                located.words = words;
                limit
            };
        }
        found.queries.push(located);
    }
    found.best_order /= found.queries.len().max(1) as f64;
    Ok(found)
}

/// Why no ranking has any of `relevant`, and the share of the query's words in the nearest of them.
fn unfound<H: Host>(
    index: &Index<H>,
    query: &str,
    relevant: &[&str],
) -> Result<(Limit, f64), EngineError> {
    let mut nearest: Option<(f64, f64)> = None;
    for id in relevant {
        let mut texts = Vec::new();
        loop {
            let first = texts.len() as u32;
            let read = pollster::block_on(index.read(id, first, MAX_CHUNKS_READ))?;
            let Some(read) = read.filter(|read| !read.chunks.is_empty()) else {
                break;
            };
            texts.extend(
                read.chunks
                    .into_iter()
                    .map(|chunk| chunk.heading.join("\n") + "\n" + &chunk.text),
            );
        }
        if texts.is_empty() {
            continue;
        }
        let (document, passage) = shares(query, &texts);
        if nearest.is_none_or(|(best, _)| document > best) {
            nearest = Some((document, passage));
        }
    }
    let Some((document, passage)) = nearest else {
        return Ok((Limit::Missing, 0.0));
    };
    let limit = if document < SAME_WORDS {
        if index.has_vectors() {
            Limit::EmbeddingGap
        } else {
            Limit::LexicalMismatch
        }
    } else if document - passage >= CUT {
        Limit::Chunking
    } else {
        Limit::Ranking
    };
    Ok((limit, document))
}

/// The share of the query's words in all `texts`, and in the one that has most.
fn shares(query: &str, texts: &[String]) -> (f64, f64) {
    let language = detect(&texts.concat());
    let mut analyzer = Analyzer::new(language, &AnalysisOptions::default());
    let mut terms = |text: &str| {
        let mut found = BTreeSet::new();
        analyzer.analyze(text, &mut |token| {
            if matches!(token.kind, TokenKind::Word | TokenKind::Gram) {
                found.insert(token.term.to_owned());
            }
        });
        found
    };
    let asked = terms(query);
    let (mut all, mut most) = (BTreeSet::new(), 0);
    for text in texts {
        let own = terms(text);
        let both: BTreeSet<String> = asked.intersection(&own).cloned().collect();
        most = most.max(both.len());
        all.extend(both);
    }
    let n = asked.len().max(1) as f64;
    (all.len() as f64 / n, most as f64 / n)
}

#[cfg(test)]
mod tests {
    use super::shares;

    #[test]
    fn words_are_counted_in_the_document_and_in_its_best_passage() {
        let texts = [
            "The tides follow the moon.",
            "A harbour lists them at dawn.",
        ]
        .map(String::from);
        let (document, passage) = shares("tide moon harbour dawn", &texts);
        assert!((document - 1.0).abs() < 1e-9 && (passage - 0.5).abs() < 1e-9);
        assert_eq!(shares("", &texts), (0.0, 0.0));
    }
}
