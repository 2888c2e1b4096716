//! A memory of vectors that threads share; none, for those who want none.

use super::cache::{CacheError, Key, Rounded, VectorCache};
use super::tables::TableCache;
use std::sync::{Arc, Mutex, PoisonError};

/// See the [module](self).
#[derive(Debug, Clone)]
pub(super) struct Memory(Option<Arc<Mutex<VectorCache>>>);

impl Memory {
    pub(super) fn new(cache: Option<VectorCache>) -> Self {
        Self(cache.map(|cache| Arc::new(Mutex::new(cache))))
    }

    /// Puts what is remembered of `keys` where nothing is yet.
    pub(super) fn fill(
        &self,
        keys: &[Key],
        vectors: &mut [Option<Vec<f32>>],
    ) -> Result<(), CacheError> {
        let Some(cache) = &self.0 else {
            return Ok(());
        };
        let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        for (vector, key) in vectors.iter_mut().zip(keys) {
            if vector.is_none() {
                *vector = cache.get(key)?;
            }
        }
        Ok(())
    }

    /// Where tables fitted to these vectors are remembered.
    pub(super) fn tables(&self) -> Option<TableCache> {
        let cache = self.0.as_ref()?.lock();
        Some(TableCache::beside(
            &cache.unwrap_or_else(PoisonError::into_inner),
        ))
    }

    /// Remembers `fresh` vectors.
    pub(super) fn put(&self, fresh: Vec<(Key, Rounded)>) -> Result<(), CacheError> {
        let Some(cache) = &self.0 else {
            return Ok(());
        };
        let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.put(fresh)
    }
}
