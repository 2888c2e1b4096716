//! A row in whole numbers.

use super::TableShape;
use crate::error::{IndexError, Section};

/// What a word adds to a query: `codes[i] · step` in dimension `i`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What a code of 1 is worth, in units of the table.
    pub step: u16,
    /// From −2^(bits − 1) + 1 to 2^(bits − 1) − 1. `[dims]`
    pub codes: Vec<i8>,
}

/// Shares of the greatest value that are tried as the greatest code, in 1/16: clipping few values
/// lets all others be told more finely.
const CLIPS: [u16; 7] = [16, 14, 12, 11, 10, 8, 6];

impl Row {
    /// The row nearest to `values`, of those with `bits` bits, where `unit` is the worth of a step of
    /// 1. Only additions, products and roundings of IEEE 754 are used: the same on every host.
    pub fn quantise(values: &[f32], bits: u8, unit: f32) -> Self {
        let top = ((1_i32 << (bits - 1)) - 1) as f32;
        let greatest = values.iter().fold(0.0_f32, |max, v| max.max(v.abs()));
        let steps = CLIPS.iter().map(|&clip| {
            let step = greatest * f32::from(clip) / 16.0 / top / unit;
            (step + 0.5).clamp(1.0, 65535.0) as u16
        });
        let coded = steps.map(|step| {
            let worth = f32::from(step) * unit;
            let code = |v: &f32| (v / worth).round_ties_even().clamp(-top, top);
            let error = values.iter().map(|v| {
                let off = v - code(v) * worth;
                off * off
            });
            (error.sum::<f32>(), step)
        });
        let (_, step) = coded.fold((f32::INFINITY, 1), |best, next| {
            if next.0 < best.0 { next } else { best }
        });
        let worth = f32::from(step) * unit;
        let codes = values
            .iter()
            .map(|v| (v / worth).round_ties_even().clamp(-top, top) as i8);
        Self {
            step,
            codes: codes.collect(),
        }
    }

    /// The unit with which rows whose greatest value is `greatest` use the whole range of steps.
    pub fn unit(greatest: f32, bits: u8) -> f32 {
        let top = ((1_i32 << (bits - 1)) - 1) as f32;
        (greatest / top / 65535.0).max(f32::MIN_POSITIVE)
    }

    pub(super) fn check(&self, shape: TableShape) -> Result<(), IndexError> {
        let top = (1_i16 << (shape.bits - 1)) - 1;
        let fits = self.codes.len() == usize::from(shape.dims)
            && self.codes.iter().all(|&code| i16::from(code).abs() <= top);
        if fits {
            Ok(())
        } else {
            let reason = "a row is not of the table's shape";
            Err(IndexError::corrupt(Section::Table, 0, reason))
        }
    }
}
