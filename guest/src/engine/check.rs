//! Verifies every file, section and reference of an index.

use super::EngineError;
use super::blocks::Index;
use super::decode::Decoded;
use crate::host::{Host, HostError};
use crate::map::Map;
use littoral_indexes::IndexError;
use littoral_indexes::envelope::{BlockId, Kind, open, stored_checksum};
use littoral_indexes::manifest::ENTRY_NAME;
use serde::Serialize;
use std::sync::Arc;

/// Something wrong with an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Stable kebab-case code.
    pub code: &'static str,
    /// The file, within the index folder.
    pub file: String,
    /// The section of the index.
    pub section: &'static str,
    /// Byte offset in the section, where one is known.
    pub offset: usize,
    /// In words.
    pub message: String,
}

impl Problem {
    /// The problem that keeps an index from being opened or read at all.
    pub fn of(error: &EngineError) -> Self {
        match error {
            EngineError::Index { path, error } => Self::in_file(path.clone(), "manifest", error),
            error => Self {
                code: error.code(),
                file: ENTRY_NAME.into(),
                section: "entry",
                offset: 0,
                message: error.to_string(),
            },
        }
    }

    fn in_file(file: String, section: &'static str, error: &IndexError) -> Self {
        let (section, offset) = match error {
            IndexError::Corrupt {
                section, offset, ..
            } => (section.name(), *offset),
            _ => (section, 0),
        };
        Self {
            code: error.code(),
            file,
            section,
            offset,
            message: error.to_string(),
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// Files read, the entry included.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl<H: Host> Index<H> {
    /// Reads, verifies and decodes every file that the inventories name, and compares each with its
    /// recorded checksum.
    pub async fn check(&self) -> Check {
        let mut check = Check {
            files: 1,
            bytes: self.entry_bytes(),
            ..Check::default()
        };
        for (s, segment) in self.segments.iter().enumerate() {
            let block = segment.block(Kind::Inventory, 0);
            let recorded = segment.manifest.inventory;
            self.check_file(block, recorded, &Map::default(), &mut check)
                .await;
            let Ok(inventory) = self.inventory(s).await else {
                continue;
            };
            if inventory.documents.len() != segment.layout.n_documents() as usize {
                check.problems.push(Problem {
                    code: "index-corrupt",
                    file: block.path(),
                    section: "inventory",
                    offset: 0,
                    message: "the inventory and the manifest disagree on the documents".into(),
                });
            }
            let expected = segment.expected_files(self.manifest().tuning.table.is_some());
            let expected = match expected {
                Ok(expected) => expected,
                Err(error) => {
                    let problem = Problem::in_file(ENTRY_NAME.into(), "spelling", &error);
                    check.problems.push(problem);
                    continue;
                }
            };
            // Dictionaries first: passages need them. Lexicon blocks stay for their positions, and
            // centroids precede their cells.
            let mut beside: Map<BlockId, Arc<Decoded>> = Map::default();
            if let Some(block) = segment
                .dictionary_block()
                .filter(|b| b.segment != segment.id)
                && let Ok(decoded) = self.block(block, &mut self.fetched()).await
            {
                beside.insert(block, decoded);
            }
            let mut order = Kind::ALL;
            order.sort_by_key(|&kind| (kind != Kind::Dictionary, kind));
            for kind in order {
                let group = inventory.files.iter().find(|group| group.kind == kind);
                let checksums = group.map_or(&[][..], |group| &group.checksums);
                if let Some(n) = expected(kind)
                    && n as usize != checksums.len()
                {
                    check.problems.push(Problem {
                        code: "index-corrupt",
                        file: block.path(),
                        section: kind.section().name(),
                        offset: 0,
                        message: format!(
                            "the inventory names {} files where the manifest needs {n}",
                            checksums.len()
                        ),
                    });
                }
                for (number, &recorded) in (0u32..).zip(checksums) {
                    let block = segment.block(kind, number);
                    if let Some(decoded) =
                        self.check_file(block, recorded, &beside, &mut check).await
                        && matches!(kind, Kind::Dictionary | Kind::Lexicon | Kind::Postings)
                    {
                        beside.insert(block, decoded);
                    }
                }
            }
        }
        self.check_tuned(&mut check).await;
        check.ok = check.problems.is_empty();
        check
    }

    /// Reads the blocks of a tuned query table, whose id is the hash of them all.
    async fn check_tuned(&self, check: &mut Check) {
        let (Some(tuned), Some((segment, table))) = (self.manifest().tuning.table, self.table())
        else {
            return;
        };
        let before = check.problems.len();
        let mut hasher = blake3::Hasher::new();
        for number in 0..table.shape.n_blocks {
            let kind = Kind::Table;
            let block = BlockId {
                segment,
                kind,
                number,
            };
            if let Some(payload) = self.check_payload(block, check).await {
                hasher.update(&payload);
            }
        }
        let hash = hasher.finalize();
        if check.problems.len() == before && hash.as_bytes()[..8] != tuned.id {
            let error = IndexError::Mismatch {
                section: Kind::Table.section(),
            };
            let section = Kind::Table.section().name();
            let problem = Problem::in_file(segment.to_string(), section, &error);
            check.problems.push(problem);
        }
    }

    /// The payload of a block that decodes.
    async fn check_payload(&self, block: BlockId, check: &mut Check) -> Option<Vec<u8>> {
        let file = self.check_read(block, check).await?;
        let verified = open(block, &file).and_then(|payload| {
            self.decode(block, payload, &Map::default())
                .map(|_| payload.to_vec())
        });
        let noted = |error| Problem::in_file(block.path(), block.kind.section().name(), &error);
        verified
            .map_err(|error| check.problems.push(noted(error)))
            .ok()
    }

    /// Reads a file and counts it.
    async fn check_read(&self, block: BlockId, check: &mut Check) -> Option<Arc<[u8]>> {
        match self.host().read(&[block]).await {
            Ok(mut files) => {
                let file = files.swap_remove(0);
                check.files += 1;
                check.bytes += file.len() as u64;
                Some(file)
            }
            Err(error) => {
                let code = if matches!(error, HostError::NotFound { .. }) {
                    "missing"
                } else {
                    "unreadable"
                };
                check.problems.push(Problem {
                    code,
                    file: block.path(),
                    section: block.kind.section().name(),
                    offset: 0,
                    message: error.to_string(),
                });
                None
            }
        }
    }

    async fn check_file(
        &self,
        block: BlockId,
        recorded: [u8; 8],
        beside: &Map<BlockId, Arc<Decoded>>,
        check: &mut Check,
    ) -> Option<Arc<Decoded>> {
        let section = block.kind.section().name();
        let file = self.check_read(block, check).await?;
        let verified = open(block, &file).and_then(|payload| {
            if stored_checksum(&file) != Some(recorded) {
                return Err(IndexError::Mismatch {
                    section: block.kind.section(),
                });
            }
            self.decode(block, payload, beside)
        });
        match verified {
            Ok(decoded) => Some(Arc::new(decoded)),
            Err(error) => {
                check
                    .problems
                    .push(Problem::in_file(block.path(), section, &error));
                None
            }
        }
    }
}
