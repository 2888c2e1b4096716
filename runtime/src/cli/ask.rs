//! `littoral ask`

use super::llm::LlmArguments;
use super::output::{self, Failure};
use super::search::{self, ModeName};
use super::{Named, Outcome, engine_failure, llm};
use crate::context::{self, DEFAULT_TOKENS, MAX_TOKENS};
use crate::host::IndexHost;
use crate::llm::{Asked, Endpoint};
use littoral_guest::answer::grounded::printable;
use littoral_guest::answer::{
    Answer, AnswerOptions, AnswerSentence, Citation, MAX_SENTENCES, SENTENCES,
};
use littoral_guest::{Index, SearchOptions};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the index
    index: PathBuf,
    /// The question
    #[arg(allow_hyphen_values = true)]
    question: String,
    /// Sentences to quote at most
    #[arg(long, value_name = "N", default_value_t = SENTENCES as u8, value_parser = clap::value_parser!(u8).range(1..=MAX_SENTENCES as i64))]
    sentences: u8,
    /// Evidence that an answer needs, 0 to 1 [default: the index's own]
    #[arg(long, value_name = "T", value_parser = share)]
    threshold: Option<f64>,
    /// Which retrievers answer
    #[arg(long, value_enum, default_value = "hybrid")]
    mode: ModeName,
    /// Only documents with this filter value (repeat for alternatives of a key, or more keys)
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    #[command(flatten)]
    rerank: super::rerank::RerankArguments,
    #[command(flatten)]
    llm: LlmArguments,
    /// Tokens of the passages that the model is given
    #[arg(long, value_name = "N", default_value_t = DEFAULT_TOKENS, requires = "llm", value_parser = clap::value_parser!(u32).range(64..=i64::from(MAX_TOKENS)))]
    max_tokens: u32,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// A number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| (0.0..=1.0).contains(number))
        .ok_or_else(|| "this is a number from 0 to 1".to_owned())
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let endpoint = arguments.llm.endpoint()?;
    let reranker = arguments.rerank.load()?;
    let options = SearchOptions {
        mode: arguments.mode.into(),
        filters: search::filters(&arguments.filter)?,
        rerank: reranker.as_ref().map(|reranker| reranker.asked),
        ..SearchOptions::default()
    };
    let asked = AnswerOptions {
        sentences: usize::from(arguments.sentences),
        threshold: arguments.threshold,
    };
    let named = Named {
        reranker: reranker.as_ref().map(|reranker| &reranker.encoder),
        ..Named::default()
    };
    let vectors = options.mode != littoral_guest::engine::Mode::Lexical;
    let index = super::open_with_models(&arguments.index, vectors, named)?;
    let answer = pollster::block_on(index.answer(&arguments.question, &options, &asked));
    let mut answer = answer.map_err(|error| engine_failure(&error))?;
    if let Some(endpoint) = endpoint {
        answer = written(arguments, &endpoint, &index, &options, &answer)?;
    }
    if arguments.json {
        output::json(&answer)?;
    } else {
        notes(&answer);
        if arguments.llm.is_none() {
            answer.sentences.iter().for_each(sentence);
        }
        citations(&answer.citations);
    }
    Ok(if answer.abstained {
        Outcome::Negative
    } else {
        Outcome::Done
    })
}

/// The answer of the model at `endpoint`, where that of the documents themselves is `quoted`. Sentences
/// are printed as they come.
fn written(
    arguments: &Arguments,
    endpoint: &Endpoint,
    index: &Index<IndexHost>,
    options: &SearchOptions,
    quoted: &Answer,
) -> Result<Answer, Failure> {
    let options = context::options(options.clone());
    let found = pollster::block_on(index.search(&arguments.question, &options));
    let found = found.map_err(|error| engine_failure(&error))?;
    let asked = Asked {
        question: &arguments.question,
        evidence: quoted.evidence,
        context: context::pack(found, arguments.max_tokens),
        sentences: usize::from(arguments.sentences),
    };
    // What cannot be compared is not found alike.
    let mut similar = |a: &str, b: &str| pollster::block_on(index.similarity(a, b)).ok()?;
    let answer = crate::llm::answer(endpoint, asked, &mut similar, &mut |written| {
        if !arguments.json {
            sentence(written);
        }
        Ok(())
    });
    answer.map_err(|error| llm::failure(&error))
}

/// Prints what a person should know of an answer.
fn notes(answer: &Answer) {
    for note in &answer.notes {
        // That there are no vectors is worth saying only to programs: no user asked for any.
        if note.code != "no-vectors" {
            output::line(format!("({})", printable(&note.message)));
        }
    }
}

/// Prints a sentence with its citations.
fn sentence(sentence: &AnswerSentence) {
    let cited: String = sentence
        .citations
        .iter()
        .map(|id| format!("[{id}]"))
        .collect();
    let doubt = if sentence.supported {
        ""
    } else {
        " (unsupported)"
    };
    output::line(format!("{} {cited}{doubt}", printable(&sentence.text)));
}

/// Prints what the sentences cite.
fn citations(citations: &[Citation]) {
    if !citations.is_empty() {
        output::line("");
    }
    for citation in citations {
        let document = &citation.document;
        let title = if document.title.is_empty() {
            &document.id
        } else {
            &document.title
        };
        let mut place = format!("[{}] {title}", citation.id);
        for heading in &citation.chunk.heading {
            place.push_str(" › ");
            place.push_str(heading);
        }
        output::line(printable(&place));
        let address = if citation.url.is_empty() {
            &document.id
        } else {
            &citation.url
        };
        output::line(format!("    {}", printable(address)));
    }
}
