//! Where the files of an index are: in a folder or in a store.

use littoral_api::files::Files;
use littoral_guest::{Host, HostError};
use littoral_indexes::envelope::BlockId;
use littoral_indexes::manifest::ENTRY_NAME;
use littoral_objects::{Location, LocationError, Objects};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The files of an index.
#[derive(Debug, Clone)]
pub enum Source {
    /// Those of a folder.
    Folder(Files),
    /// Those of a store, and its address.
    Store(Location, Objects),
}

/// The entry as its place shows it without giving it: other values, another index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stamp {
    /// Of a file.
    File {
        /// When it was written.
        modified: Option<SystemTime>,
        /// Its size.
        bytes: u64,
        /// Which file it is.
        inode: u64,
    },
    /// Of an object.
    Object(littoral_objects::Stamp),
}

impl Source {
    /// The folder `path`.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self::Folder(Files::new(path))
    }

    /// What `named` stands for on a command line: the address of a store, of which `cache_bytes` are
    /// kept in memory, or else a folder.
    ///
    /// # Errors
    /// [`LocationError`] for an address that is none, or a store that the environment does not tell of.
    pub fn named(named: &Path, cache_bytes: u64) -> Result<Self, LocationError> {
        match named.to_str().filter(|text| Location::is_one(text)) {
            None => Ok(Self::folder(named)),
            Some(text) => {
                let location = Location::parse(text)?;
                let objects = Objects::open(&location, cache_bytes)?;
                Ok(Self::Store(location, objects))
            }
        }
    }

    /// What the index is called: the last part of its path. `None` where that is not UTF-8.
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Folder(files) => {
                let whole = files.path().canonicalize().ok()?;
                Some(whole.file_name()?.to_str()?.to_owned())
            }
            Self::Store(location, _) => Some(location.name()),
        }
    }

    /// The entry as its place shows it now; `None` where it shows none.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::Folder(files) => {
                let metadata = files.path().join(ENTRY_NAME).metadata().ok()?;
                #[cfg(unix)]
                let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
                #[cfg(not(unix))]
                let inode = 0;
                Some(Stamp::File {
                    modified: metadata.modified().ok(),
                    bytes: metadata.len(),
                    inode,
                })
            }
            Self::Store(_, objects) => objects.stamp().map(Stamp::Object),
        }
    }
}

impl Host for Source {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        match self {
            Self::Folder(files) => files.entry().await,
            Self::Store(_, objects) => objects.entry().await,
        }
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        match self {
            Self::Folder(files) => files.read(blocks).await,
            Self::Store(_, objects) => objects.read(blocks).await,
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(files) => files.path().display().fmt(f),
            Self::Store(location, _) => location.fmt(f),
        }
    }
}
