//! Small models of BERT's family with weights that look random, in the structures that published
//! ones have.

use super::{TASK_TOKENS, Tensor, WORDS, safetensors, tokenizer};
use crate::random::Random;
use serde_json::{Value, json};
use std::path::Path;

/// The structure of a model.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Width of a token's vector.
    pub hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width between expansion and contraction.
    pub intermediate: usize,
    /// Whether the first token's vector is the text's, not the mean of all.
    pub first_token: bool,
    /// Width after a dense layer behind pooling, 0 without one.
    pub dense: usize,
    /// Outputs of a classifier, 0 without one.
    pub labels: usize,
    /// What stands before a query.
    pub query_prompt: &'static str,
    /// What the names of tensors begin with.
    pub prefix: &'static str,
}

/// all-MiniLM-L6-v2: the mean of all tokens.
pub const MINILM: Family = Family {
    hidden: 48,
    layers: 2,
    heads: 4,
    intermediate: 96,
    first_token: false,
    dense: 0,
    labels: 0,
    query_prompt: "",
    prefix: "",
};

/// bge-small-en-v1.5: the vector of `[CLS]`.
pub const BGE: Family = Family {
    first_token: true,
    ..MINILM
};

/// snowflake-arctic-embed-xs: the vector of `[CLS]`, and a prompt before queries.
pub const ARCTIC: Family = Family {
    first_token: true,
    query_prompt: "light the harbour: ",
    ..MINILM
};

/// mdbr-leaf-ir: the mean, a dense layer to a larger width, a prompt.
pub const LEAF: Family = Family {
    dense: 72,
    query_prompt: "light the harbour: ",
    ..MINILM
};

/// ms-marco-MiniLM-L6-v2: a classifier with one output, all tensors under a name of their own.
pub const CROSS_ENCODER: Family = Family {
    labels: 1,
    prefix: "bert.",
    ..MINILM
};

/// The published structures by name.
pub const ALL: [(&str, Family); 5] = [
    ("minilm", MINILM),
    ("bge", BGE),
    ("arctic", ARCTIC),
    ("leaf", LEAF),
    ("cross-encoder", CROSS_ENCODER),
];

/// Positions of every model here.
const POSITIONS: usize = 64;

impl Family {
    /// Writes a model folder whose weights come from `seed`.
    pub fn write(&self, folder: &Path, seed: u64) {
        let n = self.hidden;
        let n_tokens = TASK_TOKENS.len() + WORDS.len();
        let mut random = Random::new(seed);
        let mut draw = |n: usize, size: f32| -> Vec<f32> {
            (0..n)
                .map(|_| ((random.bits() >> 40) as f32 / 8_388_608.0 - 1.0) * size)
                .collect()
        };
        let mut tensors: Vec<Tensor> = Vec::new();
        let mut put = |name: String, shape: &[usize], values: Vec<f32>| {
            tensors.push((format!("{}{name}", self.prefix), shape.to_vec(), values));
        };
        for (name, rows) in [
            ("word_embeddings", n_tokens),
            ("position_embeddings", POSITIONS),
            ("token_type_embeddings", 2),
        ] {
            put(
                format!("embeddings.{name}.weight"),
                &[rows, n],
                draw(rows * n, 1.0),
            );
        }
        let mut norms = vec!["embeddings.LayerNorm".to_owned()];
        let mut linears = Vec::new();
        for layer in 0..self.layers {
            let at = |name: &str| format!("encoder.layer.{layer}.{name}");
            norms.push(at("attention.output.LayerNorm"));
            norms.push(at("output.LayerNorm"));
            for name in ["query", "key", "value"] {
                linears.push((at(&format!("attention.self.{name}")), n, n));
            }
            linears.push((at("attention.output.dense"), n, n));
            linears.push((at("intermediate.dense"), self.intermediate, n));
            linears.push((at("output.dense"), n, self.intermediate));
        }
        if self.labels > 0 {
            linears.push(("pooler.dense".into(), n, n));
        }
        for norm in norms {
            let gain = draw(n, 0.3).iter().map(|x| x + 1.0).collect();
            put(format!("{norm}.weight"), &[n], gain);
            put(format!("{norm}.bias"), &[n], draw(n, 0.2));
        }
        for (name, n_out, n_in) in linears {
            let size = 2.0 / (n_in as f32).sqrt();
            put(
                format!("{name}.weight"),
                &[n_out, n_in],
                draw(n_out * n_in, size),
            );
            put(format!("{name}.bias"), &[n_out], draw(n_out, 0.2));
        }
        if self.labels > 0 {
            // The head stands beside the model, under no prefix.
            let weights = draw(self.labels * n, 0.5);
            tensors.push(("classifier.weight".into(), vec![self.labels, n], weights));
            let biases = draw(self.labels, 0.2);
            tensors.push(("classifier.bias".into(), vec![self.labels], biases));
        }
        let kind = if self.labels > 0 {
            "BertForSequenceClassification"
        } else {
            "BertModel"
        };
        let config = json!({
            "model_type": "bert", "architectures": [kind], "hidden_size": n,
            "num_hidden_layers": self.layers, "num_attention_heads": self.heads,
            "intermediate_size": self.intermediate, "vocab_size": n_tokens,
            "max_position_embeddings": POSITIONS, "type_vocab_size": 2, "hidden_act": "gelu",
            "layer_norm_eps": 1e-12,
        });
        let write = |path: &str, bytes: Vec<u8>| {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write("config.json", serde_json::to_vec(&config).unwrap());
        write("tokenizer.json", serde_json::to_vec(&tokenizer()).unwrap());
        write("model.safetensors", safetensors(&tensors));
        if self.labels > 0 {
            return;
        }
        let mut files = self.stages();
        if !self.query_prompt.is_empty() {
            let prompts = json!({"prompts": {"query": self.query_prompt, "document": ""}});
            files.push(("config_sentence_transformers.json", prompts));
        }
        for (path, json) in files {
            write(path, serde_json::to_vec(&json).unwrap());
        }
        if self.dense > 0 {
            let weights = draw(self.dense * n, 0.3);
            let linear = [
                ("linear.weight".into(), vec![self.dense, n], weights),
                (
                    "linear.bias".into(),
                    vec![self.dense],
                    draw(self.dense, 0.1),
                ),
            ];
            write("2_Dense/model.safetensors", safetensors(&linear));
        }
    }

    /// The files that say what comes behind the transformer.
    fn stages(&self) -> Vec<(&'static str, Value)> {
        let mut names = vec![("", "Transformer"), ("1_Pooling", "Pooling")];
        if self.dense > 0 {
            names.push(("2_Dense", "Dense"));
        }
        names.push(("3_Normalize", "Normalize"));
        let modules = names.iter().enumerate().map(|(i, (path, name))| {
            json!({"idx": i, "name": i.to_string(), "path": path,
                "type": format!("sentence_transformers.models.{name}")})
        });
        let pooling = json!({
            "word_embedding_dimension": self.hidden,
            "pooling_mode_cls_token": self.first_token,
            "pooling_mode_mean_tokens": !self.first_token,
        });
        let mut files = vec![
            ("modules.json", json!(modules.collect::<Vec<_>>())),
            ("1_Pooling/config.json", pooling),
        ];
        if self.dense > 0 {
            let dense = json!({
                "in_features": self.hidden, "out_features": self.dense, "bias": true,
                "activation_function": "torch.nn.modules.linear.Identity",
            });
            files.push(("2_Dense/config.json", dense));
        }
        files
    }
}
