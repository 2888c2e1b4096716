//! Each kernel against plain code on random numbers, and whole models against the CPU.

use super::shader::{Of, Source};
use super::*;
use crate::Adapters;
use littoral_guest::Encoder;
use littoral_guest::encoder::format::{Config, Layer as PlainLayer};
use littoral_guest::wordpiece::{Normalization, TaskTokens, Vocabulary, WordPiece};

fn device() -> Option<Arc<Gpu>> {
    Gpu::open(Adapters::Any).ok()
}

struct Random(u32);

impl Random {
    /// From −1 to 1.
    fn float(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / 8_388_608.0 - 1.0
    }

    fn floats(&mut self, n: usize, size: f32) -> Vec<f32> {
        (0..n).map(|_| self.float() * size).collect()
    }
}

fn run(
    gpu: &Gpu,
    source: &str,
    buffers: &[&wgpu::Buffer],
    groups: [u32; 3],
    read: &[(&wgpu::Buffer, usize)],
) -> Vec<Vec<u32>> {
    let kernel = gpu.kernel(source);
    let once = || {
        gpu.record(|pass| {
            gpu.dispatch(pass, &kernel, buffers, groups);
            Ok(())
        })
    };
    let run = gpu.finish(once().expect("a recording"), read[0].0, 0);
    gpu.wait_for(run).expect("a run");
    let each = read.iter().map(|&(buffer, n)| {
        let nothing = gpu.record(|_| Ok(())).expect("a recording");
        let finish = gpu.finish(nothing, buffer, n);
        gpu.wait_for(finish).expect("words")
    });
    each.collect()
}

fn as_floats(words: &[u32]) -> Vec<f32> {
    words.iter().map(|&word| f32::from_bits(word)).collect()
}

fn near(found: f32, exact: f64, bound: f64) {
    let error = (f64::from(found) - exact).abs();
    assert!(error <= bound * (1.0 + exact.abs()), "{found} {exact}");
}

/// The whole numbers of row `r`, as panels hold them.
fn codes_of(words: &[u32], r: usize, width: usize, parts: usize) -> Vec<i64> {
    let value = |part: usize, c: usize| {
        let word = r / 16 * (width / 4 * parts) + part * (width / 4) + c / 4;
        i64::from(words[word * 16 + r % 16].to_le_bytes()[c % 4] as i8)
    };
    let whole = |c| match parts {
        1 => value(0, c),
        _ => 64 * value(0, c) + value(1, c),
    };
    (0..width).map(whole).collect()
}

/// The codes and steps of `rows` against what plain code cuts them to.
fn check_cut(rows: &[f32], width: usize, max: u32, codes: &[u32], steps: &[f32]) {
    for (r, row) in rows.chunks_exact(width).enumerate() {
        let top = row.iter().fold(0f32, |top, x| top.max(x.abs()));
        near(steps[r], f64::from(top) / f64::from(max), 1e-6);
        let cut = codes_of(codes, r, width, shader::parts(max));
        for (&x, q) in row.iter().zip(cut) {
            let exact = f64::from(x) * f64::from(max) / f64::from(top.max(1e-30));
            assert!((exact - q as f64).abs() < 0.502, "{exact} {q}");
        }
    }
}

/// `eˣ` as the CPU computes it, operation by operation.
fn exp(x: f32) -> f32 {
    let t = (x * std::f32::consts::LOG2_E).max(-126.0);
    let whole = t.round_ties_even();
    let f = t - whole;
    let factors = [
        1.326_697e-3f32,
        9.675_46e-3,
        5.550_742_6e-2,
        2.402_212_2e-1,
        6.931_469_5e-1,
        1.0,
    ];
    let p = factors
        .into_iter()
        .reduce(|p, factor| p * f + factor)
        .unwrap_or(0.0);
    f32::from_bits((p.to_bits() as i32).wrapping_add((whole as i32) << 23) as u32)
}

