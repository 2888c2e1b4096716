//! A file of expansions: `{"id": "<document's id>", "terms": {"<word>": <weight>, …}}`, one a line.
//!
//! All of it is read and checked once; what stays in memory is where each record lies, 48 bytes, and a
//! record is read again when its document is indexed.

use super::units;
use crate::embed::EncodeError;
use littoral_indexes::inventory::hash_id;
use littoral_indexes::lexicon::MAX_TERM_BYTES;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Most words of an expansion.
pub const MAX_TERMS: usize = 4096;

/// Highest weight. The index tells weights from 0.15 to 12 apart.
const MAX_WEIGHT: f64 = 1000.0;

/// Longest line.
const MAX_LINE_BYTES: u64 = 8 << 20;

/// Why documents have no expansions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line is no expansion.
    #[error("{}:{line}: {reason}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u32,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// The file was written to while the index was built.
    #[error("{}:{line}: the record changed while the index was built", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u32,
    },
    /// The model failed on a document's text.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl ExpandError {
    /// The stable kebab-case code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "expansions-unreadable",
            Self::Record { .. } => "expansions-invalid",
            Self::Changed { .. } => "expansions-changed",
            Self::Encode(_) => "model-failed",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => "name a JSONL file that can be read with --expansions",
            Self::Record { .. } => {
                "a line is {\"id\": \"<document's id>\", \"terms\": {\"<word>\": <weight above 0>, …}}"
            }
            Self::Changed { .. } => "build again once the file is written",
            Self::Encode(_) => {
                "the model fails on a text of the documents; --sparse-encoder names another"
            }
        }
    }
}

/// A record of the file.
#[derive(Debug)]
struct Place {
    offset: u64,
    n_bytes: u32,
    line: u32,
    /// Of its words and weights.
    hash: [u8; 8],
    is_used: AtomicBool,
}

/// The expansions of a file, by document.
#[derive(Debug)]
pub struct ExpansionFile {
    path: PathBuf,
    file: Mutex<File>,
    /// By the hash of the document's id.
    places: HashMap<[u8; 8], Place>,
}

impl ExpansionFile {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// [`ExpandError`] with file and line when a line is no expansion, or an id has two.
    pub fn open(path: &Path) -> Result<Self, ExpandError> {
        let io = |source| ExpandError::Io {
            path: path.to_owned(),
            source,
        };
        let bad = |line, reason| ExpandError::Record {
            path: path.to_owned(),
            line,
            reason,
        };
        let file = File::open(path).map_err(io)?;
        let mut reader = BufReader::with_capacity(256 << 10, &file);
        let mut places: HashMap<[u8; 8], Place> = HashMap::new();
        let (mut bytes, mut offset) = (Vec::new(), 0);
        for line in 1.. {
            bytes.clear();
            let mut bounded = reader.by_ref().take(MAX_LINE_BYTES);
            let n_bytes = bounded.read_until(b'\n', &mut bytes).map_err(io)? as u64;
            if n_bytes == 0 {
                break;
            }
            if n_bytes == MAX_LINE_BYTES && bytes.last() != Some(&b'\n') {
                let reason = format!(
                    "the line is longer than {MAX_LINE_BYTES} bytes; leave out words of little weight"
                );
                return Err(bad(line, reason));
            }
            if !bytes.trim_ascii().is_empty() {
                let (id, terms) = record(&bytes).map_err(|reason| bad(line, reason))?;
                let place = Place {
                    offset,
                    n_bytes: n_bytes as u32,
                    line,
                    hash: hash(&terms),
                    is_used: AtomicBool::new(false),
                };
                if let Some(before) = places.insert(hash_id(&id), place) {
                    let reason = format!(
                        "the document {id:?} is expanded in line {} too; leave one of both",
                        before.line
                    );
                    return Err(bad(line, reason));
                }
            }
            offset += n_bytes;
        }
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            places,
        })
    }

    /// Records of documents that were asked for, and of others.
    pub fn counts(&self) -> (usize, usize) {
        let places = self.places.values();
        let used = places.filter(|place| place.is_used.load(Ordering::Relaxed));
        let used = used.count();
        (used, self.places.len() - used)
    }

    /// The hash of what is said of the document whose id has the hash `id`; zeros for nothing.
    pub(super) fn hash(&self, id: [u8; 8]) -> [u8; 8] {
        self.places.get(&id).map_or([0; 8], |place| place.hash)
    }

    /// What is said of the document whose id has the hash `id`.
    pub(super) fn of(&self, id: [u8; 8]) -> Result<BTreeMap<String, u32>, ExpandError> {
        let Some(place) = self.places.get(&id) else {
            return Ok(BTreeMap::new());
        };
        place.is_used.store(true, Ordering::Relaxed);
        let mut bytes = vec![0; place.n_bytes as usize];
        let read = {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(place.offset))
                .and_then(|_| file.read_exact(&mut bytes))
        };
        let terms = read.ok().and_then(|()| Some(record(&bytes).ok()?.1));
        terms
            .filter(|terms| hash(terms) == place.hash)
            .ok_or_else(|| ExpandError::Changed {
                path: self.path.clone(),
                line: place.line,
            })
    }
}

