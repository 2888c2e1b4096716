//! The dense leg over vectors that are given, for the bench beside other libraries.
//!
//! ```text
//! dense export CORPUS QUERIES MODEL OUT   vectors of documents, of pieces of them and of queries
//! dense draw N OUT                        N clustered vectors, and queries near some of them
//! dense measure FOLDER [RESCORE]          builds an index and asks it; one JSON object
//! ```
//!
//! A folder of vectors holds `base.f32`, `tried.f32` (what probes are measured with) and
//! `queries.f32`: unit vectors `[n, 384]`, little-endian.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program of the bench, not of the product"
)]

use littoral_guest::build::Workers;
use littoral_guest::engine::{Index, Mode};
use littoral_guest::table::{SpanKind, spans};
use littoral_guest::{Document, SearchOptions};
use littoral_indexes::envelope::{BlockId, Kind, SegmentId};
use littoral_indexes::manifest::Manifest;
use littoral_runtime::build::{Tools, build_documents, default_settings};
use littoral_runtime::embed::{Embedder, EncodeError, TextEncoder};
use littoral_runtime::host::IndexHost;
use littoral_runtime::models;
use littoral_runtime::pipeline::Pool;
use littoral_runtime::store::{Folder, folder_size, peak_rss_bytes};
use littoral_tests::random::Random;
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const DIMS: usize = 384;
const K: usize = 10;

/// Vectors a drawn cluster has, on average.
const PER_CLUSTER: usize = 100;

/// Texts whose pieces are tried. A build holds one piece in twelve out to calibrate with.
const N_TRIED: usize = 1_000;

/// Queries of a drawn set.
const N_QUERIES: usize = 200;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |i: usize| arguments.get(i).map_or("", String::as_str);
    match argument(0) {
        "export" => export(
            argument(1),
            argument(2),
            argument(3),
            Path::new(argument(4)),
        ),
        "draw" => draw(argument(1).parse().unwrap(), Path::new(argument(2))),
        "measure" => measure(Path::new(argument(1)), argument(2).parse().unwrap_or(0)),
        other => panic!("{other:?} is no command: export, draw or measure"),
    }
}

fn pool() -> Pool {
    Pool::new(std::thread::available_parallelism().unwrap().get()).unwrap()
}

fn write(folder: &Path, name: &str, vectors: &[f32]) {
    fs::create_dir_all(folder).unwrap();
    let bytes: Vec<u8> = vectors.iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(folder.join(name), bytes).unwrap();
}

fn read(folder: &Path, name: &str) -> Vec<f32> {
    let bytes = fs::read(folder.join(name)).unwrap();
    let component = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    bytes.chunks_exact(4).map(component).collect()
}

