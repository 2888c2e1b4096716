//! What training data is made of: judged queries, pairs, clicks, and the documents themselves.
//!
//! | source | form |
//! |---|---|
//! | judged | a folder in BEIR layout, or a queries and a qrels file |
//! | pairs | `.jsonl`, `.csv` or `.tsv` with `anchor` and `positive` (also `question` and `answer`), and perhaps `document` |
//! | clicks | the same with `query` and `document` (also `url`), and perhaps `count` |
//! | documents | titles, headings and defined terms of the index |
//!
//! Each becomes a query and the documents that answer it.

use super::corpus::Corpus;
use super::error::TuneError;
use crate::eval::Dataset;
use crate::eval::draft::{Page, QueryKind, draft, key};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Queries drafted from documents, at most.
const MAX_DRAFTED: usize = 20_000;

/// Least share of a passage's distinct words that a positive's text has, or the other way round, to be
/// taken for that passage.
const SAME: f64 = 0.6;

/// Where a query comes from; of a query that comes from several, the first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Judged queries.
    Judged,
    /// Pairs of a question and an answer.
    Pairs,
    /// A log of searches and what was clicked.
    Clicks,
    /// A model that was shown a passage.
    Llm,
    /// Titles, headings and terms of the documents.
    Documents,
}

impl Source {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Judged => "judged",
            Self::Pairs => "pairs",
            Self::Clicks => "clicks",
            Self::Llm => "llm",
            Self::Documents => "documents",
        }
    }

    /// Whether people asked it.
    pub fn is_real(self) -> bool {
        self < Self::Llm
    }
}

/// A query and what answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What is asked.
    pub text: String,
    /// Documents that answer, by place, with their grade.
    pub relevant: BTreeMap<usize, i32>,
    /// Where it comes from.
    pub source: Source,
}

/// What was read of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Its kind.
    pub kind: Source,
    /// The file or folder; empty for the index itself.
    pub path: String,
    /// Queries, pairs or clicks in it.
    pub read: u64,
    /// Those whose documents are not in the index.
    pub unknown: u64,
}

/// All that was read.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// The queries, in the order of their sources.
    pub asked: Vec<Asked>,
    /// What each source gave.
    pub sources: Vec<Read>,
    /// Answers that pairs give, by the words of their questions in small letters.
    pub answers: BTreeMap<String, String>,
}

impl Gathered {
    fn add(&mut self, kind: Source, path: &str, items: Vec<Option<Asked>>) {
        let read = items.len() as u64;
        let known: Vec<Asked> = items.into_iter().flatten().collect();
        self.sources.push(Read {
            kind,
            path: path.to_owned(),
            read,
            unknown: read - known.len() as u64,
        });
        self.asked.extend(known);
    }

    /// Adds judged queries.
    pub fn judged(&mut self, corpus: &Corpus, dataset: &Dataset, path: &Path) {
        let items = dataset.judged_queries().map(|query| {
            let grades = dataset.qrels.grades(&query.id)?.iter();
            let relevant = grades.filter(|(_, grade)| **grade > 0);
            let relevant: BTreeMap<usize, i32> = relevant
                .filter_map(|(id, &grade)| Some((corpus.of_name(id)?, grade)))
                .collect();
            asked(&query.text, relevant, Source::Judged)
        });
        let items = items.collect();
        self.add(Source::Judged, &path.display().to_string(), items);
    }

    /// Adds the pairs of a file.
    ///
    /// # Errors
    /// [`TuneError`] when it cannot be read, or a line has no anchor or no positive.
    pub fn pairs(&mut self, corpus: &Corpus, path: &Path) -> Result<(), TuneError> {
        let expected = "\"anchor\" and \"positive\" (or \"question\" and \"answer\")";
        let texts = Texts::new(corpus);
        let mut items = Vec::new();
        for record in records(path, expected)? {
            let anchor = record.field(&["anchor", "question", "query"], path, expected)?;
            let document = record.get(&["document", "document_id", "id"]);
            let place = if let Some(document) = document {
                corpus.of_name(document)
            } else {
                let names = ["positive", "answer", "passage"];
                texts.find(record.field(&names, path, expected)?)
            };
            if let Some(answer) = record.get(&["answer"]) {
                let known = self.answers.entry(key(anchor));
                known.or_insert_with(|| answer.to_owned());
            }
            let relevant = place.map(|place| (place, 1)).into_iter().collect();
            items.push(asked(anchor, relevant, Source::Pairs));
        }
        self.add(Source::Pairs, &path.display().to_string(), items);
        Ok(())
    }

