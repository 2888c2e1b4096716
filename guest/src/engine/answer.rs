//! Answers a question with sentences of the index's passages.

use super::EngineError;
use super::blocks::Index;
use super::fuse::Scored;
use super::lookup::FoundTerm;
use super::read::{chunk_of, document_of};
use super::result::{Note, SearchOptions};
use crate::analysis::Language;
use crate::answer::evidence::Evidence;
use crate::answer::features::{self, Match, Passage, QuestionTerms};
use crate::answer::question::{Expected, asks, expected};
use crate::answer::{
    Answer, AnswerOptions, AnswerSentence, Citation, MAX_SENTENCES, cited_url, sentences,
};
use crate::host::Host;
use crate::query::Occur;
use littoral_indexes::order::sort_by;
use littoral_indexes::passages::{ChunkRecord, DocumentRecord};
use std::ops::Range;
use std::sync::PoisonError;

/// Passages whose sentences are looked at: few are quick, many find what is ranked low.
pub const PASSAGES: usize = 10;

/// A sentence scored below this share of the best is left out: high keeps answers short.
const LEAST_SHARE: f64 = 0.7;

/// A sentence of a passage.
struct Candidate {
    passage: usize,
    place: Range<usize>,
    score: f64,
    /// The share of the question in it.
    own: f64,
}

impl<H: Host> Index<H> {
    /// Answers `question` out of the passages that a search with `options` finds, of which `k`,
    /// `chunks`, `sort` and what is shown are not looked at.
    ///
    /// # Errors
    /// [`EngineError`] when a block cannot be had or is damaged, or an option names what the index
    /// does not have.
    pub async fn answer(
        &self,
        question: &str,
        options: &SearchOptions,
        asked: &AnswerOptions,
    ) -> Result<Answer, EngineError> {
        let mut fetched = self.fetched();
        let mut notes = Vec::new();
        let options = SearchOptions {
            k: PASSAGES,
            chunks: true,
            sort: None,
            as_you_type: false,
            ..options.clone()
        };
        let found = self
            .reranked(question, &options, &mut fetched, &mut notes)
            .await?;
        let places: Vec<_> = found.ranking.iter().map(|scored| scored.place).collect();
        let blocks = self.passages(&places, &mut fetched).await?;
        let records: Vec<_> = found
            .ranking
            .iter()
            .zip(&blocks)
            .filter_map(|(scored, block)| {
                let (document, chunk) = self.records(scored.place, block)?;
                Some((scored, document, chunk))
            })
            .collect();
        let terms = question_terms(&found.lexical.terms, self.n_documents());
        let (passages, mut candidates) = self.candidates(question, &terms, &records);
        sort_by(&mut candidates, |a, b| {
            b.score
                .total_cmp(&a.score)
                .then((a.passage, a.place.start).cmp(&(b.passage, b.place.start)))
        });
        let threshold = asked.threshold.unwrap_or_else(|| self.threshold());
        let evidence = evidence(&terms, &passages, &candidates, &records, threshold);
        Ok(assemble(
            question,
            &candidates,
            &records,
            evidence,
            asked,
            notes,
        ))
    }

    /// The passages beside the question, and all their sentences.
    fn candidates(
        &self,
        question: &str,
        terms: &QuestionTerms<'_>,
        records: &[(&Scored, &DocumentRecord, &ChunkRecord)],
    ) -> (Vec<Passage>, Vec<Candidate>) {
        let expected: Expected = expected(question);
        let mut analyzers = self
            .analyzers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let top = records.first().map_or(0.0, |(scored, ..)| scored.score);
        let (mut passages, mut candidates) = (Vec::new(), Vec::new());
        for (i, (scored, document, chunk)) in records.iter().enumerate() {
            let analyzer = analyzers.get(Language::from_code(&document.lang));
            let mut headings = features::compare(analyzer, &document.title, terms).words;
            for heading in &chunk.headings {
                headings |= features::compare(analyzer, heading, terms).words;
            }
            let compared: Vec<(Range<usize>, Match)> = sentences(&chunk.text)
                .into_iter()
                .map(|place| {
                    let compared = features::compare(analyzer, &chunk.text[place.clone()], terms);
                    (place, compared)
                })
                .collect();
            let passage = Passage {
                rank: i as u32 + 1,
                score: if top > 0.0 { scored.score / top } else { 0.0 },
                headings,
                words: compared.iter().fold(0, |words, (_, m)| words | m.words),
            };
            for (s, (place, own)) in compared.iter().enumerate() {
                if own.is_label(&chunk.text[place.clone()]) {
                    continue;
                }
                let features = features::features(terms, expected, &passage, &compared, s);
                candidates.push(Candidate {
                    passage: i,
                    place: place.clone(),
                    score: features::score(&features),
                    own: terms.share(own.words),
                });
            }
            passages.push(passage);
        }
        (passages, candidates)
    }
}

