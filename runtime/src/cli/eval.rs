//! `littoral eval`

mod answers;

use super::output::{self, Failure};
use super::rerank::Reranker;
use super::{Outcome, embedder, engine_failure};
use crate::build::{build_documents, default_settings};
use crate::config::Config;
use crate::eval::{BuildCost, Dataset, DatasetError, Report, Run};
use crate::host::FolderHost;
use crate::store::{Folder, folder_size, peak_rss_bytes};
use littoral_guest::Document;
use littoral_guest::engine::{Fusion, Index, Mode, SearchOptions};
use std::path::PathBuf;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
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
    /// How queries become vectors, as for a build
    #[arg(long, value_name = "none|table|minilm|PATH")]
    embedder: Option<String>,
    /// Retrieval modes, separated by commas [default: all that the index has]
    #[arg(long, value_delimiter = ',')]
    modes: Vec<String>,
    /// How rankings are joined: ranks, or scores:W with the share W of vectors in percent
    #[arg(long, value_name = "ranks|scores:W", value_parser = fusion)]
    fusion: Option<Fusion>,
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
    #[arg(long, value_name = "FILE", requires = "answers")]
    unanswerable: Vec<PathBuf>,
    /// Evidence that an answer needs, 0 to 1
    #[arg(long, value_name = "T", requires = "answers", value_parser = super::ask::share)]
    threshold: Option<f64>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let modes = arguments
        .modes
        .iter()
        .map(|name| mode(name))
        .collect::<Result<Vec<_>, _>>()?;
    let reranker = arguments.rerank.load()?;
    let report = match (&arguments.data, &arguments.index) {
        (Some(data), _) => {
            let dataset =
                Dataset::open(data, &arguments.split).map_err(|error| dataset_failure(&error))?;
            on_collection(arguments, &dataset, &modes, reranker.as_ref())?
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
            let encoder = reranker.as_ref().map(|reranker| &reranker.encoder);
            let index = super::open_with_models(folder, true, encoder)?;
            let build = BuildCost {
                index_bytes: folder_size(folder).map_or(0, |(_, bytes)| bytes),
                ..BuildCost::default()
            };
            measure(
                arguments,
                &index,
                &dataset,
                &modes,
                reranker.as_ref(),
                build,
            )?
        }
        (None, None) => return Err(Failure::new("no-data", "nothing to measure", "add --data")),
    };
    if arguments.json {
        output::json(&report)?;
    } else {
        show(&report);
    }
    Ok(Outcome::Done)
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

fn dataset_failure(error: &DatasetError) -> Failure {
    Failure::new(
        error.code(),
        error.to_string(),
        "the collection must be in BEIR layout",
    )
}

fn on_collection(
    arguments: &Arguments,
    dataset: &Dataset,
    modes: &[Mode],
    reranker: Option<&Reranker>,
) -> Result<Report, Failure> {
    let no_folder = |e: std::io::Error| Failure::new("write-failed", e.to_string(), "");
    let folder = tempfile::tempdir().map_err(no_folder)?;
    let mut store = Folder::open(folder.path())
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    let mut settings = default_settings();
    let config = Config::read(arguments.config.as_deref())
        .and_then(|config| config.apply(&mut settings).map(|()| config))
        .map_err(|error| super::build::config_failure(&error))?;
    settings.chunk_tokens = arguments.chunk_tokens.unwrap_or(settings.chunk_tokens);
    settings.overlap_tokens = arguments.chunk_overlap.unwrap_or(settings.overlap_tokens);
    super::build::check_overlap(&settings)?;
    let name = arguments
        .embedder
        .as_ref()
        .or(config.vectors.embedder.as_ref());
    // Words alone need no vectors.
    let words = !modes.is_empty() && modes.iter().all(|&mode| mode == Mode::Lexical);
    let default = if words { "none" } else { embedder::DEFAULT };
    let name = name.map_or(default, String::as_str);
    let tools = embedder::choose(name, &mut settings, arguments.threads)?;
    let start = Instant::now();
    let mut failed = None;
    let corpus = dataset.corpus().map_err(|error| dataset_failure(&error))?;
    let documents = corpus.map_while(|record| match record {
        Ok(record) => Some(Document::plain(record.id, record.title, record.text)),
        Err(error) => {
            failed = Some(dataset_failure(&error));
            None
        }
    });
    let built = build_documents(documents, &settings, &mut store, &tools);
    if let Some(failure) = failed {
        return Err(failure);
    }
    built.map_err(|error| super::build::build_failure(&error))?;
    let seconds = start.elapsed().as_secs_f64();
    let index_bytes = folder_size(folder.path()).map_err(no_folder)?.1;
    let build = BuildCost {
        seconds,
        index_bytes,
        peak_rss_bytes: peak_rss_bytes(),
    };
    let encoder = reranker.map(|reranker| &reranker.encoder);
    let index = super::open_with_models(folder.path(), true, encoder)?;
    measure(arguments, &index, dataset, modes, reranker, build)
}

fn measure(
    arguments: &Arguments,
    index: &Index<FolderHost>,
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
                fusion: arguments.fusion.unwrap_or_default(),
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
    })
}

fn show(report: &Report) {
    output::line(format!(
        "{} ({}): {} documents, {} chunks, {} judged queries",
        report.data, report.split, report.n_documents, report.n_chunks, report.n_queries
    ));
    output::line(format!(
        "{:<14} {:>8} {:>9} {:>10} {:>7} {:>8} {:>8} {:>8} {:>10} {:>7}",
        "mode",
        "nDCG@10",
        "recall@10",
        "recall@100",
        "MRR@10",
        "MAP@100",
        "p50 ms",
        "p99 ms",
        "cold bytes",
        "rounds"
    ));
    for run in &report.runs {
        let m = &run.metrics;
        output::line(format!(
            "{:<14} {:>8.4} {:>9.4} {:>10.4} {:>7.4} {:>8.4} {:>8.2} {:>8.2} {:>10} {:>7.1}",
            run.name,
            m.ndcg_10,
            m.recall_10,
            m.recall_100,
            m.mrr_10,
            m.map_100,
            run.latency_ms.p50,
            run.latency_ms.p99,
            output::bytes(run.cold.bytes as u64),
            run.cold.round_trips
        ));
    }
    if let Some(answers) = &report.answers {
        answers::show(answers);
    }
    if report.build.seconds > 0.0 {
        output::line(format!(
            "built in {:.1} s, {}",
            report.build.seconds,
            output::bytes(report.build.index_bytes)
        ));
    }
}
