//! The manifest: all that a query needs to plan, and the entry file that carries it.
//!
//! The entry, `littoral.json`, is the only file that changes in place (by atomic replacement):
//!
//! ```json
//! {"littoral":1,"build":"<16 hex digits>","manifest":"<base64>"}
//! ```
//!
//! `build` is the start of the BLAKE3 hash of the manifest's bytes. The entry has exactly one legal
//! spelling, so every changed byte is noticed. The manifest is encoded with bincode (variable-length
//! integers, little-endian) under a size limit, after its hash was checked.

use crate::base64;
use crate::envelope::{FORMAT_VERSION, SegmentId};
use crate::error::{IndexError, Section};
use crate::hash::first_eight;
use crate::layout::{Class, Layout};
use crate::table::TableManifest;
use bincode::{Decode, Encode};

mod deleted;
mod settings;
mod tuning;

pub use deleted::{read_deleted, write_deleted};
pub use settings::{Averages, Embedding, Expansions, ScoringParameters, Settings};
pub use tuning::{BY_RANKS, Gains, TunedEncoder, TunedTable, Tuning};

/// Name of the entry file.
pub const ENTRY_NAME: &str = "littoral.json";

/// Largest legal entry in bytes.
pub const MAX_ENTRY_BYTES: usize = 4 << 20;

const LIMIT: usize = MAX_ENTRY_BYTES;

/// A filter key of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct FilterKey {
    /// The key.
    pub name: String,
    /// Number of its first block.
    pub first_block: u32,
    /// Separators of its blocks' values, as written by [`crate::lexicon::Separators::write`].
    pub separators: Vec<u8>,
}

/// A sort key of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SortKey {
    /// The key.
    pub name: String,
    /// Whether all its values are numbers.
    pub is_numeric: bool,
    /// Number of its first block.
    pub first_block: u32,
}

/// What the manifest says of a segment's vectors.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct VectorsManifest {
    /// Dimensions of a vector.
    pub dims: u32,
    /// Cells, and so blocks of them.
    pub n_cells: u32,
    /// Cells that a query reads at first.
    pub probes: u32,
    /// Groups of cells; 0 where the centroids of all cells are one block.
    pub n_groups: u32,
    /// Groups that a query reads the centroids of at first.
    pub group_probes: u32,
    /// The segment that holds the rotation.
    pub rotation: [u8; 8],
    /// The segment that holds the query table, and what the table is; `None` when queries need the
    /// encoder.
    pub table: Option<([u8; 8], TableManifest)>,
}

/// What the manifest says of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Default)]
pub struct SegmentManifest {
    /// Its id, in front of its files' names.
    pub id: [u8; 8],
    /// Numbering of documents and chunks.
    pub classes: Vec<Class>,
    /// Documents deleted since, as written by [`write_deleted`].
    pub deleted: Vec<u8>,
    /// Blocks of the lexicon.
    pub n_lexicon_blocks: u32,
    /// Blocks of tails.
    pub n_postings_blocks: u32,
    /// Blocks per leaf of the directory; 0 when `separators` are those of the blocks.
    pub blocks_per_leaf: u32,
    /// Separators of the lexicon's blocks, or of the directory's leaves.
    pub separators: Vec<u8>,
    /// Directory of the spelling blocks; empty when there are none.
    pub spelling: Vec<u8>,
    /// Chunks in a block of passages.
    pub chunks_per_block: u32,
    /// The segment whose dictionary the passages were compressed with; `None` for no dictionary.
    pub dictionary: Option<[u8; 8]>,
    /// Filter keys, sorted by name.
    pub filters: Vec<FilterKey>,
    /// Blocks of filters in all.
    pub n_filter_blocks: u32,
    /// Sort keys, sorted by name.
    pub sorts: Vec<SortKey>,
    /// Languages of its documents and how many have each, most frequent first.
    pub languages: Vec<(String, u32)>,
    /// Its vectors; `None` when the index has none.
    pub vectors: Option<VectorsManifest>,
    /// Whether any of its documents has an expansion, so that posting lists tell of them.
    pub expanded: bool,
    /// Checksum of its inventory.
    pub inventory: [u8; 8],
}

