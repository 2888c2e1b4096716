//! Tantivy on a corpus in BEIR layout: build time, index size, warm single-thread queries a second
//! and its first ten documents per query; and Littoral beside it.

mod index;
mod input;
mod littoral;
mod measure;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use serde::Serialize;

use crate::index::Built;
use crate::measure::Speed;

#[derive(Parser)]
#[command(about = "Measures tantivy on a corpus and its queries.")]
struct Arguments {
    /// Documents: one {"_id","title","text"} a line.
    #[arg(long)]
    corpus: PathBuf,
    /// Queries: one {"_id","text"} a line.
    #[arg(long)]
    queries: PathBuf,
    /// Report to write.
    #[arg(long)]
    out: PathBuf,
    /// Folder for the two indexes; replaced.
    #[arg(long)]
    index: PathBuf,
    /// Littoral's index of the same corpus, to measure beside it.
    #[arg(long)]
    littoral: Option<PathBuf>,
    /// Report on Littoral to write.
    #[arg(long, requires = "littoral")]
    littoral_out: Option<PathBuf>,
    /// How much a match in the title counts against one in the text.
    #[arg(long, default_value_t = 2.0)]
    title_boost: f32,
    /// Indexing threads; each segment they leave is merged into one.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Seconds of measured queries, after a warm-up of one pass.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

#[derive(Serialize)]
struct Report {
    peer: &'static str,
    version: String,
    title_boost: f32,
    n_documents: u64,
    n_queries: usize,
    with_positions: Variant,
    without_positions: Variant,
    /// The first ten per query, from the index without positions: the scores are the same.
    rankings: Vec<measure::Ranking>,
}

#[derive(Serialize)]
struct Variant {
    #[serde(flatten)]
    built: Built,
    /// Analysis, query and the first ten document numbers with scores.
    search: Speed,
    /// The same, and their ids and titles out of the store.
    search_and_fetch: Speed,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let queries = input::read_queries(&arguments.queries)?;
    let mut n_documents = 0;
    let mut rankings = Vec::new();
    let mut variant = |positions: bool| -> Result<Variant> {
        let folder = arguments.index.join(if positions {
            "positions"
        } else {
            "frequencies"
        });
        let built = index::build(&arguments.corpus, &folder, positions, arguments.threads)?;
        let searcher = measure::Engine::open(&folder, arguments.title_boost)?;
        n_documents = searcher.n_documents();
        rankings = searcher.rankings(&queries)?;
        let search = measure::speed(&queries, arguments.seconds, |text| {
            searcher.search(text).map(|hits| hits.len())
        })?;
        let search_and_fetch = measure::speed(&queries, arguments.seconds, |text| {
            searcher.search_and_fetch(text).map(|hits| hits.len())
        })?;
        Ok(Variant {
            built,
            search,
            search_and_fetch,
        })
    };
    let with_positions = variant(true)?;
    let without_positions = variant(false)?;
    let report = Report {
        peer: "tantivy",
        version: tantivy::version_string().to_owned(),
        title_boost: arguments.title_boost,
        n_documents,
        n_queries: queries.len(),
        with_positions,
        without_positions,
        rankings,
    };
    write(&arguments.out, &report)?;
    print(&report);
    if let Some(folder) = &arguments.littoral {
        let littoral = littoral::measure(folder, &queries, arguments.seconds)?;
        if let Some(out) = &arguments.littoral_out {
            write(out, &littoral)?;
        }
        print_beside(&littoral, &report);
    }
    Ok(())
}

fn write(path: &Path, report: &impl Serialize) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, serde_json::to_vec_pretty(report)?)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Littoral's speeds as multiples of those of tantivy's index without positions, the faster.
fn print_beside(littoral: &littoral::Report, report: &Report) {
    let tantivy = &report.without_positions;
    println!(
        "\n{:<30}{:>12}{:>12}{:>12}",
        "littoral", "q/CPU s", "best µs", "x tantivy"
    );
    for (what, speed, peer) in [
        ("search", &littoral.search, &tantivy.search),
        (
            "search as typed",
            &littoral.search_as_typed,
            &tantivy.search,
        ),
        (
            "search and show",
            &littoral.search_and_show,
            &tantivy.search_and_fetch,
        ),
    ] {
        let rate = |speed: &Speed| speed.queries_per_cpu_second.unwrap_or(f64::NAN);
        println!(
            "{what:<30}{:>12.0}{:>12.1}{:>12.2}",
            rate(speed),
            speed.best_us,
            rate(speed) / rate(peer)
        );
    }
    let overlap = littoral::overlap(&littoral.rankings, &report.rankings);
    println!("first ten in common: {overlap:.3}");
}

fn print(report: &Report) {
    let Report {
        n_documents,
        n_queries,
        ..
    } = report;
    println!("tantivy, {n_documents} documents, {n_queries} queries\n");
    let header = [
        "build s",
        "CPU s",
        "kB",
        "kB no store",
        "q/s",
        "q/CPU s",
        "p50 µs",
        "best µs",
    ];
    let row = |name: &str, cells: [String; 8]| {
        let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>12}")).collect();
        println!("{name:<30}{}", cells.concat());
    };
    row("", header.map(str::to_owned));
    for (name, variant) in [
        ("positions", &report.with_positions),
        ("frequencies", &report.without_positions),
    ] {
        let built = &variant.built;
        for (what, speed) in [
            ("search", &variant.search),
            ("search and fetch", &variant.search_and_fetch),
        ] {
            row(
                &format!("{name}, {what}"),
                [
                    format!("{:.2}", built.seconds),
                    format!("{:.2}", built.cpu_seconds.unwrap_or(f64::NAN)),
                    (built.index_bytes / 1000).to_string(),
                    (built.index_bytes_without_store / 1000).to_string(),
                    format!("{:.0}", speed.queries_per_second),
                    format!("{:.0}", speed.queries_per_cpu_second.unwrap_or(f64::NAN)),
                    format!("{:.1}", speed.p50_us),
                    format!("{:.1}", speed.best_us),
                ],
            );
        }
    }
}
