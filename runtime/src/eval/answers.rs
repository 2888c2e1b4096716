//! Measures answers: whether the cited sentences hold what is known to be right, and whether
//! questions that the documents do not answer are refused.
//!
//! | figure | definition |
//! |---|---|
//! | `answer_recall` | questions of which a cited sentence holds one of the known answers, of all |
//! | `exact_match`, `f1` | the best cited sentence beside the nearest known answer, as SQuAD's script compares them; means over all questions, 0 where there is no answer |
//! | `citation_precision` | citations of documents that are judged relevant, of all citations |
//! | `citation_recall` | of a question's relevant documents, those that are cited; mean over all questions |
//! | `answered` | questions that were answered, of those that have an answer |
//! | `refused` | questions that were refused, of those that have none |
//!
//! Texts are compared in lower case, without punctuation and English articles.
//!
//! Source: Rajpurkar et al., "SQuAD: 100,000+ questions for machine comprehension of text" (2016)
//! and its evaluation script, version 2.0.

use super::dataset::{Dataset, DatasetError, Query, read_queries_file};
use littoral_guest::Host;
use littoral_guest::answer::{Answer, AnswerOptions};
use littoral_guest::engine::{EngineError, Index, SearchOptions};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Known answers by the id of their question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<String, Vec<String>>);

impl Answers {
    /// Reads one JSON object: question ids, each with an answer or a list of them.
    ///
    /// # Errors
    /// [`DatasetError`] when the file cannot be read or is something else.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let text = std::fs::read_to_string(path).map_err(|e| DatasetError::io(path, e))?;
        let wrong = |reason: String| DatasetError::Answers {
            path: path.to_owned(),
            reason,
        };
        let read: BTreeMap<String, Value> =
            serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let mut answers = BTreeMap::new();
        for (id, value) in read {
            let texts = match value {
                Value::String(text) => vec![text],
                Value::Array(values) => values
                    .into_iter()
                    .map(|value| match value {
                        Value::String(text) => Ok(text),
                        _ => Err(wrong(format!("an answer to {id:?} is no text"))),
                    })
                    .collect::<Result<_, _>>()?,
                _ => return Err(wrong(format!("the answer to {id:?} is no text"))),
            };
            answers.insert(id, texts);
        }
        Ok(Self(answers))
    }

    /// The known answers to a question.
    pub fn of(&self, query_id: &str) -> &[String] {
        self.0.get(query_id).map_or(&[], Vec::as_slice)
    }
}

/// Reads questions that the documents do not answer.
///
/// # Errors
/// [`DatasetError`] when the file cannot be read or a line is malformed.
pub fn read_unanswerable(path: &Path) -> Result<Vec<Query>, DatasetError> {
    read_queries_file(path)
}

/// What answers were like; each figure between 0 and 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerReport {
    /// Questions with a known answer.
    pub n_questions: u64,
    /// Of these, with a cited sentence that holds one.
    pub answer_recall: f64,
    /// Best cited sentences that are a known answer.
    pub exact_match: f64,
    /// Words that best cited sentence and known answer share.
    pub f1: f64,
    /// Citations of relevant documents.
    pub citation_precision: f64,
    /// Relevant documents that are cited.
    pub citation_recall: f64,
    /// Questions that were answered.
    pub answered: f64,
    /// Questions without an answer.
    pub n_unanswerable: u64,
    /// Of these, refused.
    pub refused: f64,
    /// Evidence that an answer needed.
    pub threshold: f64,
}