/// The id and the words of a line, or what is wrong with it.
fn record(line: &[u8]) -> Result<(String, BTreeMap<String, u32>), String> {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let record: Value =
        serde_json::from_slice(line).map_err(|error| format!("not a JSON object: {error}"))?;
    let id = match &record["id"] {
        Value::String(id) if !id.is_empty() => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return Err("the record has no \"id\"; it is that of the document".into()),
    };
    let terms = record.get("terms");
    let terms = terms.ok_or("the record has no \"terms\"; they are words with weights")?;
    Ok((id, weights(terms)?))
}

/// Words with weights in 1/1024 from a JSON object, or what is wrong with it.
///
/// # Errors
/// A sentence for people when it is no object, has too many words or one that is too long, or a weight
/// is not a number above 0 and at most 1,000.
pub fn weights(terms: &Value) -> Result<BTreeMap<String, u32>, String> {
    let Value::Object(terms) = terms else {
        return Err("the words are no JSON object of words with weights".into());
    };
    if terms.len() > MAX_TERMS {
        return Err(format!(
            "there are {} words, and at most {MAX_TERMS} are taken; leave out those of little weight",
            terms.len()
        ));
    }
    let weight = |(word, weight): (&String, &Value)| {
        if word.len() > MAX_TERM_BYTES {
            let start = &word[..word.floor_char_boundary(24)];
            return Err(format!(
                "the word that starts with {start:?} is longer than {MAX_TERM_BYTES} bytes"
            ));
        }
        let number = weight.as_f64().filter(|&w| w > 0.0 && w <= MAX_WEIGHT);
        let number = number.ok_or_else(|| {
            format!(
                "the weight of {word:?} is {weight}, not a number above 0 and at most {MAX_WEIGHT}"
            )
        })?;
        Ok((word.clone(), units(number as f32)))
    };
    terms.iter().map(weight).collect()
}

fn hash(terms: &BTreeMap<String, u32>) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    for (word, weight) in terms {
        hasher.update(&(word.len() as u64).to_le_bytes());
        hasher.update(word.as_bytes());
        hasher.update(&weight.to_le_bytes());
    }
    let mut hash = [0; 8];
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(lines: &str) -> Result<ExpansionFile, ExpandError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, lines.as_bytes()).unwrap();
        ExpansionFile::open(file.path())
    }

    #[test]
    fn records_are_found_by_the_ids_of_their_documents() {
        let file = open(
            "\u{feff}{\"id\":\"a\",\"terms\":{\"tide\":1.5,\"moon\":0.0001}}\n\n{\"id\":7,\"terms\":{}}",
        )
        .unwrap();
        let of = |id: &str| file.of(hash_id(id)).unwrap();
        assert_eq!(of("a"), [("moon".into(), 1), ("tide".into(), 1536)].into());
        assert!(of("7").is_empty() && of("b").is_empty());
        assert_eq!(file.counts(), (2, 0));
        assert_ne!(file.hash(hash_id("a")), file.hash(hash_id("7")));
        assert_eq!(file.hash(hash_id("b")), [0; 8]);
    }

    #[test]
    fn what_is_no_expansion_is_named_with_its_line() {
        let many: Vec<String> = (0..=MAX_TERMS).map(|i| format!("\"w{i}\":1")).collect();
        let many = format!("{{\"id\":\"a\",\"terms\":{{{}}}}}", many.join(","));
        let long = format!("{{\"id\":\"a\",\"terms\":{{\"{}\":1}}}}", "w".repeat(256));
        for bad in [
            "[]",
            "{",
            "{\"terms\":{}}",
            "{\"id\":\"a\"}",
            "{\"id\":\"a\",\"terms\":[\"tide\"]}",
            "{\"id\":\"a\",\"terms\":{\"tide\":0}}",
            "{\"id\":\"a\",\"terms\":{\"tide\":-1}}",
            "{\"id\":\"a\",\"terms\":{\"tide\":NaN}}",
            "{\"id\":\"a\",\"terms\":{\"tide\":1e999}}",
            "{\"id\":\"a\",\"terms\":{\"tide\":1001}}",
            "{\"id\":\"a\",\"terms\":{\"tide\":\"1\"}}",
            "{\"id\":\"first\",\"terms\":{}}",
            &many,
            &long,
        ] {
            let error = open(&format!("{{\"id\":\"first\",\"terms\":{{}}}}\n{bad}\n")).unwrap_err();
            let is_named = matches!(error, ExpandError::Record { line: 2, .. });
            assert!(is_named, "{bad}: {error}");
        }
    }

    #[test]
    fn a_file_that_changes_meanwhile_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        std::fs::write(&path, "{\"id\":\"a\",\"terms\":{\"tide\":1}}\n").unwrap();
        let file = ExpansionFile::open(&path).unwrap();
        std::fs::write(&path, "{\"id\":\"a\",\"terms\":{\"tide\":2}}\n").unwrap();
        let error = file.of(hash_id("a")).unwrap_err();
        assert_eq!(error.code(), "expansions-changed");
    }
}
