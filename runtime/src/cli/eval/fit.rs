//! `littoral eval --fit`: what is fitted to the queries and kept in the index.

use super::super::output::{self, Failure};
use super::super::{build, engine_failure, written_to};
use super::{Arguments, answers};
use crate::eval::Dataset;
use crate::eval::fit::{Fits, Fitted, LEAST_QUERIES, fit_fusion, fit_threshold};
use crate::host::IndexHost;
use crate::store::Folder;
use littoral_guest::engine::{Fusion, Index, Mode, SearchOptions};
use std::path::Path;

/// Fits the index in `folder`, and stores there what is better on queries that were held out.
pub(super) fn run(
    arguments: &Arguments,
    folder: &Path,
    index: &Index<IndexHost>,
    dataset: &Dataset,
) -> Result<Fits, Failure> {
    written_to(folder)?;
    let options = SearchOptions {
        mode: if index.has_vectors() {
            Mode::Hybrid
        } else {
            Mode::Lexical
        },
        ..SearchOptions::default()
    };
    let mut fits = Fits::default();
    if index.has_vectors() {
        let fitted = fit_fusion(index, dataset, &options, index.fusion());
        fits.fusion = fitted.map_err(|error| engine_failure(&error))?;
    }
    let unanswerable = answers::unanswerable(arguments, dataset)?;
    let fitted = fit_threshold(index, dataset, &unanswerable, &options, index.threshold());
    fits.threshold = fitted.map_err(|error| engine_failure(&error))?;
    let mut tuning = index.manifest().tuning;
    if let Some(fusion) = fits.fusion.as_ref().filter(|fitted| fitted.kept) {
        tuning.fusion = Some(fusion.chosen.setting());
    }
    if let Some(threshold) = fits.threshold.as_ref().filter(|fitted| fitted.kept) {
        tuning.threshold = Some((threshold.chosen * 1000.0).round() as u16);
    }
    if tuning != index.manifest().tuning {
        store(folder, index, tuning)?;
    }
    Ok(fits)
}

/// Puts `tuning` into the manifest, which must still be the one that was measured.
fn store(
    path: &Path,
    index: &Index<IndexHost>,
    tuning: littoral_indexes::manifest::Tuning,
) -> Result<(), Failure> {
    let mut folder = Folder::open(path)
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    let now = super::super::open(path)?;
    if now.build() != index.build() {
        return Err(Failure::new(
            "stale-index",
            "the index was replaced while it was measured",
            "run the command again",
        ));
    }
    let mut manifest = now.manifest().clone();
    manifest.tuning = tuning;
    folder
        .commit(&manifest)
        .map_err(|error| build::build_failure(&error.into()))
}

/// Prints what was fitted for a person.
pub(super) fn show(fits: &Fits) {
    output::line("");
    match &fits.fusion {
        Some(fitted) => line("fusion", "nDCG@10", fitted, |fusion| match fusion {
            Fusion::Ranks => "ranks".to_owned(),
            Fusion::Scores { dense_weight } => {
                format!("{:.0} % vectors", f64::from(*dense_weight) / 2.56)
            }
        }),
        None => output::line(format!(
            "fusion: not fitted; it takes vectors and {LEAST_QUERIES} judged queries"
        )),
    }
    match &fits.threshold {
        Some(fitted) => line("threshold", "right answers and refusals", fitted, |t| {
            format!("{t:.2}")
        }),
        None => output::line(format!(
            "threshold: not fitted; it takes {LEAST_QUERIES} judged queries and as many with --unanswerable"
        )),
    }
}

fn line<T>(name: &str, figure: &str, fitted: &Fitted<T>, value: impl Fn(&T) -> String) {
    let what = if fitted.kept {
        "kept"
    } else {
        "not kept: no better beyond chance"
    };
    output::line(format!(
        "{name}: {} → {}; held out, {figure} {:.4} → {:.4} (p {:.3}); {what}",
        value(&fitted.before),
        value(&fitted.chosen),
        fitted.held_out_before,
        fitted.held_out,
        fitted.difference.p,
    ));
}
