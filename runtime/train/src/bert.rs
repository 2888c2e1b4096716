//! A model of BERT's family on tensors: texts as tokens in, their vectors out; or pairs of texts in, and out
//! how relevant the second is to the first.
//!
//! Its weights are constants. What is trained are the changes of [`crate::lora`], which are added to the
//! outputs of the matrices, so that no gradient as large as a matrix is ever computed, and the head of a
//! cross-encoder, which is small.

use crate::lora::{Changes, numbers};
use burn_tensor::activation::{gelu, relu, softmax, tanh};
use burn_tensor::module::{layer_norm, linear};
use burn_tensor::{Device, Tensor, TensorData};
use littoral_guest::encoder::format::{Activation, Config, Pooling};
use littoral_guest::encoder::rerank::Pair;
use littoral_runtime::models::adapter::Part;
use littoral_runtime::models::folder::{self, Weights};

/// What is added to the scores of places behind a text's end.
const BEHIND: f32 = -1e9;

/// Tokens of texts that the CPU encodes at once, those that fill them up to one length included.
const GROUP_TOKENS: usize = 2048;

/// Those of a GPU, which has more to do at once, and waits for the CPU after each group.
#[cfg(feature = "gpu")]
pub(crate) const GPU_GROUP_TOKENS: usize = 8192;

/// The device that computes, with gradients.
pub fn device() -> Device {
    Device::flex().autodiff()
}

#[derive(Debug)]
struct Linear {
    /// `[n_in, n_out]`
    weights: Tensor<2>,
    biases: Tensor<1>,
}

impl Linear {
    /// Of `weights`, `[n_out, n_in]`.
    fn new(weights: &[f32], biases: &[f32], n_in: usize, device: &Device) -> Self {
        let n_out = biases.len();
        let turned = (0..n_in).flat_map(|i| (0..n_out).map(move |o| weights[o * n_in + i]));
        let data = TensorData::new(turned.collect::<Vec<f32>>(), [n_in, n_out]);
        Self {
            weights: Tensor::from_data(data, device),
            biases: vector(biases, device),
        }
    }

    fn of(linear: &folder::Linear, device: &Device) -> Self {
        Self::new(&linear.weights, &linear.biases, linear.n_in, device)
    }

    fn apply(&self, x: &Tensor<2>) -> Tensor<2> {
        linear(x.clone(), self.weights.clone(), Some(self.biases.clone()))
    }
}

fn vector(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

#[derive(Debug)]
struct Norm {
    gain: Tensor<1>,
    shift: Tensor<1>,
    epsilon: f64,
}

impl Norm {
    fn apply(&self, x: Tensor<2>) -> Tensor<2> {
        let (gain, shift) = (self.gain.clone(), self.shift.clone());
        layer_norm(x, gain, Some(shift), self.epsilon)
    }
}

#[derive(Debug)]
struct Layer {
    /// Queries, keys, values.
    attention_in: [Linear; 3],
    attention_out: Linear,
    attention_norm: Norm,
    expansion: Linear,
    contraction: Linear,
    norm: Norm,
}

/// A text as tokens, of which the first `n_first` are that of the first of two.
type Text<'a> = (&'a [u32], usize);

/// The model.
#[derive(Debug)]
pub struct Bert {
    config: Config,
    device: Device,
    /// Tokens of texts that are encoded at once, those that fill them up to one length included.
    pub(crate) group_tokens: usize,
    /// `[vocabulary, hidden]`
    tokens: Vec<f32>,
    /// `[positions, hidden]`, the row of a type added: that of a text or of the first of two, and that of the
    /// second.
    positions: [Vec<f32>; 2],
    norm: Norm,
    layers: Vec<Layer>,
    dense: Option<Linear>,
}

