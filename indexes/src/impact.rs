//! Impacts: what a term adds to a score, quantised at build time.
//!
//! The score of chunk `c` of document `d` for a query is the sum, over the query's terms, of
//! `weight(term) * (BASE[base] + EXTRA[extra])`: `base` is the term's level for the whole document
//! (every chunk has it), `extra` what the chunk adds that itself holds the term. Levels grow
//! geometrically, so the relative error is the same everywhere: at most 5.2 % for a base level and
//! 12 % for an extra level, half of that on average.
//!
//! Source: Anh, de Kretser, Moffat, "Vector-space ranking with effective early termination" (SIGIR
//! 2001), who quantise contributions geometrically; Lin, Trotman, "The role of index compression in
//! score-at-a-time query evaluation" (Inf. Retrieval 2017), for the number of levels.

/// The unit of impacts: a saturated term frequency of 1.0.
pub const UNIT: u32 = 1024;

/// Impact of each base level, in [`UNIT`]s.
pub const BASE: [u16; 32] = [
    102, 113, 125, 138, 152, 168, 186, 205, 227, 251, 277, 306, 338, 373, 413, 456, 504, 557, 615,
    680, 751, 830, 917, 1014, 1120, 1238, 1368, 1511, 1670, 1845, 2039, 2253,
];

/// Impact of each extra level, in [`UNIT`]s; level 0 is for documents of one chunk, whose base says
/// all.
pub const EXTRA: [u16; 16] = [
    0, 52, 65, 81, 101, 125, 156, 194, 242, 302, 376, 468, 583, 726, 905, 1127,
];

/// The base level nearest to `impact` (in [`UNIT`]s).
pub fn base_level(impact: u32) -> u8 {
    nearest(&BASE, impact)
}

/// The extra level nearest to `impact` (in [`UNIT`]s), at least 1.
pub fn extra_level(impact: u32) -> u8 {
    nearest(&EXTRA, impact).max(1)
}

fn nearest(levels: &[u16], impact: u32) -> u8 {
    let above = levels.partition_point(|&level| u32::from(level) < impact);
    if above == 0 {
        return 0;
    }
    if above == levels.len() {
        return (levels.len() - 1) as u8;
    }
    // Half way in the geometric sense: the level whose ratio to the impact is nearer to one.
    let (low, high) = (u64::from(levels[above - 1]), u64::from(levels[above]));
    let square = u64::from(impact) * u64::from(impact);
    (if square >= low * high {
        above
    } else {
        above - 1
    }) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_is_nearest_to_itself_and_errors_stay_in_bounds() {
        for (i, &value) in BASE.iter().enumerate() {
            assert_eq!(usize::from(base_level(value.into())), i);
        }
        for (i, &value) in EXTRA.iter().enumerate().skip(1) {
            assert_eq!(usize::from(extra_level(value.into())), i);
        }
        for impact in 102..2253u32 {
            let got = f64::from(BASE[usize::from(base_level(impact))]);
            assert!(
                (got / f64::from(impact) - 1.0).abs() < 0.056,
                "{impact} {got}"
            );
        }
    }
}
