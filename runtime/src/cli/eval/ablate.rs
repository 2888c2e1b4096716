//! The whole system with one thing changed at a time.
//!
//! What a query decides is changed on the index that is there. What a build decides is changed in an
//! index built anew, whose vectors come from the cache wherever a passage is the same.

use super::super::engine_failure;
use super::super::output::{self, Failure};
use super::super::rerank::Reranker;
use super::Arguments;
use super::collection::Collection;
use crate::eval::{self, Ablated, BuildCost, Dataset, Report, Run};
use crate::host::IndexHost;
use littoral_guest::engine::{Fusion, Index, Mode, SearchOptions};
use littoral_indexes::manifest::{Expansions, Settings};

/// A change to what a query asks.
type QueryChange = (&'static str, fn(&mut SearchOptions));

/// A change to what a build does.
type BuildChange = (&'static str, fn(&mut Settings));

/// Candidates that a reranker reads in the change that gives it fewer.
const SHALLOW: usize = 10;

/// Changes that need vectors.
const WITH_VECTORS: [QueryChange; 5] = [
    ("words alone", |options| options.mode = Mode::Lexical),
    ("vectors alone", |options| options.mode = Mode::Dense),
    ("fusion by ranks", |options| {
        options.fusion = Some(Fusion::Ranks);
    }),
    ("fusion, 25 % vectors", |options| {
        options.fusion = Some(Fusion::Scores { dense_weight: 64 });
    }),
    ("fusion, 75 % vectors", |options| {
        options.fusion = Some(Fusion::Scores { dense_weight: 192 });
    }),
];

/// Changes of every index.
const ALWAYS: [QueryChange; 1] = [("no typing correction", |options| options.correct = false)];

/// Changes where a reranker is given.
const WITH_RERANKER: [QueryChange; 2] = [
    ("no reranker", |options| options.rerank = None),
    ("reranker reads 10", |options| {
        if let Some(rerank) = &mut options.rerank {
            rerank.depth = SHALLOW;
        }
    }),
];

const BUILDS: [BuildChange; 10] = [
    ("no expansions", |settings| {
        settings.expansions = Expansions::default();
    }),
    ("no stemming", |settings| settings.stemming = false),
    ("title weighs 1", |settings| {
        settings.scoring.title_weight = 100;
    }),
    ("headings weigh 0", |settings| {
        settings.scoring.heading_weight = 0;
    }),
    ("no share of document", |settings| {
        settings.scoring.document_share = 0;
    }),
    ("k1 0.9, b 0.4", |settings| {
        settings.scoring.k1 = 90;
        settings.scoring.b = 40;
    }),
    ("chunks of 128 tokens", |settings| {
        settings.chunk_tokens = 128;
        settings.overlap_tokens = settings.overlap_tokens.min(64);
    }),
    ("chunks of 768 tokens", |settings| {
        settings.chunk_tokens = 768;
    }),
    ("overlap of 64 tokens", |settings| {
        settings.overlap_tokens = 64;
    }),
    ("finer vectors, 100", |settings| {
        settings.embedding.rescore = 100;
    }),
];

/// The options of the whole system: those of the last run of the report.
fn whole(
    arguments: &Arguments,
    index: &Index<IndexHost>,
    reranker: Option<&Reranker>,
) -> SearchOptions {
    SearchOptions {
        mode: if index.has_vectors() {
            Mode::Hybrid
        } else {
            Mode::Lexical
        },
        fusion: arguments.fusion,
        rerank: reranker.map(|reranker| reranker.asked),
        ..SearchOptions::default()
    }
}

/// The run of the whole system in `report`.
fn base<'a>(report: &'a Report, options: &SearchOptions) -> Result<&'a Run, Failure> {
    let name = eval::name(options);
    let run = report.runs.iter().find(|run| run.name == name);
    run.ok_or_else(|| {
        Failure::new(
            "internal",
            format!("the run {name} was not measured"),
            "please report this",
        )
    })
}

/// Changes what a query decides.
pub(super) fn on_index(
    arguments: &Arguments,
    index: &Index<IndexHost>,
    dataset: &Dataset,
    report: &Report,
    reranker: Option<&Reranker>,
) -> Result<Vec<Ablated>, Failure> {
    let options = whole(arguments, index, reranker);
    let base = base(report, &options)?;
    let mut changes: Vec<QueryChange> = Vec::new();
    if index.has_vectors() {
        changes.extend(WITH_VECTORS);
    }
    changes.extend(ALWAYS);
    if reranker.is_some() {
        changes.extend(WITH_RERANKER);
    }
    let mut changed = Vec::new();
    for (name, change) in changes {
        let mut options = options.clone();
        change(&mut options);
        changed.push(one(name, base, index, dataset, &options, report.build)?);
    }
    Ok(changed)
}

/// Changes what a query decides, and what a build does.
pub(super) fn on_collection(
    arguments: &Arguments,
    collection: &Collection<'_>,
    report: &Report,
    reranker: Option<&Reranker>,
    index: &Index<IndexHost>,
) -> Result<Vec<Ablated>, Failure> {
    let mut changed = on_index(arguments, index, collection.dataset, report, reranker)?;
    let options = whole(arguments, index, reranker);
    let base = base(report, &options)?;
    let mut rebuilt = |name: &str, settings: &Settings, embedder: &str| {
        output::notice(&format!("building: {name}"));
        let built = collection.build(settings, embedder)?;
        let index = built.open(reranker)?;
        let dataset = collection.dataset;
        changed.push(one(name, base, &index, dataset, &options, built.cost)?);
        Ok::<(), Failure>(())
    };
    for (name, change) in BUILDS {
        let mut settings = collection.settings.clone();
        change(&mut settings);
        // What is so already cannot be changed; finer vectors need vectors.
        let needs_vectors = settings.embedding.rescore != collection.settings.embedding.rescore;
        if settings == collection.settings || needs_vectors && !index.has_vectors() {
            continue;
        }
        rebuilt(name, &settings, &collection.embedder)?;
    }
    if collection.embedder == crate::build::TABLE {
        rebuilt("queries by the encoder", &collection.settings, "minilm")?;
    }
    Ok(changed)
}

fn one(
    name: &str,
    base: &Run,
    index: &Index<IndexHost>,
    dataset: &Dataset,
    options: &SearchOptions,
    build: BuildCost,
) -> Result<Ablated, Failure> {
    let run = eval::run(index, dataset, options).map_err(|error| engine_failure(&error))?;
    Ok(Ablated {
        differences: eval::differences(base, &run),
        run: Run {
            name: name.to_owned(),
            // What each query gave is in the differences.
            per_query: std::collections::BTreeMap::new(),
            best: std::collections::BTreeMap::new(),
            ..run
        },
        build,
    })
}
