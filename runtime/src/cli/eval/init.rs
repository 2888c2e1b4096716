//! `littoral eval init`: a query set drafted from the documents.

use super::super::llm::{self, LlmArguments};
use super::super::output::{self, Failure};
use super::super::{Outcome, build, engine_failure, open};
use crate::build::default_settings;
use crate::eval::draft::{Drafted, Page, QueryKind, draft};
use crate::host::IndexHost;
use crate::ingest::{IngestOptions, discover, links, target_path, units};
use crate::llm::paraphrase;
use crate::store::Folder;
use crate::update::{self, Control, Inputs};
use littoral_guest::Index;
use littoral_guest::engine::StoredDocument;
use littoral_indexes::manifest::ENTRY_NAME;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// What is said of every drafted set.
const KNOWN_ITEM: &str = "these are known-item queries, made of the documents' own words: they tell \
                          two settings apart, and not how well people are served; replace them by \
                          questions that people asked";

#[derive(Debug, clap::Args)]
pub(super) struct InitArguments {
    /// Folder of an index, or of documents
    folder: PathBuf,
    /// Where to write queries.jsonl and qrels/test.tsv
    #[arg(short, long, value_name = "FOLDER", default_value = "queries")]
    output: PathBuf,
    /// The documents behind the index, whose links say what a page is called (repeatable)
    #[arg(long, value_name = "INPUT")]
    sources: Vec<PathBuf>,
    /// Queries to draft at most
    #[arg(long, short, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    n: u32,
    /// Another number draws other queries
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    llm: LlmArguments,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(arguments: &InitArguments) -> Result<Outcome, Failure> {
    let endpoint = arguments.llm.endpoint()?;
    let queries = arguments.output.join("queries.jsonl");
    let qrels = arguments.output.join("qrels").join("test.tsv");
    for path in [&queries, &qrels] {
        if path.exists() && !arguments.force {
            return Err(Failure::new(
                "already-there",
                format!("{} is there already", path.display()),
                "name another folder with --output, or replace it with --force",
            ));
        }
    }
    let mut sources = arguments.sources.clone();
    let scratch;
    let index = if arguments.folder.join(ENTRY_NAME).exists() {
        open(&arguments.folder)?
    } else {
        sources.push(arguments.folder.clone());
        scratch = indexed(&arguments.folder)?;
        open(scratch.path())?
    };
    let pages = pages(&index)?;
    let links = named_by_links(&sources, &pages)?;
    let drafted = draft(&pages, &links, arguments.seed, arguments.n as usize);
    let mut lines = String::new();
    for query in &drafted {
        let mut line = json!({"_id": query.id, "text": query.text, "kind": query.kind});
        if let Some(endpoint) = &endpoint {
            let other = paraphrase(endpoint, &query.text);
            let other = other.map_err(|error| llm::failure(&error))?;
            line["drafted"] = json!(query.text);
            line["text"] = json!(other);
        }
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    if !drafted.is_empty() {
        write(&queries, &lines)?;
        write(&qrels, &judgements(&drafted))?;
    }
    report(arguments, &drafted, &queries, &qrels)
}

/// An index by words of the documents in `folder`, in a folder that ends with it.
fn indexed(folder: &Path) -> Result<tempfile::TempDir, Failure> {
    let no_folder = |e: std::io::Error| Failure::new("write-failed", e.to_string(), "");
    let scratch = tempfile::tempdir().map_err(no_folder)?;
    let options = IngestOptions::default();
    let found = discover(&[folder.to_owned()], &options);
    let (files, _) = found.map_err(|error| {
        Failure::new(
            error.code(),
            error.to_string(),
            "name an index, or a folder of documents",
        )
    })?;
    let mut store = Folder::open(scratch.path())
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    let control = Control {
        stop: &AtomicBool::new(false),
        progress: &|| {},
    };
    let inputs = Inputs::new(&files, options);
    let tools = build::pool(0)?.into();
    update::build(&inputs, &default_settings(), &mut store, &tools, &control)
        .map_err(|error| build::build_failure(&error))?;
    Ok(scratch)
}

/// The documents of an index.
fn pages(index: &Index<IndexHost>) -> Result<Vec<Page>, Failure> {
    let mut pages = Vec::new();
    for s in 0..index.n_segments() {
        let mut add = |stored: StoredDocument| {
            let sections = stored.chunks.into_iter();
            pages.push(Page {
                id: stored.record.id,
                title: stored.record.title,
                sections: sections.map(|chunk| (chunk.headings, chunk.text)).collect(),
            });
            true
        };
        pollster::block_on(index.export(s, &mut add)).map_err(|error| engine_failure(&error))?;
    }
    Ok(pages)
}

/// What the links of `sources` call documents that are among `pages`.
fn named_by_links(sources: &[PathBuf], pages: &[Page]) -> Result<Vec<(String, String)>, Failure> {
    let options = IngestOptions::default();
    let (files, _) = discover(sources, &options)
        .map_err(|error| Failure::new(error.code(), error.to_string(), "check --sources"))?;
    let known: BTreeSet<&str> = pages.iter().map(|page| &*page.id).collect();
    let mut named = Vec::new();
    for file in &files {
        let _ = units(file, &options, &mut |unit| {
            let Ok(unit) = unit else {
                return ControlFlow::Continue(());
            };
            for link in links(&unit, options.limits.markdown_bytes) {
                let path = target_path(&unit.id_hint, &link.target);
                if let Some(id) = path.and_then(|path| document(&path, &known)) {
                    named.push((link.text, id));
                }
            }
            ControlFlow::Continue(())
        });
    }
    Ok(named)
}

/// The document at `path`, which may leave out what servers add.
fn document(path: &str, known: &BTreeSet<&str>) -> Option<String> {
    let bare = path.trim_end_matches('/');
    let endings = [
        "",
        ".md",
        ".html",
        ".mdx",
        "/index.md",
        "/index.html",
        "/README.md",
    ];
    let ids = endings.iter().map(|ending| [bare, ending].concat());
    ids.into_iter().find(|id| known.contains(&**id))
}

fn judgements(drafted: &[Drafted]) -> String {
    let mut lines = "query-id\tcorpus-id\tscore\n".to_owned();
    for query in drafted {
        for document in &query.documents {
            lines.push_str(&format!("{}\t{document}\t1\n", query.id));
        }
    }
    lines
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = match path.parent() {
        Some(folder) => fs::create_dir_all(folder).and_then(|()| fs::write(path, text)),
        None => fs::write(path, text),
    };
    written.map_err(|error| {
        Failure::new(
            "write-failed",
            format!("cannot write {}: {error}", path.display()),
            "name a folder that can be written with --output",
        )
    })
}

fn report(
    arguments: &InitArguments,
    drafted: &[Drafted],
    queries: &Path,
    qrels: &Path,
) -> Result<Outcome, Failure> {
    let mut by_kind: BTreeMap<&str, u64> = BTreeMap::new();
    for kind in QueryKind::ALL {
        let n = drafted.iter().filter(|query| query.kind == kind).count();
        by_kind.insert(kind.name(), n as u64);
    }
    if arguments.json {
        let paths: Value = if drafted.is_empty() {
            json!({"queries": null, "qrels": null})
        } else {
            json!({"queries": queries, "qrels": qrels})
        };
        output::json(&json!({
            "files": paths,
            "seed": arguments.seed,
            "n_queries": drafted.len(),
            "kinds": by_kind,
            "known_item": true,
            "paraphrased": !arguments.llm.is_none(),
            "notes": [{"code": "known-item", "message": KNOWN_ITEM}],
        }))?;
    } else if drafted.is_empty() {
        output::line("The documents have no title, heading or sentence that makes a query.");
    } else {
        let kinds: Vec<String> = by_kind
            .iter()
            .filter(|(_, n)| **n > 0)
            .map(|(kind, n)| format!("{n} by {kind}"))
            .collect();
        output::line(format!(
            "Drafted {} queries: {}.",
            drafted.len(),
            kinds.join(", ")
        ));
        output::line(format!("Note: {KNOWN_ITEM}."));
        output::line(format!(
            "Next: littoral eval INDEX --queries {} --qrels {}",
            queries.display(),
            qrels.display()
        ));
    }
    Ok(if drafted.is_empty() {
        Outcome::Negative
    } else {
        Outcome::Done
    })
}
