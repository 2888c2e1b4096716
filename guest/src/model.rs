//! What model files have in common: plain little-endian fields, and what can be wrong with them.
//!
//! Models come from anywhere. Every length is checked against what is there before memory is taken,
//! and nothing in a model is ever executed.

/// Why a model was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The bytes contradict themselves or their checksum.
    #[error("the model is damaged at byte {offset} ({part}): {reason}")]
    Corrupt {
        /// The part being read.
        part: &'static str,
        /// Byte offset within the part.
        offset: usize,
        /// What was expected there.
        reason: &'static str,
    },
    /// Written by another version of the format.
    #[error("the model has format version {found}; this program reads version {supported}")]
    Version {
        /// The version in the file.
        found: u32,
        /// The version this program reads.
        supported: u32,
    },
    /// A sound model of a kind that this engine does not run.
    #[error("the model cannot be run here: {reason}")]
    Unsupported {
        /// What it has or lacks.
        reason: &'static str,
    },
    /// A size beyond what the format allows.
    #[error("the model's {what} is {size}; the format allows {limit}")]
    TooLarge {
        /// The size's name.
        what: &'static str,
        /// What the model asks for.
        size: u64,
        /// Largest legal value.
        limit: u64,
    },
}

impl ModelError {
    /// The stable kebab-case code of the error, the same in every language binding.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Corrupt { .. } => "model-corrupt",
            Self::Version { .. } => "model-version",
            Self::Unsupported { .. } => "model-unsupported",
            Self::TooLarge { .. } => "model-too-large",
        }
    }
}

/// Reads fields one after another, never past the end.
#[derive(Debug, Clone)]
pub(crate) struct ModelReader<'a> {
    bytes: &'a [u8],
    offset: usize,
    part: &'static str,
}

impl<'a> ModelReader<'a> {
    pub(crate) fn new(bytes: &'a [u8], part: &'static str) -> Self {
        Self {
            bytes,
            offset: 0,
            part,
        }
    }

    pub(crate) fn error(&self, reason: &'static str) -> ModelError {
        ModelError::Corrupt {
            part: self.part,
            offset: self.offset,
            reason,
        }
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], ModelError> {
        let Some(taken) = self.bytes[self.offset..].get(..n) else {
            return Err(self.error("a field reaches beyond the end"));
        };
        self.offset += n;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ModelError> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ModelError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A variable-length integer: 7-bit groups, lowest first.
    pub(crate) fn number(&mut self) -> Result<u32, ModelError> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            let low = u32::from(byte & 0x7F);
            if shift == 28 && low > 15 {
                break;
            }
            value |= low << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error("a number has more than 32 bits"))
    }

    /// A string with its length in front.
    pub(crate) fn string(&mut self) -> Result<&'a str, ModelError> {
        let n = self.number()? as usize;
        let bytes = self.take(n)?;
        std::str::from_utf8(bytes).map_err(|_| self.error("a string is not UTF-8"))
    }

    /// `n` finite numbers no larger than `limit` in magnitude.
    pub(crate) fn floats(&mut self, n: usize, limit: f32) -> Result<Vec<f32>, ModelError> {
        let bytes = n
            .checked_mul(4)
            .ok_or_else(|| self.error("an array reaches beyond the end"))?;
        let (values, _) = self.take(bytes)?.as_chunks();
        let values: Vec<f32> = values.iter().map(|&b| f32::from_le_bytes(b)).collect();
        // NaN compares false.
        if values.iter().all(|value| value.abs() <= limit) {
            Ok(values)
        } else {
            Err(self.error("a number is not finite, or too large"))
        }
    }

    /// Goes to the next multiple of `n` bytes; what is passed over must be zero.
    pub(crate) fn align(&mut self, n: usize) -> Result<(), ModelError> {
        let padding = self.take(self.offset.next_multiple_of(n) - self.offset)?;
        if padding.iter().all(|&byte| byte == 0) {
            Ok(())
        } else {
            Err(self.error("padding is not zero"))
        }
    }

    pub(crate) fn rest(&self) -> usize {
        self.bytes.len() - self.offset
    }

    pub(crate) fn end(&self) -> Result<(), ModelError> {
        if self.rest() == 0 {
            Ok(())
        } else {
            Err(self.error("bytes follow the last field"))
        }
    }
}

/// Appends `value` in 7-bit groups, lowest first.
pub(crate) fn put_number(out: &mut Vec<u8>, mut value: u32) {
    while value > 0x7F {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a string with its length in front.
pub(crate) fn put_string(out: &mut Vec<u8>, string: &str) {
    put_number(out, string.len() as u32);
    out.extend_from_slice(string.as_bytes());
}

/// Appends numbers as they lie in a file.
pub(crate) fn put_floats(out: &mut Vec<u8>, values: &[f32]) {
    for value in values {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Appends zeros up to the next multiple of `n` bytes.
pub(crate) fn put_padding(out: &mut Vec<u8>, n: usize) {
    out.resize(out.len().next_multiple_of(n), 0);
}
