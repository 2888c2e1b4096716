//! The gradient of a loss of many texts in the memory of few.
//!
//! What the model gives for texts is computed group by group, the loss of all of it together, and then the
//! gradients group by group again. Intermediate results of a step with many tokens are not kept but computed
//! twice, so that its memory is that of one group; the gradient is the same.
//!
//! Source: Gao and others, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", 2021.

use crate::bert::Bert;
use crate::lora::{Changes, Layout, numbers};
use burn_tensor::{Tensor, TensorData};

/// The loss of what `bert` gives for `texts`, and its gradient by `trained`, laid out by the layout beside it.
/// `compute` gives rows of the texts at some places, `[places, width]`; `loss` is shown all rows, `[texts,
/// width]`, and gives the loss and its gradient by them. With no more than `kept_tokens`, intermediate results
/// are kept.
pub(crate) fn backward(
    texts: &[&[u32]],
    (layout, trained): (&Layout, &[f32]),
    (kept_tokens, bert): (usize, &Bert),
    compute: impl Fn(&[usize], &Changes) -> Tensor<2>,
    loss: impl FnOnce(&[f32]) -> (f64, Vec<f32>),
) -> (f64, Vec<f32>) {
    let device = bert.device();
    let groups = bert.groups(texts);
    let longest = |group: &Vec<usize>| group.iter().map(|&i| texts[i].len()).max().unwrap_or(0);
    let n_tokens: usize = groups
        .iter()
        .map(|group| group.len() * longest(group))
        .sum();
    let is_kept = n_tokens <= kept_tokens;

    let changes = layout.changes(trained, true, device);
    let plain = (!is_kept).then(|| layout.changes(trained, false, device));
    let mut all: Vec<Vec<f32>> = vec![Vec::new(); texts.len()];
    let mut kept: Vec<Tensor<2>> = Vec::new();
    for group in &groups {
        let rows = compute(group, plain.as_ref().unwrap_or(&changes));
        let width = rows.dims()[1];
        for (&i, row) in group.iter().zip(numbers(rows.clone()).chunks_exact(width)) {
            all[i] = row.to_vec();
        }
        if is_kept {
            kept.push(rows);
        }
    }
    let (loss, toward) = loss(&all.concat());

    let mut sum = vec![0.0; trained.len()];
    let mut kept = kept.into_iter();
    for group in &groups {
        let rows = kept.next().unwrap_or_else(|| compute(group, &changes));
        let [n, width] = rows.dims();
        let slopes = group.iter().flat_map(|&i| &toward[i * width..][..width]);
        let slopes = TensorData::new(slopes.copied().collect::<Vec<f32>>(), [n, width]);
        let slopes = Tensor::<2>::from_data(slopes, device);
        let gradients = (rows * slopes).sum().backward();
        changes.add_gradients(&gradients, &mut sum);
    }
    (loss, sum)
}