/// The words of the question with their weights. A word that the index does not have weighs as much
/// as the rarest that it could have: what is asked about it is not here. One that only asks is asked nothing
/// about: where a few documents happen to be without a "when", it is no rare subject that they lack.
fn question_terms(found: &[FoundTerm], n_documents: u32) -> QuestionTerms<'_> {
    let mut terms = QuestionTerms::default();
    for term in found {
        let only_asks = term.df == 0 && asks(&term.planned.word);
        if term.planned.occur == Occur::MustNot || only_asks {
            continue;
        }
        let weight = if term.df == 0 {
            super::lookup::weight(1, n_documents, term.planned.weight)
        } else {
            term.weight
        };
        terms.add(term.planned.alternatives.iter().map(String::as_str), weight);
    }
    terms
}

fn evidence(
    terms: &QuestionTerms<'_>,
    passages: &[Passage],
    candidates: &[Candidate],
    records: &[(&Scored, &DocumentRecord, &ChunkRecord)],
    threshold: f64,
) -> Evidence {
    let highest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let cosine = records
        .iter()
        .filter_map(|(scored, ..)| Some(scored.dense?.1))
        .max_by(f64::total_cmp);
    let by_words = highest(
        &mut records
            .iter()
            .filter_map(|(scored, ..)| Some(scored.lexical?.1)),
    );
    Evidence {
        score: 0.0,
        threshold,
        coverage: highest(&mut passages.iter().map(|p| terms.share(p.headings | p.words))),
        sentence: candidates.first().map_or(0.0, |best| best.own),
        cosine,
        words: by_words * 256.0 / terms.total().max(1) as f64,
    }
    .weighed()
}

/// Puts the best sentences together, or abstains.
fn assemble(
    question: &str,
    candidates: &[Candidate],
    records: &[(&Scored, &DocumentRecord, &ChunkRecord)],
    evidence: Evidence,
    asked: &AnswerOptions,
    mut notes: Vec<Note>,
) -> Answer {
    let mut answer = Answer {
        question: question.to_owned(),
        answer: String::new(),
        abstained: true,
        sentences: Vec::new(),
        citations: Vec::new(),
        evidence,
        notes: Vec::new(),
    };
    let best = candidates.first().map_or(0.0, |best| best.score);
    let least = best.min(best * LEAST_SHARE);
    if evidence.score >= evidence.threshold {
        for candidate in candidates.iter().filter(|c| c.score >= least) {
            if answer.sentences.len() >= asked.sentences.clamp(1, MAX_SENTENCES) {
                break;
            }
            let (scored, document, chunk) = records[candidate.passage];
            let quote = &chunk.text[candidate.place.clone()];
            let text = quote.split_whitespace().collect::<Vec<_>>().join(" ");
            // Passages may overlap, and documents repeat each other.
            if answer
                .sentences
                .iter()
                .any(|sentence| sentence.text == text)
            {
                continue;
            }
            let id = (answer.citations.len() + 1).to_string();
            let chunk = chunk_of(scored.place.ranked.chunk, chunk);
            let start = chunk.start + candidate.place.start;
            answer.citations.push(Citation {
                id: id.clone(),
                document: document_of(document),
                url: cited_url(&document.url, chunk.anchor.as_deref(), quote),
                quote: quote.to_owned(),
                start,
                end: start + quote.len(),
                chunk,
            });
            answer.sentences.push(AnswerSentence {
                text,
                citations: vec![id],
                supported: true,
            });
        }
    }
    answer.abstained = answer.sentences.is_empty();
    if answer.abstained {
        notes.push(Note {
            code: "not-found".into(),
            message: "not found in these documents".to_owned(),
            suggestion: None,
        });
    }
    let texts: Vec<&str> = answer.sentences.iter().map(|s| s.text.as_str()).collect();
    answer.answer = texts.join(" ");
    answer.notes = notes;
    answer
}
