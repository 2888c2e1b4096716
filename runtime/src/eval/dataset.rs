//! Judged collections: queries and judgements held, the corpus streamed.
//!
//! The BEIR layout is a folder with
//!
//! ```text
//! corpus.jsonl          {"_id":"d1","title":"…","text":"…"}   one document a line
//! queries.jsonl         {"_id":"q1","text":"…"}               one query a line
//! qrels/<split>.tsv     q1 ⇥ d1 ⇥ 1                           with or without a header line
//! ```
//!
//! Documentation collections have no `corpus.jsonl`: their judgements name documents by page path,
//! and the pages are built into an index from their own folder. A queries file and a qrels file
//! may also be named directly. Byte-order marks, CRLF, blank lines, numeric ids and trec_eval's
//! four-column qrels (`q1 0 d1 1`) are understood.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// A document of a corpus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Identifier the judgements use.
    pub id: String,
    /// Title, empty if there is none.
    pub title: String,
    /// Body text.
    pub text: String,
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Identifier the judgements use.
    pub id: String,
    /// What is asked.
    pub text: String,
}

/// Why a collection cannot be read; each message names the file, the line and the cure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The file system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The collection has no judgements of that name.
    #[error(
        "{} has no judgements for the split {split:?}; it has {}",
        folder.display(),
        if available.is_empty() { "none (expected qrels/<split>.tsv)".to_owned() } else { available.join(", ") }
    )]
    NoSplit {
        /// The collection.
        folder: PathBuf,
        /// The split asked for.
        split: String,
        /// The splits there are.
        available: Vec<String>,
    },
    /// The collection has no corpus file.
    #[error(
        "{} has no corpus.jsonl: build an index of its documents first, then evaluate that index \
         with the collection's queries and qrels files",
        folder.display()
    )]
    NoCorpus {
        /// The collection, or the folder of the queries file.
        folder: PathBuf,
    },
    /// A line is not a JSON object with the fields needed.
    #[error("{}:{line}: {reason}; expected one JSON object a line with {expected}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
        /// The fields a line needs.
        expected: &'static str,
    },
    /// A line of judgements does not have three (BEIR) or four (trec_eval) columns.
    #[error(
        "{}:{line}: {found} columns; expected query-id, corpus-id and score, separated by tabs",
        path.display()
    )]
    Columns {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Columns found.
        found: usize,
    },
    /// A grade is no whole number.
    #[error(
        "{}:{line}: the score {grade:?} is not a whole number; only the first line may be a header",
        path.display()
    )]
    Grade {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// The column as written.
        grade: String,
    },
    /// The same query, or the same judged pair with another grade, stands twice.
    #[error("{}:{line}: {id:?} was given differently on an earlier line; remove one of them", path.display())]
    Repeated {
        /// The file.
        path: PathBuf,
        /// Line of the second, counted from 1.
        line: usize,
        /// The query id, or the query and document ids.
        id: String,
    },
    /// The known answers are not what they should be.
    #[error(
        "{}: {reason}; expected one JSON object of question ids, each with an answer or a list of answers",
        path.display()
    )]
    Answers {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No query has a judgement, so there is nothing to measure.
    #[error(
        "none of the {n_queries} queries in {} is judged in {}; check that both files use the same query ids",
        queries.display(),
        qrels.display()
    )]
    NothingJudged {
        /// The queries file.
        queries: PathBuf,
        /// The judgements file.
        qrels: PathBuf,
        /// Queries read.
        n_queries: usize,
    },
}

impl DatasetError {
    /// The stable kebab-case name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "dataset-unreadable",
            Self::NoSplit { .. } => "dataset-no-split",
            Self::NoCorpus { .. } => "dataset-no-corpus",
            Self::Json { .. } => "dataset-json",
            Self::Columns { .. } | Self::Grade { .. } => "dataset-qrels",
            Self::Repeated { .. } => "dataset-repeated",
            Self::Answers { .. } => "dataset-answers",
            Self::NothingJudged { .. } => "dataset-nothing-judged",
        }
    }

    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// Queries with their judgements, and where the corpus lies if it is one file.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The folder's name, or the name of the queries file's folder.
    pub name: String,
    /// The split: the name of the qrels file.
    pub split: String,
    /// All queries, in the order of their file.
    pub queries: Vec<Query>,
    /// The judgements.
    pub qrels: Qrels,
    folder: PathBuf,
}

