//! An adapter of any model, of which no more is known than that it is one.

use super::{CONFIG, MAX_CONFIG_BYTES, NUMBERS, Settings, read};
use crate::models::ModelsError;
use crate::models::safetensors::Tensors;
use serde::Serialize;
use std::path::Path;

/// Largest file of numbers: adapters of generators are larger than those of encoders.
const MAX_BYTES: u64 = 8 << 30;

/// What an adapter in PEFT's format has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Rank of its changes.
    pub rank: usize,
    /// Matrices that it changes.
    pub n_matrices: usize,
    /// Numbers.
    pub n_numbers: u64,
}

/// Checks that the folder `path` is a LoRA adapter that changes something: both files can be read, all
/// numbers are finite, and not all second halves are nothing.
///
/// # Errors
/// [`ModelsError`] when it is not.
pub fn check(path: &Path) -> Result<Summary, ModelsError> {
    let file = path.join(CONFIG);
    let settings: Settings = serde_json::from_slice(&read(&file, MAX_CONFIG_BYTES)?)
        .map_err(|error| ModelsError::adapter(&file, error.to_string()))?;
    if settings.peft_type != "LORA" {
        let reason = format!("its peft_type is {}", settings.peft_type);
        return Err(ModelsError::adapter(&file, reason));
    }
    let file = path.join(NUMBERS);
    let bytes = read(&file, MAX_BYTES)?;
    let invalid = |error: ModelsError| ModelsError::adapter(&file, error.to_string());
    let tensors = Tensors::read(&bytes).map_err(invalid)?;
    let (mut n_matrices, mut n_numbers, mut changes) = (0, 0, false);
    for name in tensors.names() {
        let shape = tensors.shape(name).map_err(invalid)?;
        let values = tensors.get(name, shape).map_err(invalid)?;
        n_numbers += values.len() as u64;
        if name.contains(".lora_B.") {
            n_matrices += 1;
            changes |= values.iter().any(|x| *x != 0.0);
        }
    }
    if !changes {
        let reason = "changes nothing: it has no second half that is not zero";
        return Err(ModelsError::adapter(&file, reason));
    }
    Ok(Summary {
        rank: settings.r,
        n_matrices,
        n_numbers,
    })
}