impl Bert {
    /// The model of `weights`.
    pub fn new(weights: &Weights, device: &Device) -> Self {
        let config = &weights.config;
        let n = config.hidden;
        let norm = |[gain, shift]: &folder::Norm| Norm {
            gain: vector(gain, device),
            shift: vector(shift, device),
            epsilon: f64::from(config.epsilon),
        };
        let layers = weights.layers.iter().map(|layer| {
            let all = &layer.attention_in;
            let part = |i: usize| {
                let rows = &all.weights[i * n * n..][..n * n];
                Linear::new(rows, &all.biases[i * n..][..n], n, device)
            };
            Layer {
                attention_in: [part(0), part(1), part(2)],
                attention_out: Linear::of(&layer.attention_out, device),
                attention_norm: norm(&layer.attention_norm),
                expansion: Linear::of(&layer.expansion, device),
                contraction: Linear::of(&layer.contraction, device),
                norm: norm(&layer.norm),
            }
        });
        let positions = [0, 1].map(|kind: usize| {
            let mut positions = weights.positions.clone();
            let kind = &weights.types[kind.min(config.types - 1) * n..];
            for row in positions.chunks_exact_mut(n) {
                row.iter_mut().zip(kind).for_each(|(x, kind)| *x += kind);
            }
            positions
        });
        Self {
            layers: layers.collect(),
            tokens: weights.tokens.clone(),
            positions,
            norm: norm(&weights.norm),
            dense: weights
                .dense
                .as_ref()
                .map(|dense| Linear::of(dense, device)),
            config: config.clone(),
            device: device.clone(),
            group_tokens: GROUP_TOKENS,
        }
    }

    /// Dimensions of a text's vector.
    pub fn dims(&self) -> usize {
        match self.config.dense {
            0 => self.config.hidden,
            dense => dense,
        }
    }

    /// The device that it computes on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The vectors of `texts`, `[texts, dims]`, not brought to any length.
    pub fn encode(&self, texts: &[&[u32]], changes: &Changes) -> Tensor<2> {
        let n = self.config.hidden;
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let shares = texts.iter().flat_map(|text| {
            (0..longest).map(|t| match self.config.pooling {
                Pooling::First => f32::from(u8::from(t == 0)),
                Pooling::Mean if t < text.len() => 1.0 / text.len() as f32,
                Pooling::Mean => 0.0,
            })
        });
        let shares = TensorData::new(shares.collect::<Vec<f32>>(), [texts.len(), 1, longest]);
        let shares = Tensor::<3>::from_data(shares, &self.device);
        let alone: Vec<Text<'_>> = texts.iter().map(|&text| (text, usize::MAX)).collect();
        let pooled = shares.matmul(self.last_layer(&alone, changes));
        let pooled = pooled.reshape([texts.len(), n]);
        match &self.dense {
            Some(dense) => activate(self.config.dense_activation, dense.apply(&pooled)),
            None => pooled,
        }
    }

    /// Log odds that the second text of each of `pairs` answers the first, `[pairs, 1]`, by the head in
    /// `changes`.
    pub fn log_odds(&self, pairs: &[&Pair], changes: &Changes) -> Tensor<2> {
        let texts: Vec<Text<'_>> = pairs
            .iter()
            .map(|(text, n)| (text.as_slice(), *n))
            .collect();
        let first = self.last_layer(&texts, changes).narrow(1, 0, 1);
        changes.log_odds(&first.reshape([pairs.len(), self.config.hidden]))
    }

