use super::format::{Layer, Norm};
use super::matrix::Matrix;
use super::*;
use crate::wordpiece::{Normalization, TaskTokens, Vocabulary};

/// A model of two layers with numbers that look random.
fn tiny(max: u32) -> Model {
    let mut state = 1u32;
    let mut draw = |n: usize, size: f32| -> Vec<f32> {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..n).map(|_| next() * size).collect()
    };
    let (hidden, wide, n_tokens) = (24, 40, 30);
    let tokens = (0..n_tokens).map(|i| (format!("t{i:02}"), i));
    let vocabulary = Vocabulary::new(tokens.collect()).unwrap();
    let task = TaskTokens {
        unknown: 0,
        begin: 1,
        end: 2,
    };
    let mut matrix = |n_out: usize, n_in: usize| {
        Matrix::pack(&draw(n_out * n_in, 0.4), &draw(n_out, 0.1), n_in, max)
    };
    let norm = || Norm {
        gain: vec![1.0; hidden],
        shift: vec![0.1; hidden],
    };
    let layers = (0..2).map(|_| Layer {
        attention_in: matrix(3 * hidden, hidden),
        attention_out: matrix(hidden, hidden),
        attention_norm: norm(),
        expansion: matrix(wide, hidden),
        contraction: matrix(hidden, wide),
        norm: norm(),
    });
    let layers = layers.collect();
    let dense = Some(matrix(20, hidden));
    let head = Some([matrix(hidden, hidden), matrix(1, hidden)]);
    let rows = draw(n_tokens as usize * hidden, 127.0);
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
            dense: 20,
            labels: 1,
            epsilon: 1e-12,
            pooling: Pooling::Mean,
            activation: Activation::Gelu,
            dense_activation: Activation::Tanh,
            normalize: true,
            name: "tiny".into(),
            query_prompt: "query: ".into(),
            document_prompt: String::new(),
        },
        tokenizer: WordPiece::new(vocabulary, Normalization::UNCASED, Vec::new(), task).unwrap(),
        token_scales: vec![0.01; n_tokens as usize],
        token_rows: rows.iter().map(|&x| x as i8).collect(),
        positions: draw(50 * hidden, 0.3),
        types: draw(2 * hidden, 0.3),
        norm: norm(),
        layers,
        dense,
        head,
    }
}

fn texts() -> Vec<Vec<u32>> {
    let text = |n: u32| (0..n).map(|i| (i * 7 + n) % 30).collect();
    [1, 2, 17, 0, 33, 50, 64].map(text).into()
}

#[test]
fn every_kernel_gives_the_same_bytes_whatever_else_is_in_the_batch() {
    for max in [127, 2047] {
        let encoder = Encoder::load(&tiny(max).write()).unwrap();
        let plain = encoder.clone().with_kernel(Kernel::Scalar);
        let bits = |vectors: &[f32]| vectors.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let together = bits(&plain.encode(&texts()));
        let pair = (vec![1, 5, 2, 6, 7, 2], 3);
        let score = bits(&plain.score_pairs(std::slice::from_ref(&pair)).unwrap());
        for kernel in Kernel::available() {
            let encoder = encoder.clone().with_kernel(kernel);
            assert_eq!(bits(&encoder.encode(&texts())), together, "{kernel:?}");
            let alone = texts().into_iter().flat_map(|text| encoder.encode(&[text]));
            assert_eq!(bits(&alone.collect::<Vec<_>>()), together, "{kernel:?}");
            let found = encoder.score_pairs(std::slice::from_ref(&pair)).unwrap();
            assert_eq!(bits(&found), score, "{kernel:?}");
        }
        let vectors = plain.encode(&texts());
        for (vector, text) in vectors.chunks_exact(20).zip(texts()) {
            let length: f32 = vector.iter().map(|x| x * x).sum();
            let expected = if text.is_empty() { 0.0 } else { 1.0 };
            assert!((length - expected).abs() < 1e-5);
        }
    }
}

#[test]
fn a_token_of_the_second_type_changes_the_score() {
    let encoder = Encoder::load(&tiny(127).write()).unwrap();
    let tokens = vec![1, 5, 2, 6, 7, 2];
    let scores = encoder
        .score_pairs(&[(tokens.clone(), 3), (tokens, 6)])
        .unwrap();
    assert!((scores[0] - scores[1]).abs() > 1e-6);
}

#[test]
fn a_model_comes_back_from_its_bytes_and_damage_is_refused() {
    let bytes = tiny(127).write();
    assert_eq!(u32::from_le_bytes(bytes[48..52].try_into().unwrap()), 24);
    let (model, id) = Model::read(&bytes).unwrap();
    assert_eq!(model.write(), bytes);
    assert_eq!(id, bytes[16..24]);
    for i in (0..bytes.len()).step_by(7) {
        assert!(Model::read(&bytes[..i]).is_err());
        let mut damaged = bytes.clone();
        damaged[i] ^= 0x41;
        assert!(Model::read(&damaged).is_err());
        // With the checksum made right, it is refused or runs.
        let hash = blake3::hash(&damaged[format::FIXED_BYTES..]);
        damaged[16..48].copy_from_slice(hash.as_bytes());
        if let Ok(encoder) = Encoder::load(&damaged) {
            encoder.encode(&[vec![1, 29, 4_000_000, 2]]);
        }
    }
}