impl Dataset {
    /// Reads the queries and one split's judgements of a folder in BEIR layout.
    ///
    /// # Errors
    /// If a file is missing or malformed, or no query is judged.
    pub fn open(folder: &Path, split: &str) -> Result<Self, DatasetError> {
        let qrels = folder.join("qrels").join(format!("{split}.tsv"));
        if !qrels.is_file() {
            return Err(DatasetError::NoSplit {
                folder: folder.to_owned(),
                split: split.to_owned(),
                available: splits(folder),
            });
        }
        Self::from_files(&folder.join("queries.jsonl"), &qrels)
    }

    /// Reads a queries file and a judgements file wherever they lie.
    ///
    /// # Errors
    /// If a file is missing or malformed, or no query is judged.
    pub fn from_files(queries_path: &Path, qrels_path: &Path) -> Result<Self, DatasetError> {
        let queries = read_queries(open(queries_path)?, queries_path)?;
        let qrels = Qrels::read(open(qrels_path)?, qrels_path)?;
        if !queries
            .iter()
            .any(|query| qrels.grades(&query.id).is_some())
        {
            return Err(DatasetError::NothingJudged {
                queries: queries_path.to_owned(),
                qrels: qrels_path.to_owned(),
                n_queries: queries.len(),
            });
        }
        let folder = queries_path.parent().unwrap_or(Path::new("")).to_owned();
        let name = fs::canonicalize(&folder)
            .ok()
            .and_then(|path| Some(lossy(path.file_name()?)));
        Ok(Self {
            name: name.unwrap_or_default(),
            split: qrels_path.file_stem().map(lossy).unwrap_or_default(),
            queries,
            qrels,
            folder,
        })
    }

    /// A set of queries that lies in no file.
    pub fn new(name: &str, split: &str, queries: Vec<Query>, qrels: Qrels) -> Self {
        Self {
            name: name.to_owned(),
            split: split.to_owned(),
            queries,
            qrels,
            folder: PathBuf::new(),
        }
    }

    /// The folder that holds the queries.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Iterates over the queries that have judgements, in the order of their file.
    pub fn judged_queries(&self) -> impl Iterator<Item = &Query> {
        self.queries
            .iter()
            .filter(|query| self.qrels.grades(&query.id).is_some())
    }

    /// Streams `corpus.jsonl` beside the queries, one document at a time.
    ///
    /// # Errors
    /// [`DatasetError::NoCorpus`] for documentation collections, whose documents are pages.
    pub fn corpus(&self) -> Result<Corpus, DatasetError> {
        let path = self.folder.join("corpus.jsonl");
        if path.is_file() {
            Corpus::open(&path)
        } else {
            Err(DatasetError::NoCorpus {
                folder: self.folder.clone(),
            })
        }
    }
}

/// Graded judgements by query and document, in id order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Qrels(BTreeMap<String, BTreeMap<String, i32>>);

impl Qrels {
    /// Reads judgements; `path` only names them in errors.
    ///
    /// # Errors
    /// If a line is malformed, or contradicts an earlier one.
    pub fn read(reader: impl BufRead, path: &Path) -> Result<Self, DatasetError> {
        let mut qrels = Self::default();
        for numbered in NumberedLines::new(reader, path) {
            let (line, text) = numbered?;
            let columns: Vec<&str> = if text.contains('\t') {
                text.split('\t').map(str::trim).collect()
            } else {
                text.split_whitespace().collect()
            };
            let ([query, document, grade] | [query, _, document, grade]) = columns[..] else {
                let (path, found) = (path.to_owned(), columns.len());
                return Err(DatasetError::Columns { path, line, found });
            };
            let Some(value) = whole(grade) else {
                if line == 1 {
                    continue;
                }
                let (path, grade) = (path.to_owned(), grade.to_owned());
                return Err(DatasetError::Grade { path, line, grade });
            };
            let grades = qrels.0.entry(query.to_owned()).or_default();
            if grades
                .insert(document.to_owned(), value)
                .is_some_and(|earlier| earlier != value)
            {
                let id = format!("{query} {document}");
                return Err(DatasetError::Repeated {
                    path: path.to_owned(),
                    line,
                    id,
                });
            }
        }
        Ok(qrels)
    }

    /// The grades of a query's judged documents, or `None` if the query is not judged.
    pub fn grades(&self, query_id: &str) -> Option<&BTreeMap<String, i32>> {
        self.0.get(query_id)
    }

