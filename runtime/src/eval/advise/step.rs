//! The next step: the largest limit that something can be done about, and the remedy that was seen to
//! work on it.

use super::{Limit, Remedy};
use crate::eval::compare::SIGNIFICANT;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Judged pairs that tuning an encoder wants: with fewer it often makes retrieval worse, more add
/// little.
pub const PAIRS: [u64; 2] = [500, 10_000];

/// The share of queries from which a limit is worth a step.
const WORTH: f64 = 0.1;

/// The gain of nDCG@10 from which a remedy is worth its trouble.
const GAIN: f64 = 0.01;

/// The gain that a perfect order must promise before a reranker is bought.
const ROOM: f64 = 0.05;

/// The gain that it must promise where few queries lose their best document: others that are relevant
/// stand low.
const MUCH_ROOM: f64 = 0.2;

/// What is known when a step is chosen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The share of queries with each limit.
    pub shares: BTreeMap<Limit, f64>,
    /// What was tried, and what there is room for.
    pub remedies: Vec<Remedy>,
    /// Judged pairs of a query and a relevant document.
    pub pairs: u64,
    /// Whether a reranker was tried.
    pub reranked: bool,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Next {
    /// A stable kebab-case name.
    pub step: String,
    /// Why, with the figures.
    pub why: String,
    /// The command that does it, where there is one.
    pub command: String,
}