/// A function of two numbers, in WGSL and in Rust.
type Operation = (&'static str, fn(f32, f32) -> f32);

#[test]
fn floats_are_those_of_the_cpu_in_every_bit() {
    let Some(gpu) = device() else { return };
    let mut random = Random(8);
    let n = 1 << 18;
    let mut draw = |size: f32| -> Vec<f32> {
        // Of all magnitudes up to `size`, but not so small that a device may take them for zero.
        (0..n)
            .map(|i| random.float() * size * (-((i % 24) as f32)).exp2())
            .collect()
    };
    let (a, b) = (draw(60.0), draw(1000.0));
    let operations: [Operation; 6] = [
        ("div(a, b)", |a, b| a / b),
        ("root(abs(b))", |_, b| b.abs().sqrt()),
        ("exp4(vec4<f32>(-abs(a))).x", |a, _| exp(-a.abs())),
        ("keep(a * b) + a", |a, b| a * b + a),
        ("div(127.0, max(abs(a), 1e-30))", |a, _| {
            127.0 / a.abs().max(1e-30)
        }),
        ("round(b)", |_, b| b.round_ties_even()),
    ];
    let (of_a, of_b) = (floats(&gpu, &a).unwrap(), floats(&gpu, &b).unwrap());
    let out = gpu.buffer(n as u64 * 4).unwrap();
    let batch = gpu.uniform(&[0; 4]);
    for (source, plain) in operations {
        let source = format!(
            "{}
            @group(0) @binding(1) var<storage, read> of_a: array<f32>;
            @group(0) @binding(2) var<storage, read> of_b: array<f32>;
            @group(0) @binding(3) var<storage, read_write> out: array<f32>;
            @compute @workgroup_size(64)
            fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
                let a = of_a[id.x];
                let b = of_b[id.x];
                out[id.x] = keep({source});
            }}",
            wgsl!("exact")
        );
        let buffers = [&batch, &of_a, &of_b, &out];
        let found = run(&gpu, &source, &buffers, [n as u32 / 64, 1, 1], &[(&out, n)]);
        for ((&a, &b), &bits) in a.iter().zip(&b).zip(&found[0]) {
            let (found, exact) = (f32::from_bits(bits), plain(a, b));
            assert_eq!(
                bits,
                exact.to_bits(),
                "{a:e} {b:e} {found:e} {exact:e} {source}"
            );
        }
    }
}

#[test]
fn rows_are_cut_as_plain_code_cuts_them() {
    let Some(gpu) = device() else { return };
    let mut random = Random(1);
    for (width, max) in [(40, 127), (384, 2047), (4, 127)] {
        let mut rows = random.floats(21 * width, 3.0);
        rows[2 * width..3 * width].fill(0.0);
        let vectors = floats(&gpu, &rows).unwrap();
        let parts = shader::parts(max);
        let n_words = 32 * width / 4 * parts;
        let codes = gpu.buffer(n_words as u64 * 4).unwrap();
        let steps = gpu.buffer(21 * 4).unwrap();
        let source = shader::rows(width, max, Source::Values);
        let batch = gpu.uniform(&[0, 21, 0, 0]);
        let buffers = [&batch, &codes, &steps, &vectors];
        let read = [(&codes, n_words), (&steps, 21)];
        let found = run(&gpu, &source, &buffers, [21, 1, 1], &read);
        check_cut(&rows, width, max, &found[0], &as_floats(&found[1]));
    }
}

