//! The forward pass in 32-bit numbers, plain and slow: what packing is measured against.

use super::folder::{Linear, Norm, Weights};
use littoral_guest::encoder::format::{Activation, Pooling};

/// The vector of a text given as tokens.
pub fn encode(weights: &Weights, tokens: &[u32]) -> Vec<f32> {
    let vectors = last_layer(weights, tokens, usize::MAX);
    let config = &weights.config;
    let n = config.hidden;
    let mut pooled = match config.pooling {
        Pooling::First => vectors[..n].to_vec(),
        Pooling::Mean => (0..n)
            .map(|i| vectors[i..].iter().step_by(n).sum::<f32>() / tokens.len() as f32)
            .collect(),
    };
    if let Some(dense) = &weights.dense {
        pooled = linear(dense, &pooled);
        activate(config.dense_activation, &mut pooled);
    }
    if config.normalize {
        let length = pooled.iter().map(|x| x * x).sum::<f32>().sqrt();
        for x in &mut pooled {
            *x /= length;
        }
    }
    pooled
}

/// What the classifier gives for a pair of texts, of whose tokens the first `n_first` are the first's.
pub fn score(weights: &Weights, tokens: &[u32], n_first: usize) -> Option<Vec<f32>> {
    let [pooler, classifier] = weights.head.as_ref()?;
    let vectors = last_layer(weights, tokens, n_first);
    let mut pooled = linear(pooler, &vectors[..weights.config.hidden]);
    activate(Activation::Tanh, &mut pooled);
    Some(linear(classifier, &pooled))
}

fn last_layer(weights: &Weights, tokens: &[u32], n_first: usize) -> Vec<f32> {
    let config = &weights.config;
    let n = config.hidden;
    let mut vectors = Vec::new();
    for (t, &token) in tokens.iter().enumerate() {
        let kind = usize::from(t >= n_first).min(config.types - 1);
        let row = |table: &[f32], i: usize| table[i * n..][..n].to_vec();
        let token = row(&weights.tokens, token as usize);
        let (position, kind) = (row(&weights.positions, t), row(&weights.types, kind));
        vectors.extend((0..n).map(|i| token[i] + position[i] + kind[i]));
    }
    normalize(&mut vectors, &weights.norm, config.epsilon);
    for layer in &weights.layers {
        let wide = linear(&layer.attention_in, &vectors);
        let mixed = attention(&wide, n, config.heads);
        add(&mut vectors, &linear(&layer.attention_out, &mixed));
        normalize(&mut vectors, &layer.attention_norm, config.epsilon);
        let mut wide = linear(&layer.expansion, &vectors);
        activate(config.activation, &mut wide);
        add(&mut vectors, &linear(&layer.contraction, &wide));
        normalize(&mut vectors, &layer.norm, config.epsilon);
    }
    vectors
}

/// `wide` has a row of queries, keys and values per token, `[3, hidden]`.
fn attention(wide: &[f32], hidden: usize, heads: usize) -> Vec<f32> {
    let n_tokens = wide.len() / (3 * hidden);
    let width = hidden / heads;
    let row = |t: usize, part: usize, head: usize| {
        &wide[(3 * t + part) * hidden + head * width..][..width]
    };
    let mut out = vec![0.0; n_tokens * hidden];
    for t in 0..n_tokens {
        for head in 0..heads {
            let products = (0..n_tokens).map(|other| dot(row(t, 0, head), row(other, 1, head)));
            let scores: Vec<f32> = products.map(|p| p / (width as f32).sqrt()).collect();
            let top = scores.iter().copied().fold(f32::MIN, f32::max);
            let shares: Vec<f32> = scores.iter().map(|&s| libm::expf(s - top)).collect();
            let sum: f32 = shares.iter().sum();
            let out = &mut out[t * hidden + head * width..][..width];
            for (other, share) in shares.iter().enumerate() {
                for (out, value) in out.iter_mut().zip(row(other, 2, head)) {
                    *out += share / sum * value;
                }
            }
        }
    }
    out
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    for (a, b) in a.iter().zip(b) {
        for i in 0..16 {
            lanes[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f32>() + rest
}

fn linear(linear: &Linear, values: &[f32]) -> Vec<f32> {
    let rows = linear.weights.chunks_exact(linear.n_in);
    let mut out = Vec::new();
    for values in values.chunks_exact(linear.n_in) {
        out.extend(
            rows.clone()
                .zip(&linear.biases)
                .map(|(row, bias)| dot(row, values) + bias),
        );
    }
    out
}

fn add(to: &mut [f32], values: &[f32]) {
    to.iter_mut()
        .zip(values)
        .for_each(|(to, value)| *to += value);
}

fn activate(activation: Activation, values: &mut [f32]) {
    for x in values {
        *x = match activation {
            Activation::Gelu => *x * 0.5 * (1.0 + libm::erff(*x * std::f32::consts::FRAC_1_SQRT_2)),
            Activation::Relu => x.max(0.0),
            Activation::Tanh => libm::tanhf(*x),
            Activation::Identity => *x,
        };
    }
}

fn normalize(vectors: &mut [f32], [gain, shift]: &Norm, epsilon: f32) {
    let n = gain.len();
    for row in vectors.chunks_exact_mut(n) {
        let mean = row.iter().sum::<f32>() / n as f32;
        let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / n as f32;
        let inverse = 1.0 / (variance + epsilon).sqrt();
        for ((x, gain), shift) in row.iter_mut().zip(gain).zip(shift) {
            *x = (*x - mean) * inverse * gain + shift;
        }
    }
}
