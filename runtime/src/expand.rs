//! Expansions: words that a document is to be found by beside its own, each with a weight, from a file
//! or from a learned sparse encoder. Queries need neither.
//!
//! ```text
//! document ─┬→ file, by its id ───────────────────────┐
//!           └→ tokens → logits of a vocabulary → max ─┴→ words with weights → one more field
//! ```

mod file;

pub use file::{ExpandError, ExpansionFile, MAX_TERMS, weights};

use crate::embed::EncodeError;
use littoral_guest::Document;
use littoral_indexes::inventory::hash_id;
use littoral_indexes::manifest::Expansions;
use std::sync::Arc;

/// The source of expansions from a file, as settings name it.
pub const FILE: &str = "file";

/// Weights are kept in this part of one.
const UNIT: f32 = 1024.0;

/// A model that gives words with weights for a text, without knowing any query.
pub trait SparseEncoder: Send + Sync {
    /// Identifies the model: other bytes of it, another id.
    fn id(&self) -> [u8; 8];
    /// Words with weights above zero, at most [`MAX_TERMS`].
    ///
    /// # Errors
    /// [`EncodeError`] when the model fails on the text.
    fn expand(&self, text: &str) -> Result<Vec<(String, f32)>, EncodeError>;
}

/// Gives documents their expansions.
pub enum Expander {
    /// What somebody wrote down.
    File(ExpansionFile),
    /// What the model of this name says.
    Model(String, Arc<dyn SparseEncoder>),
}

impl Expander {
    /// What an index keeps of it.
    pub fn settings(&self) -> Expansions {
        match self {
            Self::File(_) => Expansions {
                source: FILE.to_owned(),
                model: [0; 8],
            },
            Self::Model(name, model) => Expansions {
                source: name.clone(),
                model: model.id(),
            },
        }
    }

    /// Records of a file that documents asked for, and others; `None` for a model.
    pub fn counts(&self) -> Option<(usize, usize)> {
        match self {
            Self::File(file) => Some(file.counts()),
            Self::Model(..) => None,
        }
    }

    /// The hash of what the file says of the document whose id has the hash `id`; zeros for nothing, and
    /// for a model, which settings tell of.
    pub fn hash(&self, id: [u8; 8]) -> [u8; 8] {
        match self {
            Self::File(file) => file.hash(id),
            Self::Model(..) => [0; 8],
        }
    }

    /// Adds to `document` what it is to be found by beside its own words. What its record says itself
    /// stays where it weighs more.
    ///
    /// # Errors
    /// [`ExpandError`] when the file changed meanwhile, or the model fails.
    pub fn expand(&self, document: &mut Document) -> Result<(), ExpandError> {
        let found = match self {
            Self::File(file) => file.of(hash_id(&document.id))?,
            Self::Model(_, model) => {
                let text = [document.title.as_str(), document.text.as_str()].join("\n");
                let words = model.expand(&text)?.into_iter();
                words.map(|(word, weight)| (word, units(weight))).collect()
            }
        };
        for (word, weight) in found {
            let own = document.expansions.entry(word).or_default();
            *own = weight.max(*own);
        }
        Ok(())
    }
}

impl std::fmt::Debug for Expander {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expander").field(&self.settings()).finish()
    }
}

/// A weight in 1/1024, at least 1.
fn units(weight: f32) -> u32 {
    (weight * UNIT).round().max(1.0) as u32
}