    /// Adds the clicks of a log: what was clicked at least `least` times for a query answers it.
    ///
    /// # Errors
    /// [`TuneError`] when it cannot be read, or a line has no query or no document.
    pub fn clicks(&mut self, corpus: &Corpus, path: &Path, least: u64) -> Result<(), TuneError> {
        let expected = "\"query\" and \"document\" (or \"url\"), and perhaps \"count\"";
        let mut counts: BTreeMap<String, BTreeMap<usize, u64>> = BTreeMap::new();
        let (mut read, mut unknown) = (0, 0);
        for record in records(path, expected)? {
            let query = record.field(&["query", "anchor", "search"], path, expected)?;
            let names = ["document", "document_id", "url", "clicked", "id"];
            let document = record.field(&names, path, expected)?;
            let count = match record.get(&["count", "clicks"]) {
                None => 1,
                Some(text) => text.trim().parse().map_err(|_| TuneError::Line {
                    path: path.to_owned(),
                    line: record.line,
                    reason: format!("the count {text:?} is not a whole number"),
                    expected,
                })?,
            };
            read += 1;
            match corpus.of_name(document) {
                Some(place) => {
                    let of_query = counts.entry(query.to_owned()).or_default();
                    *of_query.entry(place).or_default() += count;
                }
                None => unknown += 1,
            }
        }
        for (query, documents) in counts {
            let often = documents.into_iter().filter(|(_, n)| *n >= least);
            let relevant = often.map(|(place, _)| (place, 1)).collect();
            self.asked.extend(asked(&query, relevant, Source::Clicks));
        }
        self.sources.push(Read {
            kind: Source::Clicks,
            path: path.display().to_string(),
            read,
            unknown,
        });
        Ok(())
    }

    /// Adds titles, headings and terms of the documents.
    pub fn documents(&mut self, corpus: &Corpus, seed: u64) {
        let drafted = draft(&pages(corpus), &[], seed, MAX_DRAFTED);
        let telling = drafted
            .into_iter()
            .filter(|q| q.kind != QueryKind::Sentence);
        let items = telling.map(|query| {
            let places = query.documents.iter().filter_map(|id| corpus.of_id(id));
            asked(
                &query.text,
                places.map(|place| (place, 1)).collect(),
                Source::Documents,
            )
        });
        let items = items.collect();
        self.add(Source::Documents, "", items);
    }

    /// Adds what a model asked of passages: for each the question, and the document's place.
    pub fn questions(&mut self, name: &str, questions: &[(String, usize)]) {
        let items = questions
            .iter()
            .map(|(text, place)| asked(text, BTreeMap::from([(*place, 1)]), Source::Llm));
        let items = items.collect();
        self.add(Source::Llm, name, items);
    }
}

fn asked(text: &str, relevant: BTreeMap<usize, i32>, source: Source) -> Option<Asked> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty() && !relevant.is_empty()).then_some(Asked {
        text,
        relevant,
        source,
    })
}

/// The documents as queries are drafted from them.
pub fn pages(corpus: &Corpus) -> Vec<Page> {
    let pages = corpus.documents.iter().map(|document| Page {
        id: document.id.clone(),
        title: document.title.clone(),
        sections: document
            .passages
            .iter()
            .map(|passage| (passage.headings.clone(), passage.body.clone()))
            .collect(),
    });
    pages.collect()
}

/// Finds the document that a text is of, by its words.
struct Texts {
    /// Passages that each word is in.
    by_word: BTreeMap<String, Vec<usize>>,
    /// Distinct words of each passage, and its document.
    passages: Vec<(BTreeSet<String>, usize)>,
}

impl Texts {
    fn new(corpus: &Corpus) -> Self {
        let mut texts = Self {
            by_word: BTreeMap::new(),
            passages: Vec::new(),
        };
        for (place, document) in corpus.documents.iter().enumerate() {
            for passage in &document.passages {
                let words = distinct(&passage.text);
                for word in &words {
                    let of_word = texts.by_word.entry(word.clone()).or_default();
                    of_word.push(texts.passages.len());
                }
                texts.passages.push((words, place));
            }
        }
        texts
    }

