//! What an index was fitted to.

use bincode::config::Configuration;
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};

/// What was fitted to judged queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tuning {
    /// Share of vectors when scores are joined, in 1/256: 0 to 256; [`BY_RANKS`] for reciprocal ranks.
    pub fusion: Option<u16>,
    /// Evidence that an answer needs, in thousandths: 0 to 1000.
    pub threshold: Option<u16>,
    /// The query table that was tuned; written behind the others only where there is one.
    pub table: Option<TunedTable>,
    /// The tuned encoder that the documents' vectors are of; with one, all is written in another form.
    pub encoder: Option<TunedEncoder>,
}

/// A query table tuned to judged queries, and what that gained. Its blocks lie in a folder of their
/// own beside the segments', under [`Self::id`]; the table that it was tuned from stays where it was,
/// read by nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Default)]
pub struct TunedTable {
    /// Start of the BLAKE3 hash of the payloads of its blocks, one after another, by number.
    pub id: [u8; 8],
    /// What that gained.
    pub gains: Gains,
}

/// An encoder tuned to judged queries, and what that gained. The model is that of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Default)]
pub struct TunedEncoder {
    /// Start of the SHA-256 of the weights that the adapter was trained on.
    pub base: [u8; 8],
    /// Start of the BLAKE3 hash of the adapter's numbers.
    pub adapter: [u8; 8],
    /// What that gained.
    pub gains: Gains,
}

/// What a tuning was made of, and what it gained where it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Default)]
pub struct Gains {
    /// Start of the BLAKE3 hash of the pairs that it was tuned on and measured with.
    pub data: [u8; 8],
    /// Pairs that it was tuned on.
    pub n_pairs: u32,
    /// Held-out queries that the figures are of.
    pub n_held_out: u32,
    /// Their nDCG@10 by vectors before and after, in 1/10000.
    pub dense: [u16; 2],
    /// Their nDCG@10 by words and vectors before and after, in 1/10000.
    pub hybrid: [u16; 2],
    /// Chance of the difference by vectors, in 1/10000.
    pub p: u16,
    /// nDCG@10 of general queries by words and vectors before and after, in 1/10000.
    pub general: [u16; 2],
    /// Whether it was put there although a gate refused it.
    pub forced: bool,
}

/// The value of [`Tuning::fusion`] that stands for reciprocal ranks.
pub const BY_RANKS: u16 = 257;

/// What the bytes of a tuning with an encoder begin with. Those of one without begin with an option, which
/// is 0 or 1.
const WITH_ENCODER: u8 = 2;

impl Tuning {
    /// Whether nothing was fitted.
    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether a manifest may have it behind its fields.
    pub(super) fn is_legal(self) -> bool {
        let table = self.table.map(|table| table.gains);
        let encoder = self.encoder.map(|encoder| encoder.gains);
        !self.is_empty()
            && self.fusion.is_none_or(|fusion| fusion <= BY_RANKS)
            && self.threshold.is_none_or(|threshold| threshold <= 1000)
            && table.into_iter().chain(encoder).all(Gains::is_legal)
    }

    /// Appends its bytes to `out`.
    pub(super) fn write(self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let config = bincode::config::standard();
        let fitted = (self.fusion, self.threshold);
        if let Some(encoder) = self.encoder {
            out.push(WITH_ENCODER);
            let all = (fitted, self.table, encoder);
            out.extend(bincode::encode_to_vec(all, config)?);
            return Ok(());
        }
        out.extend(bincode::encode_to_vec(fitted, config)?);
        if let Some(table) = self.table {
            out.extend(bincode::encode_to_vec(table, config)?);
        }
        Ok(())
    }

