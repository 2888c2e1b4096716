//! Reading and writing of plain fields: little-endian variable-length integers and strings.
//!
//! A string ends in `FF`, which no UTF-8 holds. Before a compressor that knows what follows what,
//! an end is cheaper than a length in front: by 1 % of all passages.

use crate::error::{IndexError, Section};

/// Appends `value` in 7-bit groups, lowest first; the top bit says that more follow.
pub(crate) fn put_number(out: &mut Vec<u8>, mut value: u32) {
    while value > 0x7F {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Ends a string.
const END: u8 = 0xFF;

/// Appends a string and its end.
pub(crate) fn put_string(out: &mut Vec<u8>, string: &str) {
    out.extend_from_slice(string.as_bytes());
    out.push(END);
}

/// Reads fields one after another, never past the end.
#[derive(Debug, Clone)]
pub(crate) struct FieldReader<'a> {
    bytes: &'a [u8],
    offset: usize,
    section: Section,
}

impl<'a> FieldReader<'a> {
    pub(crate) fn new(bytes: &'a [u8], section: Section) -> Self {
        Self {
            bytes,
            offset: 0,
            section,
        }
    }

    pub(crate) fn error(&self, reason: &'static str) -> IndexError {
        IndexError::corrupt(self.section, self.offset, reason)
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], IndexError> {
        let rest = &self.bytes[self.offset..];
        let Some(taken) = rest.get(..n) else {
            return Err(self.error("a field reaches beyond the end"));
        };
        self.offset += n;
        Ok(taken)
    }

    pub(crate) fn number(&mut self) -> Result<u32, IndexError> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let byte = self.take(1)?[0];
            let low = u32::from(byte & 0x7F);
            if shift == 28 && low > 15 {
                break;
            }
            value |= low << shift;
            if byte < 0x80 {
                if low == 0 && shift > 0 {
                    return Err(self.error("a number is longer than it need be"));
                }
                return Ok(value);
            }
        }
        Err(self.error("a number has more than 32 bits"))
    }

    pub(crate) fn string(&mut self) -> Result<&'a str, IndexError> {
        let rest = &self.bytes[self.offset..];
        let Some(n) = rest.iter().position(|&byte| byte == END) else {
            return Err(self.error("a string does not end"));
        };
        let bytes = self.take(n)?;
        self.take(1)?;
        std::str::from_utf8(bytes).map_err(|_| self.error("a string is not UTF-8"))
    }

    pub(crate) fn rest(&self) -> usize {
        self.bytes.len() - self.offset
    }

    pub(crate) fn end(&self) -> Result<(), IndexError> {
        if self.rest() == 0 {
            Ok(())
        } else {
            Err(self.error("bytes follow the last field"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form() {
        for value in [0, 1, 127, 128, 300, 1 << 28, u32::MAX] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, value);
            let mut fields = FieldReader::new(&bytes, Section::Manifest);
            assert_eq!(fields.number(), Ok(value));
            assert_eq!(fields.end(), Ok(()));
        }
        for bytes in [&[0x81, 0][..], &[0x80, 0x80, 0], &[0xFF; 5], &[0x80; 4]] {
            let mut fields = FieldReader::new(bytes, Section::Manifest);
            assert!(fields.number().is_err(), "{bytes:?}");
        }
    }
}
