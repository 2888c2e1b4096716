//! `littoral tune prepare`: training data from what the user has.

mod chat;

use super::super::llm::LlmArguments;
use super::super::output::{self, Failure};
use super::super::{Named, Outcome, build, open_with_models};
use super::failure;
use crate::eval::Dataset;
use crate::llm::question;
use crate::tune::chat::write;
use crate::tune::mine::MineOptions;
use crate::tune::pairs::Pairs;
use crate::tune::prepare::{PrepareOptions, Prepared, prepare};
use crate::tune::sources::Gathered;
use crate::tune::{Corpus, TuneError};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The index that the passages are of
    index: PathBuf,
    /// Where to write train.jsonl, held-out.jsonl and what belongs to them
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// A judged collection in BEIR layout (repeatable)
    #[arg(long, value_name = "BEIR_DIR")]
    data: Vec<PathBuf>,
    /// Which judgements of the collections
    #[arg(long, default_value = "train")]
    split: String,
    /// Judged queries as JSON Lines with `_id` and `text`
    #[arg(long, value_name = "FILE", requires = "qrels")]
    queries: Option<PathBuf>,
    /// Judgements as lines of query id, document id and grade
    #[arg(long, value_name = "FILE", requires = "queries")]
    qrels: Option<PathBuf>,
    /// Questions and their answers: .jsonl, .csv or .tsv with `anchor` and `positive` (repeatable)
    #[arg(long, value_name = "FILE")]
    pairs: Vec<PathBuf>,
    /// A log of searches: .jsonl, .csv or .tsv with `query` and `document` or `url` (repeatable)
    #[arg(long, value_name = "FILE")]
    clicks: Vec<PathBuf>,
    /// Clicks on a document that make it an answer
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    min_clicks: u64,
    /// Use titles, headings and defined terms of the documents
    #[arg(long)]
    from_documents: bool,
    #[command(flatten)]
    llm: LlmArguments,
    /// Questions that the model writes at most, one a passage
    #[arg(long, value_name = "N", default_value_t = 500, requires = "llm", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    llm_questions: u32,
    /// Share of the queries to hold out, by document
    #[arg(long, value_name = "SHARE", default_value_t = 0.25, value_parser = share)]
    held_out: f64,
    /// Hard negatives of a pair
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=50))]
    negatives: u32,
    /// Skip negatives nearer than this share of the answer's nearness: they may be answers
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = nearness)]
    near: f64,
    /// Train on pairs too that have no word in common and are far apart
    #[arg(long)]
    keep_far: bool,
    /// Another number draws another split
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Threads; 0 for one a core
    #[arg(long, default_value_t = 0)]
    threads: usize,
    #[command(flatten)]
    chat: chat::ChatArguments,
    /// Replace what is there
    #[arg(long)]
    force: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

fn share(text: &str) -> Result<f64, String> {
    within(text, 0.05, 0.5)
}

fn nearness(text: &str) -> Result<f64, String> {
    within(text, 0.5, 1.0)
}

fn within(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let number = text.parse().ok();
    number
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("this is a number from {least} to {most}"))
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let any_source = !arguments.data.is_empty()
        || arguments.queries.is_some()
        || !arguments.pairs.is_empty()
        || !arguments.clicks.is_empty()
        || arguments.from_documents
        || !arguments.llm.is_none();
    if !any_source {
        return Err(Failure::new(
            "no-sources",
            "nothing says which passages answer which queries",
            "add --data BEIR_DIR, --queries FILE --qrels FILE, --pairs FILE, --clicks FILE or \
             --from-documents",
        ));
    }
    let there = arguments.output.join("train.jsonl");
    if there.exists() && !arguments.force {
        return Err(Failure::new(
            "already-there",
            format!("{} is there already", there.display()),
            "name another folder with --output, or replace it with --force",
        ));
    }
    let chat = arguments.chat.options(arguments.seed)?;
    let index = open_with_models(&arguments.index, true, Named::default())?;
    let corpus = Corpus::read(&index).map_err(|error| failure(&error))?;
    let gathered = gather(arguments, &corpus)?;
    let answers = gathered.answers.clone();
    let options = PrepareOptions {
        held_out: arguments.held_out,
        mine: MineOptions {
            n: arguments.negatives as usize,
            near: arguments.near,
            seed: arguments.seed,
        },
        keep_far: arguments.keep_far,
    };
    output::notice("mining negatives…");
    let pool = build::pool(arguments.threads)?;
    let prepared = prepare(
        &index,
        &corpus,
        gathered,
        &options,
        &arguments.output,
        &pool,
    );
    let prepared = prepared.map_err(|error| failure(&error))?;
    let is_usable = prepared.counts.train_pairs > 0 && prepared.counts.held_out_pairs > 0;
    let chats = match chat {
        Some(options) if is_usable => {
            let folder = &arguments.output;
            let pairs = Pairs::read(folder).map_err(|error| failure(&error))?;
            let chats = write(&index, &corpus, &pairs, &answers, &options, folder);
            Some(chats.map_err(|error| failure(&error))?)
        }
        _ => None,
    };
    if arguments.json {
        let mut said = json!(prepared);
        if let Some(chats) = &chats {
            said["chat"] = json!(chats);
        }
        output::json(&said)?;
    } else {
        show(arguments, &prepared);
        chats.iter().for_each(chat::show);
    }
    let is_usable = is_usable && chats.is_none_or(|chats| chats.train > 0);
    Ok(if is_usable {
        Outcome::Done
    } else {
        Outcome::Negative
    })
}

