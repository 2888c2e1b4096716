//! Sort columns: the value of a sort key for each document.
//!
//! A column is cut into blocks of [`DOCUMENTS_PER_BLOCK`] documents. A block is the values one after
//! another, each as its length plus one and its bytes, or zero for none, compressed as one text.

use crate::bytes::{FieldReader, put_number};
use crate::error::{IndexError, Section};

/// Documents in a block.
pub const DOCUMENTS_PER_BLOCK: u32 = 2048;

/// The uncompressed bytes of a block of values.
pub fn write(values: &[Option<String>]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        put_number(&mut out, value.as_ref().map_or(0, |v| v.len() as u32 + 1));
        out.extend_from_slice(value.as_deref().unwrap_or("").as_bytes());
    }
    out
}

/// Reads the `n` values of a block.
///
/// # Errors
/// [`IndexError::Corrupt`] when the bytes are not what [`write()`] makes.
pub fn read(bytes: &[u8], n: u32) -> Result<Vec<Option<String>>, IndexError> {
    let mut fields = FieldReader::new(bytes, Section::Sort);
    let mut values = Vec::new();
    for _ in 0..n {
        let length = fields.number()?;
        values.push(if length == 0 {
            None
        } else {
            let bytes = fields.take(length as usize - 1)?;
            let value = std::str::from_utf8(bytes);
            Some(
                value
                    .map_err(|_| fields.error("a sort value is not UTF-8"))?
                    .to_owned(),
            )
        });
    }
    fields.end()?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_written() {
        let values = vec![Some("2024-01-02".to_owned()), None, Some(String::new())];
        let bytes = write(&values);
        assert_eq!(read(&bytes, 3), Ok(values));
        assert!(read(&bytes, 2).is_err() && read(&bytes, 4).is_err());
    }
}
