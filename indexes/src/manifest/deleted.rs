//! Documents of a segment that were deleted since.

use crate::coder::{Decoder, Encoder, Number};
use crate::error::{IndexError, Section};

/// Writes the numbers of deleted documents, ascending.
pub fn write_deleted(documents: &[u32]) -> Vec<u8> {
    if documents.is_empty() {
        return Vec::new();
    }
    let mut encoder = Encoder::new();
    Number::geometric(4).encode(&mut encoder, documents.len() as u32);
    let (mut gap, mut next) = (Number::geometric(5), 0);
    for &document in documents {
        gap.encode(&mut encoder, document - next);
        next = document + 1;
    }
    encoder.finish()
}

/// Reads what [`write_deleted`] wrote for a segment of `n_documents`.
///
/// # Errors
/// [`IndexError::Corrupt`] when a number is not below `n_documents`.
pub fn read_deleted(bytes: &[u8], n_documents: u32) -> Result<Vec<u32>, IndexError> {
    let mut documents = Vec::new();
    if bytes.is_empty() {
        return Ok(documents);
    }
    let mut decoder = Decoder::new(bytes);
    let n = Number::geometric(4).decode(&mut decoder);
    let (mut gap, mut next) = (Number::geometric(5), 0u32);
    for _ in 0..n {
        let document = next.checked_add(gap.decode(&mut decoder));
        match document {
            Some(document) if document < n_documents && !decoder.is_past_end() => {
                documents.push(document);
                next = document + 1;
            }
            _ => {
                let reason = "a deleted document is beyond the last";
                return Err(IndexError::corrupt(
                    Section::Manifest,
                    decoder.offset(),
                    reason,
                ));
            }
        }
    }
    Ok(documents)
}
