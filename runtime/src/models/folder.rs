//! A model folder in Hugging Face's layout, read into numbers.
//!
//! | file | is |
//! |---|---|
//! | `config.json` | shape; `model_type` must be `bert` |
//! | `tokenizer.json` | tokenizer |
//! | `model.safetensors` | weights |
//! | `modules.json` | stages behind the transformer: pooling, a dense layer; each has a folder |
//! | `sentence_bert_config.json` | length in tokens |
//! | `config_sentence_transformers.json` | prompts |
//!
//! Only the first three must be there.

mod write;

use super::safetensors::Tensors;
use super::{ModelsError, tokenizer};
use littoral_guest::encoder::format::{Activation, Config, Pooling};
use littoral_guest::wordpiece::WordPiece;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The file of the shape.
pub const CONFIG: &str = "config.json";

/// The file of the numbers.
pub const WEIGHTS: &str = "model.safetensors";

/// Largest JSON file.
const MAX_JSON_BYTES: u64 = 64 << 20;

/// Largest file of weights.
const MAX_WEIGHT_BYTES: u64 = 4 << 30;

/// A linear layer: `weights` is `[n_out, n_in]`.
#[derive(Debug, Clone)]
pub struct Linear {
    /// Row by row.
    pub weights: Vec<f32>,
    /// One per output.
    pub biases: Vec<f32>,
    /// Number of inputs.
    pub n_in: usize,
}

/// Gain and shift of a normalisation.
pub type Norm = [Vec<f32>; 2];

/// One layer.
#[derive(Debug, Clone)]
pub struct LayerWeights {
    /// Query, key and value rows one after another.
    pub attention_in: Linear,
    /// Behind attention.
    pub attention_out: Linear,
    /// Its normalisation.
    pub attention_norm: Norm,
    /// To the intermediate width.
    pub expansion: Linear,
    /// And back.
    pub contraction: Linear,
    /// Its normalisation.
    pub norm: Norm,
}

/// All of a model in 32-bit numbers.
#[derive(Debug, Clone)]
pub struct Weights {
    /// Shape and habits.
    pub config: Config,
    /// Text into tokens.
    pub tokenizer: WordPiece,
    /// `[vocabulary, hidden]`
    pub tokens: Vec<f32>,
    /// `[positions, hidden]`
    pub positions: Vec<f32>,
    /// `[types, hidden]`
    pub types: Vec<f32>,
    /// Behind the sum of the three.
    pub norm: Norm,
    /// First to last.
    pub layers: Vec<LayerWeights>,
    /// Behind pooling.
    pub dense: Option<Linear>,
    /// Pooler and classifier of a cross-encoder.
    pub head: Option<[Linear; 2]>,
}

impl Weights {
    /// Reads the folder at `path` as a model called `name`.
    ///
    /// # Errors
    /// [`ModelsError`] when a file is missing, damaged or of another kind.
    pub fn read(path: &Path, name: &str) -> Result<Self, ModelsError> {
        let folder = Folder(path);
        let json = folder.json(CONFIG)?.ok_or_else(|| {
            let path = path.join(CONFIG);
            ModelsError::folder(path, "is not there")
        })?;
        let tokenizer_path = path.join("tokenizer.json");
        let tokenizer = tokenizer::read(&tokenizer_path, &read(&tokenizer_path, MAX_JSON_BYTES)?)?;
        let bytes = folder.weights()?;
        let tensors = Tensors::read(&bytes)?;
        let (config, dense_path) = folder.config(&json, &tensors, name)?;
        let dense = match dense_path {
            Some(path) => Some(read_dense(&path, &config)?),
            None => None,
        };
        let prefix = prefix(&tensors);
        let tensor = |name: &str, shape: &[usize]| tensors.get(&format!("{prefix}{name}"), shape);
        let n = config.hidden;
        let norm = |name: &str| {
            let gain = tensor(&format!("{name}.weight"), &[n])?;
            Ok::<Norm, ModelsError>([gain, tensor(&format!("{name}.bias"), &[n])?])
        };
        let linear = |name: &str, n_out: usize, n_in: usize| {
            Ok::<Linear, ModelsError>(Linear {
                weights: tensor(&format!("{name}.weight"), &[n_out, n_in])?,
                biases: tensor(&format!("{name}.bias"), &[n_out])?,
                n_in,
            })
        };
        let mut layers = Vec::new();
        for layer in 0..config.layers {
            let at = |name: &str| format!("encoder.layer.{layer}.{name}");
            let mut attention_in = linear(&at("attention.self.query"), n, n)?;
            for part in ["key", "value"] {
                let part = linear(&at(&format!("attention.self.{part}")), n, n)?;
                attention_in.weights.extend(part.weights);
                attention_in.biases.extend(part.biases);
            }
            layers.push(LayerWeights {
                attention_in,
                attention_out: linear(&at("attention.output.dense"), n, n)?,
                attention_norm: norm(&at("attention.output.LayerNorm"))?,
                expansion: linear(&at("intermediate.dense"), config.intermediate, n)?,
                contraction: linear(&at("output.dense"), n, config.intermediate)?,
                norm: norm(&at("output.LayerNorm"))?,
            });
        }
        let head = if config.labels > 0 {
            let classifier = Linear {
                weights: tensors.get("classifier.weight", &[config.labels, n])?,
                biases: tensors.get("classifier.bias", &[config.labels])?,
                n_in: n,
            };
            Some([linear("pooler.dense", n, n)?, classifier])
        } else {
            None
        };
        Ok(Self {
            tokens: tensor("embeddings.word_embeddings.weight", &[config.vocabulary, n])?,
            positions: tensor(
                "embeddings.position_embeddings.weight",
                &[config.positions, n],
            )?,
            types: tensor(
                "embeddings.token_type_embeddings.weight",
                &[config.types, n],
            )?,
            norm: norm("embeddings.LayerNorm")?,
            config,
            tokenizer,
            layers,
            dense,
            head,
        })
    }
}

