//! Supervised examples for a generator: a question with numbered passages, and how it is to be answered.
//!
//! ```text
//! rows ─by query→ what answers + what does not ─shuffled→ prompt ┬→ messages
//!                      given answer, or a quoted one ─held to them→ cited sentences ┘
//! ```
//!
//! The prompt is the one that `littoral ask --llm` sends, so that a model tuned on examples is asked in use
//! as it was taught. Passages that do not answer are the hard negatives of the rows. Where a behaviour is
//! given, its instructions replace the rules for citing, and answers are held to its schema instead.
//!
//! ```text
//! chat-train.jsonl, chat-held-out.jsonl   {"messages":[{"role","content"}…],"query_id","positive_ids"}
//! chat-flagged.jsonl                      questions that were left out, with the reason
//! chat.json                               counts, and the hash of the pairs
//! ```

use super::corpus::Corpus;
use super::error::TuneError;
use super::pairs::{Pairs, Row};
use super::schema::Schema;
use super::split::lot;
use crate::eval::draft::key;
use littoral_guest::Host;
use littoral_guest::answer::grounded::{Grounder, Source};
use littoral_guest::answer::prompt::{NOT_FOUND, Prompt, draft, with_rules};
use littoral_guest::answer::{AnswerOptions, AnswerSentence};
use littoral_guest::engine::{Index, SearchOptions};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Passages of one question that answer it, at most.
const MOST_ANSWERING: usize = 2;

/// How examples are made.
#[derive(Debug, Clone)]
pub struct ChatOptions {
    /// Passages of a prompt, those that answer and those that do not.
    pub passages: usize,
    /// Sentences of an answer at most.
    pub sentences: usize,
    /// Share of the questions that get no passage that answers, and are to be answered so.
    pub unanswered: f64,
    /// Another number draws other orders.
    pub seed: u64,
    /// How answers are to be, where it is not by citing.
    pub behaviour: Option<Behaviour>,
}

/// How answers are to be.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// What the model is told instead of the rules for citing.
    pub instructions: String,
    /// What each answer is held to, as JSON.
    pub schema: Option<Schema>,
}

/// What was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Chats {
    /// Examples to train on, and held out.
    pub train: u64,
    /// See `train`.
    pub held_out: u64,
    /// Those of both whose passages do not answer.
    pub unanswered: u64,
    /// Questions left out, by the reason.
    pub flags: BTreeMap<String, u64>,
    /// Hash of the pairs that they were made of, in hexadecimal.
    pub data_hash: String,
}

/// Makes examples of `pairs` and writes them into `folder`; `answers` has those that were given, by the words
/// of their questions in small letters.
///
/// # Errors
/// [`TuneError`] when the index cannot be read, or the folder not written.
pub fn write<H: Host>(
    index: &Index<H>,
    corpus: &Corpus,
    pairs: &Pairs,
    answers: &BTreeMap<String, String>,
    options: &ChatOptions,
    folder: &Path,
) -> Result<Chats, TuneError> {
    let mut chats = Chats {
        data_hash: pairs.hash.clone(),
        ..Chats::default()
    };
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(TuneError::io("write", &path))
    };
    let mut flagged = String::new();
    let sides = [
        ("chat-train.jsonl", &pairs.train, &mut chats.train),
        ("chat-held-out.jsonl", &pairs.held_out, &mut chats.held_out),
    ];
    for (name, rows, n) in sides {
        let mut lines = String::new();
        for rows in by_query(rows) {
            let asked = Asked::new(corpus, &rows, options);
            let given = answers.get(&key(&asked.question)).map(String::as_str);
            match asked.example(index, given, options)? {
                Ok(answer) => {
                    chats.unanswered += u64::from(answer == NOT_FOUND);
                    *n += 1;
                    lines.push_str(&asked.line(&answer, options));
                }
                Err((flag, reason)) => {
                    *chats.flags.entry(flag.to_owned()).or_default() += 1;
                    let line = json!({"question": asked.question, "flag": flag, "reason": reason});
                    flagged.push_str(&format!("{line}\n"));
                }
            }
        }
        put(name, &lines)?;
    }
    put("chat-flagged.jsonl", &flagged)?;
    put("chat.json", &format!("{:#}\n", json!(chats)))?;
    Ok(chats)
}

/// The rows of each query, in the order of the queries' first ones.
fn by_query(rows: &[Row]) -> Vec<Vec<&Row>> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut queries: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        let next = queries.len();
        let place = *places.entry(&row.query_id).or_insert(next);
        if place == next {
            queries.push(Vec::new());
        }
        queries[place].push(row);
    }
    queries
}

/// A question with its passages.
struct Asked {
    question: String,
    query_id: String,
    /// What the model is shown.
    sources: Vec<Source>,
    /// Documents of the passages that answer.
    positive_ids: Vec<String>,
    /// Numbers of the passages that answer.
    answering: BTreeSet<String>,
}

