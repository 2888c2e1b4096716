//! The edit distance of a typo.
//!
//! Source: Damerau, "A technique for computer detection and correction of spelling errors"
//! (CACM, 1964); the restricted form ("optimal string alignment": no letter is edited twice), with
//! the band of Ukkonen, "Algorithms for approximate string matching" (1985).

/// The number of insertions, deletions, substitutions and transpositions of neighbours that turn
/// `a` into `b`, or `None` where it is above `max`.
///
/// Counted in `char`s, no letter edited twice. Cost: O(length × `max`).
pub fn damerau(a: &str, b: &str, max: u8) -> Option<u8> {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    damerau_chars(&a, &b, max)
}

pub(super) fn damerau_chars(a: &[char], b: &[char], max: u8) -> Option<u8> {
    let max_edits = usize::from(max);
    if a.len().abs_diff(b.len()) > max_edits {
        return None;
    }
    let far = max_edits + 1;
    let mut before = vec![far; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).map(|j| j.min(far)).collect();
    let mut row = vec![far; b.len() + 1];
    for i in 1..=a.len() {
        let low = i.saturating_sub(max_edits);
        let high = (i + max_edits).min(b.len());
        if low > 0 {
            row[low - 1] = far;
        }
        let mut best = far;
        for j in low..=high {
            let mut d = if j == 0 {
                i
            } else {
                let kept = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
                kept.min(row[j - 1] + 1)
            };
            // Above the band the row before holds nothing of use.
            if j < i + max_edits {
                d = d.min(last[j] + 1);
            }
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                d = d.min(before[j - 2] + 1);
            }
            row[j] = d.min(far);
            best = best.min(row[j]);
        }
        // A transposition reaches over one row, so both must be hopeless.
        if best == far && last.iter().all(|&d| d == far) {
            return None;
        }
        (before, last, row) = (last, row, before);
    }
    let d = last[b.len()];
    (d <= max_edits).then_some(d as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The recurrence as it is written in books.
    fn naive(a: &[char], b: &[char]) -> usize {
        let mut d = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                d[i][j] = if i == 0 || j == 0 {
                    i + j
                } else {
                    let changed = usize::from(a[i - 1] != b[j - 1]);
                    let mut v = (d[i - 1][j - 1] + changed)
                        .min(d[i - 1][j] + 1)
                        .min(d[i][j - 1] + 1);
                    if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                        v = v.min(d[i - 2][j - 2] + 1);
                    }
                    v
                };
            }
        }
        d[a.len()][b.len()]
    }

    #[test]
    fn every_kind_of_slip_counts_one() {
        assert_eq!(damerau("shore", "shore", 1), Some(0));
        assert_eq!(damerau("shre", "shore", 1), Some(1));
        assert_eq!(damerau("shhore", "shore", 1), Some(1));
        assert_eq!(damerau("shire", "shore", 1), Some(1));
        assert_eq!(damerau("shroe", "shore", 1), Some(1));
        assert_eq!(damerau("берге", "берег", 1), Some(1));
        assert_eq!(damerau("ca", "abc", 2), None);
        assert_eq!(damerau("", "", 0), Some(0));
        assert_eq!(damerau("", "ab", 2), Some(2));
    }

    proptest! {
        #[test]
        fn the_banded_distance_is_the_naive_one(
            a in "[abcж]{0,9}", b in "[abcж]{0,9}", max in 0u8..5
        ) {
            let (x, y): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            let expected = naive(&x, &y);
            let expected = (expected <= usize::from(max)).then_some(expected as u8);
            prop_assert_eq!(damerau(&a, &b, max), expected);
        }
    }
}