    /// Iterates over the judged queries in id order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, i32>)> {
        self.0.iter().map(|(id, grades)| (id.as_str(), grades))
    }

    /// Number of judged queries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is judged.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the relevant documents that `exists` does not know, in id order, each once.
    ///
    /// An index built from another folder, or from HTML where the judgements name Markdown,
    /// scores 0 everywhere; this tells that apart from a bad ranking.
    pub fn missing(&self, exists: impl Fn(&str) -> bool) -> Vec<&str> {
        let relevant: BTreeSet<&str> = self
            .0
            .values()
            .flatten()
            .filter(|(_, grade)| **grade > 0)
            .map(|(id, _)| id.as_str())
            .collect();
        relevant.into_iter().filter(|id| !exists(id)).collect()
    }

    /// Renames every document, such as from a repository's page path to an index's id. Where two
    /// become one, the higher grade stays.
    #[must_use]
    pub fn rename_documents(self, rename: impl Fn(&str) -> String) -> Self {
        let mut renamed = Self::default();
        for (query, grades) in self.0 {
            let target = renamed.0.entry(query).or_default();
            for (document, grade) in grades {
                let kept = target.entry(rename(&document)).or_insert(grade);
                *kept = grade.max(*kept);
            }
        }
        renamed
    }
}

impl<Q: Into<String>, D: Into<String>> FromIterator<(Q, D, i32)> for Qrels {
    fn from_iter<I: IntoIterator<Item = (Q, D, i32)>>(judged: I) -> Self {
        let mut qrels = Self::default();
        for (query, document, grade) in judged {
            qrels
                .0
                .entry(query.into())
                .or_default()
                .insert(document.into(), grade);
        }
        qrels
    }
}

/// The documents of a `corpus.jsonl`, read as they are asked for; memory holds one line.
#[derive(Debug)]
pub struct Corpus {
    lines: NumberedLines<BufReader<File>>,
}

impl Corpus {
    /// Opens a corpus file.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        Ok(Self {
            lines: NumberedLines::new(open(path)?, path),
        })
    }
}

impl Iterator for Corpus {
    type Item = Result<Record, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let numbered = self.lines.next()?;
        Some(numbered.and_then(|(line, text)| {
            let found: CorpusLine = parse(
                &text,
                &self.lines.path,
                line,
                "\"_id\", \"title\" and \"text\"",
            )?;
            let (title, text) = (found.title.unwrap_or_default(), found.text);
            Ok(Record {
                id: found.id.0,
                title,
                text,
            })
        }))
    }
}

#[derive(Deserialize)]
struct CorpusLine {
    #[serde(rename = "_id", alias = "id")]
    id: Id,
    title: Option<String>,
    text: String,
}

#[derive(Deserialize)]
struct QueryLine {
    #[serde(rename = "_id", alias = "id")]
    id: Id,
    text: String,
}

/// An identifier written as a string or as a number.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct Id(String);

impl TryFrom<Value> for Id {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::String(id) => Ok(Self(id)),
            Value::Number(id) => Ok(Self(id.to_string())),
            _ => Err("the id is neither a string nor a number"),
        }
    }
}

/// Reads a queries file.
pub(super) fn read_queries_file(path: &Path) -> Result<Vec<Query>, DatasetError> {
    read_queries(open(path)?, path)
}

fn read_queries(reader: impl BufRead, path: &Path) -> Result<Vec<Query>, DatasetError> {
    let mut queries = Vec::new();
    let mut seen = BTreeSet::new();
    for numbered in NumberedLines::new(reader, path) {
        let (line, text) = numbered?;
        let found: QueryLine = parse(&text, path, line, "\"_id\" and \"text\"")?;
        if !seen.insert(found.id.0.clone()) {
            return Err(DatasetError::Repeated {
                path: path.to_owned(),
                line,
                id: found.id.0,
            });
        }
        queries.push(Query {
            id: found.id.0,
            text: found.text,
        });
    }
    Ok(queries)
}

fn parse<'a, T: Deserialize<'a>>(
    text: &'a str,
    path: &Path,
    line: usize,
    expected: &'static str,
) -> Result<T, DatasetError> {
    serde_json::from_str(text).map_err(|error| {
        // The parser counts lines within this one line; only its column means anything here.
        let reason = error.to_string().replace(" at line 1 column", " at column");
        DatasetError::Json {
            path: path.to_owned(),
            line,
            reason,
            expected,
        }
    })
}

/// Reads `2`, `-1` and `2.0`.
fn whole(grade: &str) -> Option<i32> {
    grade
        .parse()
        .ok()
        .or_else(|| grade.strip_suffix(".0")?.parse().ok())
}

fn open(path: &Path) -> Result<BufReader<File>, DatasetError> {
    File::open(path)
        .map(BufReader::new)
        .map_err(|source| DatasetError::io(path, source))
}

