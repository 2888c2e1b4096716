//! The inventory: hashes of a segment's documents and files. Queries never read it; an update
//! compares documents by it, and a check compares files.
//!
//! | field | size | meaning |
//! |---|---|---|
//! | n documents | number | of the segment |
//! | per document | 8 + 8 | start of the BLAKE3 hash of its id, and of its source |
//! | n groups | number | kinds of files in the segment, without the inventory |
//! | per group | 1 + number | the kind's letter and how many files it has, numbered from 0 |
//! | per file | 8 | the checksum in its header |

use crate::bytes::{FieldReader, put_number};
use crate::envelope::Kind;
use crate::error::{IndexError, Section};
use crate::hash::first_eight;

/// Hash of a document's id and of the source it was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentHash {
    /// Start of the BLAKE3 hash of the document's id.
    pub id: [u8; 8],
    /// Start of the hash of the source.
    pub source: [u8; 8],
}

/// The checksums of the files of one kind, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileGroup {
    /// The kind.
    pub kind: Kind,
    /// Checksum of each file.
    pub checksums: Vec<[u8; 8]>,
}

/// See the [module](self).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// By document number.
    pub documents: Vec<DocumentHash>,
    /// By kind, in the order of [`Kind::ALL`].
    pub files: Vec<FileGroup>,
}

/// The hash of a document's id.
pub fn hash_id(id: &str) -> [u8; 8] {
    first_eight(&[id.as_bytes()])
}

impl Inventory {
    /// Writes the payload.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, self.documents.len() as u32);
        for document in &self.documents {
            out.extend_from_slice(&document.id);
            out.extend_from_slice(&document.source);
        }
        put_number(&mut out, self.files.len() as u32);
        for group in &self.files {
            out.push(group.kind.letter() as u8);
            put_number(&mut out, group.checksums.len() as u32);
            for checksum in &group.checksums {
                out.extend_from_slice(checksum);
            }
        }
        out
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// [`IndexError::Corrupt`] when it is not what [`Self::write`] makes.
    pub fn read(payload: &[u8]) -> Result<Self, IndexError> {
        let mut fields = FieldReader::new(payload, Section::Inventory);
        let mut inventory = Self::default();
        let n = fields.number()? as usize;
        for _ in 0..n {
            let id = eight(&mut fields)?;
            let source = eight(&mut fields)?;
            inventory.documents.push(DocumentHash { id, source });
        }
        for _ in 0..fields.number()? {
            let letter = fields.take(1)?[0];
            let kind = Kind::ALL.into_iter().find(|k| k.letter() as u8 == letter);
            let kind = kind.ok_or_else(|| fields.error("an unknown kind of file"))?;
            let mut checksums = Vec::new();
            for _ in 0..fields.number()? {
                checksums.push(eight(&mut fields)?);
            }
            inventory.files.push(FileGroup { kind, checksums });
        }
        fields.end()?;
        Ok(inventory)
    }
}

fn eight(fields: &mut FieldReader<'_>) -> Result<[u8; 8], IndexError> {
    let mut out = [0; 8];
    out.copy_from_slice(fields.take(8)?);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_is_read_as_written_and_refused_when_cut() {
        let inventory = Inventory {
            documents: vec![DocumentHash {
                id: hash_id("a"),
                source: [3; 8],
            }],
            files: vec![FileGroup {
                kind: Kind::Lexicon,
                checksums: vec![[1; 8], [2; 8]],
            }],
        };
        let bytes = inventory.write();
        assert_eq!(Inventory::read(&bytes), Ok(inventory));
        for n in 0..bytes.len() {
            assert!(Inventory::read(&bytes[..n]).is_err());
        }
    }
}