#[test]
fn products_are_exact() {
    let Some(gpu) = device() else { return };
    let mut random = Random(2);
    for (n_rows, n_in, n_out, max, activation) in [
        (37usize, 72usize, 20usize, 127, Activation::Identity),
        (150, 384, 300, 127, Activation::Relu),
        (129, 40, 130, 2047, Activation::Gelu),
        (1, 4, 1, 2047, Activation::Tanh),
    ] {
        let weights = random.floats(n_out * n_in, 0.3);
        let biases = random.floats(n_out, 0.5);
        let matrix = Matrix::pack(&weights, &biases, n_in, max);
        let loaded = Weights::new(&gpu, &matrix).unwrap();
        let parts = shader::parts(max);
        let mut words = vec![0u32; n_rows.next_multiple_of(16) * n_in / 4 * parts];
        let mut rows = Vec::new();
        for r in 0..n_rows {
            for c in 0..n_in {
                let q = (random.float() * max as f32) as i32;
                let high = if parts == 2 { (q + 32) >> 6 } else { q };
                for (part, byte) in [high, q - (high << 6)].into_iter().take(parts).enumerate() {
                    let word = r / 16 * (n_in / 4 * parts) + part * (n_in / 4) + c / 4;
                    words[word * 16 + r % 16] |= u32::from(byte as u8) << (c % 4 * 8);
                }
                rows.push(q);
            }
        }
        let codes = gpu.storage(&words).unwrap();
        let of_rows: Vec<f32> = (0..n_rows).map(|r| 0.001 * (r + 1) as f32).collect();
        let steps = floats(&gpu, &of_rows).unwrap();
        let stride = n_out.next_multiple_of(4);
        let out = gpu.buffer((n_rows * stride * 4) as u64).unwrap();
        let sizes = (n_in, n_out);
        let batch = gpu.uniform(&[n_rows as u32, 0, 0]);
        let buffers = [&batch, &codes, &steps, &loaded.words, &loaded.outputs, &out];
        let groups = [n_out.div_ceil(128) as u32, n_rows.div_ceil(128) as u32, 1];
        for has_dot in [true, false] {
            let source = shader::matmul(sizes, max, activation, Of::Tokens, has_dot);
            let found = run(&gpu, &source, &buffers, groups, &[(&out, n_rows * stride)]);
            let found = as_floats(&found[0]);
            for r in 0..n_rows {
                for o in 0..n_out {
                    let products = (0..n_in)
                        .map(|i| i64::from(rows[r * n_in + i]) * i64::from(matrix.weight(o, i)));
                    let sum = products.sum::<i64>() as f64;
                    let scale = f64::from(matrix.scales()[o]) * f64::from(of_rows[r]);
                    let x = sum * scale + f64::from(biases[o]);
                    let exact = match activation {
                        Activation::Identity => x,
                        Activation::Relu => x.max(0.0),
                        Activation::Tanh => x.tanh(),
                        Activation::Gelu => {
                            // Φ by its own series is not at hand; tanh's form is within 5e-4.
                            let inner = 0.797_884_560_8 * (x + 0.044_715 * x * x * x);
                            0.5 * x * (1.0 + inner.tanh())
                        }
                    };
                    let bound = if activation == Activation::Gelu {
                        1e-3
                    } else {
                        2e-6
                    };
                    near(found[r * stride + o], exact, bound);
                }
            }
        }
    }
}

/// A row normalised in doubles.
fn normalized(row: &[f64], norm: &Norm, epsilon: f64) -> Vec<f64> {
    let n = row.len() as f64;
    let mean = row.iter().sum::<f64>() / n;
    let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    let inverse = 1.0 / (variance + epsilon).sqrt();
    let each = row.iter().zip(norm.gain.iter().zip(&norm.shift));
    each.map(|(x, (&gain, &shift))| (x - mean) * inverse * f64::from(gain) + f64::from(shift))
        .collect()
}

