//! The index of the documentation as it comes with the program: built beforehand with the encoder of
//! documents, so that the demo searches by meaning before any model is fetched.
//!
//! ```text
//! magic, hash of the pages (32), then of each file: length of its path (1), path, length (4), bytes
//! ```
//!
//! `cargo run --release --bin littoral -- demo --prebuild indexes/documentation.pack` makes it anew.

use super::PAGES;
use std::fs;
use std::io;
use std::path::Path;

const MAGIC: &[u8; 8] = b"LITPACK1";

/// The index, in one file.
const PACK: &[u8] = include_bytes!("../../../indexes/documentation.pack");

/// Identifies the pages that an index was built of.
fn hash_of_pages() -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for text in PAGES.iter().flat_map(|&(name, text)| [name, text]) {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize()
}

/// The index in `folder` as one file.
///
/// # Errors
/// What reading the folder reports.
pub(crate) fn pack(folder: &Path) -> io::Result<Vec<u8>> {
    let mut pack = [MAGIC.as_slice(), hash_of_pages().as_bytes()].concat();
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            for file in fs::read_dir(&path)? {
                paths.push(file?.path());
            }
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            paths.push(path);
        }
    }
    paths.sort();
    for path in paths {
        let name = path.strip_prefix(folder).unwrap_or(&path);
        let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
        let (name, bytes) = (parts.join("/"), fs::read(&path)?);
        pack.push(name.len() as u8);
        pack.extend(name.as_bytes());
        pack.extend((bytes.len() as u32).to_le_bytes());
        pack.extend(bytes);
    }
    Ok(pack)
}

/// Writes the files of the index into `folder`, the entry last.
///
/// # Errors
/// What writing reports.
pub(crate) fn unpack(folder: &Path) -> io::Result<()> {
    let mut files = files(PACK).ok_or(io::ErrorKind::InvalidData)?;
    // The entry names the others.
    files.sort_by_key(|(name, _)| !name.contains('/'));
    for (name, bytes) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}

/// Paths and bytes of the files in `pack`; `None` where it is cut or no pack.
fn files(pack: &[u8]) -> Option<Vec<(&str, &[u8])>> {
    let mut rest = pack.strip_prefix(MAGIC)?.get(blake3::OUT_LEN..)?;
    let mut files = Vec::new();
    while let Some((&n, after)) = rest.split_first() {
        let (name, after) = after.split_at_checked(usize::from(n))?;
        let (n, after) = after.split_first_chunk::<4>()?;
        let (bytes, after) = after.split_at_checked(u32::from_le_bytes(*n) as usize)?;
        files.push((std::str::from_utf8(name).ok()?, bytes));
        rest = after;
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_that_of_the_pages_as_they_are() {
        let hash = PACK
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.get(..blake3::OUT_LEN));
        assert_eq!(
            hash,
            Some(hash_of_pages().as_bytes().as_slice()),
            "the documentation has changed; build its index anew: cargo run --release --bin littoral \
             -- demo --prebuild indexes/documentation.pack"
        );
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        unpack(folder.path()).unwrap();
        assert_eq!(pack(folder.path()).unwrap(), PACK);
        for end in [0, 7, 40, PACK.len() - 1] {
            let cut = files(&PACK[..end]);
            assert!(cut.is_none_or(|files| files.is_empty()), "{end}");
        }
    }
}
