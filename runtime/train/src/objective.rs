//! What a training makes small, and by what it is told when it is at its best.

use crate::bert::Bert;
use crate::data::Data;
use crate::lora::Layout;
use crate::step::Batch;
use crate::{look, rerank, step};
use littoral_runtime::tune::encoder::{EncoderOptions, Target};

/// A model, what it is trained on, and how.
#[derive(Debug, Clone, Copy)]
pub struct Objective<'a> {
    /// What is to come of it.
    pub target: Target,
    /// The model.
    pub bert: &'a Bert,
    /// Pairs, and queries that choose.
    pub data: &'a Data,
    /// Where the numbers lie.
    pub layout: &'a Layout,
    /// How.
    pub options: &'a EncoderOptions,
}

impl Objective<'_> {
    /// The loss of the step `step`, counted from 1, and its gradient by `numbers`.
    pub fn gradient(&self, step: u32, numbers: &[f32]) -> (f64, Vec<f32>) {
        let Self {
            bert,
            data,
            layout,
            options,
            ..
        } = *self;
        match self.target {
            Target::Encoder => {
                let batch = Batch::of_step(data, options, step);
                step::gradient(bert, data, &batch, layout, numbers, options)
            }
            Target::Reranker => {
                let lists = rerank::Lists::of_step(data, options, step);
                rerank::gradient(bert, &lists, layout, numbers, options)
            }
        }
    }

    /// nDCG@10 of the queries that choose, with `numbers`.
    pub fn look(&self, numbers: &[f32]) -> f64 {
        match self.target {
            Target::Encoder => look::look(self.bert, self.data, self.layout, numbers),
            Target::Reranker => rerank::look(self.bert, self.data, self.layout, numbers),
        }
    }

    /// How many passages, or pairs, the queries that choose look among.
    pub fn n_looked_at(&self) -> usize {
        match self.target {
            Target::Encoder => self.data.passages.len(),
            Target::Reranker => rerank::candidates(self.data).len(),
        }
    }
}
