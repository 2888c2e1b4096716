//! Small encoders in ONNX, written field by field: one of a vector per token, mixed by a matrix and
//! bounded by the hyperbolic tangent; and a learned sparse one, whose tokens bring others to mind.

use super::{TASK_TOKENS, WORDS, tokenizer};
use crate::random::Random;
use serde_json::json;
use std::path::Path;

/// Width of a vector.
pub const DIMS: usize = 12;

/// What stands before a query.
pub const QUERY_PROMPT: &str = "light ";

/// The graph's numbers.
#[derive(Debug, Clone)]
pub struct Graph {
    /// `[n_tokens, DIMS]`
    pub words: Vec<f32>,
    /// `[DIMS, DIMS]`, input by input.
    pub mixer: Vec<f32>,
}

impl Graph {
    /// Numbers that come from `seed`.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut draw = |n: usize| -> Vec<f32> {
            (0..n)
                .map(|_| (random.bits() >> 40) as f32 / 8_388_608.0 - 1.0)
                .collect()
        };
        Self {
            words: draw((TASK_TOKENS.len() + WORDS.len()) * DIMS),
            mixer: draw(DIMS * DIMS),
        }
    }

    /// The vectors of tokens, `[n_tokens, DIMS]`, computed plainly.
    pub fn vectors(&self, tokens: &[u32]) -> Vec<f32> {
        let mut out = Vec::new();
        for &token in tokens {
            let word = &self.words[token as usize * DIMS..][..DIMS];
            for o in 0..DIMS {
                let products = word.iter().enumerate();
                let sum: f32 = products.map(|(i, x)| x * self.mixer[i * DIMS + o]).sum();
                out.push(sum.tanh());
            }
        }
        out
    }

    /// The bytes of the graph.
    pub fn bytes(&self) -> Vec<u8> {
        let n_tokens = self.words.len() / DIMS;
        let axis = attribute("to", 1);
        let nodes = [
            node("Gather", &["words", "input_ids"], "rows", &[]),
            node("MatMul", &["rows", "mixer"], "mixed", &[]),
            node("Tanh", &["mixed"], "bounded", &[]),
            node("Cast", &["attention_mask"], "mask", &[axis]),
            node("Unsqueeze", &["mask", "last"], "wide", &[]),
            node("Mul", &["bounded", "wide"], "last_hidden_state", &[]),
        ];
        let mut graph = Message::default();
        nodes.iter().for_each(|node| graph.bytes(1, node));
        graph.bytes(2, b"small");
        graph.bytes(5, &floats("words", &[n_tokens, DIMS], &self.words));
        graph.bytes(5, &floats("mixer", &[DIMS, DIMS], &self.mixer));
        let mut last = Message::default();
        last.number(1, 1);
        last.number(2, 7);
        last.bytes(8, b"last");
        last.bytes(9, &2i64.to_le_bytes());
        graph.bytes(5, &last.0);
        for name in ["input_ids", "attention_mask"] {
            graph.bytes(11, &value(name, 7, &["batch", "tokens"]));
        }
        graph.bytes(
            12,
            &value("last_hidden_state", 1, &["batch", "tokens", "width"]),
        );
        model(&graph)
    }

    /// Writes the folder of the encoder, whose text is the first token's vector or the mean of all.
    pub fn write(&self, folder: &Path, first_token: bool) {
        let pooling = json!({
            "word_embedding_dimension": DIMS, "pooling_mode_cls_token": first_token,
            "pooling_mode_mean_tokens": !first_token,
        });
        let prompts = json!({"prompts": {"query": QUERY_PROMPT, "document": ""}});
        std::fs::create_dir_all(folder.join("1_Pooling")).unwrap();
        let write = |path: &str, bytes: Vec<u8>| std::fs::write(folder.join(path), bytes).unwrap();
        write("model.onnx", self.bytes());
        write("tokenizer.json", serde_json::to_vec(&tokenizer()).unwrap());
        write(
            "1_Pooling/config.json",
            serde_json::to_vec(&pooling).unwrap(),
        );
        write(
            "config_sentence_transformers.json",
            serde_json::to_vec(&prompts).unwrap(),
        );
    }
}

