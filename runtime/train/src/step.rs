//! A step: the pairs that come next, their loss, and its gradient by the numbers that are trained.
//!
//! Vectors are computed group by group, the loss of all of them together, and then the gradients group by
//! group again. Intermediate results of a step with many tokens are not kept but computed twice, so that
//! its memory is that of one group; the gradient is the same.
//!
//! Source: Gao and others, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", 2021.

use crate::bert::{Bert, groups};
use crate::data::{Data, Example, order};
use crate::lora::{Layout, numbers};
use crate::loss::Contrast;
use burn_tensor::{Tensor, TensorData};
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
        let n = data.examples.len();
        let first = u64::from(step - 1) * options.batch as u64;
        let mut orders: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        let drawn = (first..first + options.batch as u64).map(|at| {
            let round = at / n as u64;
            let order = orders
                .entry(round)
                .or_insert_with(|| order(n, options.seed, round));
            (&data.examples[order[(at % n as u64) as usize]], round)
        });
        let drawn: Vec<(&Example, u64)> = drawn.collect();
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
            let n = example.negatives.len();
            for i in 0..n_negatives.min(n) {
                // Each round has others.
                place(example.negatives[(*round as usize * n_negatives + i) % n]);
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
    let groups: Vec<Vec<usize>> = groups(&texts);
    let longest = |group: &Vec<usize>| group.iter().map(|&i| texts[i].len()).max().unwrap_or(0);
    let n_tokens: usize = groups
        .iter()
        .map(|group| group.len() * longest(group))
        .sum();
    let is_kept = n_tokens <= options.kept_tokens;
    let members = |group: &[usize]| group.iter().map(|&i| texts[i]).collect::<Vec<_>>();

    let changes = layout.changes(trained, true, bert.device());
    let mut vectors = vec![0.0; texts.len() * dims];
    let mut kept: Vec<Tensor<2>> = Vec::new();
    let plain = (!is_kept).then(|| layout.changes(trained, false, bert.device()));
    for group in &groups {
        let rows = bert.encode(&members(group), plain.as_ref().unwrap_or(&changes));
        for (&i, row) in group.iter().zip(numbers(rows.clone()).chunks_exact(dims)) {
            vectors[i * dims..][..dims].copy_from_slice(row);
        }
        if is_kept {
            kept.push(rows);
        }
    }
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
    let (queries, passages) = vectors.split_at(batch.queries.len() * dims);
    let loss = contrast.loss(queries, passages);
    let toward = [loss.of_queries, loss.of_passages].concat();

    let mut sum = vec![0.0; trained.len()];
    let mut kept = kept.into_iter();
    for group in &groups {
        let rows = kept
            .next()
            .unwrap_or_else(|| bert.encode(&members(group), &changes));
        let slopes = group.iter().flat_map(|&i| &toward[i * dims..][..dims]);
        let slopes = TensorData::new(slopes.copied().collect::<Vec<f32>>(), [group.len(), dims]);
        let slopes = Tensor::<2>::from_data(slopes, bert.device());
        let gradients = (rows * slopes).sum().backward();
        changes.add_gradients(&gradients, &mut sum);
    }
    (loss.loss, sum)
}
