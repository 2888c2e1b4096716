//! The files of an index in a folder, and the host over them.

use littoral_guest::{Host, HostError};
use littoral_indexes::envelope::BlockId;
use littoral_indexes::manifest::{ENTRY_NAME, MAX_ENTRY_BYTES};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest file of an index in bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Reads blocks from the files of a folder; encodes nothing.
#[derive(Debug, Clone)]
pub struct Files(PathBuf);

impl Files {
    /// Those of the index in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, name: &str, limit: u64) -> Result<Arc<[u8]>, HostError> {
        let path = name.to_owned();
        // Read, not mapped: a file cut while it is mapped would end the process.
        match read_limited(&self.0.join(name), limit) {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(HostError::NotFound { path })
            }
            Err(error) => Err(HostError::Unreadable {
                path,
                reason: error.to_string(),
            }),
        }
    }
}

impl Host for Files {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        self.file(ENTRY_NAME, MAX_ENTRY_BYTES as u64)
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        blocks
            .iter()
            .map(|block| self.file(&block.path(), MAX_FILE_BYTES))
            .collect()
    }
}

/// Reads a file of at most `limit` bytes.
fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        Err(io::ErrorKind::FileTooLarge.into())
    } else {
        Ok(bytes)
    }
}
