//! A step of a cross-encoder's training, and a look at it: how well it ranks the candidates of queries.

use crate::backward::backward;
use crate::bert::Bert;
use crate::data::Data;
use crate::listwise;
use crate::lora::Layout;
use littoral_guest::encoder::rerank::Pair;
use littoral_runtime::eval::{Evaluator, Qrels};
use littoral_runtime::tune::encoder::EncoderOptions;
use std::collections::BTreeMap;

/// Queries, each with its candidates, of which the first answers it.
#[derive(Debug, Clone)]
pub struct Lists {
    pairs: Vec<Pair>,
    /// Candidates of each query.
    n_candidates: Vec<usize>,
}

impl Lists {
    /// Those of the step `step`, counted from 1.
    pub fn of_step(data: &Data, options: &EncoderOptions, step: u32) -> Self {
        let mut lists = Self {
            pairs: Vec::new(),
            n_candidates: Vec::new(),
        };
        for (example, round) in data.drawn(options.batch, options.seed, step) {
            let negatives = example.negatives_of(round, options.negatives);
            let negatives = negatives.filter(|&p| !data.is_answer(example.number, p));
            let before = lists.pairs.len();
            let candidates = std::iter::once(example.positive).chain(negatives);
            let pairs = candidates.map(|passage| pair(data, example.query, passage));
            lists.pairs.extend(pairs);
            lists.n_candidates.push(lists.pairs.len() - before);
        }
        lists
    }
}

/// The query and the passage at these places, as a search has them read.
fn pair(data: &Data, query: usize, passage: usize) -> Pair {
    let inner = |place: usize| {
        let text = &data.texts[place];
        &text[1..text.len() - 1]
    };
    let (query, passage) = (inner(query), inner(passage));
    let room = data.limit.saturating_sub(3);
    let (mut n, mut m) = (query.len().min(room), passage.len().min(room));
    while n + m > room {
        // The longer loses its end.
        if n > m { n -= 1 } else { m -= 1 }
    }
    let text = &data.texts[0];
    let (begin, end) = (&text[..1], &text[text.len() - 1..]);
    let tokens = [begin, &query[..n], end, &passage[..m], end].concat();
    (tokens, n + 2)
}

/// The loss of `lists`, and its gradient by `trained`, laid out by `layout`.
pub fn gradient(
    bert: &Bert,
    lists: &Lists,
    layout: &Layout,
    trained: &[f32],
    options: &EncoderOptions,
) -> (f64, Vec<f32>) {
    let pairs = &lists.pairs;
    let texts: Vec<&[u32]> = pairs.iter().map(|(text, _)| text.as_slice()).collect();
    backward(
        &texts,
        (layout, trained),
        (options.kept_tokens, bert),
        |group, changes| {
            let members: Vec<&Pair> = group.iter().map(|&i| &pairs[i]).collect();
            bert.log_odds(&members, changes)
        },
        |log_odds| listwise::loss(log_odds, &lists.n_candidates, options.temperature),
    )
}

/// nDCG@10 of the queries that choose, each over the passages of its pairs, with the numbers `trained`. A
/// document's score is that of its best passage.
pub fn look(bert: &Bert, data: &Data, layout: &Layout, trained: &[f32]) -> f64 {
    let candidates = candidates(data);
    let pairs = candidates.iter().map(|&(query, _, p)| pair(data, query, p));
    let pairs: Vec<Pair> = pairs.collect();
    let changes = layout.changes(trained, false, bert.device());
    let log_odds = bert.all_log_odds(&pairs, &changes);
    let judged = data.choosing.iter().flat_map(|&(_, number)| {
        let answers = data.answers[number].iter();
        answers.map(move |&document| (number.to_string(), data.names[document].clone(), 1))
    });
    let qrels: Qrels = judged.collect();
    let mut best: BTreeMap<usize, BTreeMap<&str, f32>> = BTreeMap::new();
    for (&(_, number, passage), &score) in candidates.iter().zip(&log_odds) {
        let of_query = best.entry(number).or_default();
        let there = of_query
            .entry(&data.names[data.documents[passage]])
            .or_insert(f32::MIN);
        *there = there.max(score);
    }
    let mut evaluator = Evaluator::new(&qrels);
    for (number, scores) in best {
        evaluator.add_scores(&number.to_string(), scores.into_iter().collect());
    }
    evaluator.finish().mean.ndcg_10
}

/// Each query that chooses, as place and number, with each of its candidates.
pub fn candidates(data: &Data) -> Vec<(usize, usize, usize)> {
    let queries = data.choosing.iter();
    let candidates = queries.flat_map(|&(query, number)| {
        let passages = data.candidates[number].iter();
        passages.map(move |&passage| (query, number, passage))
    });
    candidates.collect()
}
