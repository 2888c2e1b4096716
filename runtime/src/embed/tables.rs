//! Fitted tables by the hash of what they were fitted to: one file each, in a folder beside the
//! vectors' file.
//!
//! A file is the table's manifest and its blocks, as bincode has them, and the first 8 bytes of the
//! BLAKE3 hash of what precedes. What cannot be read, or whose hash is wrong, is fitted again: like the
//! vectors' file, the folder is a memory. Tables that were not asked for the longest go when all
//! together are larger than [`MAX_BYTES`].

use super::cache::{CacheError, VectorCache};
use bincode::config::{Configuration, standard};
use littoral_guest::build::{FittedTable, Tables};
use littoral_indexes::table::TableManifest;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes of all tables of a model and processor.
const MAX_BYTES: u64 = 512 << 20;

const CHECK_BYTES: usize = 8;

const CONFIG: Configuration = standard();

/// Remembers tables in a folder.
#[derive(Debug)]
pub(crate) struct TableCache {
    folder: PathBuf,
}

impl TableCache {
    /// The memory of tables fitted to the vectors that `vectors` remembers.
    pub(super) fn beside(vectors: &VectorCache) -> Self {
        Self {
            folder: vectors.path().with_extension("tables"),
        }
    }

    fn path(&self, key: &[u8; 32]) -> PathBuf {
        let name: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name)
    }

    /// Removes those asked for the longest time ago, until the others take no more than `max` bytes.
    fn shrink(&self, max: u64) -> io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            // Another process may be removing it too.
            if let Ok(about) = entry.metadata() {
                files.push((about.modified()?, about.len(), entry.path()));
            }
        }
        files.sort_by(|a, b| b.cmp(a));
        let mut total = 0;
        for (_, bytes, path) in files {
            total += bytes;
            if total > max {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn write(&self, key: &[u8; 32], table: &FittedTable) -> io::Result<()> {
        let body = (table.manifest, &table.blocks);
        let mut bytes = bincode::encode_to_vec(body, CONFIG).map_err(io::Error::other)?;
        let check = blake3::hash(&bytes);
        bytes.extend_from_slice(&check.as_bytes()[..CHECK_BYTES]);
        fs::create_dir_all(&self.folder)?;
        // Whole or not at all: others may read it at the same time.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&bytes)?;
        file.persist(self.path(key))?;
        self.shrink(MAX_BYTES)
    }
}

/// The table in a file, if it is whole.
fn read(path: &Path) -> Option<FittedTable> {
    let bytes = fs::read(path).ok()?;
    let (body, check) = bytes.split_at_checked(bytes.len().checked_sub(CHECK_BYTES)?)?;
    if blake3::hash(body).as_bytes()[..CHECK_BYTES] != *check {
        return None;
    }
    let decoded = bincode::decode_from_slice::<(TableManifest, Vec<Vec<u8>>), _>(body, CONFIG);
    let ((manifest, blocks), _) = decoded.ok()?;
    Some(FittedTable { blocks, manifest })
}

impl Tables for TableCache {
    fn get(&self, key: &[u8; 32]) -> Option<FittedTable> {
        let path = self.path(key);
        let table = read(&path)?;
        // A file that cannot be marked as used only goes sooner.
        let _ = File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(SystemTime::now()));
        Some(table)
    }

    fn put(&self, key: &[u8; 32], table: &FittedTable) -> io::Result<()> {
        self.write(key, table).map_err(|error| {
            io::Error::other(CacheError {
                path: self.folder.clone(),
                error,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use littoral_indexes::table::{TableReport, TableShape};
    use std::time::Duration;

    fn table(byte: u8) -> FittedTable {
        FittedTable {
            blocks: vec![vec![byte; 100], Vec::new()],
            manifest: TableManifest {
                shape: TableShape {
                    dims: 8,
                    bits: 5,
                    n_blocks: 2,
                },
                report: TableReport::default(),
            },
        }
    }

    #[test]
    fn tables_are_remembered_and_damaged_ones_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = TableCache {
            folder: folder.path().join("tables"),
        };
        assert_eq!(cache.get(&[1; 32]), None);
        cache.put(&[1; 32], &table(1)).expect("room");
        cache.put(&[2; 32], &table(2)).expect("room");
        assert_eq!(cache.get(&[1; 32]), Some(table(1)));
        assert_eq!(cache.get(&[2; 32]), Some(table(2)));

        let path = cache.path(&[1; 32]);
        let whole = fs::read(&path).expect("the file");
        for i in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[i] ^= 1;
            fs::write(&path, damaged).expect("room");
            assert_eq!(cache.get(&[1; 32]), None, "byte {i}");
            fs::write(&path, &whole[..i]).expect("room");
            assert_eq!(cache.get(&[1; 32]), None, "cut at {i}");
        }
        cache.put(&[1; 32], &table(3)).expect("room");
        assert_eq!(cache.get(&[1; 32]), Some(table(3)));
    }

    #[test]
    fn those_not_asked_for_the_longest_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = TableCache {
            folder: folder.path().to_owned(),
        };
        let now = SystemTime::now();
        for byte in 0..4 {
            cache.put(&[byte; 32], &table(byte)).expect("room");
            let before = now - Duration::from_secs(100 - u64::from(byte));
            let file = File::options().append(true).open(cache.path(&[byte; 32]));
            file.and_then(|file| file.set_modified(before))
                .expect("a time");
        }
        assert_eq!(cache.get(&[0; 32]), Some(table(0)));
        let bytes = fs::metadata(cache.path(&[0; 32])).expect("a file").len();
        cache.shrink(2 * bytes).expect("files that can be removed");
        let left: Vec<bool> = (0..4).map(|b| cache.get(&[b; 32]).is_some()).collect();
        assert_eq!(left, [true, false, false, true]);
    }
}