/// Models with a head keep the rest under a name of its own.
fn prefix(tensors: &Tensors<'_>) -> &'static str {
    let table = "embeddings.word_embeddings.weight";
    let has = |prefix: &&str| tensors.has(&format!("{prefix}{table}"));
    ["", "bert.", "model."].into_iter().find(has).unwrap_or("")
}

fn read_dense(path: &Path, config: &Config) -> Result<Linear, ModelsError> {
    let bytes = Folder(path).weights()?;
    let tensors = Tensors::read(&bytes)?;
    let (n_out, n_in) = (config.dense, config.hidden);
    let biases = if tensors.has("linear.bias") {
        tensors.get("linear.bias", &[n_out])?
    } else {
        vec![0.0; n_out]
    };
    Ok(Linear {
        weights: tensors.get("linear.weight", &[n_out, n_in])?,
        biases,
        n_in,
    })
}

struct Folder<'a>(&'a Path);

impl Folder<'_> {
    /// A JSON file of the folder; `None` when it is not there.
    fn json(&self, name: &str) -> Result<Option<Value>, ModelsError> {
        let path = self.0.join(name);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = read(&path, MAX_JSON_BYTES)?;
        let json = serde_json::from_slice(&bytes);
        json.map(Some)
            .map_err(|e| ModelsError::folder(path, format!("no JSON: {e}")))
    }

    fn weights(&self) -> Result<Vec<u8>, ModelsError> {
        let path = self.0.join(WEIGHTS);
        if !path.exists() && self.0.join("pytorch_model.bin").exists() {
            let reason =
                "is not there; pytorch_model.bin holds pickled weights, which may run code";
            return Err(ModelsError::folder(path, reason));
        }
        read(&path, MAX_WEIGHT_BYTES)
    }

    /// The model's shape and habits, and the folder of its dense layer.
    fn config(
        &self,
        json: &Value,
        tensors: &Tensors<'_>,
        name: &str,
    ) -> Result<(Config, Option<PathBuf>), ModelsError> {
        let path = self.0.join(CONFIG);
        let error = |reason: String| ModelsError::folder(&path, reason);
        let size = |name: &str| {
            let value = json[name].as_u64().and_then(|v| usize::try_from(v).ok());
            value.ok_or_else(|| error(format!("{name} is not there or no number")))
        };
        let kind = json["model_type"].as_str().unwrap_or("bert");
        if kind != "bert" {
            return Err(error(format!(
                "its model_type is {kind}; bert is what is packed"
            )));
        }
        if json["position_embedding_type"]
            .as_str()
            .unwrap_or("absolute")
            != "absolute"
        {
            return Err(error("its positions are not absolute".into()));
        }
        let activation = match json["hidden_act"].as_str().unwrap_or("gelu") {
            "gelu" => Activation::Gelu,
            "relu" => Activation::Relu,
            other => return Err(error(format!("its hidden_act is {other}"))),
        };
        let is_classifier = json["architectures"][0]
            .as_str()
            .is_some_and(|name| name.ends_with("ForSequenceClassification"));
        let labels = if is_classifier {
            tensors
                .shape("classifier.weight")?
                .first()
                .copied()
                .unwrap_or(0)
        } else {
            0
        };
        let positions = size("max_position_embeddings")?;
        let mut config = Config {
            hidden: size("hidden_size")?,
            layers: size("num_hidden_layers")?,
            heads: size("num_attention_heads")?,
            intermediate: size("intermediate_size")?,
            vocabulary: size("vocab_size")?,
            positions,
            types: size("type_vocab_size").unwrap_or(2),
            max_tokens: positions,
            dense: 0,
            labels,
            epsilon: json["layer_norm_eps"].as_f64().unwrap_or(1e-12) as f32,
            pooling: Pooling::Mean,
            activation,
            dense_activation: Activation::Identity,
            normalize: labels == 0,
            name: name.to_owned(),
            query_prompt: String::new(),
            document_prompt: String::new(),
        };
        if let Some(json) = self.json("sentence_bert_config.json")?
            && let Some(n) = json["max_seq_length"].as_u64()
        {
            config.max_tokens = positions.min(n as usize);
        }
        if let Some(json) = self.json("config_sentence_transformers.json")? {
            let prompt = |names: [&str; 2]| {
                let mut found = names
                    .iter()
                    .filter_map(|name| json["prompts"][name].as_str());
                found.next().unwrap_or_default().to_owned()
            };
            config.query_prompt = prompt(["query", "web_search_query"]);
            config.document_prompt = prompt(["document", "passage"]);
        }
        let dense = self.modules(&mut config)?;
        let source = config.validate();
        source.map_err(|source| ModelsError::Packed {
            path: path.clone(),
            source,
        })?;
        Ok((config, dense))
    }

    /// Takes over what `modules.json` says of pooling and a dense layer; returns the latter's folder.
    fn modules(&self, config: &mut Config) -> Result<Option<PathBuf>, ModelsError> {
        let path = self.0.join("modules.json");
        let mut dense = None;
        let Some(modules) = self.json("modules.json")? else {
            return Ok(None);
        };
        for module in modules.as_array().into_iter().flatten() {
            let kind = module["type"].as_str().unwrap_or_default();
            let within = Path::new(module["path"].as_str().unwrap_or_default());
            let is_inside = within
                .components()
                .all(|c| matches!(c, std::path::Component::Normal(_)));
            if !is_inside {
                return Err(ModelsError::folder(
                    path,
                    "a module lies outside the folder",
                ));
            }
            let folder = self.0.join(within);
            let json = |folder: &Path| {
                let json = Folder(folder).json("config.json")?;
                json.ok_or_else(|| ModelsError::folder(folder.join("config.json"), "is not there"))
            };
            match kind.rsplit('.').next().unwrap_or_default() {
                "Transformer" | "Normalize" => {}
                "Pooling" => {
                    let json = json(&folder)?;
                    let is_set = |name: &str| json[name].as_bool().unwrap_or(false);
                    config.pooling = match (
                        is_set("pooling_mode_cls_token"),
                        is_set("pooling_mode_mean_tokens"),
                    ) {
                        (true, false) => Pooling::First,
                        (false, true) => Pooling::Mean,
                        _ => {
                            let reason = "its pooling is neither that of [CLS] nor the mean";
                            return Err(ModelsError::folder(folder.join("config.json"), reason));
                        }
                    };
                }
                "Dense" if dense.is_none() => {
                    let json = json(&folder)?;
                    let n_out = json["out_features"].as_u64().unwrap_or(0) as usize;
                    let kind = json["activation_function"].as_str().unwrap_or_default();
                    config.dense_activation = match kind.rsplit('.').next().unwrap_or_default() {
                        "Identity" => Activation::Identity,
                        "Tanh" => Activation::Tanh,
                        _ => {
                            let reason = format!("its activation is {kind}");
                            return Err(ModelsError::folder(folder.join("config.json"), reason));
                        }
                    };
                    config.dense = n_out;
                    if n_out == 0 {
                        let reason = "its out_features is 0";
                        return Err(ModelsError::folder(folder.join("config.json"), reason));
                    }
                    dense = Some(folder);
                }
                other => {
                    let reason = format!("a module of kind {other} is not known");
                    return Err(ModelsError::folder(path, reason));
                }
            }
        }
        Ok(dense)
    }
}

/// The bytes of a file no longer than `limit`.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ModelsError> {
    let io = |source| ModelsError::Io {
        path: path.to_owned(),
        source,
    };
    let size = std::fs::metadata(path).map_err(io)?.len();
    if size > limit {
        let reason = format!("has {size} bytes; at most {limit} are read");
        return Err(ModelsError::folder(path, reason));
    }
    std::fs::read(path).map_err(io)
}
