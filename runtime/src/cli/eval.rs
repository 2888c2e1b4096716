//! `littoral eval`

mod ablate;
mod answers;
mod collection;
mod fit;
mod gate;
mod init;
mod show;

use super::output::{self, Failure};
use super::rerank::Reranker;
use super::{Named, Outcome, engine_failure};
use crate::eval::{BuildCost, Dataset, DatasetError, Report, Run, html};
use crate::host::IndexHost;
use crate::store::folder_size;
use collection::Collection;
use littoral_guest::engine::{Fusion, Index, Mode, SearchOptions};
use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Draft a query set from the documents, for those who have no judgements yet
    Init(init::InitArguments),
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// An index to measure, with --queries and --qrels
    #[arg(required_unless_present = "data")]
    index: Option<PathBuf>,
    /// A collection in BEIR layout: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv
    #[arg(long, value_name = "BEIR_DIR", conflicts_with_all = ["index", "queries", "qrels"])]
    data: Option<PathBuf>,
    /// Which judgements of the collection
    #[arg(long, default_value = "test")]
    split: String,
    /// Queries as JSON Lines with `_id` and `text`
    #[arg(long, value_name = "FILE", requires = "qrels")]
    queries: Option<PathBuf>,
    /// Judgements as lines of query id, document id and grade
    #[arg(long, value_name = "FILE", requires = "queries")]
    qrels: Option<PathBuf>,
    /// How queries become vectors, as for a build; of an index that is there, the model that encoded it
    #[arg(long, value_name = "none|table|minilm|PATH")]
    embedder: Option<String>,
    /// Retrieval modes, separated by commas [default: all that the index has]
    #[arg(long, value_delimiter = ',')]
    modes: Vec<String>,
    /// How rankings are joined: ranks, or scores:W with the share W of vectors in percent
    #[arg(long, value_name = "ranks|scores:W", value_parser = fusion)]
    fusion: Option<Fusion>,
    #[command(flatten)]
    expansions: super::expansions::ExpansionArguments,
    #[command(flatten)]
    encoder: super::expansions::EncoderArguments,
    #[command(flatten)]
    rerank: super::rerank::RerankArguments,
    /// Budget of a chunk in tokens
    #[arg(long, value_parser = clap::value_parser!(u32).range(16..=4096))]
    chunk_tokens: Option<u32>,
    /// Tokens repeated from the chunk before
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=1024))]
    chunk_overlap: Option<u32>,
    /// Settings to measure with [default: littoral.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Threads of the build; 0 for one a core
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Measure answers too: a JSON object of question ids and their known answers [default: the
    /// answers.json beside the queries]
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "")]
    answers: Option<String>,
    /// Questions that the documents do not answer, as JSON Lines (repeatable) [default: the
    /// queries-unanswerable.jsonl beside the queries, if there is one]
    #[arg(long, value_name = "FILE")]
    unanswerable: Vec<PathBuf>,
    /// Evidence that an answer needs, 0 to 1
    #[arg(long, value_name = "T", requires = "answers", value_parser = super::ask::share)]
    threshold: Option<f64>,
    /// Change one thing at a time too, and show what it does
    #[arg(long, conflicts_with = "modes")]
    ablate: bool,
    /// Fit how rankings are joined, and with --unanswerable the evidence that an answer needs, to these
    /// queries; keep in the index what is better on queries that were held out
    #[arg(long, conflicts_with_all = ["data", "fusion"])]
    fit: bool,
    /// What --json printed before: every run is set beside its own
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Exit with 1 when a figure fell by more than a margin, and not by chance
    #[arg(long, value_name = "MARGIN", requires = "baseline", num_args = 0..=1, default_missing_value = "0.01", value_parser = super::ask::share)]
    gate: Option<f64>,
    /// Write a page with plots, and with what got worse
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn json(&self) -> bool {
        match &self.action {
            Some(Action::Init(init)) => init.json,
            None => self.json,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    if let Some(Action::Init(arguments)) = &arguments.action {
        return init::run(arguments);
    }
    let modes = arguments
        .modes
        .iter()
        .map(|name| mode(name))
        .collect::<Result<Vec<_>, _>>()?;
    // What is compared with must be there before anything is measured.
    let base = gate::baseline(arguments)?;
    let reranker = arguments.rerank.load()?;
    let (mut report, dataset) = match (&arguments.data, &arguments.index) {
        (Some(data), _) => {
            let dataset =
                Dataset::open(data, &arguments.split).map_err(|error| dataset_failure(&error))?;
            let collection = Collection::new(arguments, &dataset, &modes)?;
            let built = collection.build(&collection.settings, &collection.embedder)?;
            let index = built.open(reranker.as_ref())?;
            let mut report = measure(
                arguments,
                &index,
                &dataset,
                &modes,
                reranker.as_ref(),
                built.cost,
            )?;
            if arguments.ablate {
                report.ablation = ablate::on_collection(
                    arguments,
                    &collection,
                    &report,
                    reranker.as_ref(),
                    &index,
                )?;
            }
            (report, dataset)
        }
        (None, Some(folder)) => {
            let (Some(queries), Some(qrels)) = (&arguments.queries, &arguments.qrels) else {
                return Err(Failure::new(
                    "no-queries",
                    "an index is measured with judged queries",
                    "add --queries FILE --qrels FILE",
                ));
            };
            let dataset =
                Dataset::from_files(queries, qrels).map_err(|error| dataset_failure(&error))?;
            let named = Named {
                embedder: arguments.embedder.as_deref(),
                reranker: reranker.as_ref().map(|reranker| &reranker.encoder),
            };
            let index = super::open_with_models(folder, true, named)?;
            let build = BuildCost {
                index_bytes: folder_size(folder).map_or(0, |(_, bytes)| bytes),
                ..BuildCost::default()
            };
            let mut report = measure(
                arguments,
                &index,
                &dataset,
                &modes,
                reranker.as_ref(),
                build,
            )?;
            if arguments.ablate {
                report.ablation =
                    ablate::on_index(arguments, &index, &dataset, &report, reranker.as_ref())?;
            }
            if arguments.fit {
                report.fit = Some(fit::run(arguments, folder, &index, &dataset)?);
            }
            (report, dataset)
        }
        (None, None) => return Err(Failure::new("no-data", "nothing to measure", "add --data")),
    };
    let failed = gate::compare(arguments, base.as_ref(), &mut report)?;
    if let Some(path) = &arguments.html {
        let page = html::page(&report, &dataset, base.as_ref());
        std::fs::write(path, page).map_err(|error| {
            Failure::new(
                "write-failed",
                format!("cannot write {}: {error}", path.display()),
                "name a file in a folder that can be written",
            )
        })?;
    }
    if arguments.json {
        output::json(&report)?;
    } else {
        show::report(&report);
    }
    Ok(if failed {
        Outcome::Negative
    } else {
        Outcome::Done
    })
}

fn fusion(text: &str) -> Result<Fusion, String> {
    let weight = |percent: &str| percent.parse::<u16>().ok().filter(|&w| w <= 100);
    match text.split_once(':') {
        None if text == "ranks" => Ok(Fusion::Ranks),
        Some(("scores", percent)) => weight(percent)
            .map(|percent| Fusion::Scores {
                dense_weight: percent * 256 / 100,
            })
            .ok_or_else(|| "the share is a whole number from 0 to 100".to_owned()),
        _ => Err("say ranks, or scores:50 for equal shares".to_owned()),
    }
}

fn mode(name: &str) -> Result<Mode, Failure> {
    match name.trim() {
        "lexical" => Ok(Mode::Lexical),
        "hybrid" => Ok(Mode::Hybrid),
        "dense" => Ok(Mode::Dense),
        name => Err(Failure::new(
            "unknown-mode",
            format!("there is no retrieval mode {name:?}"),
            "modes are lexical, dense and hybrid",
        )),
    }
}

pub(super) fn dataset_failure(error: &DatasetError) -> Failure {
    Failure::new(
        error.code(),
        error.to_string(),
        "the collection must be in BEIR layout",
    )
}

fn measure(
    arguments: &Arguments,
    index: &Index<IndexHost>,
    dataset: &Dataset,
    modes: &[Mode],
    reranker: Option<&Reranker>,
    build: BuildCost,
) -> Result<Report, Failure> {
    let all = [Mode::Lexical, Mode::Dense, Mode::Hybrid];
    let modes = match modes {
        [] if index.has_vectors() => &all,
        [] => &all[..1],
        modes => modes,
    };
    let mut runs: Vec<Run> = Vec::new();
    for &mode in modes {
        for rerank in std::iter::once(None).chain(reranker.map(|reranker| Some(reranker.asked))) {
            let options = SearchOptions {
                mode,
                fusion: arguments.fusion,
                rerank,
                ..SearchOptions::default()
            };
            let run = crate::eval::run(index, dataset, &options);
            runs.push(run.map_err(|error| engine_failure(&error))?);
        }
    }
    Ok(Report {
        data: dataset.name.clone(),
        split: dataset.split.clone(),
        n_documents: u64::from(index.n_documents()),
        n_chunks: u64::from(index.n_chunks()),
        n_queries: dataset.judged_queries().count() as u64,
        embedder: match index.manifest().settings.embedding.embedder.as_str() {
            "" => "none".to_owned(),
            name => name.to_owned(),
        },
        runs,
        build,
        answers: answers::measure(arguments, index, dataset, reranker)?,
        ..Report::default()
    })
}
