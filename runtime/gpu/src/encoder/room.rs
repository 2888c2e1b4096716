//! Room for a batch on the device, with everything bound that runs in it: what is left to do for a
//! batch is to write it there and to say how large it is.

use super::shader::{self, Of, Source};
use super::{Batch, GpuEncoder, Weights};
use crate::{Gpu, GpuError};
use littoral_guest::encoder::format::Activation;
use wgpu::{BindGroup, Buffer, ComputePipeline};

/// How many groups a step takes.
#[derive(Debug, Clone, Copy)]
enum Size {
    /// One a row.
    Rows(Of),
    /// One a tile, of so many outputs.
    Tiles(Of, usize),
    /// One a text and head.
    Texts(usize),
    /// One an item and head.
    Items(usize),
}

#[derive(Debug)]
struct Step {
    kernel: ComputePipeline,
    bound: BindGroup,
    size: Size,
}

/// Room for `n_tokens`.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) n_tokens: usize,
    batch: Buffer,
    tokens: Buffer,
    texts: Buffer,
    items: Buffer,
    out: Buffer,
    out_stride: usize,
    steps: Vec<Step>,
}

/// Puts steps together.
struct Planner<'a> {
    gpu: &'a Gpu,
    steps: Vec<Step>,
}

impl Planner<'_> {
    fn add(&mut self, source: &str, buffers: &[&Buffer], size: Size) {
        let kernel = self.gpu.kernel(source);
        let bound = self.gpu.bind(&kernel, buffers);
        self.steps.push(Step {
            kernel,
            bound,
            size,
        });
    }

    fn matmul(
        &mut self,
        [batch, codes, steps, out]: [&Buffer; 4],
        weights: &Weights,
        activation: Activation,
        of: Of,
    ) {
        let sizes = (weights.n_in, weights.n_out);
        let has_dot = self.gpu.has_dot();
        let source = shader::matmul(sizes, weights.activation_max, activation, of, has_dot);
        let buffers = [batch, codes, steps, &weights.words, &weights.outputs, out];
        self.add(&source, &buffers, Size::Tiles(of, weights.n_out));
    }
}

