//! An index as a folder: writing files, scratch space, and the atomic replacement of the entry.
//!
//! Files of a segment are written under their final names in a folder of the segment's own, which
//! nothing refers to yet. Then everything is flushed to the disk, the entry is written beside its
//! place, flushed, and renamed over the old one. A crash at any moment leaves the old index or the
//! new one, and at most files that nothing refers to, which the next build removes.

mod size;

pub use size::{folder_size, peak_rss_bytes};

use littoral_guest::build::{Scratch, Sink};
use littoral_indexes::envelope::{BlockId, SegmentId};
use littoral_indexes::manifest::{ENTRY_NAME, Manifest};
use littoral_objects::Location;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Name of the lock file. It stays; what counts is the lock on it, which ends with its process.
const LOCK_NAME: &str = ".littoral.lock";

/// Name of the entry while it is being written.
const NEW_ENTRY_NAME: &str = ".littoral.json.new";

/// Why an index folder could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process is writing to the folder.
    #[error("another process is writing to {}", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds something that is not an index.
    #[error("{} holds files that are not of a Littoral index", path.display())]
    NotAnIndex {
        /// The folder.
        path: PathBuf,
    },
    /// An address stands where a folder must.
    #[error("{} is an address, and indexes are written to folders alone", path.display())]
    Address {
        /// The address.
        path: PathBuf,
    },
}

impl StoreError {
    /// The stable kebab-case code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => "disk-full",
            Self::Io { .. } => "write-failed",
            Self::Locked { .. } => "index-locked",
            Self::NotAnIndex { .. } => "not-an-index",
            Self::Address { .. } => "not-a-folder",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "free some space and run the command again; the old index is untouched"
            }
            Self::Io { .. } => "check that the folder can be written; the old index is untouched",
            Self::Locked { .. } => "wait for the other build to end, then run the command again",
            Self::NotAnIndex { .. } => "name an empty or new folder with -o",
            Self::Address { .. } => "name the folder, and upload it, its littoral.json last",
        }
    }
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { what, path, source }
}

/// Refuses the address of a store, where a folder is written to.
///
/// # Errors
/// [`StoreError::Address`]
pub fn must_be_a_folder(path: &Path) -> Result<(), StoreError> {
    if path.to_str().is_some_and(Location::is_one) {
        let path = path.to_owned();
        return Err(StoreError::Address { path });
    }
    Ok(())
}

/// An index folder, locked for writing.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Held for its lock.
    _lock: File,
    made: Vec<PathBuf>,
    segments: BTreeSet<SegmentId>,
    bytes_written: u64,
    files_written: u64,
}

