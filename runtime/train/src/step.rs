//! A step of an encoder's training: the pairs that come next, their loss, and its gradient by the numbers
//! that are trained.

use crate::backward::backward;
use crate::bert::Bert;
use crate::data::{Data, Example};
use crate::lora::Layout;
use crate::loss::Contrast;
use littoral_runtime::tune::encoder::EncoderOptions;
use std::collections::BTreeMap;

/// The texts of a step, and what of them answers what.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Places of the queries among all texts.
    queries: Vec<usize>,
    /// Places of the passages.
    passages: Vec<usize>,
    /// For each query the place of its answer among the passages.
    answers: Vec<usize>,
    /// See [`Contrast::ignored`].
    ignored: Vec<bool>,
}

impl Batch {
    /// The pairs of the step `step`, counted from 1.
    pub fn of_step(data: &Data, options: &EncoderOptions, step: u32) -> Self {
        let drawn = data.drawn(options.batch, options.seed, step);
        Self::new(data, &drawn, options.negatives)
    }

    fn new(data: &Data, drawn: &[(&Example, u64)], n_negatives: usize) -> Self {
        let mut passages = Vec::new();
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        let mut place = |passage: usize| {
            *places.entry(passage).or_insert_with(|| {
                passages.push(passage);
                passages.len() - 1
            })
        };
        let answers: Vec<usize> = drawn.iter().map(|(e, _)| place(e.positive)).collect();
        for (example, round) in drawn {
            for negative in example.negatives_of(*round, n_negatives) {
                place(negative);
            }
        }
        let ignored = drawn.iter().flat_map(|(example, _)| {
            let answers = &data.answers[example.number];
            passages
                .iter()
                .map(|&p| answers.contains(&data.documents[p]))
        });
        Self {
            ignored: ignored.collect(),
            queries: drawn.iter().map(|(example, _)| example.query).collect(),
            answers,
            passages,
        }
    }
}

/// The loss of a batch, and its gradient by `numbers`, laid out by `layout`.
pub fn gradient(
    bert: &Bert,
    data: &Data,
    batch: &Batch,
    layout: &Layout,
    trained: &[f32],
    options: &EncoderOptions,
) -> (f64, Vec<f32>) {
    let dims = bert.dims();
    let places = batch.queries.iter().chain(&batch.passages);
    let texts: Vec<&[u32]> = places.map(|&place| data.texts[place].as_slice()).collect();
    let mut cuts = options.dims.clone();
    cuts.push(dims);
    cuts.sort_unstable();
    cuts.dedup();
    let contrast = Contrast {
        width: dims,
        cuts,
        temperature: options.temperature,
        answers: batch.answers.clone(),
        ignored: batch.ignored.clone(),
    };
    backward(
        &texts,
        (layout, trained),
        (options.kept_tokens, bert),
        |group, changes| {
            let members: Vec<&[u32]> = group.iter().map(|&i| texts[i]).collect();
            bert.encode(&members, changes)
        },
        |vectors| {
            let (queries, passages) = vectors.split_at(batch.queries.len() * dims);
            let loss = contrast.loss(queries, passages);
            (loss.loss, [loss.of_queries, loss.of_passages].concat())
        },
    )
}
