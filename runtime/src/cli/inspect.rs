//! `littoral check` and `littoral inspect`

mod tuning;

use super::output::{self, Failure};
use super::{Outcome, engine_failure};
use crate::expand::FILE;
use crate::host::IndexHost;
use littoral_guest::engine::{Check, Index, Problem};
use littoral_indexes::envelope::{BlockId, HEADER_BYTES, Kind};
use littoral_indexes::manifest::Manifest;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tuning::TuningReport;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the index
    index: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn check(arguments: &Arguments) -> Result<Outcome, Failure> {
    let host = IndexHost::over(super::source(&arguments.index, super::STORE_CACHE)?);
    let check = match pollster::block_on(Index::open(host)) {
        Ok(index) => pollster::block_on(index.check()),
        // A damaged entry is a finding, not a failure to look; a missing one is a wrong folder.
        Err(error) if error.code().starts_with("index-") => Check {
            problems: vec![Problem::of(&error)],
            ..Check::default()
        },
        Err(_) => {
            super::open(&arguments.index)?;
            Check::default()
        }
    };
    if arguments.json {
        output::json(&check)?;
    } else if check.ok {
        output::line(format!(
            "{} is sound: {} files, {}.",
            arguments.index.display(),
            check.files,
            output::bytes(check.bytes)
        ));
    } else {
        for problem in &check.problems {
            output::line(format!(
                "{}: {} ({})",
                problem.file, problem.message, problem.code
            ));
        }
        output::line(format!(
            "{} problems. Build the index anew; its documents are the source of truth.",
            check.problems.len()
        ));
    }
    Ok(if check.ok {
        Outcome::Done
    } else {
        Outcome::Negative
    })
}

/// Size of one kind of section over all segments.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct SectionSize {
    files: u64,
    bytes: u64,
    largest: u64,
}

#[derive(Debug, Serialize)]
struct SegmentReport {
    id: String,
    documents: u32,
    deleted: usize,
    chunks: u32,
    chunks_per_block: u32,
    languages: BTreeMap<String, u32>,
    filters: Vec<String>,
    sorts: Vec<String>,
    /// Whether any of its documents has an expansion.
    expanded: bool,
}

/// What the vectors of an index are.
#[derive(Debug, Serialize)]
pub(super) struct VectorsReport {
    dims: u32,
    cells: u32,
    probes: u32,
    rescore: u16,
    table: Option<Table>,
}

/// How well the query table stands in for the encoder, on texts the fit did not see.
#[derive(Debug, Serialize)]
struct Table {
    verdict: &'static str,
    dims: u16,
    n_spans: u32,
    n_held_out: u32,
    cosine: f64,
    overlap_10: f64,
}

impl VectorsReport {
    /// That of `manifest`, if its documents have vectors.
    pub(super) fn of(manifest: &Manifest) -> Option<Self> {
        let all = || manifest.segments.iter().filter_map(|s| s.vectors.as_ref());
        let first = all().next()?;
        Some(Self {
            dims: first.dims,
            cells: all().map(|vectors| vectors.n_cells).sum(),
            probes: all().map(|vectors| vectors.probes).sum(),
            rescore: manifest.settings.embedding.rescore,
            table: first.table.map(|(_, table)| Table {
                verdict: table.report.verdict().name(),
                dims: table.shape.dims,
                n_spans: table.report.n_spans,
                n_held_out: table.report.n_held_out,
                cosine: f64::from(table.report.cosine) / 1000.0,
                overlap_10: f64::from(table.report.overlap) / 1000.0,
            }),
        })
    }

    /// In a line.
    pub(super) fn line(&self) -> String {
        let vectors = format!(
            "vectors: {} dimensions in {} cells, of which a query reads about {}",
            self.dims, self.cells, self.probes
        );
        match &self.table {
            None => vectors,
            Some(table) => format!(
                "{vectors}; query table: {} (cosine {:.2} to the encoder, {:.0} % of its ten \
                 nearest, on {} texts it had not seen)",
                table.verdict,
                table.cosine,
                table.overlap_10 * 100.0,
                table.n_held_out
            ),
        }
    }
}

/// What gives documents their expansions, beside their own records.
#[derive(Debug, Serialize)]
struct ExpansionsReport {
    /// `file`, or the name of a model; empty for nothing.
    source: String,
    weight: f64,
}

impl ExpansionsReport {
    /// That of `manifest`, if any document has an expansion, or may have one.
    fn of(manifest: &Manifest) -> Option<Self> {
        let settings = &manifest.settings;
        let any = manifest.segments.iter().any(|segment| segment.expanded);
        (any || !settings.expansions.source.is_empty()).then(|| Self {
            source: settings.expansions.source.clone(),
            weight: f64::from(settings.scoring.expansion_weight) / 100.0,
        })
    }

    /// In a line.
    fn line(&self) -> String {
        let source = match self.source.as_str() {
            "" => "from the documents' records".to_owned(),
            FILE => "from a file".to_owned(),
            model => format!("by the model {model}"),
        };
        format!("expansions: {source}, a word weighs {}", self.weight)
    }
}