#[test]
fn sums_and_rows_of_tables_are_normalised() {
    let Some(gpu) = device() else { return };
    let mut random = Random(3);
    let (width, n) = (72, 19);
    let plain = Norm {
        gain: random.floats(width, 2.0),
        shift: random.floats(width, 1.0),
    };
    let of_norm = norm(&gpu, &plain).unwrap();
    let batch = gpu.uniform(&[n as u32, 0, 0]);
    let codes = gpu.buffer(32 * width as u64).unwrap();
    let steps = gpu.buffer(n as u64 * 4).unwrap();
    let check = |found: &[Vec<u32>], given: &[Vec<f64>]| {
        let vectors = as_floats(&found[0]);
        for (row, given) in vectors.chunks_exact(width).zip(given) {
            for (&x, exact) in row.iter().zip(normalized(given, &plain, 1e-12)) {
                near(x, exact, 1e-5);
            }
        }
        check_cut(&vectors, width, 127, &found[1], &as_floats(&found[2]));
    };

    let before = random.floats(n * width, 1.0);
    let product = random.floats(n * width, 5.0);
    let vectors = floats(&gpu, &before).unwrap();
    let added = floats(&gpu, &product).unwrap();
    let source = shader::rows(width, 127, Source::Sum(1e-12));
    let buffers = [&batch, &codes, &steps, &vectors, &of_norm, &added];
    let read = [(&vectors, n * width), (&codes, 8 * width), (&steps, n)];
    let found = run(&gpu, &source, &buffers, [n as u32, 1, 1], &read);
    let sums: Vec<f64> = before
        .iter()
        .zip(&product)
        .map(|(a, b)| f64::from(a + b))
        .collect();
    check(
        &found,
        &sums.chunks(width).map(<[f64]>::to_vec).collect::<Vec<_>>(),
    );

    let bytes: Vec<i8> = random
        .floats(5 * width, 127.0)
        .iter()
        .map(|&x| x as i8)
        .collect();
    let tables = random.floats(9 * width, 1.0);
    let tokens: Vec<[u32; 4]> = (0..n as u32)
        .map(|t| [t % 5, t % 6, 6 + t % 3, (0.01 * (t + 1) as f32).to_bits()])
        .collect();
    let of_tokens = gpu.storage(&tokens.concat()).unwrap();
    let token_rows = gpu.storage(&words(bytes.iter().copied())).unwrap();
    let of_tables = floats(&gpu, &tables).unwrap();
    let source = shader::rows(width, 127, Source::Tables(1e-12));
    let buffers = [
        &batch,
        &codes,
        &steps,
        &vectors,
        &of_norm,
        &of_tokens,
        &token_rows,
        &of_tables,
    ];
    let found = run(&gpu, &source, &buffers, [n as u32, 1, 1], &read);
    let given = tokens.iter().map(|&[row, position, kind, scale]| {
        let at = |table: u32, c: usize| f64::from(tables[table as usize * width + c]);
        let scale = f64::from(f32::from_bits(scale));
        let byte = |c: usize| f64::from(bytes[row as usize * width + c]);
        (0..width)
            .map(|c| byte(c) * scale + at(position, c) + at(kind, c))
            .collect()
    });
    check(&found, &given.collect::<Vec<_>>());
}