/// Why a question was left out: a flag and a sentence.
type Left = (&'static str, String);

impl Asked {
    fn new(corpus: &Corpus, rows: &[&Row], options: &ChatOptions) -> Self {
        let first = rows[0];
        let lot = |what: &str| lot(options.seed, &format!("{what} {}", first.query_id));
        // With a behaviour of its own nobody knows how it would say that there is no answer.
        let share = f64::from(lot("unanswered")[0]) / 256.0;
        let is_unanswered = options.behaviour.is_none() && share < options.unanswered;
        let positives = rows.iter().map(|row| (&row.positive_place, true));
        let positives = positives.take(if is_unanswered { 0 } else { MOST_ANSWERING });
        let negatives = first.negative_places.iter().map(|place| (place, false));
        let mut all: Vec<(&(String, usize), bool)> = Vec::new();
        for (place, answers) in positives.chain(negatives) {
            if all.len() < options.passages && all.iter().all(|(other, _)| *other != place) {
                all.push((place, answers));
            }
        }
        all.sort_by_key(|((id, chunk), _)| (lot(&format!("{id} {chunk}")), id.clone(), *chunk));
        let (mut sources, mut answering) = (Vec::new(), BTreeSet::new());
        let mut positive_ids = Vec::new();
        for ((id, chunk), answers) in all {
            let document = corpus.of_id(id).map(|place| &corpus.documents[place]);
            let passage = document.and_then(|document| document.passages.get(*chunk));
            let Some((document, passage)) = document.zip(passage) else {
                continue;
            };
            let number = (sources.len() + 1).to_string();
            let titles = [document.title.as_str()].into_iter();
            let headings = titles.chain(passage.headings.iter().map(String::as_str));
            sources.push(Source {
                id: number.clone(),
                url: document.url.clone(),
                heading: headings.collect::<Vec<_>>().join("\n"),
                text: passage.body.clone(),
            });
            if answers {
                answering.insert(number);
                positive_ids.push(id.clone());
            }
        }
        Self {
            question: first.anchor.clone(),
            query_id: first.query_id.clone(),
            sources,
            positive_ids,
            answering,
        }
    }

    /// How it is to be answered, or why it is left out.
    fn example<H: Host>(
        &self,
        index: &Index<H>,
        given: Option<&str>,
        options: &ChatOptions,
    ) -> Result<Result<String, Left>, TuneError> {
        if let Some(behaviour) = &options.behaviour {
            return Ok(behaved(given, behaviour));
        }
        if self.answering.is_empty() {
            return Ok(Ok(NOT_FOUND.to_owned()));
        }
        let sentences = match given {
            Some(given) => {
                // What other passages say too rests on those that answer.
                let sources = self.sources.iter();
                let answering = sources.filter(|source| self.answering.contains(&source.id));
                let mut grounder = Grounder::new(answering.cloned().collect());
                let mut unknown = |_: &str, _: &str| None;
                let mut sentences = grounder.push(given, &mut unknown);
                sentences.extend(grounder.finish(&mut unknown));
                sentences
            }
            None => self.quoted(index, options.sentences)?,
        };
        let kept = sentences.iter().filter(|sentence| sentence.supported);
        let kept = kept.take(options.sentences).map(|sentence| {
            let ids = sentence.citations.iter().map(|id| format!("[{id}]"));
            format!("{} {}", sentence.text, ids.collect::<String>())
        });
        let text = kept.collect::<Vec<_>>().join(" ");
        Ok(match (text.is_empty(), given) {
            (false, _) => Ok(text),
            (true, Some(_)) => Err((
                "unsupported",
                "no sentence of the given answer is borne out by a passage that answers".to_owned(),
            )),
            (true, None) => Err((
                "no-quote",
                "no sentence of the passages that answer says what is asked".to_owned(),
            )),
        })
    }

    /// What `littoral ask` quotes of the passages that answer, with their numbers here.
    fn quoted<H: Host>(
        &self,
        index: &Index<H>,
        sentences: usize,
    ) -> Result<Vec<AnswerSentence>, TuneError> {
        let asked = AnswerOptions {
            sentences,
            threshold: Some(0.0),
        };
        let search = SearchOptions::default();
        let answer = pollster::block_on(index.answer(&self.question, &search, &asked))?;
        let number = |id: &String| {
            let citation = answer
                .citations
                .iter()
                .find(|citation| citation.id == *id)?;
            let sources = self.sources.iter();
            let mut own = sources.filter(|source| self.answering.contains(&source.id));
            own.find(|source| source.text.contains(&citation.quote))
                .map(|source| source.id.clone())
        };
        let numbered = answer.sentences.iter().filter_map(|sentence| {
            let citations: Vec<String> = sentence.citations.iter().filter_map(number).collect();
            (!citations.is_empty()).then(|| AnswerSentence {
                citations,
                ..sentence.clone()
            })
        });
        Ok(numbered.collect())
    }

    /// The example as a line.
    fn line(&self, answer: &str, options: &ChatOptions) -> String {
        let Prompt { messages, .. } = match &options.behaviour {
            None => draft(&self.question, &self.sources, options.sentences),
            Some(behaviour) => with_rules(&self.question, &self.sources, &behaviour.instructions),
        };
        let mut messages: Vec<Value> = messages.iter().map(|message| json!(message)).collect();
        messages.push(json!({"role": "assistant", "content": answer}));
        let line = json!({
            "messages": messages,
            "query_id": self.query_id,
            "positive_ids": self.positive_ids,
        });
        format!("{line}\n")
    }
}

/// The answer that was given, as `behaviour` wants it.
fn behaved(given: Option<&str>, behaviour: &Behaviour) -> Result<String, Left> {
    let given = given.ok_or_else(|| ("no-answer", "there is no answer to it".to_owned()))?;
    let Some(schema) = &behaviour.schema else {
        return Ok(given.to_owned());
    };
    let value: Value = serde_json::from_str(given)
        .map_err(|error| ("schema", format!("the answer is no JSON: {error}")))?;
    schema
        .validate(&value)
        .map_err(|reason| ("schema", reason))?;
    Ok(value.to_string())
}
