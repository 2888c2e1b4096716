//! Model folders in Hugging Face's layout, small enough for tests.

pub mod family;
pub mod onnx;

use serde_json::{Map, Value, json};
use std::path::Path;

/// Words that the tiny models know.
pub const WORDS: [&str; 28] = [
    "tide", "moon", "harbour", "anchor", "crab", "shore", "light", "rhythm", "table", "water",
    "high", "low", "sand", "rock", "ferry", "rope", "sail", "mast", "storm", "wind", "wave",
    "fish", "net", "boat", "chart", "bell", "fog", "gull",
];

/// Tokens with a task, the first of the vocabulary.
const TASK_TOKENS: [&str; 4] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

/// A tensor: its name, its shape, its numbers.
pub type Tensor = (String, Vec<usize>, Vec<f32>);

/// The bytes of a safetensors file.
pub fn safetensors(tensors: &[Tensor]) -> Vec<u8> {
    let mut table = Map::new();
    let mut data = Vec::new();
    for (name, shape, values) in tensors {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "{name}");
        let start = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]});
        table.insert(name.clone(), entry);
    }
    let table = serde_json::to_vec(&table).unwrap();
    let mut out = (table.len() as u64).to_le_bytes().to_vec();
    out.extend(table);
    out.extend(data);
    out
}

/// A `tokenizer.json` of [`WORDS`].
pub fn tokenizer() -> Value {
    let tokens = TASK_TOKENS.iter().chain(&WORDS);
    let vocabulary: Map<String, Value> = (0..)
        .zip(tokens)
        .map(|(i, t)| ((*t).into(), json!(i)))
        .collect();
    let added = (0..4).map(|i| {
        json!({"id": i, "content": TASK_TOKENS[i], "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true})
    });
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added.collect::<Vec<_>>(),
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary},
    })
}

/// A matrix `[n_out, n_in]` of zeros but for `(output, input, weight)`.
fn sparse(n_out: usize, n_in: usize, entries: &[(usize, usize, f32)]) -> Vec<f32> {
    let mut weights = vec![0.0; n_out * n_in];
    for &(o, i, weight) in entries {
        weights[o * n_in + i] = weight;
    }
    weights
}

/// Writes into `folder` a cross-encoder that prefers texts which share words with the query.
///
/// Words have orthogonal codes in 32 dimensions; behind them stands the type, of a text's first or
/// second half (32, 33), whether a token met its like in the other half (34, 35), what is `[CLS]` (36,
/// 37), and how many of the query's tokens met theirs (38, 39).
///
/// In the first layer a token looks for its like, in the other half before its own, and takes over the
/// type of what it found. In the second `[CLS]` averages that over the query.
pub fn overlap_reranker(folder: &Path) {
    const N: usize = 64;
    const WIDE: usize = 4;
    let n_tokens = TASK_TOKENS.len() + WORDS.len();
    // Rows of a Hadamard matrix are orthogonal and, but for the first, sum to nothing.
    let code = |row: usize, i: usize| {
        if (row & i).count_ones().is_multiple_of(2) {
            1.0
        } else {
            -1.0
        }
    };
    let mut words = vec![0.0; n_tokens * N];
    for (token, row) in words.chunks_exact_mut(N).enumerate() {
        for (i, x) in row[..32].iter_mut().enumerate() {
            *x = code(token.max(1), i);
        }
        if token == 2 {
            (row[36], row[37]) = (1.0, -1.0);
        }
    }
    let kinds = sparse(
        2,
        N,
        &[(0, 32, 1.0), (0, 33, -1.0), (1, 32, -1.0), (1, 33, 1.0)],
    );
    let codes = |weight: f32| (0..32).map(move |i| (i, i, weight));
    let queries: Vec<_> = codes(4.0).chain([(32, 32, -48.0)]).collect();
    let keys: Vec<_> = codes(1.0).chain([(32, 32, 1.0)]).collect();
    let layers = [
        (
            queries,
            keys,
            [(34, 32, -1.0), (35, 32, 1.0)],
            [(34, 34, 1.0), (35, 35, 1.0)],
        ),
        (
            vec![(32, 36, 40.0)],
            vec![(32, 32, 1.0)],
            [(38, 34, 1.0), (39, 34, -1.0)],
            [(38, 38, 1.0), (39, 39, 1.0)],
        ),
    ];
    let mut tensors: Vec<Tensor> = Vec::new();
    let mut put = |name: String, shape: &[usize], values: Vec<f32>| {
        tensors.push((format!("bert.{name}"), shape.to_vec(), values));
    };
    let at = |name: &str| format!("embeddings.{name}.weight");
    put(at("word_embeddings"), &[n_tokens, N], words);
    put(at("position_embeddings"), &[N, N], vec![0.0; N * N]);
    put(at("token_type_embeddings"), &[2, N], kinds);
    let norms = (0..2).flat_map(|layer| {
        ["attention.output", "output"].map(|name| format!("encoder.layer.{layer}.{name}.LayerNorm"))
    });
    for norm in norms.chain(["embeddings.LayerNorm".into()]) {
        put(format!("{norm}.weight"), &[N], vec![1.0; N]);
        put(format!("{norm}.bias"), &[N], vec![0.0; N]);
    }
    for (layer, (queries, keys, values, out)) in (0..).zip(layers) {
        let mut linear = |name: &str, n_out: usize, n_in: usize, entries: &[_]| {
            let name = format!("encoder.layer.{layer}.{name}");
            put(
                format!("{name}.weight"),
                &[n_out, n_in],
                sparse(n_out, n_in, entries),
            );
            put(format!("{name}.bias"), &[n_out], vec![0.0; n_out]);
        };
        linear("attention.self.query", N, N, &queries);
        linear("attention.self.key", N, N, &keys);
        linear("attention.self.value", N, N, &values);
        linear("attention.output.dense", N, N, &out);
        linear("intermediate.dense", WIDE, N, &[]);
        linear("output.dense", N, WIDE, &[]);
    }
    put(
        "pooler.dense.weight".into(),
        &[N, N],
        sparse(N, N, &[(0, 38, 0.5)]),
    );
    put("pooler.dense.bias".into(), &[N], vec![0.0; N]);
    tensors.push((
        "classifier.weight".into(),
        vec![1, N],
        sparse(1, N, &[(0, 0, 6.0)]),
    ));
    tensors.push(("classifier.bias".into(), vec![1], vec![0.0]));

    let config = json!({
        "model_type": "bert", "architectures": ["BertForSequenceClassification"],
        "hidden_size": N, "num_hidden_layers": 2, "num_attention_heads": 1,
        "intermediate_size": WIDE, "vocab_size": n_tokens, "max_position_embeddings": N,
        "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
    });
    std::fs::create_dir_all(folder).unwrap();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(name), bytes).unwrap();
    write("config.json", serde_json::to_vec(&config).unwrap());
    write("tokenizer.json", serde_json::to_vec(&tokenizer()).unwrap());
    write("model.safetensors", safetensors(&tensors));
}
