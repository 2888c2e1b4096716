//! What is shown of a packed model.

use super::super::output::{self, Failure};
use super::{Packed, hex};
use crate::models::pack::FAST;
use crate::models::{Fidelity, Loss};
use crate::tune::origin::Origin;
use littoral_guest::Encoder;
use serde::Serialize;
use std::path::Path;

/// What `--json` prints of a model.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    name: &'a str,
    path: String,
    pub(super) id: String,
    bytes: u64,
    dims: usize,
    layers: usize,
    max_tokens: usize,
    vocabulary: usize,
    activation_bits: u32,
    labels: usize,
    query_prompt: &'a str,
    document_prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fidelity: Option<Fidelity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<Loss>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<Origin>,
}

pub(super) fn report<'a>(encoder: &'a Encoder, path: &Path, bytes: u64) -> Report<'a> {
    let config = encoder.config();
    let max = encoder.model().layers[0].attention_in.activation_max();
    Report {
        name: &config.name,
        path: path.display().to_string(),
        id: hex(encoder.id()),
        bytes,
        dims: encoder.dims(),
        layers: config.layers,
        max_tokens: encoder.max_tokens(),
        vocabulary: config.vocabulary,
        activation_bits: if max == FAST { 8 } else { 12 },
        labels: config.labels,
        query_prompt: &config.query_prompt,
        document_prompt: &config.document_prompt,
        sha256: None,
        fidelity: None,
        loss: None,
        origin: None,
    }
}

pub(super) fn show(packed: &Packed, sha256: Option<&str>, json: bool) -> Result<(), Failure> {
    let mut report = report(&packed.encoder, &packed.path, packed.bytes);
    report.sha256 = sha256;
    report.fidelity = packed.fidelity;
    report.loss = packed.loss;
    report.origin.clone_from(&packed.origin);
    print(&report, json)
}

pub(super) fn print(report: &Report<'_>, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(report);
    }
    let kind = match report.labels {
        0 => format!("{} dimensions", report.dims),
        n => format!("reranker with {n} outputs"),
    };
    output::line(format!(
        "{}: {kind}, {} layers, {} tokens at most, {}, id {}",
        report.name,
        report.layers,
        report.max_tokens,
        output::bytes(report.bytes),
        report.id
    ));
    output::line(format!("  {}", report.path));
    if let Some(sha256) = report.sha256 {
        output::line(format!("  weights have SHA-256 {sha256}"));
    }
    if let Some(fidelity) = report.fidelity {
        output::line(format!(
            "  cosine to 32 bits: mean {:.4}, least {:.4}, of {} texts",
            fidelity.mean_cosine, fidelity.min_cosine, fidelity.texts
        ));
    }
    if let Some(origin) = &report.origin {
        let keys: Vec<&str> = origin.matrices.iter().map(|part| part.key()).collect();
        output::line(format!(
            "  with adapter {}, rank {} on {}{}",
            &origin.adapter[..16.min(origin.adapter.len())],
            origin.rank,
            keys.join(", "),
            match &origin.training {
                Some(record) => format!(
                    ", trained on {} pairs of {} ({})",
                    record.n_pairs,
                    record.data,
                    &record.data_hash[..16.min(record.data_hash.len())]
                ),
                None => String::new(),
            }
        ));
    }
    if let Some(loss) = report.loss {
        output::line(format!(
            "  nDCG@10: {:.4}, in 32 bits {:.4}: {:+.4}, of {} queries and {} documents",
            loss.packed_ndcg_10,
            loss.exact_ndcg_10,
            loss.packed_ndcg_10 - loss.exact_ndcg_10,
            loss.queries,
            loss.documents
        ));
    }
    Ok(())
}