/// The names of a collection's judgement files, sorted.
fn splits(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("qrels"))
        .into_iter()
        .flatten()
        .flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "tsv"))
        .filter_map(|path| path.file_stem().map(lossy))
        .collect();
    names.sort_unstable();
    names
}

fn lossy(name: &std::ffi::OsStr) -> String {
    name.to_string_lossy().into_owned()
}

/// Lines that are not blank, without byte-order mark and line end, with their number from 1.
#[derive(Debug)]
struct NumberedLines<R> {
    lines: Lines<R>,
    line: usize,
    path: PathBuf,
}

impl<R: BufRead> NumberedLines<R> {
    fn new(reader: R, path: &Path) -> Self {
        Self {
            lines: reader.lines(),
            line: 0,
            path: path.to_owned(),
        }
    }
}

impl<R: BufRead> Iterator for NumberedLines<R> {
    type Item = Result<(usize, String), DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut text = match self.lines.next()? {
                Ok(text) => text,
                Err(source) => return Some(Err(DatasetError::io(&self.path, source))),
            };
            self.line += 1;
            if text.starts_with('\u{feff}') {
                text.remove(0);
            }
            if !text.trim().is_empty() {
                text.truncate(text.trim_end_matches(['\r', '\n']).len());
                return Some(Ok((self.line, text)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qrels(text: &str) -> Result<Qrels, DatasetError> {
        Qrels::read(text.as_bytes(), Path::new("qrels/test.tsv"))
    }

    fn queries(text: &str) -> Result<Vec<Query>, DatasetError> {
        read_queries(text.as_bytes(), Path::new("queries.jsonl"))
    }

    #[test]
    fn qrels_are_the_same_with_and_without_header_crlf_mark_and_blank_lines() {
        let expected = Qrels::from_iter([("1", "a/b c.md", 2), ("1", "d", 0), ("2", "e", -1)]);
        let plain = "1\ta/b c.md\t2\n1\td\t0\n2\te\t-1\n";
        let header = format!("query-id\tcorpus-id\tscore\n{plain}");
        let crlf = format!("\u{feff}{}\r\n", header.replace('\n', "\r\n"));
        let trec = "1\t0\ta/b c.md\t2\n1 0 d 0\n2 0 e -1.0";
        for text in [plain, &header, &crlf, trec] {
            assert_eq!(qrels(text).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_bad_line_of_qrels_is_named_with_its_cure() {
        let error = qrels("1\ta\t1\n1\tb\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "qrels/test.tsv:2: 2 columns; expected query-id, corpus-id and score, separated by tabs"
        );
        let error = qrels("1\ta\t1\n\n1\tb\tgood").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("qrels/test.tsv:3: the score \"good\"")
        );
        assert_eq!(error.code(), "dataset-qrels");
    }

    #[test]
    fn a_pair_may_stand_twice_but_not_with_two_grades() {
        assert_eq!(qrels("1\ta\t1\n1\ta\t1").unwrap().len(), 1);
        let error = qrels("1\ta\t1\n1\ta\t2").unwrap_err();
        assert!(
            matches!(error, DatasetError::Repeated { line: 2, .. }),
            "{error}"
        );
    }

    #[test]
    fn ids_may_be_numbers_and_further_fields_are_ignored() {
        let text =
            "{\"_id\": 7, \"text\": \"a\", \"metadata\": {}}\r\n{\"id\":\"x\",\"text\":\"b\"}";
        let expected = [("7", "a"), ("x", "b")].map(|(id, text)| Query {
            id: id.into(),
            text: text.into(),
        });
        assert_eq!(queries(text).unwrap(), expected);
    }

    #[test]
    fn a_bad_query_is_named_with_its_line() {
        let error = queries("{\"_id\":\"1\",\"text\":\"a\"}\n{\"_id\":\"2\"}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "queries.jsonl:2: missing field `text` at column 11; expected one JSON object a line \
             with \"_id\" and \"text\""
        );
        let error =
            queries("{\"_id\":\"1\",\"text\":\"a\"}\n{\"_id\":1,\"text\":\"b\"}").unwrap_err();
        assert_eq!(error.code(), "dataset-repeated");
    }

    #[test]
    fn missing_documents_are_the_relevant_ones_that_do_not_exist() {
        let judged = Qrels::from_iter([("1", "a.md", 1), ("2", "b.md", 2), ("2", "c.md", 0)]);
        assert_eq!(judged.missing(|id| id == "a.md"), ["b.md"]);
        let html = judged.rename_documents(|id| id.replace(".md", ".html"));
        assert_eq!(html.missing(|id| id == "a.md"), ["a.html", "b.html"]);
    }
}