impl Room {
    pub(super) fn new(encoder: &GpuEncoder, n_tokens: usize) -> Result<Self, GpuError> {
        let (gpu, shape, loaded) = (&*encoder.gpu, &encoder.shape, &encoder.loaded);
        let hidden = shape.hidden;
        let floats = |n: usize| gpu.buffer(n as u64 * 4);
        let batch = gpu.uniform(&[0; 4]);
        let tokens = floats(n_tokens * 4)?;
        let texts = floats(n_tokens * 4)?;
        let items = floats(n_tokens * 4)?;
        let vectors = floats(n_tokens * hidden)?;
        let wide = floats(n_tokens * (3 * hidden).max(shape.intermediate))?;
        let mixed = floats(n_tokens * hidden)?;
        // Whole numbers of a row, in one part or two, in panels of 16 rows.
        let code_words = hidden.max(shape.intermediate) / 4 * 2;
        let codes = floats(n_tokens.next_multiple_of(16) * code_words)?;
        let steps = floats(n_tokens)?;
        let head_steps = floats(n_tokens * shape.heads * 4)?;
        let pooled = floats(n_tokens * hidden)?;
        let mut planner = Planner {
            gpu,
            steps: Vec::new(),
        };
        let plan = &mut planner;

        let first = &loaded.layers[0].attention_in;
        let source = Source::Tables(shape.epsilon);
        plan.add(
            &shader::rows(hidden, first.activation_max, source),
            &[
                &batch,
                &codes,
                &steps,
                &vectors,
                &loaded.norm,
                &tokens,
                &loaded.token_rows,
                &loaded.tables,
            ],
            Size::Rows(Of::Tokens),
        );
        let values = |width, max| shader::rows(width, max, Source::Values);
        let sum = |max| shader::rows(hidden, max, Source::Sum(shape.epsilon));
        for (l, layer) in loaded.layers.iter().enumerate() {
            let product = |out| [&batch, &codes, &steps, out];
            let cut = |from| [&batch, &codes, &steps, from];
            let none = Activation::Identity;
            plan.matmul(product(&wide), &layer.attention_in, none, Of::Tokens);
            plan.add(
                &shader::cut(hidden, shape.heads),
                &[&batch, &texts, &wide, &head_steps],
                Size::Texts(shape.heads),
            );
            plan.add(
                &shader::attention(hidden, shape.heads),
                &[&batch, &items, &wide, &head_steps, &mixed],
                Size::Items(shape.heads),
            );
            plan.add(
                &values(hidden, layer.attention_out.activation_max),
                &cut(&mixed),
                Size::Rows(Of::Tokens),
            );
            plan.matmul(product(&mixed), &layer.attention_out, none, Of::Tokens);
            plan.add(
                &sum(layer.expansion.activation_max),
                &[
                    &batch,
                    &codes,
                    &steps,
                    &vectors,
                    &layer.attention_norm,
                    &mixed,
                ],
                Size::Rows(Of::Tokens),
            );
            plan.matmul(
                product(&wide),
                &layer.expansion,
                shape.activation,
                Of::Tokens,
            );
            plan.add(
                &values(shape.intermediate, layer.contraction.activation_max),
                &cut(&wide),
                Size::Rows(Of::Tokens),
            );
            plan.matmul(product(&mixed), &layer.contraction, none, Of::Tokens);
            // The last layer's codes are not read.
            let next = loaded.layers.get(l + 1).unwrap_or(layer);
            plan.add(
                &sum(next.attention_in.activation_max),
                &[&batch, &codes, &steps, &vectors, &layer.norm, &mixed],
                Size::Rows(Of::Tokens),
            );
        }
        plan.add(
            &shader::pool(hidden),
            &[&batch, &texts, &vectors, &pooled],
            Size::Rows(Of::Texts),
        );
        let mut out = pooled;
        if let Some(dense) = &loaded.dense {
            plan.add(
                &values(hidden, dense.activation_max),
                &[&batch, &codes, &steps, &out],
                Size::Rows(Of::Texts),
            );
            let of_dense = floats(n_tokens * dense.n_out.next_multiple_of(4))?;
            let buffers = [&batch, &codes, &steps, &of_dense];
            plan.matmul(buffers, dense, shape.dense_activation, Of::Texts);
            out = of_dense;
        }
        let out_stride = shape.dims.next_multiple_of(4);
        if shape.normalize {
            plan.add(
                &shader::unit(out_stride),
                &[&batch, &out],
                Size::Rows(Of::Texts),
            );
        }
        Ok(Self {
            n_tokens,
            batch,
            tokens,
            texts,
            items,
            out,
            out_stride,
            steps: planner.steps,
        })
    }

    /// The texts' vectors as bits, each padded to whole fours.
    pub(super) async fn run(&self, gpu: &Gpu, batch: &Batch) -> Result<Vec<u32>, GpuError> {
        let (n_tokens, n_texts) = (batch.tokens.len(), batch.texts.len());
        let n_items = batch.items.len();
        let sizes = [n_tokens as u32, n_texts as u32, n_items as u32, 0];
        let write = |buffer, bytes: &[u8]| gpu.queue.write_buffer(buffer, 0, bytes);
        write(&self.batch, bytemuck::cast_slice(&sizes));
        write(&self.tokens, bytemuck::cast_slice(&batch.tokens));
        write(&self.texts, bytemuck::cast_slice(&batch.texts));
        write(&self.items, bytemuck::cast_slice(&batch.items));
        let n_rows = |of| match of {
            Of::Tokens => n_tokens,
            Of::Texts => n_texts,
        };
        let commands = gpu.record(|pass| {
            for step in &self.steps {
                let [x, y] = match step.size {
                    Size::Rows(of) => [n_rows(of), 1],
                    Size::Tiles(of, n_out) => [n_out, n_rows(of)].map(|n| n.div_ceil(shader::TILE)),
                    Size::Texts(heads) => [n_texts, heads],
                    Size::Items(heads) => [n_items, heads],
                };
                pass.set_pipeline(&step.kernel);
                pass.set_bind_group(0, &step.bound, &[]);
                pass.dispatch_workgroups(x as u32, y as u32, 1);
            }
            Ok(())
        })?;
        gpu.finish(commands, &self.out, n_texts * self.out_stride)
            .await
    }
}