impl SegmentManifest {
    /// The segment's id.
    pub fn segment(&self) -> SegmentId {
        SegmentId(self.id)
    }

    /// The numbering of its documents and chunks.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when its classes are illegal.
    pub fn layout(&self) -> Result<Layout, IndexError> {
        Layout::new(self.classes.clone())
    }
}

/// See the [module](self).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Program and version that wrote it.
    pub created_by: String,
    /// How the documents were processed.
    pub settings: Settings,
    /// What impacts were computed with.
    pub averages: Averages,
    /// Segments, oldest first.
    pub segments: Vec<SegmentManifest>,
    /// What was fitted; written only where something was.
    pub tuning: Tuning,
}

/// The build id of a manifest's bytes, as 16 hex digits.
fn build_id(manifest: &[u8]) -> String {
    SegmentId(first_eight(&[manifest])).to_string()
}

impl Manifest {
    /// The folders that hold its files, with repetition: those of its segments, of their dictionaries,
    /// and of a tuned query table. What lies in others is nobody's.
    pub fn folders(&self) -> impl Iterator<Item = SegmentId> {
        let segments = self.segments.iter();
        let segments = segments.flat_map(|segment| [Some(segment.id), segment.dictionary]);
        let table = self.tuning.table.map(|table| table.id);
        segments.chain([table]).flatten().map(SegmentId)
    }

    /// The bytes of the entry file.
    ///
    /// # Errors
    /// [`IndexError::TooLarge`] when the entry would exceed [`MAX_ENTRY_BYTES`].
    pub fn write(&self) -> Result<Vec<u8>, IndexError> {
        let too_large = |size| IndexError::TooLarge {
            section: Section::Manifest,
            size,
            limit: LIMIT,
        };
        let config = bincode::config::standard();
        let fields = (
            &self.created_by,
            &self.settings,
            &self.averages,
            &self.segments,
        );
        let mut bytes =
            bincode::encode_to_vec(fields, config).map_err(|_| too_large(usize::MAX))?;
        if !self.tuning.is_empty() {
            let written = self.tuning.write(&mut bytes);
            written.map_err(|_| too_large(usize::MAX))?;
        }
        let entry = entry(&bytes);
        if entry.len() > MAX_ENTRY_BYTES {
            return Err(too_large(entry.len()));
        }
        Ok(entry)
    }

    /// Reads an entry file: the manifest and its build id.
    ///
    /// # Errors
    /// [`IndexError::Version`] for another version's entry, [`IndexError::Corrupt`] when it is not
    /// what [`Self::write`] makes.
    pub fn read(file: &[u8]) -> Result<(Self, String), IndexError> {
        let corrupt = |offset, reason| IndexError::corrupt(Section::Entry, offset, reason);
        if file.len() > MAX_ENTRY_BYTES {
            let (section, size) = (Section::Entry, file.len());
            return Err(IndexError::TooLarge {
                section,
                size,
                limit: LIMIT,
            });
        }
        let version = format!("{{\"littoral\":{FORMAT_VERSION},\"build\":\"");
        if !file.starts_with(version.as_bytes()) {
            return Err(other_version(file).unwrap_or_else(|| {
                corrupt(
                    0,
                    "the file does not start as the entry of a Littoral index",
                )
            }));
        }
        let value = version.len() + 16 + "\",\"manifest\":\"".len();
        let encoded = file.get(value..file.len().saturating_sub(3));
        let Some(bytes) = encoded.and_then(base64::decode) else {
            return Err(corrupt(
                value.min(file.len()),
                "the manifest is not base64, or is cut",
            ));
        };
        if entry(&bytes) != file {
            return Err(corrupt(
                version.len(),
                "the manifest does not match its build id",
            ));
        }
        let config = bincode::config::standard().with_limit::<LIMIT>();
        let decoded = bincode::decode_from_slice::<Fields, _>(&bytes, config);
        let Ok(((created_by, settings, averages, segments), read)) = decoded else {
            let reason = "the manifest does not decode";
            return Err(IndexError::corrupt(Section::Manifest, 0, reason));
        };
        let rest = &bytes[read..];
        let tuning = if rest.is_empty() {
            Tuning::default()
        } else {
            let reason = "what follows the manifest is no tuning";
            let corrupt = || IndexError::corrupt(Section::Manifest, read, reason);
            Tuning::read(rest).ok_or_else(corrupt)?
        };
        let manifest = Self {
            created_by,
            settings,
            averages,
            segments,
            tuning,
        };
        Ok((manifest, build_id(&bytes)))
    }
}

