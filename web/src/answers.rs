//! Answers out of the documents, quoted or held against them.

use crate::error;
use crate::index::{Index, Options, read};
use crate::json;
use littoral_guest::answer::grounded::{Grounder, Source};
use littoral_guest::answer::{AnswerOptions, AnswerSentence, SENTENCES, prompt};
use littoral_guest::engine::Note;
use serde::Serialize;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Index {
    /// The answer to `question` as JSON text, in the shape of `littoral ask --json`: at most `sentences`
    /// of them, where the evidence reaches `threshold`. What is left out has the engine's default.
    ///
    /// # Errors
    /// An `Error` with the engine's code, or `bad-option`.
    pub async fn answer(
        &self,
        question: String,
        options: Options,
        sentences: Option<u32>,
        threshold: Option<f64>,
    ) -> Result<String, JsValue> {
        let asked = AnswerOptions {
            sentences: sentences.map_or(SENTENCES, |n| n as usize),
            threshold,
        };
        let options = read(&options)?;
        let answer = self.engine().answer(&question, &options, &asked).await;
        let answer = answer.map_err(|error| error::engine(&error))?;
        written(&answer)
    }
}

/// What a model writes, held against the passages that it was given.
#[wasm_bindgen]
pub struct Reply {
    messages: Vec<prompt::Message>,
    grounder: Grounder,
}

/// The end of a reply.
#[derive(Serialize)]
struct End {
    /// Those that were left.
    sentences: Vec<AnswerSentence>,
    quotes: Vec<Quote>,
    notes: Vec<Note>,
}

/// The part of a passage that a sentence rests on.
#[derive(Serialize)]
struct Quote {
    /// The passage, from 0.
    passage: usize,
    /// Its first byte.
    start: usize,
    text: String,
}

#[wasm_bindgen]
impl Reply {
    /// A reply to `question` in at most `sentences`, from `passages`: of each its id, its address, title
    /// and headings on a line each, and its text.
    #[wasm_bindgen(constructor)]
    pub fn new(question: &str, passages: Vec<String>, sentences: Option<u32>) -> Self {
        let mut fields = passages.into_iter();
        let sources = std::iter::from_fn(|| {
            Some(Source {
                id: fields.next()?,
                url: fields.next()?,
                heading: fields.next()?,
                text: fields.next()?,
            })
        });
        let sources: Vec<Source> = sources.collect();
        let sentences = sentences.map_or(SENTENCES, |n| n as usize);
        Self {
            messages: prompt::draft(question, &sources, sentences).messages,
            grounder: Grounder::new(sources),
        }
    }

    /// What the model is told, as JSON text: `[{role, content}]`.
    ///
    /// # Errors
    /// An `Error` with the code `internal`.
    #[wasm_bindgen(getter)]
    pub fn messages(&self) -> Result<String, JsValue> {
        written(&self.messages)
    }

    /// Takes a piece of the reply; the sentences that are complete with it, as JSON text.
    ///
    /// # Errors
    /// An `Error` with the code `internal`.
    pub fn push(&mut self, piece: &str) -> Result<String, JsValue> {
        written(&self.grounder.push(piece, &mut |_, _| None))
    }

    /// Takes the end of the reply: as JSON text the sentences that are left, what they all quote, and what
    /// the reader should know.
    ///
    /// # Errors
    /// An `Error` with the code `internal`.
    pub fn finish(&mut self) -> Result<String, JsValue> {
        let sentences = self.grounder.finish(&mut |_, _| None);
        let quote = |(passage, place): (usize, std::ops::Range<usize>)| Quote {
            passage,
            start: place.start,
            text: self.grounder.sources()[passage].text[place].to_owned(),
        };
        written(&End {
            sentences,
            quotes: self.grounder.quotes().map(quote).collect(),
            notes: self.grounder.notes(),
        })
    }
}

/// The address of a quote in the document at `url`: the anchor of the heading above it, and a text fragment.
#[wasm_bindgen(js_name = citedUrl)]
#[expect(
    clippy::needless_pass_by_value,
    reason = "the binding has no reference to an option"
)]
pub fn cited_url(url: &str, anchor: Option<String>, quote: &str) -> String {
    littoral_guest::answer::cited_url(url, anchor.as_deref(), quote)
}

fn written(value: &impl Serialize) -> Result<String, JsValue> {
    json::write(value).map_err(|e| error::error("internal", &e.to_string()))
}
