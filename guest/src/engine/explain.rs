//! A score taken apart.

use super::fuse::Scored;
use super::lexical::{Place, SCORE_UNIT};
use super::lookup::FoundTerm;
use super::rank::COVERAGE;
use super::result::Explanation;
use littoral_indexes::order::sort_by;

/// The score of a hit: what each leg gives, and what the words give as a sum.
pub(super) fn explain(found: &[FoundTerm], scored: &Scored, n_documents: u32) -> Explanation {
    let cosine = |value| Explanation {
        label: "cosine of the query's and the chunk's vectors".into(),
        value,
        parts: Vec::new(),
    };
    let words = |score| words(found, scored.place, score, n_documents);
    let joined = |leg: &str, rank: u32, share: f64, part: Explanation| Explanation {
        label: format!("rank {rank} by {leg}"),
        value: share,
        parts: vec![part],
    };
    let by_rankings = match (scored.shares, scored.lexical, scored.dense) {
        (None, Some((_, score)), _) => words(score),
        (None, None, Some((_, score))) => cosine(score),
        (shares, lexical, dense) => {
            let [by_words, by_vectors] = shares.unwrap_or_default();
            let lexical = lexical.map(|(rank, s)| joined("words", rank, by_words, words(s)));
            let dense = dense.map(|(rank, s)| joined("vectors", rank, by_vectors, cosine(s)));
            Explanation {
                label: "what the rankings give together".into(),
                value: by_words + by_vectors,
                parts: lexical.into_iter().chain(dense).collect(),
            }
        }
    };
    match scored.rerank {
        // A model's verdict is no sum.
        Some(value) => Explanation {
            label: "relevance of the passage to the query, by the reranker".into(),
            value,
            parts: Vec::new(),
        },
        None => by_rankings,
    }
}

/// The score of `place` by words as the sum over the query's terms of what the document as a whole and the
/// chunk itself give.
fn words(found: &[FoundTerm], place: Place, total: f64, n_documents: u32) -> Explanation {
    let mut parts = Vec::new();
    for term in found {
        let Some(source) = &term.sources[place.segment] else {
            continue;
        };
        let list = source.list();
        let Ok(i) = list.documents.binary_search(&place.ranked.document) else {
            continue;
        };
        let thousandths = (u64::from(term.weight) * 1000 + 128) / 256;
        let value = |impact: u32| f64::from(term.weight * impact) / SCORE_UNIT;
        let base = value(u32::from(list.bases[i]) + COVERAGE);
        let entry = list
            .entries(i)
            .find(|&e| list.chunks[e] == place.ranked.chunk);
        let extra = entry.map_or(0.0, |e| value(u32::from(list.extras[e])));
        let part = |label: &str, value| Explanation {
            label: label.into(),
            value,
            parts: vec![],
        };
        let lent = value(u32::from(list.lent(i).impact));
        let mut of_term = vec![part("the document", base - lent)];
        if list.lent(i).level > 0 {
            of_term.push(part("its expansion", lent));
        }
        of_term.push(part("this chunk", extra));
        parts.push(Explanation {
            label: format!(
                "\"{}\": in {} of {n_documents} documents, weight {}.{:03}",
                term.planned.word,
                term.df,
                thousandths / 1000,
                thousandths % 1000
            ),
            value: base + extra,
            parts: of_term,
        });
    }
    sort_by(&mut parts, |a, b| b.value.total_cmp(&a.value));
    let sum: f64 = parts.iter().map(|part| part.value).sum();
    if (total - sum).abs() > 1e-9 {
        let label = "the chunk holds the phrase".into();
        parts.push(Explanation {
            label,
            value: total - sum,
            parts: Vec::new(),
        });
    }
    Explanation {
        label: "sum over the query's terms".into(),
        value: total,
        parts,
    }
}
