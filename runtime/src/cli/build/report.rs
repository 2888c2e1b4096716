//! What a build or an update says of itself.

use super::super::Outcome;
use super::super::gpu::GpuReport;
use super::super::inspect::VectorsReport;
use super::super::output::{self, Failure};
use crate::ingest::Skipped;
use crate::store::{folder_size, peak_rss_bytes};
use crate::update;
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// Skipped inputs listed one by one; the rest are counted.
const SHOWN_SKIPPED: usize = 10;

/// The summary of a build, as JSON.
#[derive(Debug, Serialize)]
struct Summary {
    documents: u64,
    chunks: u64,
    terms: u64,
    index_bytes: u64,
    files: u64,
    seconds: f64,
    peak_rss_bytes: u64,
    skipped: Vec<SkippedLine>,
}

#[derive(Debug, Serialize)]
struct SkippedLine {
    path: String,
    code: &'static str,
    message: String,
}

impl From<Skipped> for SkippedLine {
    fn from(skipped: Skipped) -> Self {
        Self {
            path: skipped.path,
            code: skipped.code,
            message: skipped.message,
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Did {
    /// A build; with a file of expansions, how many it has of documents that were read, and of others.
    Build { expansions: Option<(usize, usize)> },
    /// An update that wrote so much.
    Update {
        files_written: u64,
        bytes_written: u64,
    },
}

/// What there is to say beside the outcome.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) did: Did,
    /// Where a GPU was asked for.
    pub(super) gpu: Option<GpuReport>,
    /// Inputs left out when they were looked for.
    pub(super) skipped: Vec<Skipped>,
    pub(super) start: Instant,
}

/// Says what was done to the index in the folder `path`.
pub(super) fn report(
    path: &Path,
    json: bool,
    outcome: update::Outcome,
    said: Said,
) -> Result<Outcome, Failure> {
    let Said {
        did,
        gpu,
        mut skipped,
        start,
    } = said;
    let (files, index_bytes) = folder_size(path)
        .map_err(|error| Failure::new("unreadable", error.to_string(), "check the folder"))?;
    skipped.extend(outcome.skipped);
    let summary = Summary {
        documents: outcome.built.documents,
        chunks: outcome.built.chunks,
        terms: outcome.built.terms,
        index_bytes,
        files,
        seconds: start.elapsed().as_secs_f64(),
        peak_rss_bytes: peak_rss_bytes(),
        skipped: skipped.into_iter().map(SkippedLine::from).collect(),
    };
    let vectors = VectorsReport::of(super::super::open(path)?.manifest());
    if json {
        let mut value = serde_json::to_value(&summary).unwrap_or_default();
        if let Some(vectors) = &vectors {
            value["vectors"] = json!(vectors);
        }
        if let Some(gpu) = &gpu {
            value["gpu"] = json!(gpu);
        }
        if let Did::Build {
            expansions: Some((used, unused)),
        } = did
        {
            value["expansions"] = json!({"documents": used, "unused": unused});
        }
        if let Did::Update {
            files_written,
            bytes_written,
        } = did
        {
            value["unchanged"] = json!(outcome.unchanged);
            value["deleted"] = json!(outcome.deleted);
            value["files_written"] = json!(files_written);
            value["bytes_written"] = json!(bytes_written);
            value["compacted"] = json!(outcome.compacted);
        }
        output::json(&value)?;
        return Ok(Outcome::Done);
    }
    let seconds = summary.seconds;
    match did {
        Did::Update {
            files_written,
            bytes_written,
        } => {
            output::line(format!(
                "Updated {} in {seconds:.1} s: {} added or replaced, {} removed or replaced, {} unchanged.",
                path.display(),
                summary.documents,
                outcome.deleted,
                outcome.unchanged
            ));
            output::line(format!(
                "Wrote {files_written} files, {}; the index has {files} files, {}.",
                output::bytes(bytes_written),
                output::bytes(index_bytes)
            ));
        }
        Did::Build { expansions } => {
            output::line(format!(
                "Indexed {} documents, {} chunks and {} terms in {seconds:.1} s.",
                summary.documents, summary.chunks, summary.terms
            ));
            output::line(format!(
                "{} holds {files} files, {}.",
                path.display(),
                output::bytes(index_bytes)
            ));
            if let Some((used, unused)) = expansions {
                output::line(format!(
                    "{used} documents are expanded; {unused} expansions are of none that was read."
                ));
            }
        }
    }
    if let Some(vectors) = &vectors {
        output::line(vectors.line());
    }
    if let Some(gpu) = &gpu {
        gpu.print();
    }
    if !summary.skipped.is_empty() {
        output::line(format!("Skipped {}:", summary.skipped.len()));
        for skipped in summary.skipped.iter().take(SHOWN_SKIPPED) {
            output::line(format!(
                "  {}: {} ({})",
                skipped.path, skipped.message, skipped.code
            ));
        }
        if summary.skipped.len() > SHOWN_SKIPPED {
            output::line("  … (--json lists them all)");
        }
    }
    Ok(Outcome::Done)
}