/// Encodes a collection in the BEIR layout, one vector a document.
fn export(corpus: &str, queries: &str, model: &str, out: &Path) {
    let encoder = models::load(Path::new(model)).unwrap();
    let embedder = Embedder::new(Arc::new(encoder), None);
    let lines = |path: &str| -> Vec<serde_json::Value> {
        let text = fs::read_to_string(path).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let field = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap_or("").to_owned();
    let documents = lines(corpus);
    let texts = |of: &dyn Fn(&serde_json::Value) -> String| documents.iter().map(of).collect();
    let base: Vec<String> = texts(&|d| format!("{}\n{}", field(d, "title"), field(d, "text")));
    let tried = like_queries(&texts(&|d| field(d, "text")));
    let asked: Vec<String> = lines(queries).iter().map(|q| field(q, "text")).collect();
    let pool = pool();
    for (name, texts) in [("base", base), ("tried", tried), ("queries", asked)] {
        let vectors = embedder.embed_all(&texts, &pool).unwrap();
        write(out, &format!("{name}.f32"), &vectors);
    }
}

/// Pieces of the texts that are shaped like queries, as a build calibrates with; no two the same.
fn like_queries(texts: &[String]) -> Vec<String> {
    let mut pieces = BTreeSet::new();
    for text in texts.iter().step_by(texts.len().div_ceil(N_TRIED).max(1)) {
        spans::of_sentence(text, &mut |span| {
            if span.kind != SpanKind::Sentence {
                pieces.insert(span.text);
            }
        });
    }
    pieces.into_iter().collect()
}

/// Draws clustered vectors whose spectrum falls off as embeddings' does: dimension *d* has the
/// standard deviation (1 + d / 16)^−1.
fn draw(n: usize, out: &Path) {
    let mut random = Random::new(7);
    // The sum of four uniform draws: near enough to a normal one.
    let mut normal = move || -> f32 {
        let sum: usize = (0..4).map(|_| random.below(1 << 16)).sum();
        (sum as f32 / f32::from(u16::MAX) - 2.0) * 1.73
    };
    let mut near = |centre: &[f32], spread: f32| -> Vec<f32> {
        let vector: Vec<f32> = (0..DIMS)
            .map(|d| centre[d] + spread * normal() / (1.0 + d as f32 / 16.0))
            .collect();
        let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.iter().map(|x| x / norm).collect()
    };
    let origin = vec![0f32; DIMS];
    let centres: Vec<Vec<f32>> = (0..n.div_ceil(PER_CLUSTER))
        .map(|_| near(&origin, 1.0))
        .collect();
    let mut base = Vec::with_capacity(n * DIMS);
    for i in 0..n {
        base.extend(near(&centres[i % centres.len()], 0.2));
    }
    let mut about = |seed: usize| -> Vec<f32> {
        let picked = (0..N_QUERIES).map(|i| (i * 7919 + seed) % n);
        picked
            .flat_map(|i| near(&base[i * DIMS..(i + 1) * DIMS], 0.15))
            .collect()
    };
    let (tried, queries) = (about(1), about(2));
    write(out, "tried.f32", &tried);
    write(out, "queries.f32", &queries);
    write(out, "base.f32", &base);
}

/// Gives the vector that a text names: `v7` of the base, `c7` of those tried, `q7` of the queries.
struct Given {
    base: Vec<f32>,
    tried: Vec<f32>,
    queries: Vec<f32>,
}

impl TextEncoder for Given {
    fn id(&self) -> [u8; 8] {
        *b"given001"
    }

    fn dims(&self) -> usize {
        DIMS
    }

    fn n_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn encode(&self, texts: &[&str]) -> Result<Vec<f32>, EncodeError> {
        let vector = |text: &&str| {
            // A document's text names its own vector last, after that of its title.
            let name = text.split_whitespace().next_back().unwrap();
            let (of, number) = name.split_at(1);
            let at = number.parse::<usize>().unwrap() * DIMS;
            let vectors = match of {
                "v" => &self.base,
                "c" => &self.tried,
                _ => &self.queries,
            };
            &vectors[at..at + DIMS]
        };
        Ok(texts.iter().flat_map(vector).copied().collect())
    }
}

/// The nearest of `base` to each query.
fn exact(base: &[f32], queries: &[f32], pool: &Pool) -> Vec<HashSet<usize>> {
    let queries: Vec<&[f32]> = queries.chunks_exact(DIMS).collect();
    pool.map(queries, |query| {
        let dot = |v: &[f32]| v.iter().zip(query).map(|(a, b)| a * b).sum::<f32>();
        let mut scored: Vec<(f32, usize)> = base.chunks_exact(DIMS).map(dot).zip(0..).collect();
        scored.select_nth_unstable_by(K, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        scored[..K].iter().map(|s| s.1).collect()
    })
}

/// CPU seconds of this process.
fn cpu() -> f64 {
    let usage = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    usage.tv_sec as f64 + usage.tv_nsec as f64 / 1e9
}

fn measure(folder: &Path, rescore: u16) {
    let given = Given {
        base: read(folder, "base.f32"),
        tried: read(folder, "tried.f32"),
        queries: read(folder, "queries.f32"),
    };
    let (n, n_tried) = (given.base.len() / DIMS, given.tried.len() / DIMS);
    let tools = Tools {
        pool: pool(),
        embedder: None,
        expander: None,
    };
    let exact = exact(&given.base, &given.queries, &tools.pool);
    let given = Arc::new(given);
    let encoder: Arc<dyn TextEncoder> = given.clone();
    let tools = Tools {
        embedder: Some(Embedder::new(Arc::clone(&encoder), None)),
        ..tools
    };
    let mut settings = default_settings();
    settings.embedding.embedder = "given".into();
    settings.embedding.model = encoder.id();
    settings.embedding.rescore = rescore;
    let place = tempfile::tempdir().unwrap();
    let mut index = Folder::open(&place.path().join("index")).unwrap();
    let documents = (0..n).map(move |i| {
        let title = if i < n_tried {
            format!("c{i}")
        } else {
            String::new()
        };
        Document::plain(format!("d{i}"), title, format!("v{i}"))
    });
    let (started, before) = (Instant::now(), cpu());
    let (manifest, _) = build_documents(documents, &settings, &mut index, &tools).unwrap();
    let build = serde_json::json!({
        "seconds": started.elapsed().as_secs_f64(),
        "cpu_seconds": cpu() - before,
        "peak_rss_bytes": peak_rss_bytes(),
        "bytes": folder_size(index.path()).unwrap().0,
        "vector_bytes": vector_bytes(&manifest, index.path()),
    });
    let vectors = manifest.segments[0].vectors.clone().unwrap();
    // As calibrated, multiples of that, and everything.
    let runs: Vec<serde_json::Value> = [1, 2, 4, 8, u32::MAX]
        .into_iter()
        .map(|times| {
            let mut manifest = manifest.clone();
            let read = manifest.segments[0].vectors.as_mut().unwrap();
            read.probes = read.probes.saturating_mul(times).min(read.n_cells);
            read.group_probes = read.group_probes.saturating_mul(times).min(read.n_groups);
            let read = (read.probes, read.group_probes);
            index.commit(&manifest).unwrap();
            ask(index.path(), &encoder, &exact, read)
        })
        .collect();
    let report = serde_json::json!({
        "n": n, "dims": DIMS, "cells": vectors.n_cells, "groups": vectors.n_groups, "probes": vectors.probes,
        "rescore": rescore, "build": build, "runs": runs,
    });
    println!("{report}");
}

/// Bytes of all cells and their finer rows.
fn vector_bytes(manifest: &Manifest, path: &Path) -> u64 {
    let segment = &manifest.segments[0];
    let n_cells = segment.vectors.as_ref().unwrap().n_cells;
    let size = |kind, number| {
        let segment = SegmentId(segment.id);
        let block = BlockId {
            segment,
            kind,
            number,
        };
        fs::metadata(path.join(block.path())).map_or(0, |file| file.len())
    };
    (0..n_cells)
        .map(|cell| size(Kind::Cells, cell) + size(Kind::Rows, cell))
        .sum()
}

/// Bytes that are not the dense leg's: the entry, which every query reads, and the rotation, which those read
/// that have the encoder.
fn shared_bytes(path: &Path, manifest: &Manifest) -> u64 {
    let rotation = manifest.segments[0].vectors.as_ref().unwrap().rotation;
    let block = BlockId {
        segment: SegmentId(rotation),
        kind: Kind::Rotation,
        number: 0,
    };
    let size = |name: &str| fs::metadata(path.join(name)).unwrap().len();
    size("littoral.json") + size(&block.path())
}

/// Asks the index in `path` every query, cold for the bytes of the dense leg and warm for its time.
fn ask(
    path: &Path,
    encoder: &Arc<dyn TextEncoder>,
    exact: &[HashSet<usize>],
    (probes, groups): (u32, u32),
) -> serde_json::Value {
    let open = || {
        let host = IndexHost::new(path).with_encoder(Arc::clone(encoder));
        pollster::block_on(Index::open(host)).unwrap()
    };
    let options = SearchOptions {
        k: K,
        mode: Mode::Dense,
        ..SearchOptions::default()
    };
    let warm = open();
    let shared = shared_bytes(path, warm.manifest());
    let (mut found, mut bytes, mut rounds, mut seconds) = (0, 0, 0, 0.0);
    for (i, exact) in exact.iter().enumerate() {
        let query = format!("q{i}");
        let cold = pollster::block_on(open().ranking(&query, &options)).unwrap();
        bytes += cold.fetched.bytes - shared;
        rounds += cold.fetched.round_trips;
        for hit in pollster::block_on(warm.search(&query, &options))
            .unwrap()
            .hits
        {
            let number: usize = hit.document.id[1..].parse().unwrap();
            found += usize::from(exact.contains(&number));
        }
        pollster::block_on(warm.ranking(&query, &options)).unwrap();
        let before = cpu();
        pollster::block_on(warm.ranking(&query, &options)).unwrap();
        seconds += cpu() - before;
    }
    let n = exact.len() as f64;
    serde_json::json!({
        "probes": probes,
        "groups": groups,
        "recall@10": found as f64 / (n * K as f64),
        "cold": { "bytes": bytes as f64 / n, "round_trips": rounds as f64 / n },
        "queries_per_cpu_second": n / seconds,
    })
}
