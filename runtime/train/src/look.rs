//! How well the queries that choose are ranked: nDCG@10 by vectors, among passages of the pairs.

use crate::bert::Bert;
use crate::data::Data;
use crate::lora::Layout;
use littoral_runtime::eval::{Evaluator, Qrels};
use std::collections::BTreeMap;

/// nDCG@10 with the changes `trained`. A document's score is that of its best passage.
pub fn look(bert: &Bert, data: &Data, layout: &Layout, trained: &[f32]) -> f64 {
    let changes = layout.changes(trained, false, bert.device());
    let tokens = |place: usize| data.texts[place].as_slice();
    let queries: Vec<&[u32]> = data.choosing.iter().map(|&(q, _)| tokens(q)).collect();
    let passages: Vec<&[u32]> = data.passages.iter().map(|&p| tokens(p)).collect();
    let queries = units(bert.vectors(&queries, &changes), bert.dims());
    let passages = units(bert.vectors(&passages, &changes), bert.dims());
    let judged = data.choosing.iter().flat_map(|&(_, number)| {
        let answers = data.answers[number].iter();
        answers.map(move |&document| (number.to_string(), data.names[document].clone(), 1))
    });
    let qrels: Qrels = judged.collect();
    let mut evaluator = Evaluator::new(&qrels);
    for (&(_, number), query) in data.choosing.iter().zip(queries.chunks_exact(bert.dims())) {
        let mut best: BTreeMap<&str, f32> = BTreeMap::new();
        for (&place, passage) in data.passages.iter().zip(passages.chunks_exact(bert.dims())) {
            let score: f32 = query.iter().zip(passage).map(|(a, b)| a * b).sum();
            let there = best
                .entry(&data.names[data.documents[place]])
                .or_insert(f32::MIN);
            *there = there.max(score);
        }
        evaluator.add_scores(&number.to_string(), best.into_iter().collect());
    }
    evaluator.finish().mean.ndcg_10
}

fn units(mut vectors: Vec<f32>, dims: usize) -> Vec<f32> {
    for vector in vectors.chunks_exact_mut(dims) {
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
        for x in vector.iter_mut() {
            *x /= length;
        }
    }
    vectors
}
