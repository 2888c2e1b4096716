//! What a cross-encoder has behind its layers, pooler and classifier, as numbers that are trained whole.
//!
//! ```text
//! the first token's vector → pooler, tanh → classifier → one output, or two of which the second is relevance
//! ```

use crate::random::uniform;
use littoral_runtime::models::folder::Linear;

/// Half the width of the range that the weights of a fresh head are drawn from: their standard deviation is
/// 0.02, as BERT's.
const FRESH: f32 = 0.034_641;

/// Names of the parts, in the order of the numbers.
const NAMES: [&str; 4] = [
    "pooler.dense.weight",
    "pooler.dense.bias",
    "classifier.weight",
    "classifier.bias",
];

/// Shape of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    hidden: usize,
    labels: usize,
}

/// A head with one output behind vectors of `hidden` numbers, drawn by `seed`.
pub(crate) fn fresh(hidden: usize, seed: u64) -> [Linear; 2] {
    let linear = |name: &str, n_out: usize| Linear {
        weights: uniform(seed, name, n_out * hidden, FRESH),
        biases: vec![0.0; n_out],
        n_in: hidden,
    };
    [linear("pooler", hidden), linear("classifier", 1)]
}

impl Head {
    /// The shape of `head`.
    pub(crate) fn of([pooler, classifier]: &[Linear; 2]) -> Self {
        Self {
            hidden: pooler.n_in,
            labels: classifier.biases.len(),
        }
    }

    /// The numbers of `head`.
    pub(crate) fn numbers(head: &[Linear; 2]) -> impl Iterator<Item = f32> {
        let parts = head
            .iter()
            .flat_map(|linear| [&linear.weights, &linear.biases]);
        parts.flatten().copied()
    }

    /// How many numbers there are.
    pub(crate) fn len(&self) -> usize {
        self.shapes().iter().map(|[rows, width]| rows * width).sum()
    }

    fn shapes(&self) -> [[usize; 2]; 4] {
        let Self { hidden, labels } = *self;
        [[hidden, hidden], [1, hidden], [labels, hidden], [1, labels]]
    }

    /// `numbers` as matrices with their shapes: weights, `[n_out, n_in]`, and biases, `[1, n_out]`, of the
    /// pooler and of the classifier.
    pub(crate) fn matrices<'a>(&self, mut numbers: &'a [f32]) -> [(&'a [f32], [usize; 2]); 4] {
        self.shapes().map(|shape| {
            let (part, rest) = numbers.split_at(shape[0] * shape[1]);
            numbers = rest;
            (part, shape)
        })
    }

    /// `numbers` by the names of parts.
    pub(crate) fn parts<'a>(&self, numbers: &'a [f32]) -> [(&'static str, &'a [f32]); 4] {
        let matrices = self.matrices(numbers);
        std::array::from_fn(|i| (NAMES[i], matrices[i].0))
    }

    /// `numbers` as pooler and classifier.
    pub(crate) fn linears(&self, numbers: &[f32]) -> [Linear; 2] {
        let matrices = self.matrices(numbers);
        [0, 2].map(|i| Linear {
            weights: matrices[i].0.to_vec(),
            biases: matrices[i + 1].0.to_vec(),
            n_in: self.hidden,
        })
    }
}
