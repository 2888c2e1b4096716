//! From a question to an answer of a model that holds what it says to the passages.

use super::{Endpoint, LlmError};
use crate::context::{Context, Passage};
use littoral_guest::answer::grounded::{Grounder, Similar, Source};
use littoral_guest::answer::prompt::draft;
use littoral_guest::answer::{Answer, AnswerSentence, Citation, Evidence, cited_url};
use littoral_guest::engine::Note;

/// What a model is asked.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The question.
    pub question: &'a str,
    /// How well what was found answers it.
    pub evidence: Evidence,
    /// The passages.
    pub context: Context,
    /// Sentences that it is asked for at most.
    pub sentences: usize,
}

/// Lets the model at `endpoint` answer; `each` is called with every sentence once it was looked at.
///
/// Where the evidence is below what it has to be, or there is no passage, nothing is sent and nothing
/// is answered.
///
/// # Errors
/// [`LlmError`] of the endpoint, or of `each`.
pub fn answer(
    endpoint: &Endpoint,
    asked: Asked<'_>,
    similar: &mut Similar<'_>,
    each: &mut dyn FnMut(&AnswerSentence) -> Result<(), LlmError>,
) -> Result<Answer, LlmError> {
    let Asked {
        question,
        evidence,
        context,
        sentences,
    } = asked;
    let mut answer = Answer {
        question: question.to_owned(),
        answer: String::new(),
        abstained: true,
        sentences: Vec::new(),
        citations: Vec::new(),
        evidence,
        notes: context.notes.clone(),
    };
    if evidence.score >= evidence.threshold && !context.passages.is_empty() {
        let sources: Vec<Source> = context.passages.iter().map(source).collect();
        let prompt = draft(question, &sources, sentences);
        let mut grounder = Grounder::new(sources);
        let shown = &mut answer.sentences;
        let mut show = |sentences: Vec<AnswerSentence>| {
            for sentence in sentences {
                each(&sentence)?;
                shown.push(sentence);
            }
            Ok(())
        };
        endpoint.ask(&prompt.messages, &mut |piece| {
            show(grounder.push(piece, similar))
        })?;
        show(grounder.finish(similar))?;
        answer.citations = grounder
            .quotes()
            .map(|(i, quote)| citation(&context.passages[i], quote))
            .collect();
        answer.notes.extend(grounder.notes());
    }
    answer.abstained = answer.sentences.is_empty();
    if answer.abstained {
        answer.notes.push(Note {
            code: "not-found".into(),
            message: "not found in these documents".to_owned(),
            suggestion: None,
        });
    }
    let texts: Vec<&str> = answer.sentences.iter().map(|s| s.text.as_str()).collect();
    answer.answer = texts.join(" ");
    Ok(answer)
}

fn source(passage: &Passage) -> Source {
    let mut heading = passage.document.title.clone();
    for part in &passage.chunk.heading {
        heading.push('\n');
        heading.push_str(part);
    }
    Source {
        id: passage.id.clone(),
        url: passage.document.url.clone(),
        heading,
        text: passage.chunk.text.clone(),
    }
}

fn citation(passage: &Passage, quote: std::ops::Range<usize>) -> Citation {
    let text = passage.chunk.text[quote.clone()].to_owned();
    let start = passage.chunk.start + quote.start;
    Citation {
        id: passage.id.clone(),
        document: passage.document.clone(),
        url: cited_url(
            &passage.document.url,
            passage.chunk.anchor.as_deref(),
            &text,
        ),
        start,
        end: start + text.len(),
        quote: text,
        chunk: passage.chunk.clone(),
    }
}
