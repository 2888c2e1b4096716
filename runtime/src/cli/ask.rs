//! `littoral ask`

use super::output::{self, Failure};
use super::search::{self, ModeName};
use super::{Named, Outcome, engine_failure};
use littoral_guest::SearchOptions;
use littoral_guest::answer::{Answer, AnswerOptions, MAX_SENTENCES, SENTENCES};
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
    let answer = answer.map_err(|error| engine_failure(&error))?;
    if arguments.json {
        output::json(&answer)?;
    } else {
        show(&answer);
    }
    Ok(if answer.abstained {
        Outcome::Negative
    } else {
        Outcome::Done
    })
}

/// Prints an answer for a person: sentences with their citations, then what these are.
fn show(answer: &Answer) {
    for note in &answer.notes {
        // That there are no vectors is worth saying only to programs: no user asked for any.
        if note.code != "no-vectors" {
            output::line(format!("({})", note.message));
        }
    }
    for sentence in &answer.sentences {
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
        output::line(format!("{} {cited}{doubt}", sentence.text));
    }
    if !answer.citations.is_empty() {
        output::line("");
    }
    for citation in &answer.citations {
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
        output::line(place);
        let address = if citation.url.is_empty() {
            &document.id
        } else {
            &citation.url
        };
        output::line(format!("    {address}"));
    }
}