fn gather(arguments: &Arguments, corpus: &Corpus) -> Result<Gathered, Failure> {
    let mut gathered = Gathered::default();
    let read = |error: TuneError| failure(&error);
    for folder in &arguments.data {
        let dataset = Dataset::open(folder, &arguments.split);
        let dataset = dataset.map_err(|error| read(error.into()))?;
        gathered.judged(corpus, &dataset, folder);
    }
    if let (Some(queries), Some(qrels)) = (&arguments.queries, &arguments.qrels) {
        let dataset = Dataset::from_files(queries, qrels);
        let dataset = dataset.map_err(|error| read(error.into()))?;
        gathered.judged(corpus, &dataset, queries);
    }
    for path in &arguments.pairs {
        gathered.pairs(corpus, path).map_err(read)?;
    }
    for path in &arguments.clicks {
        let added = gathered.clicks(corpus, path, arguments.min_clicks);
        added.map_err(read)?;
    }
    if let Some(endpoint) = arguments.llm.endpoint()? {
        let mut questions = Vec::new();
        for (text, place) in passages(corpus, arguments.llm_questions as usize, arguments.seed) {
            let asked = question(&endpoint, &text);
            questions.push((asked.map_err(|error| read(error.into()))?, place));
        }
        gathered.questions("llm", &questions);
    }
    if arguments.from_documents {
        gathered.documents(corpus, arguments.seed);
    }
    Ok(gathered)
}

/// At most `n` passages drawn by lot, and the places of their documents.
fn passages(corpus: &Corpus, n: usize, seed: u64) -> Vec<(String, usize)> {
    let documents = corpus.documents.iter().enumerate();
    let mut all: Vec<(&str, usize)> = documents
        .flat_map(|(place, document)| {
            let passages = document.passages.iter();
            passages.map(move |passage| (passage.text.as_str(), place))
        })
        .collect();
    all.sort_by_cached_key(|(text, place)| {
        let seeded = [&seed.to_le_bytes(), text.as_bytes()].concat();
        (*blake3::hash(&seeded).as_bytes(), *place)
    });
    let drawn = all.into_iter().take(n);
    drawn
        .map(|(text, place)| (text.to_owned(), place))
        .collect()
}

fn show(arguments: &Arguments, prepared: &Prepared) {
    for source in &prepared.sources {
        let path = if source.path.is_empty() {
            arguments.index.display().to_string()
        } else {
            source.path.clone()
        };
        let mut line = format!("{}: {} of {path}", source.kind.name(), source.read);
        if source.unknown > 0 {
            line.push_str(&format!(
                ", {} of which name no document of the index",
                source.unknown
            ));
        }
        output::line(line);
    }
    let counts = &prepared.counts;
    output::line(format!(
        "Train: {} pairs of {} queries and {} documents; held out: {} of {} and {}.",
        counts.train_pairs,
        counts.train_queries,
        counts.train_documents,
        counts.held_out_pairs,
        counts.held_out_queries,
        counts.held_out_documents
    ));
    output::line(format!(
        "Joined {} duplicates, left out {} that would leak; skipped {} likely false negatives, drew {} by lot.",
        counts.duplicates,
        counts.leaks_removed,
        counts.false_negatives_skipped,
        counts.negatives_drawn
    ));
    for (flag, n) in &prepared.flags {
        output::line(format!("Flagged {n} pairs: {flag} (see flagged.jsonl)."));
    }
    for note in &prepared.notes {
        output::line(format!("Note: {}.", note.message));
    }
    output::line(format!(
        "Next: littoral tune train {} --index {} -o TUNED",
        arguments.output.display(),
        arguments.index.display()
    ));
}
