//! `littoral eval`

use super::Outcome;
use super::output::{self, Failure};
use crate::build::{build_documents, default_settings};
use crate::eval::{BuildCost, Dataset, Report};
use crate::host::FolderHost;
use crate::pipeline::Pool;
use crate::store::Folder;
use littoral_guest::Document;
use littoral_guest::engine::{Index, Mode};
use std::path::PathBuf;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// An index to measure, with --queries and --qrels
    index: Option<PathBuf>,
    /// A collection in BEIR layout: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv
    #[arg(long)]
    data: Option<PathBuf>,
    /// Which judgements of the collection
    #[arg(long, default_value = "test")]
    split: String,
    /// Queries as JSON Lines (`_id`, `text`)
    #[arg(long)]
    queries: Option<PathBuf>,
    /// Judgements: query id, document id, grade
    #[arg(long)]
    qrels: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[arg(long, hide = true)]
    set: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let data = arguments.data.clone().unwrap();
    let dataset = Dataset::open(&data, &arguments.split)
        .map_err(|e| Failure::new(e.code(), e.to_string(), ""))?;
    let pool = Pool::new(0).map_err(|e| Failure::new("threads", e.to_string(), ""))?;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = default_settings();
    for set in &arguments.set {
        let (k, v) = set.split_once('=').unwrap();
        let v: u16 = v.parse().unwrap();
        match k {
            "k1" => settings.scoring.k1 = v,
            "b" => settings.scoring.b = v,
            "t" => settings.scoring.title_weight = v,
            "h" => settings.scoring.heading_weight = v,
            "s" => settings.scoring.document_share = v,
            "c" => settings.chunk_tokens = v as u32,
            "o" => settings.overlap_tokens = v as u32,
            _ => panic!(),
        }
    }
    let start = Instant::now();
    let corpus = dataset.corpus().unwrap();
    let documents = corpus.map(|r| {
        let r = r.unwrap();
        Document::plain(r.id, r.title, r.text)
    });
    let mut store = Folder::open(folder.path()).unwrap();
    let (_, built) = build_documents(documents, &settings, &mut store, &pool)
        .map_err(|e| Failure::new(e.code(), e.to_string(), ""))?;
    let seconds = start.elapsed().as_secs_f64();
    let index = pollster::block_on(Index::open(FolderHost::new(folder.path())))
        .map_err(|e| Failure::new(e.code(), e.to_string(), ""))?;
    let run = crate::eval::run(&index, &dataset, Mode::Lexical)
        .map_err(|e| Failure::new(e.code(), e.to_string(), ""))?;
    let report = Report {
        data: dataset.name.clone(),
        split: dataset.split.clone(),
        n_documents: built.documents,
        n_chunks: built.chunks,
        n_queries: dataset.judged_queries().count() as u64,
        embedder: "none".into(),
        runs: vec![run],
        build: BuildCost {
            seconds,
            index_bytes: store.bytes_written(),
            peak_rss_bytes: 0,
        },
    };
    output::json(&report)?;
    Ok(Outcome::Done)
}
