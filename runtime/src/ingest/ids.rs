//! Keeps ids unique while documents stream by.

use std::collections::HashMap;

use super::Skipped;

/// The ids seen so far, by their hashes.
///
/// The order of calls decides which of two documents with one id stays: the first. A caller that
/// parses on many threads must ask in the order of [`units`](super::units).
#[derive(Debug, Default)]
pub struct Ids(HashMap<[u8; 8], String>);

impl Ids {
    /// Takes the document with this hash of its id, found at `place`.
    ///
    /// # Errors
    ///
    /// `duplicate-id` where an earlier document has the same id.
    pub fn admit(&mut self, id: [u8; 8], place: String) -> Result<(), Skipped> {
        if let Some(first) = self.0.get(&id) {
            return Err(Skipped {
                message: format!("its id is taken by {first}; ids are unique in an index"),
                path: place,
                code: "duplicate-id",
            });
        }
        self.0.insert(id, place);
        Ok(())
    }
}
