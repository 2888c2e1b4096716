use super::*;
use littoral_indexes::layout::Class;
use proptest::prelude::*;

/// Scores every chunk of every document.
fn naive(lists: &[Weighted<'_>], layout: &Layout) -> Vec<Ranked> {
    let mut all = Vec::new();
    for document in 0..layout.n_documents() {
        let mut best: Option<Ranked> = None;
        for chunk in 0..layout.chunks_of(document).1 {
            let mut score = 0;
            for w in lists {
                for i in 0..w.list.len() {
                    if w.list.documents[i] == document {
                        score += w.weight * (u32::from(w.list.bases[i]) + COVERAGE);
                        for e in w.list.entries(i) {
                            if w.list.chunks[e] == chunk {
                                score += w.weight * u32::from(w.list.extras[e]);
                            }
                        }
                    }
                }
            }
            if best.is_none_or(|b| score > b.score) {
                best = Some(Ranked {
                    score,
                    document,
                    chunk,
                });
            }
        }
        all.extend(best.filter(|b| b.score > 0));
    }
    all.sort_by_key(|r| (Reverse(r.score), r.document));
    all
}

proptest! {
    #[test]
    fn the_ranking_is_that_of_scoring_everything(
        lists in prop::collection::vec((1u32..9, prop::collection::btree_map(0u32..400, (1u16..2000, prop::collection::btree_map(0u32..6, 1u16..900, 0..5)), 0..200)), 1..5),
        excluded in prop::collection::vec(0u32..400, 0..100),
        k in 1usize..12,
    ) {
        let class = |c, n| Class { chunks_per_document: c, n_documents: n };
        let layout = Layout::new(vec![class(1, 200), class(6, 200)]).unwrap();
        let lists: Vec<_> = lists.into_iter().map(|(weight, documents)| {
            let mut list = ImpactList::new();
            for (document, (base, entries)) in documents {
                let n = if document < 200 { 1 } else { 6 };
                list.push(document, base, entries.into_iter().filter(|&(chunk, _)| chunk < n));
            }
            (weight, list)
        }).collect();
        let lists: Vec<_> = lists.iter().map(|(weight, list)| Weighted { list, weight: *weight }).collect();
        let excluded = Bits::of(&excluded);
        let allowed = Allowed { excluded: Some(&excluded), ..Allowed::default() };
        let mut bounds = Bounds::default();
        for k in [k, 1, usize::MAX] {
            for allowed in [allowed, Allowed::default()] {
                let found = top_documents(&lists, &layout, allowed, k, &mut bounds);
                let mut expected = naive(&lists, &layout);
                // Chunks of a document that holds terms only in its title are all alike.
                expected.retain(|ranked| allowed.contains(ranked.document));
                expected.truncate(k);
                prop_assert_eq!(found, expected);
            }
        }
    }
}
