//! What an index was fitted to: how it joins rankings and when it answers, unless a query says
//! otherwise.

use super::blocks::Index;
use super::fuse::Fusion;
use crate::answer::THRESHOLD;
use crate::host::Host;
use littoral_indexes::manifest::BY_RANKS;

impl Fusion {
    /// The number that stands for it in a manifest.
    pub fn setting(self) -> u16 {
        match self {
            Self::Ranks => BY_RANKS,
            Self::Scores { dense_weight } => dense_weight.min(256),
        }
    }

    /// What the number in a manifest stands for.
    pub fn of_setting(setting: u16) -> Self {
        match setting {
            BY_RANKS => Self::Ranks,
            dense_weight => Self::Scores { dense_weight },
        }
    }
}

impl<H: Host> Index<H> {
    /// How rankings are joined: as was fitted, else by default.
    pub fn fusion(&self) -> Fusion {
        let fitted = self.manifest.tuning.fusion;
        fitted.map_or_else(Fusion::default, Fusion::of_setting)
    }

    /// Evidence that an answer needs: as was fitted, else [`THRESHOLD`].
    pub fn threshold(&self) -> f64 {
        let fitted = self.manifest.tuning.threshold;
        fitted.map_or(THRESHOLD, |thousandths| f64::from(thousandths) / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fusion_has_a_number_of_its_own() {
        for fusion in (0..=256)
            .map(|dense_weight| Fusion::Scores { dense_weight })
            .chain([Fusion::Ranks])
        {
            assert_eq!(Fusion::of_setting(fusion.setting()), fusion);
        }
    }
}