/// The next step that `facts` speak for.
pub fn next_step(facts: &Facts) -> Next {
    let share = |limit: Limit| facts.shares.get(&limit).copied().unwrap_or(0.0);
    let percent = |limit: Limit| {
        format!(
            "{:.0} % of queries: {}",
            share(limit) * 100.0,
            limit.words()
        )
    };
    let next = |step: &str, why: String, command: &str| Next {
        step: step.to_owned(),
        why,
        command: command.to_owned(),
    };
    if share(Limit::Missing) >= WORTH {
        return next(
            "add-documents",
            percent(Limit::Missing),
            "littoral update DIR INPUT…",
        );
    }
    let works =
        |remedy: &&Remedy| remedy.tried && remedy.gain.mean >= GAIN && remedy.gain.p < SIGNIFICANT;
    let mut tried: Vec<&Remedy> = facts.remedies.iter().filter(works).collect();
    tried.sort_by(|a, b| {
        b.gain
            .mean
            .total_cmp(&a.gain.mean)
            .then(a.remedy.cmp(&b.remedy))
    });
    if let Some(best) = tried.first() {
        let why = format!(
            "{}: nDCG@10 {:+.3} (p {:.3}), measured on these queries",
            best.what, best.gain.mean, best.gain.p
        );
        return next(&best.remedy, why, &best.command);
    }
    if share(Limit::LexicalMismatch) >= WORTH {
        return next(
            "add-vectors",
            percent(Limit::LexicalMismatch),
            "littoral build INPUT… -o DIR --embedder table",
        );
    }
    let room = facts
        .remedies
        .iter()
        .find(|remedy| remedy.remedy == "add-reranker");
    let room = room.map_or(0.0, |remedy| remedy.gain.mean);
    let candidates = [
        Limit::Ranking,
        Limit::Chunking,
        Limit::EmbeddingGap,
        Limit::Answer,
    ];
    let largest = candidates
        .into_iter()
        .filter(|&limit| share(limit) >= WORTH)
        // The first of equals: it costs least.
        .fold(None, |best: Option<Limit>, limit| match best {
            Some(best) if share(best) >= share(limit) => Some(best),
            _ => Some(limit),
        });
    match largest {
        Some(Limit::Ranking) if !facts.reranked && room >= ROOM => next(
            "add-reranker",
            format!(
                "{}; a perfect order of the first hundred would add {room:.3} to nDCG@10",
                percent(Limit::Ranking)
            ),
            "littoral search DIR QUERY --rerank NAME",
        ),
        None if !facts.reranked && room >= MUCH_ROOM => next(
            "add-reranker",
            format!(
                "relevant documents are found and stand low: a perfect order of the first hundred would add {room:.3} to nDCG@10"
            ),
            "littoral search DIR QUERY --rerank NAME",
        ),
        Some(Limit::Chunking) => next(
            "change-chunking",
            format!(
                "{}; the sizes tried did not help enough",
                percent(Limit::Chunking)
            ),
            "littoral build INPUT… -o DIR --chunk-overlap 64",
        ),
        Some(Limit::Answer) => next(
            "improve-answers",
            percent(Limit::Answer),
            "littoral ask DIR QUESTION --sentences 5, or --llm URL --llm-model NAME",
        ),
        Some(Limit::Ranking | Limit::EmbeddingGap) if facts.pairs < PAIRS[0] => next(
            "collect-judgements",
            format!(
                "ranking and vectors are the limit ({}; {}); tuning the encoder wants {} to {} judged pairs, and there are {}",
                percent(Limit::Ranking),
                percent(Limit::EmbeddingGap),
                PAIRS[0],
                PAIRS[1],
                facts.pairs
            ),
            "",
        ),
        Some(Limit::Ranking | Limit::EmbeddingGap) => next(
            "tune-embedder",
            format!(
                "ranking and vectors are the limit ({}; {}), and there are {} judged pairs of the {} to {} that tuning wants",
                percent(Limit::Ranking),
                percent(Limit::EmbeddingGap),
                facts.pairs,
                PAIRS[0],
                PAIRS[1]
            ),
            "littoral build INPUT… -o DIR --embedder PATH",
        ),
        _ => next(
            "stop",
            format!(
                "{}; nothing tried gains {GAIN} of nDCG@10 beyond chance, and no limit touches {:.0} % of queries",
                percent(Limit::None),
                WORTH * 100.0
            ),
            "",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Difference;

    fn step(shares: &[(Limit, f64)], remedies: &[(&str, bool, f64, f64)], pairs: u64) -> String {
        let remedies = remedies.iter().map(|&(name, tried, mean, p)| Remedy {
            remedy: name.into(),
            what: name.into(),
            tried,
            gain: Difference { mean, p },
            command: String::new(),
        });
        let facts = Facts {
            shares: shares.iter().copied().collect(),
            remedies: remedies.collect(),
            pairs,
            reranked: false,
        };
        next_step(&facts).step
    }

    #[test]
    fn the_step_follows_the_largest_limit_and_what_was_seen_to_work() {
        let ranking = [(Limit::None, 0.6), (Limit::Ranking, 0.4)];
        let room = ("add-reranker", false, 0.2, 1.0);
        assert_eq!(step(&[(Limit::None, 0.95)], &[], 9), "stop");
        let little = ("add-reranker", false, 0.1, 1.0);
        assert_eq!(step(&[(Limit::None, 0.95)], &[little], 9), "stop");
        assert_eq!(step(&[(Limit::None, 0.95)], &[room], 9), "add-reranker");
        assert_eq!(
            step(&[(Limit::Missing, 0.2), (Limit::Ranking, 0.5)], &[], 9),
            "add-documents"
        );
        assert_eq!(step(&ranking, &[room], 9), "add-reranker");
        assert_eq!(
            step(&ranking, &[room, ("fit-fusion", true, 0.03, 0.01)], 9),
            "fit-fusion"
        );
        assert_eq!(
            step(&ranking, &[room, ("fit-fusion", true, 0.03, 0.2)], 9),
            "add-reranker"
        );
        assert_eq!(step(&ranking, &[], 9), "collect-judgements");
        assert_eq!(step(&ranking, &[], 900), "tune-embedder");
        assert_eq!(
            step(&[(Limit::LexicalMismatch, 0.2)], &[], 9),
            "add-vectors"
        );
        assert_eq!(
            step(&[(Limit::EmbeddingGap, 0.2)], &[], 900),
            "tune-embedder"
        );
        assert_eq!(step(&[(Limit::Chunking, 0.2)], &[], 900), "change-chunking");
        assert_eq!(step(&[(Limit::Answer, 0.2)], &[], 900), "improve-answers");
    }
}