impl Folder {
    /// Opens `path` for writing and makes it when it is not there.
    ///
    /// # Errors
    /// [`StoreError`] when it is an address, cannot be made, is locked, or holds something else.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        must_be_a_folder(path)?;
        let existed = path.exists();
        fs::create_dir_all(path).map_err(failed("make the folder", path))?;
        if existed && !path.join(ENTRY_NAME).exists() {
            let mut entries = fs::read_dir(path).map_err(failed("list", path))?;
            let foreign = entries.any(|entry| {
                entry.is_ok_and(|entry| {
                    let name = entry.file_name();
                    let name = name.to_string_lossy();
                    name != LOCK_NAME && name != NEW_ENTRY_NAME && segment_name(&name).is_none()
                })
            });
            if foreign {
                return Err(StoreError::NotAnIndex {
                    path: path.to_owned(),
                });
            }
        }
        let lock_path = path.join(LOCK_NAME);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(failed("make", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked {
                    path: path.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(StoreError::Io {
                    what: "lock",
                    path: lock_path,
                    source,
                });
            }
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
            made: Vec::new(),
            segments: BTreeSet::new(),
            bytes_written: 0,
            files_written: 0,
        })
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of files written since it was opened, the entry included.
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written
    }

    /// Files written since it was opened, the entry included.
    pub fn files_written(&self) -> u64 {
        self.files_written
    }

    /// Makes `manifest` the index: flushes, replaces the entry, and removes segments that it does
    /// not name.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses; the old entry is then still in place.
    pub fn commit(&mut self, manifest: &Manifest) -> Result<(), StoreError> {
        let entry_path = self.path.join(ENTRY_NAME);
        let entry = manifest.write().map_err(|error| StoreError::Io {
            what: "write",
            path: entry_path.clone(),
            source: io::Error::other(error),
        })?;
        flush(&self.path).map_err(failed("flush", &self.path))?;
        let new = self.path.join(NEW_ENTRY_NAME);
        let mut file = File::create(&new).map_err(failed("write", &new))?;
        file.write_all(&entry).map_err(failed("write", &new))?;
        file.sync_all().map_err(failed("flush", &new))?;
        drop(file);
        fs::rename(&new, &entry_path).map_err(failed("replace", &entry_path))?;
        // From here on the entry names the new segments: whatever fails, they stay.
        self.made.clear();
        sync_folder(&self.path).map_err(failed("flush", &self.path))?;
        self.bytes_written += entry.len() as u64;
        self.files_written += 1;
        self.collect(manifest)
    }

    /// Removes segments that `manifest`, the index as it is, does not name. What cannot be removed
    /// now is removed by a later commit.
    ///
    /// # Errors
    /// [`StoreError`] when one cannot be removed.
    pub fn collect(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let used: BTreeSet<SegmentId> = manifest.folders().collect();
        for entry in fs::read_dir(&self.path)
            .map_err(failed("list", &self.path))?
            .flatten()
        {
            let name = entry.file_name();
            if name == NEW_ENTRY_NAME {
                // A build was stopped just before it replaced the entry.
                fs::remove_file(entry.path()).map_err(failed("remove", &entry.path()))?;
            } else if let Some(id) = segment_name(&name.to_string_lossy())
                && !used.contains(&id)
            {
                let path = entry.path();
                fs::remove_dir_all(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(())
    }
}

impl Drop for Folder {
    /// Removes segments written but not committed, so that a failed build leaves nothing.
    fn drop(&mut self) {
        for path in &self.made {
            let _ = fs::remove_dir_all(path);
        }
    }
}

impl Sink for Folder {
    fn put(&mut self, block: BlockId, file: Vec<u8>) -> io::Result<()> {
        let folder = self.path.join(block.segment.to_string());
        if self.segments.insert(block.segment) {
            // A segment of the same id has the same bytes: it may be in use, and is only rewritten.
            if !folder.exists() {
                self.made.push(folder.clone());
                fs::create_dir(&folder)?;
            }
        }
        let path = self.path.join(block.path());
        self.bytes_written += file.len() as u64;
        self.files_written += 1;
        if self.made.contains(&folder) {
            return fs::write(&path, file);
        }
        if fs::read(&path).is_ok_and(|old| old == file) {
            return Ok(());
        }
        if path.exists() {
            // Readers may have it open: it is replaced, not changed.
            let new = path.with_extension("new");
            fs::write(&new, file)?;
            return fs::rename(&new, &path);
        }
        fs::write(&path, file)
    }
}

/// The segment that a folder's name is of.
fn segment_name(name: &str) -> Option<SegmentId> {
    if name.len() != 16 {
        return None;
    }
    let mut id = [0; 8];
    for (i, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(name.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    (SegmentId(id).to_string() == name).then_some(SegmentId(id))
}

/// Flushes everything written below `folder`.
#[cfg(target_os = "linux")]
fn flush(folder: &Path) -> io::Result<()> {
    // One call for the file system instead of one for each of thousands of files.
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

/// Flushes everything written below `folder`.
#[cfg(not(target_os = "linux"))]
fn flush(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            flush(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(folder)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    // Folders cannot be flushed here; the rename is as durable as the system makes it.
    Ok(())
}

/// Scratch space in an unnamed temporary file.
#[derive(Debug)]
pub struct TemporaryFile {
    file: File,
    buffer: Vec<u8>,
    flushed: u64,
}

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 1 << 20;

impl TemporaryFile {
    /// An empty file in the system's folder for temporary files.
    ///
    /// # Errors
    /// What the system reports.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            file: tempfile::tempfile()?,
            buffer: Vec::new(),
            flushed: 0,
        })
    }
}

impl Scratch for TemporaryFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let offset = self.flushed + self.buffer.len() as u64;
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() > BUFFER_BYTES {
            self.file.write_all(&self.buffer)?;
            self.flushed += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(offset)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let in_file = self.flushed.saturating_sub(offset).min(out.len() as u64) as usize;
        let (first, rest) = out.split_at_mut(in_file);
        read_at(&self.file, offset, first)?;
        let start = (offset + in_file as u64).saturating_sub(self.flushed) as usize;
        let buffered = self.buffer.get(start..start + rest.len());
        rest.copy_from_slice(buffered.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

#[cfg(unix)]
fn read_at(file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
    while !out.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_read(file, out, offset)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out = &mut out[n..];
        offset += n as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_space_gives_back_what_was_appended_across_its_buffer() {
        let mut scratch = TemporaryFile::new().unwrap();
        let big: Vec<u8> = (0..BUFFER_BYTES + 10).map(|i| i as u8).collect();
        let a = scratch.append(b"start").unwrap();
        let b = scratch.append(&big).unwrap();
        let c = scratch.append(b"end").unwrap();
        let mut out = vec![0; big.len()];
        scratch.read(b, &mut out).unwrap();
        assert_eq!(out, big);
        let mut out = [0; 5];
        scratch.read(a, &mut out).unwrap();
        assert_eq!(&out, b"start");
        let mut out = [0; 4];
        scratch.read(c - 1, &mut out).unwrap();
        assert_eq!(out[1..], *b"end");
        assert!(scratch.read(c + 1, &mut out).is_err());
    }

    #[test]
    fn a_folder_with_other_files_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
        assert!(matches!(
            Folder::open(folder.path()),
            Err(StoreError::NotAnIndex { .. })
        ));
    }

    #[test]
    fn two_writers_exclude_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let first = Folder::open(folder.path()).unwrap();
        assert!(matches!(
            Folder::open(folder.path()),
            Err(StoreError::Locked { .. })
        ));
        drop(first);
        assert!(Folder::open(folder.path()).is_ok());
    }
}
