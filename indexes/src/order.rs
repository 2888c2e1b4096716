//! Sorting that is small where size counts.
//!
//! The standard library's sorts are fast on long slices and large: 4 to 6 kB of WebAssembly for
//! each type that is sorted, a tenth of the engine in a page, for lists of a dozen. There, one merge
//! sort over places does for all types; natively the standard one does. Both are stable, so they
//! agree.

use std::cmp::Ordering;

/// Sorts `items` stably.
pub fn sort_by<T>(items: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    if cfg!(target_arch = "wasm32") {
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
