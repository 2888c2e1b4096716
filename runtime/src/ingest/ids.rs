//! Keeps ids unique while documents stream by.

use std::collections::HashMap;
use std::sync::Arc;

use littoral_guest::Document;

use super::{Skipped, Unit};

/// The ids seen so far.
///
/// The order of calls decides which of two documents with one id stays: the first. A caller that
/// parses on many threads must ask in the order of [`units`](super::units).
#[derive(Debug, Default)]
pub struct Ids {
    seen: HashMap<String, (Arc<str>, usize)>,
}

impl Ids {
    /// No id yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of a document's id.
    ///
    /// # Errors
    ///
    /// `duplicate-id` where an earlier document has the same id.
    pub fn admit(&mut self, document: &Document, unit: &Unit) -> Result<(), Skipped> {
        if let Some((path, line)) = self.seen.get(&document.id) {
            let first = if *line > 0 {
                format!("{path}:{line}")
            } else {
                path.to_string()
            };
            let message = format!(
                "the id `{}` is taken by {first}, which stays; give each document its own id",
                document.id
            );
            return Err(unit.skip("duplicate-id", message));
        }
        self.seen
            .insert(document.id.clone(), (Arc::clone(&unit.path), unit.line));
        Ok(())
    }
}