    /// The document with the passage that shares most words with `text`, if that is nearly all of
    /// either.
    fn find(&self, text: &str) -> Option<usize> {
        let words = distinct(text);
        let rarest = words
            .iter()
            .filter_map(|word| Some((self.by_word.get(word)?, word)));
        let mut rarest: Vec<_> = rarest.collect();
        rarest.sort_by_key(|(passages, word)| (passages.len(), (*word).clone()));
        let near: BTreeSet<usize> = rarest
            .iter()
            .take(8)
            .flat_map(|(p, _)| *p)
            .copied()
            .collect();
        let mut best: Option<(f64, usize)> = None;
        for passage in near {
            let (own, place) = &self.passages[passage];
            let common = own.intersection(&words).count() as f64;
            let share = common / own.len().min(words.len()).max(1) as f64;
            // A text of two words is in many passages.
            if share >= SAME && words.len() >= 4 && best.is_none_or(|(other, _)| share > other) {
                best = Some((share, *place));
            }
        }
        best.map(|(_, place)| place)
    }
}

/// The distinct words of `text`, without marks.
pub(super) fn distinct(text: &str) -> BTreeSet<String> {
    let words = littoral_guest::table::words(text).into_iter();
    words
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .collect()
}

/// A line of a file: its fields by name.
struct Record {
    line: usize,
    fields: BTreeMap<String, String>,
}

impl Record {
    /// The first of the fields `names` that is there and not empty.
    fn get(&self, names: &[&str]) -> Option<&str> {
        let found = names.iter().filter_map(|name| self.fields.get(*name));
        found.map(|text| text.trim()).find(|text| !text.is_empty())
    }

    fn field(
        &self,
        names: &[&str],
        path: &Path,
        expected: &'static str,
    ) -> Result<&str, TuneError> {
        self.get(names).ok_or_else(|| TuneError::Line {
            path: path.to_owned(),
            line: self.line,
            reason: format!("there is no {:?}", names[0]),
            expected,
        })
    }
}

/// The records of a file, whose ending says what it is.
fn records(path: &Path, expected: &'static str) -> Result<Vec<Record>, TuneError> {
    let file = File::open(path).map_err(TuneError::io("read", path))?;
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("jsonl" | "ndjson") => json_lines(BufReader::new(file), path, expected),
        Some("csv") => columns(file, b',', path, expected),
        Some("tsv") => columns(file, b'\t', path, expected),
        _ => Err(TuneError::Extension {
            path: path.to_owned(),
        }),
    }
}

fn json_lines(
    file: impl BufRead,
    path: &Path,
    expected: &'static str,
) -> Result<Vec<Record>, TuneError> {
    let mut records = Vec::new();
    for (line, text) in (1..).zip(file.lines()) {
        let text = text.map_err(TuneError::io("read", path))?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        let found: BTreeMap<String, Value> =
            serde_json::from_str(text).map_err(|error| TuneError::Line {
                path: path.to_owned(),
                line,
                reason: error.to_string().replace(" at line 1 column", " at column"),
                expected,
            })?;
        let fields = found.into_iter().filter_map(|(name, value)| match value {
            Value::String(text) => Some((name, text)),
            Value::Null => None,
            // Answers in a form of their own, too.
            value => Some((name, value.to_string())),
        });
        let fields = fields.collect();
        records.push(Record { line, fields });
    }
    Ok(records)
}

fn columns(
    file: File,
    delimiter: u8,
    path: &Path,
    expected: &'static str,
) -> Result<Vec<Record>, TuneError> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(file);
    let failed = |error: csv::Error| TuneError::Line {
        path: path.to_owned(),
        line: error.position().map_or(1, |place| place.line() as usize),
        reason: error.to_string(),
        expected,
    };
    let names = reader.headers().map_err(failed)?.clone();
    let clean = |name: &str| name.trim_start_matches('\u{feff}').trim().to_lowercase();
    let names: Vec<String> = names.iter().map(clean).collect();
    let mut records = Vec::new();
    for row in reader.records() {
        let row = row.map_err(failed)?;
        let line = row.position().map_or(0, |place| place.line() as usize);
        let fields = names.iter().cloned().zip(row.iter().map(str::to_owned));
        let fields = fields.collect();
        records.push(Record { line, fields });
    }
    Ok(records)
}
