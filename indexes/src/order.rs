//! Sorting that is small where size counts.
//!
//! The standard library's sorts are fast on long slices and large: 4 to 6 kB of WebAssembly for
//! each type that is sorted, a tenth of the engine in a page, for lists of a dozen. There, one merge
//! sort over places does for all types; natively and on servers the standard one does. Both are stable,
//! so they agree.

use std::cmp::Ordering;

/// Sorts `items` stably.
pub fn sort_by<T>(items: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    if crate::IS_SMALL {
        let places = sorted(items.len(), &mut |a, b| compare(&items[a], &items[b]));
        arrange(items, &places);
    } else {
        items.sort_by(compare);
    }
}

/// Sorts `items` stably by a key.
pub fn sort_by_key<T, K: Ord>(items: &mut [T], mut key: impl FnMut(&T) -> K) {
    sort_by(items, |a, b| key(a).cmp(&key(b)));
}

/// The `k`-th largest of `values`, which it may reorder.
///
/// # Panics
/// When `k` is 0 or there are fewer values.
pub fn kth_largest(values: &mut [u32], k: usize) -> u32 {
    assert!((1..=values.len()).contains(&k), "there is no such value");
    if crate::IS_SMALL {
        kth_by_bits(values, k)
    } else {
        *values.select_nth_unstable_by(k - 1, |a, b| b.cmp(a)).1
    }
}

/// The greatest number that `k` values reach, from its highest bit down: a pass for each.
fn kth_by_bits(values: &[u32], k: usize) -> u32 {
    (0..u32::BITS).rev().fold(0, |least, bit| {
        let more = least | 1 << bit;
        let n = values.iter().filter(|&&value| value >= more).count();
        if n >= k { more } else { least }
    })
}

/// Puts the item of `places[i]` at `i`.
fn arrange<T>(items: &mut [T], places: &[usize]) {
    for i in 0..items.len() {
        let mut from = places[i];
        // What was there before has been moved to where it was asked from.
        while from < i {
            from = places[from];
        }
        items.swap(i, from);
    }
}

/// The places of `n` items in sorted order: runs of doubling length, merged.
fn sorted(n: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..n).collect();
    let mut merged = Vec::with_capacity(n);
    let mut len = 1;
    while len < n {
        merged.clear();
        for start in (0..n).step_by(2 * len) {
            let (middle, end) = ((start + len).min(n), (start + 2 * len).min(n));
            let (mut a, mut b) = (start, middle);
            while a < middle && b < end {
                if compare(places[a], places[b]) == Ordering::Greater {
                    merged.push(places[b]);
                    b += 1;
                } else {
                    merged.push(places[a]);
                    a += 1;
                }
            }
            merged.extend_from_slice(&places[a..middle]);
            merged.extend_from_slice(&places[b..end]);
        }
        std::mem::swap(&mut places, &mut merged);
        len *= 2;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_small_selection_gives_what_the_standard_one_gives(values in prop::collection::vec(prop_oneof![0u32..20, any::<u32>()], 1..100), k in any::<prop::sample::Index>()) {
            let k = k.index(values.len()) + 1;
            prop_assert_eq!(kth_by_bits(&values, k), kth_largest(&mut values.clone(), k));
        }

        #[test]
        fn the_small_sort_gives_what_the_standard_one_gives(items in prop::collection::vec((0u8..20, any::<u16>()), 0..100)) {
            let mut expected = items.clone();
            expected.sort_by_key(|&(key, _)| key);
            let places = sorted(items.len(), &mut |a, b| items[a].0.cmp(&items[b].0));
            let mut found = items;
            arrange(&mut found, &places);
            prop_assert_eq!(found, expected);
        }
    }
}
