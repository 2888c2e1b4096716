//! What an index was fitted to.

use bincode::{Decode, Encode};

/// What was fitted to judged queries; it changes no block, and no document is indexed anew for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Default)]
pub struct Tuning {
    /// Share of vectors when scores are joined, in 1/256: 0 to 256; [`BY_RANKS`] for reciprocal ranks.
    pub fusion: Option<u16>,
    /// Evidence that an answer needs, in thousandths: 0 to 1000.
    pub threshold: Option<u16>,
}

/// The value of [`Tuning::fusion`] that stands for reciprocal ranks.
pub const BY_RANKS: u16 = 257;

impl Tuning {
    /// Whether nothing was fitted.
    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether a manifest may have it behind its fields.
    pub(super) fn is_legal(self) -> bool {
        !self.is_empty()
            && self.fusion.is_none_or(|fusion| fusion <= BY_RANKS)
            && self.threshold.is_none_or(|threshold| threshold <= 1000)
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
        for tuning in [
            Tuning {
                fusion: Some(BY_RANKS + 1),
                threshold: None,
            },
            Tuning {
                fusion: None,
                threshold: Some(1001),
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
