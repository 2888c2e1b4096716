//! `littoral tune eval` and `littoral tune deploy` of a reranker: what it gains and loses, and its way to where
//! `--rerank` finds it.

use super::super::output::{self, Failure};
use super::super::{Named, Outcome, open_with_models};
use super::eval::{changed, verdict};
use super::failure;
use super::measuring::Measuring;
use crate::models::adapter;
use crate::models::fetch::verify;
use crate::models::folder::{CONFIG, WEIGHTS, Weights};
use crate::models::pack::FAST;
use crate::rerank::CrossEncoder;
use crate::tune::encoder::Record;
use crate::tune::generator;
use crate::tune::merged::Merged;
use crate::tune::reranked::{MeasuredReranker, Other, Reranked, Rerankers};
use crate::tune::{Corpus, TuneError};
use littoral_guest::Encoder;
use littoral_guest::engine::Index;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// Whether what was tuned, in `path`, is a model by itself, and no adapter.
pub(super) fn is_reranker(path: &Path) -> bool {
    path.join(CONFIG).is_file() && !path.join(adapter::CONFIG).is_file()
}

pub(super) fn eval(measuring: &Measuring, json: bool) -> Result<Outcome, Failure> {
    let (_, measured) = measure(measuring)?;
    if json {
        output::json(&measured)?;
    } else {
        show(&measured);
        changed("Won", &measured.held_out.wins);
        changed("Lost", &measured.held_out.losses);
    }
    Ok(if measured.gate.passed {
        Outcome::Done
    } else {
        Outcome::Negative
    })
}

pub(super) fn deploy(measuring: &Measuring, force: bool, json: bool) -> Result<Outcome, Failure> {
    let (merged, measured) = measure(measuring)?;
    let is_refused = !measured.gate.passed;
    if is_refused && !force {
        if json {
            output::json(&json!({"deployed": false, "forced": false, "measured": measured}))?;
        } else {
            show(&measured);
            output::line("Not deployed; no model was stored.");
        }
        return Ok(Outcome::Negative);
    }
    let path = merged.store().map_err(|error| failure(&error))?;
    let name = &merged.name;
    if json {
        let said = json!({
            "deployed": true,
            "forced": is_refused,
            "measured": measured,
            "model": {"name": name, "path": path},
        });
        return output::json(&said).map(|()| Outcome::Done);
    }
    show(&measured);
    let although = if is_refused {
        " although it was refused"
    } else {
        ""
    };
    output::line(format!(
        "Deployed{although}: the reranker is stored as {name}, in {}.",
        path.display()
    ));
    output::line(format!(
        "Next: littoral search {} QUERY --rerank {name}",
        measuring.index.display()
    ));
    Ok(Outcome::Done)
}

/// Packs the reranker and measures it.
fn measure(measuring: &Measuring) -> Result<(Merged, MeasuredReranker), Failure> {
    let shown = |error: TuneError| failure(&error);
    if measuring.tuned.join(generator::SCRIPT).is_file() {
        return Err(Failure::new(
            "generator",
            format!(
                "{} has a generator, which ranks nothing",
                measuring.tuned.display()
            ),
            "its losses are in training.json; serve the adapter and ask it: littoral ask INDEX QUESTION --llm URL",
        ));
    }
    let merged = Merged::reranker(&measuring.tuned, &measuring.name()?, FAST).map_err(shown)?;
    let origin = merged.origin.as_ref();
    let record = origin.and_then(|origin| origin.training.as_ref());
    let before = before(measuring, record)?;
    let index = open_with_models(&measuring.index, true, Named::default())?;
    let sets = measuring.sets(record.map_or("", |record| record.data.as_str()))?;
    let corpus = Corpus::read(&index).map_err(shown)?;
    output::notice("measuring the index alone, and reranked…");
    let rerankers = Rerankers {
        after: &merged.encoder,
        before: before.as_ref(),
        depth: usize::from(measuring.rerank_depth),
    };
    let hash = record.map(|record| record.data_hash.as_str());
    let measurement = sets.measurement(hash, measuring.margin);
    let open = |reranker: Option<&Arc<Encoder>>| {
        let mut host = index.host().clone();
        if let Some(reranker) = reranker {
            host = host.with_reranker(Arc::new(CrossEncoder::new(Arc::clone(reranker))));
        }
        pollster::block_on(Index::open(host))
    };
    let measured = measurement.run_reranker(open, rerankers, &corpus);
    Ok((merged, measured.map_err(shown)?))
}

/// The reranker that the tuned one was trained from, by its `record`; `None` when that was an encoder, or
/// when nothing tells.
fn before(measuring: &Measuring, record: Option<&Record>) -> Result<Option<Arc<Encoder>>, Failure> {
    let shown = |error: TuneError| failure(&error);
    let tuned = || measuring.tuned.clone();
    let Some(record) = record else {
        return Ok(None);
    };
    let model = measuring
        .model
        .clone()
        .unwrap_or_else(|| record.model.clone().into());
    let file = model.join(WEIGHTS);
    if !file.is_file() {
        let named = record.model.clone();
        let path = tuned();
        return Err(shown(TuneError::NoBase { path, named }));
    }
    let found = verify(&file, None).map_err(|error| shown(error.into()))?;
    if found != record.base {
        let (path, own) = (tuned(), record.base.clone());
        let other = crate::models::ModelsError::AdapterBase { path, own, found };
        return Err(shown(other.into()));
    }
    let weights = Weights::read(&model, "before").map_err(|error| shown(error.into()))?;
    if weights.config.labels == 0 {
        return Ok(None);
    }
    let merged = Merged::reranker(&model, "before", FAST).map_err(shown)?;
    Ok(Some(merged.encoder))
}

fn show(measured: &MeasuredReranker) {
    effect("Held out", &measured.held_out);
    effect("General", &measured.general);
    verdict(&measured.gate);
}

fn effect(title: &str, effect: &Reranked) {
    output::line(format!(
        "{title}: {} queries ({}); {} better, {} worse than by the index alone",
        effect.n_queries,
        effect.name,
        effect.wins.len(),
        effect.losses.len()
    ));
    output::line(format!(
        "{:<16} {:>8} {:>9} {:>8} {:>8}",
        "", "nDCG@10", "MRR@10", "gain", "p"
    ));
    let other = |name: &str, other: &Other| {
        output::line(format!(
            "{name:<16} {:>8.4} {:>9.4} {:>+8.4} {:>8.3}",
            other.metrics.ndcg_10, other.metrics.mrr_10, other.difference.mean, other.difference.p
        ));
    };
    other("index alone", &effect.index);
    if let Some(before) = &effect.before {
        other("reranker before", before);
    }
    output::line(format!(
        "{:<16} {:>8.4} {:>9.4}",
        "reranked", effect.after.ndcg_10, effect.after.mrr_10
    ));
    output::line("");
}