#[derive(Debug, Serialize)]
struct Report {
    build: String,
    created_by: String,
    documents: u32,
    chunks: u32,
    embedder: String,
    vectors: Option<VectorsReport>,
    expansions: Option<ExpansionsReport>,
    tuning: TuningReport,
    chunk_tokens: u32,
    overlap_tokens: u32,
    stemming: bool,
    positions: bool,
    entry_bytes: u64,
    index_bytes: u64,
    files: u64,
    sections: BTreeMap<&'static str, SectionSize>,
    segments: Vec<SegmentReport>,
}

pub(super) fn inspect(arguments: &Arguments) -> Result<Outcome, Failure> {
    let index = super::open(&arguments.index)?;
    let report = read(&index, arguments)?;
    if arguments.json {
        output::json(&report)?;
        return Ok(Outcome::Done);
    }
    output::line(format!(
        "{} (build {}, {})",
        arguments.index.display(),
        report.build,
        report.created_by
    ));
    output::line(format!(
        "{} documents, {} chunks of about {} tokens, {} in {} files",
        report.documents,
        report.chunks,
        report.chunk_tokens,
        output::bytes(report.index_bytes),
        report.files
    ));
    if let Some(vectors) = &report.vectors {
        output::line(vectors.line());
    }
    if let Some(expansions) = &report.expansions {
        output::line(expansions.line());
    }
    report.tuning.lines().iter().for_each(output::line);
    output::line("");
    output::line(format!(
        "{:<12} {:>7} {:>10} {:>10} {:>10}",
        "section", "files", "bytes", "mean", "largest"
    ));
    for (name, size) in &report.sections {
        output::line(format!(
            "{name:<12} {:>7} {:>10} {:>10} {:>10}",
            size.files,
            output::bytes(size.bytes),
            output::bytes(size.bytes / size.files.max(1)),
            output::bytes(size.largest)
        ));
    }
    output::line("");
    for segment in &report.segments {
        let languages: Vec<String> = segment
            .languages
            .iter()
            .map(|(code, n)| format!("{code} {n}"))
            .collect();
        output::line(format!(
            "segment {}: {} documents ({} deleted), {} chunks; languages: {}",
            segment.id,
            segment.documents,
            segment.deleted,
            segment.chunks,
            languages.join(", ")
        ));
        if !segment.filters.is_empty() {
            output::line(format!("  filters: {}", segment.filters.join(", ")));
        }
        if !segment.sorts.is_empty() {
            output::line(format!("  sort keys: {}", segment.sorts.join(", ")));
        }
    }
    Ok(Outcome::Done)
}

fn read(index: &Index<IndexHost>, arguments: &Arguments) -> Result<Report, Failure> {
    let manifest = index.manifest();
    let mut sections: BTreeMap<&'static str, SectionSize> = BTreeMap::new();
    let mut add = |name, bytes| {
        let size = sections.entry(name).or_default();
        size.files += 1;
        size.bytes += bytes;
        size.largest = size.largest.max(bytes);
    };
    add("entry", index.entry_bytes());
    let mut segments = Vec::new();
    for (s, segment) in manifest.segments.iter().enumerate() {
        let inventory = pollster::block_on(index.inventory(s)).map_err(|e| engine_failure(&e))?;
        let id = segment.segment();
        let mut blocks = vec![BlockId {
            segment: id,
            kind: Kind::Inventory,
            number: 0,
        }];
        for group in &inventory.files {
            let numbers = 0..group.checksums.len() as u32;
            blocks.extend(numbers.map(|number| BlockId {
                segment: id,
                kind: group.kind,
                number,
            }));
        }
        for block in blocks {
            let path = arguments.index.join(block.path());
            let bytes = std::fs::metadata(&path).map_or(HEADER_BYTES as u64, |m| m.len());
            add(block.kind.section().name(), bytes);
        }
        let layout = segment.layout().map_err(|error| {
            Failure::new(error.code(), error.to_string(), "build the index anew")
        })?;
        segments.push(SegmentReport {
            id: id.to_string(),
            documents: layout.n_documents(),
            deleted: index.deleted(s).len(),
            chunks: layout.n_chunks(),
            chunks_per_block: segment.chunks_per_block,
            languages: segment.languages.iter().cloned().collect(),
            filters: segment.filters.iter().map(|key| key.name.clone()).collect(),
            sorts: segment.sorts.iter().map(|key| key.name.clone()).collect(),
            expanded: segment.expanded,
        });
    }
    for block in tuning::blocks(manifest) {
        let path = arguments.index.join(block.path());
        let bytes = std::fs::metadata(&path).map_or(HEADER_BYTES as u64, |m| m.len());
        add(block.kind.section().name(), bytes);
    }
    Ok(Report {
        build: index.build().to_owned(),
        created_by: manifest.created_by.clone(),
        documents: index.n_documents(),
        chunks: index.n_chunks(),
        embedder: match manifest.settings.embedding.embedder.as_str() {
            "" => "none".to_owned(),
            name => name.to_owned(),
        },
        vectors: VectorsReport::of(manifest),
        expansions: ExpansionsReport::of(manifest),
        tuning: TuningReport::of(manifest.tuning),
        chunk_tokens: manifest.settings.chunk_tokens,
        overlap_tokens: manifest.settings.overlap_tokens,
        stemming: manifest.settings.stemming,
        positions: manifest.settings.positions,
        entry_bytes: index.entry_bytes(),
        index_bytes: sections.values().map(|size| size.bytes).sum(),
        files: sections.values().map(|size| size.files).sum(),
        sections,
        segments,
    })
}