/// Asks every question of `dataset` that has a known answer, and every one of `unanswerable`.
///
/// # Errors
/// [`EngineError`] of the first question that fails.
pub fn answer_all<H: Host>(
    index: &Index<H>,
    dataset: &Dataset,
    answers: &Answers,
    unanswerable: &[Query],
    options: &SearchOptions,
    asked: &AnswerOptions,
) -> Result<AnswerReport, EngineError> {
    let mut report = AnswerReport::default();
    let (mut citations, mut good) = (0u64, 0u64);
    for query in &dataset.queries {
        let known = answers.of(&query.id);
        if known.is_empty() {
            continue;
        }
        let answer = pollster::block_on(index.answer(&query.text, options, asked))?;
        report.n_questions += 1;
        report.threshold = answer.evidence.threshold;
        report.answered += f64::from(u8::from(!answer.abstained));
        report.answer_recall += f64::from(u8::from(holds_answer(&answer, known)));
        if let Some(best) = answer.sentences.first() {
            let best = words(&best.text);
            let f1s = known.iter().map(|known| f1(&best, &words(known)));
            report.f1 += f1s.fold(0.0, f64::max);
            let is_exact = known.iter().any(|known| words(known) == best);
            report.exact_match += f64::from(u8::from(is_exact));
        }
        let relevant: Vec<&str> = dataset
            .qrels
            .grades(&query.id)
            .into_iter()
            .flatten()
            .filter(|(_, grade)| **grade > 0)
            .map(|(id, _)| id.as_str())
            .collect();
        let cited = |id: &str| answer.citations.iter().any(|c| c.document.id == id);
        let n_cited = relevant.iter().filter(|id| cited(id)).count();
        report.citation_recall += n_cited as f64 / relevant.len().max(1) as f64;
        citations += answer.citations.len() as u64;
        let is_good =
            |c: &&littoral_guest::answer::Citation| relevant.contains(&c.document.id.as_str());
        good += answer.citations.iter().filter(is_good).count() as u64;
    }
    for query in unanswerable {
        let answer = pollster::block_on(index.answer(&query.text, options, asked))?;
        report.threshold = answer.evidence.threshold;
        report.n_unanswerable += 1;
        report.refused += f64::from(u8::from(answer.abstained));
    }
    let n = report.n_questions.max(1) as f64;
    for sum in [
        &mut report.answered,
        &mut report.answer_recall,
        &mut report.f1,
        &mut report.exact_match,
        &mut report.citation_recall,
    ] {
        *sum /= n;
    }
    report.citation_precision = good as f64 / citations.max(1) as f64;
    report.refused /= report.n_unanswerable.max(1) as f64;
    Ok(report)
}

/// Whether a cited sentence holds one of the `known` answers, as whole words; in a script without
/// spaces, as characters.
pub fn holds_answer(answer: &Answer, known: &[String]) -> bool {
    let known: Vec<Vec<String>> = known.iter().map(|text| words(text)).collect();
    answer.sentences.iter().any(|sentence| {
        let sentence = words(&sentence.text);
        let joined = sentence.concat();
        known.iter().filter(|known| !known.is_empty()).any(|known| {
            let spaced = sentence.windows(known.len()).any(|window| window == known);
            spaced || (!known.concat().is_ascii() && joined.contains(&known.concat()))
        })
    })
}

/// The words of `text` as they are compared.
fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .chars()
        .filter(|c| !c.is_ascii_punctuation() && !matches!(c, '“' | '”' | '‘' | '’' | '–' | '—'))
        .collect::<String>()
        .split_whitespace()
        .filter(|word| !matches!(*word, "a" | "an" | "the"))
        .map(str::to_owned)
        .collect()
}

/// The harmonic mean of the shares of words that each has in common with the other.
fn f1(found: &[String], known: &[String]) -> f64 {
    let mut left: Vec<&String> = known.iter().collect();
    let n_same = found
        .iter()
        .filter(|word| {
            let at = left.iter().position(|known| known == word);
            at.map(|at| left.swap_remove(at)).is_some()
        })
        .count();
    if n_same == 0 {
        return 0.0;
    }
    let precision = n_same as f64 / found.len() as f64;
    let recall = n_same as f64 / known.len() as f64;
    2.0 * precision * recall / (precision + recall)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_as_squad_does() {
        assert_eq!(
            words("The  quick, brown-fox’s Den!"),
            ["quick", "brownfoxs", "den"]
        );
        let (found, known) = (
            words("it began in October 1973 there"),
            words("October 1973"),
        );
        assert!((f1(&found, &known) - 2.0 * (2.0 / 6.0) / (2.0 / 6.0 + 1.0)).abs() < 1e-12);
        assert!(f1(&found, &words("1979")).abs() < 1e-12);
        assert!((f1(&known, &known) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn answers_are_texts_or_lists_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.json");
        std::fs::write(&path, r#"{"a": "one", "b": ["two", "2"]}"#).unwrap();
        let answers = Answers::read(&path).unwrap();
        assert_eq!(answers.of("a"), ["one"]);
        assert_eq!(answers.of("b"), ["two", "2"]);
        assert!(answers.of("c").is_empty());
        std::fs::write(&path, r#"{"a": {"final": "yes"}}"#).unwrap();
        let error = Answers::read(&path).unwrap_err();
        assert_eq!(error.code(), "dataset-answers");
        assert!(error.to_string().contains("\"a\""), "{error}");
    }
}