    /// What stands behind the last layer, `[texts, longest, hidden]`.
    fn last_layer(&self, texts: &[Text<'_>], changes: &Changes) -> Tensor<3> {
        let n = self.config.hidden;
        let longest = texts.iter().map(|text| text.0.len()).max().unwrap_or(0);
        let shape = [texts.len(), longest];
        let (mut sums, mut behind) = (Vec::new(), Vec::new());
        for (text, n_first) in texts {
            for t in 0..longest {
                let token = text.get(t).copied();
                let row = &self.tokens[token.unwrap_or(0) as usize * n..][..n];
                let position = &self.positions[usize::from(t >= *n_first)][t * n..][..n];
                sums.extend(row.iter().zip(position).map(|(a, b)| a + b));
                behind.push(if token.is_some() { 0.0 } else { BEHIND });
            }
        }
        let is_padded = behind.iter().any(|x| *x != 0.0);
        let behind = TensorData::new(behind, [texts.len(), 1, 1, longest]);
        let behind = is_padded.then(|| Tensor::<4>::from_data(behind, &self.device));
        let sums = TensorData::new(sums, [texts.len() * longest, n]);
        let mut x = self.norm.apply(Tensor::from_data(sums, &self.device));
        for (number, layer) in self.layers.iter().enumerate() {
            x = self.layer(number, layer, x, shape, behind.as_ref(), changes);
        }
        x.reshape([texts.len(), longest, n])
    }

    fn layer(
        &self,
        number: usize,
        layer: &Layer,
        x: Tensor<2>,
        [n_texts, n_tokens]: [usize; 2],
        behind: Option<&Tensor<4>>,
        changes: &Changes,
    ) -> Tensor<2> {
        let apply = |part: Part, linear: &Linear, x: &Tensor<2>| {
            let plain = linear.apply(x);
            match changes.of((number, part), x) {
                Some(change) => plain + change,
                None => plain,
            }
        };
        let (heads, width) = (self.config.heads, self.config.head_width());
        let parts = [Part::Query, Part::Key, Part::Value];
        let [queries, keys, values] = [0, 1, 2].map(|i| {
            let rows = apply(parts[i], &layer.attention_in[i], &x);
            rows.reshape([n_texts, n_tokens, heads, width])
                .swap_dims(1, 2)
        });
        let queries = queries.mul_scalar(1.0 / (width as f32).sqrt());
        let mut scores = queries.matmul(keys.transpose());
        if let Some(behind) = behind {
            scores = scores + behind.clone();
        }
        let mixed = softmax(scores, 3).matmul(values).swap_dims(1, 2);
        let mixed = mixed.reshape([n_texts * n_tokens, heads * width]);
        let out = apply(Part::AttentionOutput, &layer.attention_out, &mixed);
        let x = layer.attention_norm.apply(x + out);
        let wide = apply(Part::Intermediate, &layer.expansion, &x);
        let wide = activate(self.config.activation, wide);
        let out = apply(Part::Output, &layer.contraction, &wide);
        layer.norm.apply(x + out)
    }

    /// The vectors of `texts` one after another, `[texts, dims]`, without their gradients.
    pub fn vectors(&self, texts: &[&[u32]], changes: &Changes) -> Vec<f32> {
        let dims = self.dims();
        let mut all = vec![0.0; texts.len() * dims];
        for group in self.groups(texts) {
            let members: Vec<&[u32]> = group.iter().map(|&i| texts[i]).collect();
            let rows = numbers(self.encode(&members, changes));
            for (&i, row) in group.iter().zip(rows.chunks_exact(dims)) {
                all[i * dims..][..dims].copy_from_slice(row);
            }
        }
        all
    }

    /// The log odds of `pairs`, without their gradients.
    pub fn all_log_odds(&self, pairs: &[Pair], changes: &Changes) -> Vec<f32> {
        let texts: Vec<&[u32]> = pairs.iter().map(|(text, _)| text.as_slice()).collect();
        let mut all = vec![0.0; pairs.len()];
        for group in self.groups(&texts) {
            let members: Vec<&Pair> = group.iter().map(|&i| &pairs[i]).collect();
            let values = numbers(self.log_odds(&members, changes));
            group.iter().zip(values).for_each(|(&i, x)| all[i] = x);
        }
        all
    }

    /// Places of `texts` in groups that are encoded at once: of similar length, so that little is filled up.
    pub fn groups(&self, texts: &[&[u32]]) -> Vec<Vec<usize>> {
        let mut places: Vec<usize> = (0..texts.len()).collect();
        places.sort_by_key(|&i| texts[i].len());
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for place in places {
            match groups.last_mut() {
                Some(group) if (group.len() + 1) * texts[place].len() <= self.group_tokens => {
                    group.push(place);
                }
                _ => groups.push(vec![place]),
            }
        }
        groups
    }
}

fn activate(activation: Activation, x: Tensor<2>) -> Tensor<2> {
    match activation {
        Activation::Gelu => gelu(x),
        Activation::Relu => relu(x),
        Activation::Tanh => tanh(x),
        Activation::Identity => x,
    }
}
