//! Vectors by the hash of their text, in one file a model.
//!
//! A record is the first 16 bytes of the text's BLAKE3 hash, a scale (`f32`), `dims` components
//! (`i16`), all little-endian, and the first 8 bytes of the BLAKE3 hash of what precedes. Records are
//! only ever appended. What a crash cut off, and any record whose hash is wrong, is forgotten: the
//! file is a memory, and losing it costs time alone.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file larger than this is begun anew.
const MAX_BYTES: u64 = 4 << 30;

const KEY_BYTES: usize = 16;
const CHECK_BYTES: usize = 8;

/// Why vectors could not be remembered.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the cache of vectors {path}: {error}")]
pub struct CacheError {
    /// The file.
    pub path: PathBuf,
    /// What the system reports.
    pub error: io::Error,
}

/// The hash of a text.
pub(super) type Key = [u8; KEY_BYTES];

/// The key of `text`.
pub(super) fn key(text: &str) -> Key {
    let mut key = [0; KEY_BYTES];
    key.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..KEY_BYTES]);
    key
}

/// A vector as it is remembered: 16 bits a component.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rounded {
    scale: f32,
    components: Box<[i16]>,
}

impl Rounded {
    pub(super) fn of(vector: &[f32]) -> Self {
        let largest = vector.iter().fold(0f32, |largest, x| largest.max(x.abs()));
        let limit = f32::from(i16::MAX);
        let scale = if largest > 0.0 { largest / limit } else { 1.0 };
        let round = |x: &f32| {
            let scaled = x / scale;
            (scaled + 0.5f32.copysign(scaled)).clamp(-limit, limit) as i16
        };
        Self {
            scale,
            components: vector.iter().map(round).collect(),
        }
    }

    pub(super) fn vector(&self) -> Vec<f32> {
        self.components
            .iter()
            .map(|&x| f32::from(x) * self.scale)
            .collect()
    }
}

/// Remembers vectors in a file.
#[derive(Debug)]
pub struct VectorCache {
    path: PathBuf,
    file: File,
    dims: usize,
    known: HashMap<Key, Rounded>,
}

impl VectorCache {
    /// The cache of the model `id`, with vectors of `dims`, in `folder`, which is made when it is
    /// not there.
    ///
    /// # Errors
    /// [`CacheError`] when the file cannot be opened or read.
    pub fn open(folder: &Path, id: [u8; 8], dims: usize) -> Result<Self, CacheError> {
        let name: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = folder.join(format!("{name}.vectors"));
        let failed = |error| CacheError {
            path: path.clone(),
            error,
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(failed)?;
        // One process writes at a time; what another appended since is read the next time.
        file.lock().map_err(failed)?;
        let known = read(&mut file, dims).map_err(failed);
        file.unlock().map_err(failed)?;
        let known = known?;
        Ok(Self {
            path,
            file,
            dims,
            known,
        })
    }

    pub(super) fn get(&self, key: &Key) -> Option<Vec<f32>> {
        self.known.get(key).map(Rounded::vector)
    }

    pub(super) fn put(&mut self, fresh: Vec<(Key, Rounded)>) -> Result<(), CacheError> {
        let mut bytes = Vec::with_capacity(fresh.len() * record_bytes(self.dims));
        for (key, vector) in fresh {
            let start = bytes.len();
            bytes.extend_from_slice(&key);
            bytes.extend_from_slice(&vector.scale.to_le_bytes());
            let components = vector.components.iter();
            components.for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
            let check = blake3::hash(&bytes[start..]);
            bytes.extend_from_slice(&check.as_bytes()[..CHECK_BYTES]);
            self.known.insert(key, vector);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let written = self.file.lock().and_then(|()| {
            let written = self.file.write_all(&bytes);
            self.file.unlock().and(written)
        });
        written.map_err(|error| CacheError {
            path: self.path.clone(),
            error,
        })
    }
}

fn record_bytes(dims: usize) -> usize {
    KEY_BYTES + 4 + 2 * dims + CHECK_BYTES
}

/// The records of a file, which is cut after the last that is whole.
fn read(file: &mut File, dims: usize) -> io::Result<HashMap<Key, Rounded>> {
    let size = record_bytes(dims);
    let length = file.metadata()?.len();
    let whole = length / size as u64 * size as u64;
    let mut known = HashMap::new();
    if length > MAX_BYTES {
        file.set_len(0)?;
        return Ok(known);
    }
    if whole < length {
        file.set_len(whole)?;
    }
    file.seek(SeekFrom::Start(0))?;
    let mut reader = io::BufReader::with_capacity(1 << 20, &*file);
    let mut record = vec![0; size];
    for _ in 0..whole / size as u64 {
        reader.read_exact(&mut record)?;
        let (body, check) = record.split_at(size - CHECK_BYTES);
        if blake3::hash(body).as_bytes()[..CHECK_BYTES] != *check {
            continue;
        }
        let mut key = [0; KEY_BYTES];
        key.copy_from_slice(&body[..KEY_BYTES]);
        let mut scale = [0; 4];
        scale.copy_from_slice(&body[KEY_BYTES..KEY_BYTES + 4]);
        let components = body[KEY_BYTES + 4..].chunks_exact(2);
        let components = components.map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        let vector = Rounded {
            scale: f32::from_le_bytes(scale),
            components: components.collect(),
        };
        known.insert(key, vector);
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_remembered_and_what_was_cut_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let vector = [0.5f32, -0.25, 0.125];
        let rounded = Rounded::of(&vector);
        let path = {
            let mut cache = VectorCache::open(folder.path(), [7; 8], 3).expect("a cache");
            assert_eq!(cache.get(&key("ebb")), None);
            let records = vec![
                (key("ebb"), rounded.clone()),
                (key("flood"), rounded.clone()),
            ];
            cache.put(records).expect("room");
            cache.path.clone()
        };
        let cache = VectorCache::open(folder.path(), [7; 8], 3).expect("a cache");
        assert_eq!(cache.get(&key("ebb")), Some(rounded.vector()));
        assert_eq!(cache.get(&key("flood")), Some(rounded.vector()));
        drop(cache);

        let mut bytes = std::fs::read(&path).expect("the file");
        bytes[3] ^= 1;
        bytes.pop();
        std::fs::write(&path, &bytes).expect("room");
        let mut cache = VectorCache::open(folder.path(), [7; 8], 3).expect("a cache");
        assert!(cache.known.is_empty());
        cache
            .put(vec![(key("flood"), rounded.clone())])
            .expect("room");
        let again = VectorCache::open(folder.path(), [7; 8], 3).expect("a cache");
        assert_eq!(again.get(&key("flood")), Some(rounded.vector()));
    }

    #[test]
    fn rounding_is_stable() {
        let rounded = Rounded::of(&[0.3, -0.7, 0.001]);
        assert_eq!(
            Rounded::of(&rounded.vector()).components,
            rounded.components
        );
    }
}
