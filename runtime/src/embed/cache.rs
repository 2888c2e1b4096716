//! Vectors by the hash of their text, in one file a model and processor.
//!
//! A record is the first 16 bytes of the text's BLAKE3 hash, a scale (`f32`), `dims` components
//! (`i16`), all little-endian, and the first 8 bytes of the BLAKE3 hash of what precedes. Records are
//! only ever appended. What a crash cut off, and any record whose hash is wrong, is forgotten: the
//! file is a memory, and losing it costs time alone.
//!
//! What is held of it is the place of each record, 24 bytes where MiniLM's take 796; a record is read
//! when it is asked for, and its hash compared then.

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

/// What computed vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processor {
    /// The CPU, whose vectors are the same everywhere.
    Cpu,
    /// A GPU.
    Gpu,
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
    /// Where the record of each key begins.
    places: HashMap<Key, u64>,
}

impl VectorCache {
    /// The cache of the model `id`, with vectors of `dims`, in `folder`, which is made when it is
    /// not there. What another `processor` computed is another file: its vectors may differ in their
    /// last bits.
    ///
    /// # Errors
    /// [`CacheError`] when the file cannot be opened or read.
    pub fn open(
        folder: &Path,
        id: [u8; 8],
        dims: usize,
        processor: Processor,
    ) -> Result<Self, CacheError> {
        let name: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let behind = match processor {
            Processor::Cpu => "",
            Processor::Gpu => "-gpu",
        };
        let path = folder.join(format!("{name}{behind}.vectors"));
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
        let places = read(&mut file, dims).map_err(failed);
        file.unlock().map_err(failed)?;
        let places = places?;
        Ok(Self {
            path,
            file,
            dims,
            places,
        })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The vector remembered for `key`; one that is damaged is forgotten.
    pub(super) fn get(&mut self, key: &Key) -> Result<Option<Vec<f32>>, CacheError> {
        let Some(&place) = self.places.get(key) else {
            return Ok(None);
        };
        let mut record = vec![0; record_bytes(self.dims)];
        let read = self.file.seek(SeekFrom::Start(place));
        match read.and_then(|_| self.file.read_exact(&mut record)) {
            // Another process may have begun the file anew.
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(CacheError {
                path: self.path.clone(),
                error,
            }),
            Ok(()) if is_sound(&record) && record[..KEY_BYTES] == *key => Ok(Some(vector(&record))),
            _ => {
                self.places.remove(key);
                Ok(None)
            }
        }
    }

    pub(super) fn put(&mut self, fresh: Vec<(Key, Rounded)>) -> Result<(), CacheError> {
        let size = record_bytes(self.dims);
        let mut bytes = Vec::with_capacity(fresh.len() * size);
        for (key, vector) in &fresh {
            let start = bytes.len();
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(&vector.scale.to_le_bytes());
            let components = vector.components.iter();
            components.for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
            let check = blake3::hash(&bytes[start..]);
            bytes.extend_from_slice(&check.as_bytes()[..CHECK_BYTES]);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let written = self.file.lock().and_then(|()| {
            let place = self.file.seek(SeekFrom::End(0));
            let written = place.and_then(|place| self.file.write_all(&bytes).map(|()| place));
            self.file.unlock().and(written)
        });
        let place = written.map_err(|error| CacheError {
            path: self.path.clone(),
            error,
        })?;
        for (i, (key, _)) in (0..).zip(fresh) {
            self.places.insert(key, place + i * size as u64);
        }
        Ok(())
    }
}

fn record_bytes(dims: usize) -> usize {
    KEY_BYTES + 4 + 2 * dims + CHECK_BYTES
}

fn is_sound(record: &[u8]) -> bool {
    let (body, check) = record.split_at(record.len() - CHECK_BYTES);
    blake3::hash(body).as_bytes()[..CHECK_BYTES] == *check
}

/// The vector of a sound record.
fn vector(record: &[u8]) -> Vec<f32> {
    let mut scale = [0; 4];
    scale.copy_from_slice(&record[KEY_BYTES..KEY_BYTES + 4]);
    let scale = f32::from_le_bytes(scale);
    let components = record[KEY_BYTES + 4..record.len() - CHECK_BYTES].chunks_exact(2);
    let components = components.map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    components.map(|x| f32::from(x) * scale).collect()
}

/// The places of a file's records, which is cut after the last that is whole.
fn read(file: &mut File, dims: usize) -> io::Result<HashMap<Key, u64>> {
    let size = record_bytes(dims) as u64;
    let length = file.metadata()?.len();
    let whole = length / size * size;
    let mut places = HashMap::new();
    if length > MAX_BYTES {
        file.set_len(0)?;
        return Ok(places);
    }
    if whole < length {
        file.set_len(whole)?;
    }
    file.seek(SeekFrom::Start(0))?;
    let mut reader = io::BufReader::with_capacity(1 << 20, &*file);
    let mut record = vec![0; size as usize];
    for place in (0..whole).step_by(size as usize) {
        reader.read_exact(&mut record)?;
        let mut key = [0; KEY_BYTES];
        key.copy_from_slice(&record[..KEY_BYTES]);
        places.insert(key, place);
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cache: &mut VectorCache, text: &str) -> Option<Vec<f32>> {
        cache.get(&key(text)).expect("a file that can be read")
    }

    #[test]
    fn vectors_are_remembered_and_what_was_cut_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let vector = [0.5f32, -0.25, 0.125];
        let rounded = Rounded::of(&vector);
        let path = {
            let mut cache =
                VectorCache::open(folder.path(), [7; 8], 3, Processor::Cpu).expect("a cache");
            assert_eq!(found(&mut cache, "ebb"), None);
            let records = vec![
                (key("ebb"), rounded.clone()),
                (key("flood"), rounded.clone()),
            ];
            cache.put(records).expect("room");
            cache.path.clone()
        };
        let mut cache =
            VectorCache::open(folder.path(), [7; 8], 3, Processor::Cpu).expect("a cache");
        assert_eq!(found(&mut cache, "flood"), Some(rounded.vector()));
        assert_eq!(found(&mut cache, "ebb"), Some(rounded.vector()));
        drop(cache);

        let mut bytes = std::fs::read(&path).expect("the file");
        bytes[20] ^= 1;
        bytes.pop();
        std::fs::write(&path, &bytes).expect("room");
        let mut cache =
            VectorCache::open(folder.path(), [7; 8], 3, Processor::Cpu).expect("a cache");
        assert_eq!(found(&mut cache, "ebb"), None);
        assert_eq!(found(&mut cache, "flood"), None);
        cache
            .put(vec![(key("flood"), rounded.clone())])
            .expect("room");
        assert_eq!(found(&mut cache, "flood"), Some(rounded.vector()));
        let mut again =
            VectorCache::open(folder.path(), [7; 8], 3, Processor::Cpu).expect("a cache");
        assert_eq!(found(&mut again, "flood"), Some(rounded.vector()));
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