#[test]
fn attention_mixes_each_text_alone() {
    let Some(gpu) = device() else { return };
    let mut random = Random(4);
    for (heads, width) in [(3, 8), (2, 32), (1, 64)] {
        let hidden = heads * width;
        let lengths = [1u32, 5, 64, 70, 131];
        let n: u32 = lengths.iter().sum();
        let wide = random.floats(n as usize * 3 * hidden, 2.0);
        let (mut items, mut texts) = (Vec::new(), Vec::new());
        let mut first = 0;
        for n in lengths {
            texts.push([first, n, n, 0]);
            for query in (0..n).step_by(shader::QUERIES) {
                items.push([first, n, query, 0]);
            }
            first += n;
        }
        let of_items = gpu.storage(&items.concat()).unwrap();
        let of_wide = floats(&gpu, &wide).unwrap();
        let out = gpu.buffer(u64::from(n) * hidden as u64 * 4).unwrap();
        let of_texts = gpu.storage(&texts.concat()).unwrap();
        let steps = gpu.buffer(u64::from(n) * heads as u64 * 16).unwrap();
        let batch = gpu.uniform(&[n, 0, 0, 0]);
        let read = [(&out, n as usize * hidden)];
        let source = shader::cut(hidden, heads);
        let groups = [texts.len() as u32, heads as u32, 1];
        run(
            &gpu,
            &source,
            &[&batch, &of_texts, &of_wide, &steps],
            groups,
            &read,
        );
        let source = shader::attention(hidden, heads);
        let groups = [items.len() as u32, heads as u32, 1];
        let buffers = [&batch, &of_items, &of_wide, &steps, &out];
        let found = run(&gpu, &source, &buffers, groups, &read);
        let found = as_floats(&found[0]);
        let at =
            |t: u32, part: usize, c: usize| f64::from(wide[(t as usize * 3 + part) * hidden + c]);
        let mut first = 0;
        for n in lengths {
            for query in first..first + n {
                for head in 0..heads {
                    let columns = head * width..(head + 1) * width;
                    let score = |key| -> f64 {
                        columns
                            .clone()
                            .map(|c| at(query, 0, c) * at(key, 1, c))
                            .sum()
                    };
                    let scores = (first..first + n).map(|key| score(key) / (width as f64).sqrt());
                    let scores: Vec<f64> = scores.collect();
                    let top = scores.iter().copied().fold(f64::MIN, f64::max);
                    let shares: Vec<f64> = scores.iter().map(|s| (s - top).exp()).collect();
                    let total: f64 = shares.iter().sum();
                    for c in columns {
                        let mixed: f64 = (first..)
                            .zip(&shares)
                            .map(|(t, share)| share * at(t, 2, c))
                            .sum();
                        near(found[query as usize * hidden + c], mixed / total, 1e-3);
                    }
                }
            }
            first += n;
        }
    }
}

#[test]
fn vectors_are_pooled_and_made_of_length_one() {
    let Some(gpu) = device() else { return };
    let mut random = Random(5);
    let width = 72;
    let given = random.floats(30 * width, 1.0);
    let texts = [[0u32, 10, 10, 0], [10, 2, 1, 0], [12, 18, 18, 0]];
    let of_texts = gpu.storage(&texts.concat()).unwrap();
    let vectors = floats(&gpu, &given).unwrap();
    let out = gpu.buffer(3 * width as u64 * 4).unwrap();
    let batch = gpu.uniform(&[30, 3, 0, 0]);
    let buffers = [&batch, &of_texts, &vectors, &out];
    run(
        &gpu,
        &shader::pool(width),
        &buffers,
        [3, 1, 1],
        &[(&out, 0)],
    );
    let read = [(&out, 3 * width)];
    let found = run(
        &gpu,
        &shader::unit(width),
        &[&batch, &out],
        [3, 1, 1],
        &read,
    );
    for (text, found) in texts.iter().zip(as_floats(&found[0]).chunks_exact(width)) {
        let [first, _, n, _] = text.map(|x| x as usize);
        let mean = |c: usize| -> f64 {
            (first..first + n)
                .map(|t| f64::from(given[t * width + c]))
                .sum::<f64>()
                / n as f64
        };
        let means: Vec<f64> = (0..width).map(mean).collect();
        let length = means.iter().map(|x| x * x).sum::<f64>().sqrt();
        for (&x, mean) in found.iter().zip(means) {
            near(x, mean / length, 1e-5);
        }
    }
}