/// A learned sparse encoder: a logit for each pair of a token that is there and one that it brings to
/// mind.
#[derive(Debug, Clone)]
pub struct SparseGraph {
    /// `[n_tokens, n_tokens]`
    pub logits: Vec<f32>,
}

impl SparseGraph {
    /// Each token brings itself to mind with `own`, and others as `pairs` of words say.
    ///
    /// # Panics
    /// When a word is not of [`WORDS`].
    pub fn new(own: f32, pairs: &[(&str, &str, f32)]) -> Self {
        let n = TASK_TOKENS.len() + WORDS.len();
        let place = |word: &str| {
            let place = WORDS.iter().position(|known| *known == word);
            TASK_TOKENS.len() + place.expect("a word of the vocabulary")
        };
        let mut logits = vec![-1.0; n * n];
        (0..n).for_each(|i| logits[i * n + i] = own);
        for (of, to, logit) in pairs {
            logits[place(of) * n + place(to)] = *logit;
        }
        Self { logits }
    }

    /// The bytes of the graph.
    pub fn bytes(&self) -> Vec<u8> {
        let n = TASK_TOKENS.len() + WORDS.len();
        let mut graph = Message::default();
        graph.bytes(
            1,
            &node("Gather", &["associations", "input_ids"], "logits", &[]),
        );
        graph.bytes(2, b"sparse");
        graph.bytes(5, &floats("associations", &[n, n], &self.logits));
        graph.bytes(11, &value("input_ids", 7, &["batch", "tokens"]));
        graph.bytes(12, &value("logits", 1, &["batch", "tokens", "width"]));
        model(&graph)
    }

    /// Writes the folder of the encoder, which reads windows of `n_tokens`.
    pub fn write(&self, folder: &Path, n_tokens: usize) {
        std::fs::create_dir_all(folder).unwrap();
        let write = |path: &str, bytes: Vec<u8>| std::fs::write(folder.join(path), bytes).unwrap();
        write("model.onnx", self.bytes());
        write("tokenizer.json", serde_json::to_vec(&tokenizer()).unwrap());
        let config = json!({ "max_position_embeddings": n_tokens });
        write("config.json", serde_json::to_vec(&config).unwrap());
    }
}

/// The file of a graph.
fn model(graph: &Message) -> Vec<u8> {
    let mut opset = Message::default();
    opset.number(2, 17);
    let mut model = Message::default();
    model.number(1, 8);
    model.bytes(7, &graph.0);
    model.bytes(8, &opset.0);
    model.0
}

/// A message of protocol buffers.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value > 0x7F {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

fn attribute(name: &str, value: u64) -> Vec<u8> {
    let mut attribute = Message::default();
    attribute.bytes(1, name.as_bytes());
    attribute.number(3, value);
    attribute.number(20, 2);
    attribute.0
}

fn node(kind: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut node = Message::default();
    inputs
        .iter()
        .for_each(|input| node.bytes(1, input.as_bytes()));
    node.bytes(2, output.as_bytes());
    node.bytes(3, output.as_bytes());
    node.bytes(4, kind.as_bytes());
    attributes
        .iter()
        .for_each(|attribute| node.bytes(5, attribute));
    node.0
}

fn floats(name: &str, shape: &[usize], values: &[f32]) -> Vec<u8> {
    let mut tensor = Message::default();
    shape.iter().for_each(|&n| tensor.number(1, n as u64));
    tensor.number(2, 1);
    tensor.bytes(8, name.as_bytes());
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    tensor.bytes(9, &bytes);
    tensor.0
}

fn value(name: &str, kind: u64, dims: &[&str]) -> Vec<u8> {
    let mut shape = Message::default();
    for dim in dims {
        let mut named = Message::default();
        named.bytes(2, dim.as_bytes());
        shape.bytes(1, &named.0);
    }
    let mut tensor = Message::default();
    tensor.number(1, kind);
    tensor.bytes(2, &shape.0);
    let mut kind = Message::default();
    kind.bytes(1, &tensor.0);
    let mut value = Message::default();
    value.bytes(1, name.as_bytes());
    value.bytes(2, &kind.0);
    value.0
}
