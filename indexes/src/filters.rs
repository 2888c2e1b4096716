//! Filters: for each key and value, the documents that carry it.
//!
//! The values of a key are sorted and cut into blocks; the manifest holds the separators. A block is
//! one range-coded stream: the number of values, then for each value its string, the number of its
//! documents and their gaps.

use crate::coder::{Decoder, Encoder, Number};
use crate::error::{IndexError, Section};
use crate::lexicon::TermCodec;

/// A filter value and the documents that carry it, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterValue {
    /// The value.
    pub value: String,
    /// Documents, ascending. `[n]`
    pub documents: Vec<u32>,
}

fn gaps(n_documents: u32, n: u32) -> Number {
    Number::geometric((n_documents / n.max(1)).max(1).ilog2() as i32)
}

/// Writes a block of values, sorted by value.
pub fn write(values: &[FilterValue], n_documents: u32) -> Vec<u8> {
    let mut encoder = Encoder::new();
    let mut names = TermCodec::default();
    let mut count = Number::geometric(5);
    Number::geometric(3).encode(&mut encoder, values.len() as u32);
    for value in values {
        names.encode(&mut encoder, value.value.as_bytes());
        let n = value.documents.len() as u32;
        count.encode(&mut encoder, n);
        let mut gap = gaps(n_documents, n);
        let mut next = 0;
        for &document in &value.documents {
            gap.encode(&mut encoder, document - next);
            next = document + 1;
        }
    }
    encoder.finish()
}

/// Reads a block of values.
///
/// # Errors
/// [`IndexError::Corrupt`] when the payload is not what [`write()`] makes.
pub fn read(payload: &[u8], n_documents: u32) -> Result<Vec<FilterValue>, IndexError> {
    let section = Section::Filters;
    let mut decoder = Decoder::new(payload);
    let mut names = TermCodec::default();
    let mut count = Number::geometric(5);
    let n_values = Number::geometric(3).decode(&mut decoder);
    let mut values: Vec<FilterValue> = Vec::new();
    for _ in 0..n_values {
        let name = names.decode(&mut decoder, section)?.to_vec();
        let corrupt = |d: &Decoder<'_>, why| Err(IndexError::corrupt(section, d.offset(), why));
        let Ok(value) = String::from_utf8(name) else {
            return corrupt(&decoder, "a filter value is not UTF-8");
        };
        let n = count.decode(&mut decoder);
        if n > n_documents {
            return corrupt(
                &decoder,
                "a filter value has more documents than the segment",
            );
        }
        let mut gap = gaps(n_documents, n);
        let mut next = 0u32;
        let mut documents = Vec::new();
        for _ in 0..n {
            let document = next.checked_add(gap.decode(&mut decoder));
            let Some(document) = document.filter(|&d| d < n_documents) else {
                return corrupt(&decoder, "a filter names a document beyond the last");
            };
            if decoder.is_past_end() {
                return corrupt(&decoder, "the filter values end too early");
            }
            documents.push(document);
            next = document + 1;
        }
        if decoder.is_past_end() || values.last().is_some_and(|last| last.value >= value) {
            return corrupt(&decoder, "filter values are out of order or cut");
        }
        values.push(FilterValue { value, documents });
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_are_read_as_written(map in prop::collection::btree_map("[a-z ]{0,9}", prop::collection::btree_set(0u32..500, 0..50), 0..9)) {
            let values: Vec<_> = map.into_iter().map(|(value, d)| FilterValue { value, documents: d.into_iter().collect() }).collect();
            prop_assert_eq!(read(&write(&values, 500), 500), Ok(values));
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(&bytes, 500);
        }
    }
}