/// A model of two layers with random weights.
pub(crate) fn model(max: u32, pooling: Pooling, dense: usize) -> Model {
    let mut random = Random(6);
    let (hidden, wide, n_tokens) = (48, 100, 30);
    let tokens = (0..n_tokens).map(|i| (format!("t{i:02}"), i)).collect();
    let task = TaskTokens {
        unknown: 0,
        begin: 1,
        end: 2,
    };
    let mut matrix = |n_out: usize, n_in: usize| {
        let weights = random.floats(n_out * n_in, 0.3);
        Matrix::pack(&weights, &random.floats(n_out, 0.1), n_in, max)
    };
    let norm = || Norm {
        gain: vec![1.0; hidden],
        shift: vec![0.1; hidden],
    };
    let mut layer = || PlainLayer {
        attention_in: matrix(3 * hidden, hidden),
        attention_out: matrix(hidden, hidden),
        attention_norm: norm(),
        expansion: matrix(wide, hidden),
        contraction: matrix(hidden, wide),
        norm: norm(),
    };
    let layers = vec![layer(), layer()];
    let dense_matrix = (dense > 0).then(|| matrix(dense, hidden));
    let rows = random.floats(n_tokens as usize * hidden, 127.0);
    let vocabulary = Vocabulary::new(tokens).expect("tokens");
    Model {
        config: Config {
            hidden,
            layers: 2,
            heads: 3,
            intermediate: wide,
            vocabulary: n_tokens as usize,
            positions: 50,
            types: 2,
            max_tokens: 40,
            dense,
            labels: 0,
            epsilon: 1e-12,
            pooling,
            activation: Activation::Gelu,
            dense_activation: Activation::Tanh,
            normalize: true,
            name: "random".into(),
            query_prompt: String::new(),
            document_prompt: String::new(),
        },
        tokenizer: WordPiece::new(vocabulary, Normalization::UNCASED, Vec::new(), task)
            .expect("a tokenizer"),
        token_scales: vec![0.01; n_tokens as usize],
        token_rows: rows.iter().map(|&x| x as i8).collect(),
        positions: random.floats(50 * hidden, 0.3),
        types: random.floats(2 * hidden, 0.3),
        norm: norm(),
        layers,
        dense: dense_matrix,
        head: None,
    }
}

#[test]
fn whole_models_give_the_vectors_of_the_cpu_in_every_bit() {
    let Some(gpu) = device() else { return };
    for (max, pooling, dense) in [
        (127, Pooling::Mean, 0),
        (2047, Pooling::Mean, 21),
        (2047, Pooling::First, 0),
    ] {
        let model = model(max, pooling, dense);
        let plain = Encoder::load(&model.write()).expect("a model");
        let mut encoder = GpuEncoder::load(&gpu, &model).unwrap();
        // Tokens that are in no table, texts that are cut, and one of none.
        let text = |n: u32| (0..n).map(|i| (i * 7 + n) % 33).collect();
        let texts: Vec<Vec<u32>> = [1, 2, 17, 0, 33, 50, 64, 49].map(text).into();
        // In one batch, and in several.
        for most in [*encoder.max_tokens.get_mut(), 128] {
            encoder.max_tokens = most.into();
            let found = encoder.encode(&texts).unwrap();
            let exact = plain.encode(&texts);
            let bits = |vectors: &[f32]| vectors.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let dims = plain.dims();
            let mut texts_differ = Vec::new();
            let pairs = found.chunks_exact(dims).zip(exact.chunks_exact(dims));
            for (text, (found, exact)) in pairs.enumerate() {
                if bits(found) != bits(exact) {
                    texts_differ.push(text);
                }
            }
            assert_eq!(texts_differ, [0usize; 0], "{max} {pooling:?} {dense}");
        }
    }
}

#[test]
fn a_lost_device_is_an_error_and_no_panic() {
    let Some(gpu) = device() else { return };
    let encoder = GpuEncoder::load(&gpu, &model(127, Pooling::Mean, 0)).unwrap();
    encoder.encode(&[vec![1, 5, 2]]).unwrap();
    gpu.lose();
    let lost = encoder.encode(&[vec![1, 5, 2]]);
    assert!(matches!(lost, Err(GpuError::Lost { .. })), "{lost:?}");
}
