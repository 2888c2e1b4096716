//! Puts a tuned table into an index.

use super::overlay::Delta;
use crate::store::{Folder, StoreError};
use littoral_guest::build::Sink;
use std::io;
use std::path::Path;

/// Writes `delta` into the index in `folder`: the blocks of the table into a folder of their own, then
/// the entry, at once. No other file is touched; a crash at any moment leaves the index as it was or as
/// it is to be. A table that was tuned before goes.
///
/// # Errors
/// [`StoreError`] when the disk refuses; the old index is then still in place.
pub fn deploy(folder: &mut Folder, delta: Delta) -> Result<(), StoreError> {
    let path = folder.path().to_owned();
    for (block, file) in delta.files {
        let put = folder.put(block, file.to_vec());
        put.map_err(write_failed(&path.join(block.path())))?;
    }
    folder.commit(&delta.manifest)
}

fn write_failed(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io {
        what: "write",
        path,
        source,
    }
}
