//! The files of an index, in a folder.

use littoral_guest::{Host, HostError};
use littoral_indexes::envelope::BlockId;
use littoral_indexes::manifest::{ENTRY_NAME, MAX_ENTRY_BYTES};
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

/// Largest file of an index in bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Reads blocks from the files of a folder.
#[derive(Debug, Clone)]
pub(crate) struct Files(pub(crate) PathBuf);

impl Files {
    fn file(&self, name: &str, limit: u64) -> Result<Arc<[u8]>, HostError> {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            File::open(self.0.join(name))?
                .take(limit + 1)
                .read_to_end(&mut bytes)?;
            if bytes.len() as u64 > limit {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            Ok(bytes)
        };
        let path = name.to_owned();
        read().map(Into::into).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => HostError::NotFound { path },
            _ => HostError::Unreadable {
                path,
                reason: error.to_string(),
            },
        })
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