/// What a manifest says before its tuning.
type Fields = (String, Settings, Averages, Vec<SegmentManifest>);

fn entry(manifest: &[u8]) -> Vec<u8> {
    let (build, encoded) = (build_id(manifest), base64::encode(manifest));
    format!("{{\"littoral\":{FORMAT_VERSION},\"build\":\"{build}\",\"manifest\":\"{encoded}\"}}\n")
        .into_bytes()
}

/// The error for an entry that another version of the format wrote.
fn other_version(file: &[u8]) -> Option<IndexError> {
    let rest = file.strip_prefix(b"{\"littoral\":")?;
    let digits = rest
        .iter()
        .take(9)
        .take_while(|b| b.is_ascii_digit())
        .count();
    let found: u32 = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    let supported = u32::from(FORMAT_VERSION);
    (found != supported).then_some(IndexError::Version { found, supported })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            created_by: "littoral test".into(),
            settings: Settings {
                chunk_tokens: 256,
                overlap_tokens: 0,
                stemming: true,
                positions: true,
                synonyms: vec![vec!["js".into(), "javascript".into()]],
                lang: String::new(),
                base_url: String::new(),
                embedding: Embedding::default(),
                expansions: Expansions::default(),
                scoring: ScoringParameters {
                    k1: 90,
                    b: 40,
                    title_weight: 200,
                    heading_weight: 150,
                    document_share: 50,
                    expansion_weight: 80,
                },
            },
            averages: Averages {
                chunk_words: 1,
                document_words: 2,
            },
            segments: vec![SegmentManifest {
                id: [9; 8],
                classes: vec![Class {
                    chunks_per_document: 1,
                    n_documents: 3,
                }],
                deleted: write_deleted(&[0, 2]),
                ..SegmentManifest::default()
            }],
            tuning: Tuning::default(),
        }
    }

    #[test]
    fn an_entry_is_read_as_written() {
        let file = manifest().write().unwrap();
        let (read, build) = Manifest::read(&file).unwrap();
        assert_eq!(read, manifest());
        assert_eq!(build.len(), 16);
        assert_eq!(read_deleted(&read.segments[0].deleted, 3), Ok(vec![0, 2]));
        assert!(read_deleted(&read.segments[0].deleted, 2).is_err());
    }

    #[test]
    fn every_flip_and_every_cut_of_the_entry_is_refused() {
        let file = manifest().write().unwrap();
        for i in 0..file.len() * 8 {
            let mut bad = file.clone();
            bad[i / 8] ^= 1 << (i % 8);
            assert!(Manifest::read(&bad).is_err(), "bit {i}");
        }
        for n in 0..file.len() {
            assert!(Manifest::read(&file[..n]).is_err(), "cut at {n}");
        }
    }

    #[test]
    fn another_version_is_named() {
        let file = b"{\"littoral\":2,\"build\":\"0000000000000000\"}\n";
        assert_eq!(
            Manifest::read(file),
            Err(IndexError::Version {
                found: 2,
                supported: 1
            })
        );
    }
}
