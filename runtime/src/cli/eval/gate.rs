//! The baseline of an evaluation, and whether it is held.

use super::super::output::Failure;
use super::Arguments;
use crate::eval::{self, CompareError, Report};

/// How far a figure may fall where no gate says otherwise.
const MARGIN: f64 = 0.01;

/// The report that --baseline names.
pub(super) fn baseline(arguments: &Arguments) -> Result<Option<Report>, Failure> {
    let Some(path) = &arguments.baseline else {
        return Ok(None);
    };
    let failure = |reason: String| {
        Failure::new(
            "bad-baseline",
            format!("{}: {reason}", path.display()),
            "a baseline is what littoral eval --json printed",
        )
    };
    let text = std::fs::read_to_string(path).map_err(|error| failure(error.to_string()))?;
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| failure(error.to_string()))
}

/// Sets `report` beside `base`; whether a gate was asked for and is not passed.
pub(super) fn compare(
    arguments: &Arguments,
    base: Option<&Report>,
    report: &mut Report,
) -> Result<bool, Failure> {
    let (Some(base), Some(path)) = (base, &arguments.baseline) else {
        return Ok(false);
    };
    let name = path.display().to_string();
    let margin = arguments.gate.unwrap_or(MARGIN);
    let comparison = eval::compare(base, report, &name, margin).map_err(|error| {
        let hint = match error {
            CompareError::NoRun { .. } => {
                "measure the same modes as before, on an index that has them"
            }
            CompareError::NothingShared { .. } => "measure the same queries as before",
            _ => "write it anew: littoral eval … --json > FILE",
        };
        Failure::new("bad-baseline", error.to_string(), hint)
    })?;
    let failed = arguments.gate.is_some() && !comparison.passed;
    report.comparison = Some(comparison);
    Ok(failed)
}
