//! A bundle: an index, the engine, and a page for any static host or a server for a platform.
//!
//! ```text
//! index.html, page.css, icon.svg   a search page; addresses in it are relative
//! worker.js, server.js, …          or a server, with its settings
//! littoral.wasm                    or a component, with what hosts are told
//! wit/, src/                       or one for hosts of one's own: its world, and such a host
//! js/                              the package, with its licences
//! littoral/, public/, index/       the index
//! littoral-bundle.json             what was written, so that the next bundle may replace it
//! ```
//!
//! A bundle is made beside its place and moved there when it is whole, so that a crash leaves the
//! old one or the new one. A folder is replaced only where every file in it is as a bundle wrote it:
//! what somebody changed or added is theirs.

mod target;

pub(crate) use target::{Platform, Server, Store, Target};

use crate::host::IndexHost;
use crate::web::LICENCES;
use littoral_guest::EngineError;
use littoral_guest::engine::{Index, Problem};
use littoral_indexes::manifest::{ENTRY_NAME, Manifest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The list of a bundle's files.
const LIST_NAME: &str = "littoral-bundle.json";

/// A list is small: some hundred bytes for each file of an index.
const MAX_LIST_BYTES: u64 = 64 << 20;

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
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
    /// The folder holds something that no bundle wrote.
    #[error("{} is not of a bundle, or was changed since", path.display())]
    NotABundle {
        /// The first such file.
        path: PathBuf,
    },
    /// The bundle would be written into what it is made of.
    #[error("{} and the index lie in one another", path.display())]
    Overlap {
        /// The folder of the bundle.
        path: PathBuf,
    },
    /// The index cannot be opened.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The index is damaged.
    #[error("{}: {} ({})", .0.file, .0.message, .0.code)]
    Damaged(Problem),
    /// The package is of another version.
    #[error("{} is of another version of the package", path.display())]
    Page {
        /// The page.
        path: PathBuf,
    },
}

impl BundleError {
    /// The stable kebab-case code of the error.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => "disk-full",
            Self::Io { .. } => "write-failed",
            Self::NotABundle { .. } => "not-a-bundle",
            Self::Overlap { .. } => "bad-output",
            Self::Engine(error) => error.code(),
            Self::Damaged(problem) => problem.code,
            Self::Page { .. } => "web-package-not-built",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => "check the space left and that the folder can be written",
            Self::NotABundle { .. } => "move it away, or name another folder with -o",
            Self::Overlap { .. } => "name a folder beside the index with -o",
            Self::Engine(_) | Self::Damaged(_) => {
                "littoral check lists all damage; build the index anew from its documents"
            }
            Self::Page { .. } => "build the package anew: node web/build.mjs",
        }
    }
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BundleError {
    let path = path.to_owned();
    move |source| BundleError::Io { what, path, source }
}

/// What a bundle holds.
#[derive(Debug, Serialize, Deserialize)]
struct List {
    littoral: String,
    target: String,
    /// Hash by path.
    files: BTreeMap<String, String>,
}