    /// Reads what [`Self::write`] wrote, all of `bytes`; `None` for what it does not write.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let config = bincode::config::standard().with_limit::<MAX_BYTES>();
        let (fitted, table, encoder, n) = if bytes.first() == Some(&WITH_ENCODER) {
            let ((fitted, table, encoder), n) = decode(&bytes[1..], config).ok()?;
            (fitted, table, Some(encoder), n + 1)
        } else {
            let (fitted, n) = decode(bytes, config).ok()?;
            if n == bytes.len() {
                (fitted, None, None, n)
            } else {
                let (table, more) = decode(&bytes[n..], config).ok()?;
                (fitted, Some(table), None, n + more)
            }
        };
        let (fusion, threshold) = fitted;
        let tuning = Self {
            fusion,
            threshold,
            table,
            encoder,
        };
        (n == bytes.len() && tuning.is_legal()).then_some(tuning)
    }
}

/// Most bytes of a tuning.
const MAX_BYTES: usize = 256;

type Bounded = Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<MAX_BYTES>,
>;

fn decode<T: Decode<()>>(bytes: &[u8], config: Bounded) -> Result<(T, usize), DecodeError> {
    bincode::decode_from_slice(bytes, config)
}

impl Gains {
    fn is_legal(self) -> bool {
        let shares = [self.dense, self.hybrid, self.general].concat();
        shares.iter().chain([&self.p]).all(|&share| share <= 10_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Averages, Embedding, Expansions, Manifest, ScoringParameters, Settings};

    fn manifest() -> Manifest {
        Manifest {
            created_by: "littoral test".into(),
            settings: Settings {
                chunk_tokens: 256,
                overlap_tokens: 0,
                stemming: true,
                positions: true,
                synonyms: Vec::new(),
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
                    expansion_weight: 0,
                },
            },
            averages: Averages::default(),
            segments: Vec::new(),
            tuning: Tuning::default(),
        }
    }

    #[test]
    fn tuning_is_written_where_something_was_fitted_and_nothing_else_may_follow() {
        let plain = manifest();
        let mut tuned = plain.clone();
        tuned.tuning.fusion = Some(96);
        let (read, build) = Manifest::read(&tuned.write().unwrap()).unwrap();
        assert_eq!(read, tuned);
        assert_ne!(build, Manifest::read(&plain.write().unwrap()).unwrap().1);
        tuned.tuning.threshold = Some(1000);
        tuned.tuning.fusion = Some(BY_RANKS);
        assert_eq!(Manifest::read(&tuned.write().unwrap()).unwrap().0, tuned);
        let gains = Gains {
            data: [2; 8],
            n_pairs: 500,
            n_held_out: 120,
            dense: [6000, 6700],
            hybrid: [7000, 7200],
            p: 12,
            general: [8000, 7990],
            forced: false,
        };
        let table = TunedTable { id: [1; 8], gains };
        let encoder = TunedEncoder {
            base: [3; 8],
            adapter: [4; 8],
            gains,
        };
        let wrong = Gains { p: 10_001, ..gains };
        tuned.tuning.table = Some(table);
        assert_eq!(Manifest::read(&tuned.write().unwrap()).unwrap().0, tuned);
        tuned.tuning.fusion = None;
        tuned.tuning.threshold = None;
        assert_eq!(Manifest::read(&tuned.write().unwrap()).unwrap().0, tuned);
        tuned.tuning.encoder = Some(encoder);
        assert_eq!(Manifest::read(&tuned.write().unwrap()).unwrap().0, tuned);
        tuned.tuning.table = None;
        assert_eq!(Manifest::read(&tuned.write().unwrap()).unwrap().0, tuned);
        for tuning in [
            Tuning {
                fusion: Some(BY_RANKS + 1),
                ..Tuning::default()
            },
            Tuning {
                threshold: Some(1001),
                ..Tuning::default()
            },
            Tuning {
                table: Some(TunedTable {
                    gains: wrong,
                    ..table
                }),
                ..Tuning::default()
            },
            Tuning {
                encoder: Some(TunedEncoder {
                    gains: wrong,
                    ..encoder
                }),
                ..Tuning::default()
            },
        ] {
            let illegal = Manifest {
                tuning,
                ..plain.clone()
            };
            assert!(Manifest::read(&illegal.write().unwrap()).is_err());
        }
    }
}