/// What was written.
#[derive(Debug, Serialize)]
pub(crate) struct Written {
    /// Files, the list included.
    pub(crate) files: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// Writes a bundle for `target` of the index in `index` and the package in `package` to `out`.
///
/// # Errors
/// [`BundleError`]; `out` is then as it was.
pub(crate) fn write(
    index: &Path,
    package: &Path,
    out: &Path,
    target: &Target,
) -> Result<Written, BundleError> {
    let opened = pollster::block_on(Index::open(IndexHost::new(index)))?;
    let out = absolute(out)?;
    let source = index.canonicalize().map_err(failed("read", index))?;
    if out.starts_with(&source) || source.starts_with(&out) {
        return Err(BundleError::Overlap { path: out });
    }
    let was_there = replaceable(&out)?;
    let parent = out.parent().unwrap_or(&out);
    fs::create_dir_all(parent).map_err(failed("make the folder", parent))?;
    let new = tempfile::Builder::new()
        .prefix(".littoral-bundle-")
        .tempdir_in(parent)
        .map_err(failed("write in", parent))?;
    let mut bundle = Bundle {
        root: new.path().join("new"),
        files: BTreeMap::new(),
        bytes: 0,
    };
    let manifest = opened.manifest();
    bundle.index(&source, manifest, target.index_folder())?;
    bundle.package(package, &target.package_files())?;
    bundle.around(target, package, &manifest.settings.embedding.embedder)?;
    let written = bundle.list(target.name())?;
    // What was copied is verified, and with it what it was copied from.
    let copied = IndexHost::new(new.path().join("new").join(target.index_folder()));
    let check = pollster::block_on(pollster::block_on(Index::open(copied))?.check());
    if let Some(problem) = check.problems.into_iter().next() {
        return Err(BundleError::Damaged(problem));
    }
    put(&new.path().join("new"), &out, was_there, new.path())?;
    Ok(written)
}

/// `path` with its folder resolved, so that the bundle can be made beside it.
fn absolute(path: &Path) -> Result<PathBuf, BundleError> {
    let path = std::path::absolute(path).map_err(failed("find", path))?;
    // A link is followed: what it leads to is replaced.
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
    Ok(match (parent, path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => path,
    })
}

/// Whether `out` is there; where it is, every file in it must be as a bundle wrote it.
fn replaceable(out: &Path) -> Result<bool, BundleError> {
    if fs::symlink_metadata(out).is_err() {
        return Ok(false);
    }
    let mut found = Vec::new();
    walk(out, "", &mut found)?;
    if found.is_empty() {
        return Ok(true);
    }
    let list_path = out.join(LIST_NAME);
    let is_small = fs::metadata(&list_path).is_ok_and(|list| list.len() <= MAX_LIST_BYTES);
    let list = is_small.then(|| fs::read(&list_path)).and_then(Result::ok);
    let list: Option<List> = list.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let files = list.map(|list| list.files).unwrap_or_default();
    for name in found.iter().filter(|name| *name != LIST_NAME) {
        let path = out.join(name);
        let bytes = fs::read(&path).map_err(failed("read", &path))?;
        if files.get(name) != Some(&hash(&bytes)) {
            return Err(BundleError::NotABundle { path });
        }
    }
    if files.is_empty() {
        return Err(BundleError::NotABundle { path: list_path });
    }
    Ok(true)
}

/// The files below `folder`, `/` between folders. What is neither a file nor a folder is no bundle's.
fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) -> Result<(), BundleError> {
    for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
        let entry = entry.map_err(failed("list", folder))?;
        let kind = entry.file_type().map_err(failed("read", &entry.path()))?;
        let foreign = || BundleError::NotABundle { path: entry.path() };
        let name = entry.file_name().into_string().map_err(|_| foreign())?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{prefix}{name}/"), found)?;
        } else if kind.is_file() {
            found.push(format!("{prefix}{name}"));
        } else {
            return Err(foreign());
        }
    }
    Ok(())
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Moves `new` to `out`; the old one goes with the folder `scratch`.
fn put(new: &Path, out: &Path, was_there: bool, scratch: &Path) -> Result<(), BundleError> {
    if !was_there {
        return fs::rename(new, out).map_err(failed("make", out));
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        // Not every file system can do this; the others are left for an instant without the folder.
        if renameat_with(CWD, new, CWD, out, RenameFlags::EXCHANGE).is_ok() {
            return Ok(());
        }
    }
    let old = scratch.join("old");
    fs::rename(out, &old).map_err(failed("replace", out))?;
    fs::rename(new, out).map_err(|error| {
        let _ = fs::rename(&old, out);
        failed("replace", out)(error)
    })
}

/// A bundle that is being written.
struct Bundle {
    root: PathBuf,
    files: BTreeMap<String, String>,
    bytes: u64,
}

impl Bundle {
    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        let path = self.root.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
        }
        fs::write(&path, bytes).map_err(failed("write", &path))?;
        self.files.insert(name.to_owned(), hash(bytes));
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn copy(&mut self, from: &Path, name: &str) -> Result<(), BundleError> {
        let bytes = fs::read(from).map_err(failed("read", from))?;
        self.put(name, &bytes)
    }

    /// The entry, and the files of the segments that it names.
    fn index(&mut self, index: &Path, manifest: &Manifest, to: &str) -> Result<(), BundleError> {
        let mut segments: Vec<String> = manifest.folders().map(|id| id.to_string()).collect();
        segments.sort();
        segments.dedup();
        for segment in segments {
            let mut files = Vec::new();
            walk(&index.join(&segment), &format!("{segment}/"), &mut files)?;
            for file in files {
                self.copy(&index.join(&file), &format!("{to}/{file}"))?;
            }
        }
        self.copy(&index.join(ENTRY_NAME), &format!("{to}/{ENTRY_NAME}"))
    }

    fn package(&mut self, package: &Path, files: &[&str]) -> Result<(), BundleError> {
        let to = if files.is_empty() { "" } else { "js/" };
        let files = files.iter().chain(&LICENCES);
        files
            .copied()
            .try_for_each(|file| self.copy(&package.join(file), &format!("{to}{file}")))
    }

    fn list(self, target: &str) -> Result<Written, BundleError> {
        let files = self.files.len() as u64 + 1;
        let list = List {
            littoral: env!("CARGO_PKG_VERSION").to_owned(),
            target: target.to_owned(),
            files: self.files,
        };
        let path = self.root.join(LIST_NAME);
        let text = serde_json::to_vec_pretty(&list)
            .map_err(|error| failed("write", &path)(io::Error::other(error)))?;
        fs::write(&path, &text).map_err(failed("write", &path))?;
        Ok(Written {
            files,
            bytes: self.bytes + text.len() as u64,
        })
    }
}
