//! LoRA adapters in the folder format of Python's `peft`: small matrices that change the large ones of a
//! model.
//!
//! A matrix `W`, `[n_out, n_in]`, becomes `W + s · B · A` with `A`, `[rank, n_in]`, and `B`, `[n_out,
//! rank]`. The scale `s` is `alpha / rank`, or `alpha / √rank` where the configuration says
//! `use_rslora`. Source: Hu and others, "LoRA: Low-Rank Adaptation of Large Language Models", 2021.
//!
//! | file | is |
//! |---|---|
//! | `adapter_config.json` | rank, alpha, which matrices |
//! | `adapter_model.safetensors` | `base_model.model.encoder.layer.0.attention.self.query.lora_A.weight` and so on |
//!
//! An adapter written here also has, as metadata of the numbers, the SHA-256 of the weights that it was
//! trained on, and is refused with others. One that came from elsewhere has not, and only its shapes tell.

mod any;

pub use any::{Summary, check};

use super::ModelsError;
use super::folder::{Linear, Weights, read};
use super::safetensors::{self, Tensors};
use littoral_guest::encoder::format::Config;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The file of the configuration.
pub const CONFIG: &str = "adapter_config.json";

/// The file of the numbers.
pub const NUMBERS: &str = "adapter_model.safetensors";

/// Largest configuration.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Largest file of numbers.
const MAX_BYTES: u64 = 512 << 20;

/// Highest rank.
pub const MAX_RANK: usize = 256;

/// What the names of tensors begin with, and what may follow it where the model stands within another.
const PREFIX: &str = "base_model.model.";
const WITHIN: [&str; 4] = ["", "bert.", "model.", "0.auto_model."];

/// Name in the metadata of the SHA-256 of the weights trained on.
const BASE: &str = "littoral-base";

/// A matrix of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Queries of attention.
    Query,
    /// Keys of attention.
    Key,
    /// Values of attention.
    Value,
    /// Behind attention.
    AttentionOutput,
    /// To the intermediate width.
    Intermediate,
    /// And back.
    Output,
}

impl Part {
    /// All of them, as they come in a layer.
    pub const ALL: [Self; 6] = [
        Self::Query,
        Self::Key,
        Self::Value,
        Self::AttentionOutput,
        Self::Intermediate,
        Self::Output,
    ];

    /// What it is called within a layer.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "attention.self.query",
            Self::Key => "attention.self.key",
            Self::Value => "attention.self.value",
            Self::AttentionOutput => "attention.output.dense",
            Self::Intermediate => "intermediate.dense",
            Self::Output => "output.dense",
        }
    }

    /// The one that is called `key` in options.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.key() == key)
    }

    /// What it is called in options.
    pub fn key(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Key => "key",
            Self::Value => "value",
            Self::AttentionOutput => "attention-output",
            Self::Intermediate => "intermediate",
            Self::Output => "output",
        }
    }

    /// Outputs and inputs.
    pub fn shape(self, config: &Config) -> [usize; 2] {
        match self {
            Self::Intermediate => [config.intermediate, config.hidden],
            Self::Output => [config.hidden, config.intermediate],
            _ => [config.hidden, config.hidden],
        }
    }

    /// The matrix that it is of a layer of `weights`, and its first row there.
    fn of(self, weights: &mut Weights, layer: usize) -> (&mut Linear, usize) {
        let hidden = weights.config.hidden;
        let layer = &mut weights.layers[layer];
        match self {
            Self::Query => (&mut layer.attention_in, 0),
            Self::Key => (&mut layer.attention_in, hidden),
            Self::Value => (&mut layer.attention_in, 2 * hidden),
            Self::AttentionOutput => (&mut layer.attention_out, 0),
            Self::Intermediate => (&mut layer.expansion, 0),
            Self::Output => (&mut layer.contraction, 0),
        }
    }
}

/// A matrix of a model: its layer, and which one there.
pub type Place = (usize, Part);

/// What changes one matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// `[rank, n_in]`
    pub a: Vec<f32>,
    /// `[n_out, rank]`
    pub b: Vec<f32>,
}

/// An adapter.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    /// Rank of every change.
    pub rank: usize,
    /// Numerator of the scale.
    pub alpha: f64,
    /// Whether the scale is `alpha / √rank`.
    pub by_root: bool,
    /// By place.
    pub factors: BTreeMap<Place, Factors>,
    /// SHA-256 of the weights trained on, in hexadecimal, where it is known.
    pub base: Option<String>,
}

/// What is read of a configuration.
#[derive(Deserialize)]
struct Settings {
    peft_type: String,
    r: usize,
    lora_alpha: f64,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    bias: Option<String>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// Settings that change what is computed, in ways that are not known here.
const UNSUPPORTED: [&str; 12] = [
    "alora_invocation_tokens",
    "alpha_pattern",
    "arrow_config",
    "fan_in_fan_out",
    "layer_replication",
    "lora_bias",
    "modules_to_save",
    "rank_pattern",
    "target_parameters",
    "trainable_token_indices",
    "use_dora",
    "use_qalora",
];

impl Settings {
    /// What it asks for that is not done here.
    fn unsupported(&self) -> Option<String> {
        if self.peft_type != "LORA" {
            return Some(format!("its peft_type is {}", self.peft_type));
        }
        if let Some(bias) = self.bias.as_deref().filter(|bias| *bias != "none") {
            return Some(format!("its bias is {bias}"));
        }
        let is_set = |name: &&&str| match self.more.get(**name) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Object(map)) => !map.is_empty(),
            Some(Value::Array(list)) => !list.is_empty(),
            Some(_) => true,
        };
        let found = UNSUPPORTED.iter().find(is_set);
        found.map(|name| format!("{name} is set"))
    }
}

/// What the adapter in the folder `path` calls the model that it was trained on.
///
/// # Errors
/// [`ModelsError`] when its configuration cannot be read.
pub fn base_model(path: &Path) -> Result<Option<String>, ModelsError> {
    let file = path.join(CONFIG);
    let settings: Settings = serde_json::from_slice(&read(&file, MAX_CONFIG_BYTES)?)
        .map_err(|error| ModelsError::adapter(&file, error.to_string()))?;
    let named = settings.more.get("base_model_name_or_path");
    Ok(named.and_then(Value::as_str).map(str::to_owned))
}

impl Adapter {
    /// The scale of all changes.
    pub fn scale(&self) -> f32 {
        let rank = self.rank as f64;
        let below = if self.by_root { rank.sqrt() } else { rank };
        (self.alpha / below) as f32
    }

    /// Which matrices are changed, in any layer.
    pub fn parts(&self) -> Vec<Part> {
        let has = |part: &Part| self.factors.keys().any(|(_, p)| p == part);
        Part::ALL.into_iter().filter(has).collect()
    }

    /// How many numbers it has.
    pub fn n_numbers(&self) -> usize {
        let sizes = self.factors.values().map(|f| f.a.len() + f.b.len());
        sizes.sum()
    }

    /// Reads the folder `path` as an adapter of a model of `config`.
    ///
    /// # Errors
    /// [`ModelsError`] when a file is missing or damaged, asks for what is not done here, or is of a model
    /// of another shape.
    pub fn read(path: &Path, config: &Config) -> Result<Self, ModelsError> {
        let file = path.join(CONFIG);
        let invalid = |reason: String| ModelsError::adapter(&file, reason);
        let settings: Settings = serde_json::from_slice(&read(&file, MAX_CONFIG_BYTES)?)
            .map_err(|error| invalid(error.to_string()))?;
        if let Some(reason) = settings.unsupported() {
            return Err(invalid(format!("{reason}, which is not supported")));
        }
        let rank = settings.r;
        if !(1..=MAX_RANK).contains(&rank) {
            return Err(invalid(format!("r is {rank}; it is from 1 to {MAX_RANK}")));
        }
        if !(settings.lora_alpha.is_finite() && settings.lora_alpha > 0.0) {
            return Err(invalid("lora_alpha is no number above 0".into()));
        }
        let file = path.join(NUMBERS);
        let pickled = path.join("adapter_model.bin");
        if !file.exists() && pickled.exists() {
            let reason =
                "is not there; adapter_model.bin holds pickled numbers, which may run code";
            return Err(ModelsError::adapter(&file, reason));
        }
        let bytes = read(&file, MAX_BYTES)?;
        let invalid = |error: ModelsError| ModelsError::adapter(&file, error.to_string());
        let tensors = Tensors::read(&bytes).map_err(invalid)?;
        let mut halves: BTreeMap<Place, [Option<Vec<f32>>; 2]> = BTreeMap::new();
        for name in tensors.names() {
            let (place, half) = parse(name, config).ok_or_else(|| {
                let reason = format!("tensor {name} is of no matrix of this model");
                ModelsError::adapter(&file, reason)
            })?;
            let [n_out, n_in] = place.1.shape(config);
            let shape = [[rank, n_in], [n_out, rank]][half];
            let values = tensors.get(name, &shape).map_err(invalid)?;
            let there = &mut halves.entry(place).or_default()[half];
            if there.replace(values).is_some() {
                let reason = format!("tensor {name} is there under two names");
                return Err(ModelsError::adapter(&file, reason));
            }
        }
        let mut factors = BTreeMap::new();
        for (place, halves) in halves {
            let [Some(a), Some(b)] = halves else {
                let (layer, part) = place;
                let reason = format!("layer {layer} has one half of {} only", part.name());
                return Err(ModelsError::adapter(&file, reason));
            };
            factors.insert(place, Factors { a, b });
        }
        if factors.is_empty() {
            return Err(ModelsError::adapter(&file, "has no tensors"));
        }
        Ok(Self {
            rank,
            alpha: settings.lora_alpha,
            by_root: settings.use_rslora,
            factors,
            base: tensors.metadata(BASE).map(str::to_owned),
        })
    }

    /// Writes the folder; `model` is what the base is called there.
    ///
    /// # Errors
    /// [`ModelsError::Io`].
    pub fn write(&self, path: &Path, model: &str) -> Result<(), ModelsError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| ModelsError::Io { path, source }
        };
        fs::create_dir_all(path).map_err(io(path))?;
        // Whole names: `output.dense` alone would mean that of attention, too.
        let named = |(layer, part): &Place| format!("encoder.layer.{layer}.{}", part.name());
        let names: Vec<String> = self.factors.keys().map(named).collect();
        let config = json!({
            "alpha_pattern": {}, "base_model_name_or_path": model, "bias": "none",
            "fan_in_fan_out": false, "inference_mode": true, "init_lora_weights": true,
            "lora_alpha": self.alpha, "lora_dropout": 0.0, "modules_to_save": null,
            "peft_type": "LORA", "r": self.rank, "rank_pattern": {},
            "target_modules": names, "task_type": "FEATURE_EXTRACTION", "use_dora": false,
            "use_rslora": self.by_root,
        });
        super::save(&path.join(NUMBERS), &self.bytes())?;
        super::save(&path.join(CONFIG), format!("{config:#}\n").as_bytes())
    }

    /// The bytes of the numbers.
    pub fn bytes(&self) -> Vec<u8> {
        let mut tensors = Vec::new();
        for ((layer, part), factors) in &self.factors {
            let name = format!("{PREFIX}encoder.layer.{layer}.{}", part.name());
            let (n_in, n_out) = (factors.a.len() / self.rank, factors.b.len() / self.rank);
            let name = |half: &str| format!("{name}.lora_{half}.weight");
            tensors.push((name("A"), vec![self.rank, n_in], factors.a.as_slice()));
            tensors.push((name("B"), vec![n_out, self.rank], factors.b.as_slice()));
        }
        let mut metadata = Map::new();
        metadata.insert("format".into(), "pt".into());
        if let Some(base) = &self.base {
            metadata.insert(BASE.into(), base.as_str().into());
        }
        safetensors::write(&metadata, &tensors)
    }

    /// Refuses weights other than those trained on, `base` being the SHA-256 of theirs and `path` where the
    /// adapter lies.
    ///
    /// # Errors
    /// [`ModelsError::AdapterBase`].
    pub fn check_base(&self, base: &str, path: &Path) -> Result<(), ModelsError> {
        match &self.base {
            Some(own) if !own.eq_ignore_ascii_case(base) => Err(ModelsError::AdapterBase {
                path: path.to_owned(),
                own: own.clone(),
                found: base.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Adds the changes to `weights`, which have the shape that the adapter was read for. `path` is where it
    /// lies.
    ///
    /// # Errors
    /// [`ModelsError::Adapter`] when a change is larger than the matrix that it changes, which no training
    /// that went well brings about.
    pub fn merge(&self, weights: &mut Weights, path: &Path) -> Result<(), ModelsError> {
        let scale = self.scale();
        for (&(layer, part), factors) in &self.factors {
            let (linear, first) = part.of(weights, layer);
            let n_in = linear.n_in;
            let rows = linear.weights[first * n_in..].chunks_exact_mut(n_in);
            let (mut change, mut whole) = (0.0f64, 0.0f64);
            for (row, b) in rows.zip(factors.b.chunks_exact(self.rank)) {
                let mut delta = vec![0.0f32; n_in];
                for (b, a) in b.iter().zip(factors.a.chunks_exact(n_in)) {
                    delta.iter_mut().zip(a).for_each(|(d, a)| *d += b * a);
                }
                for (x, d) in row.iter_mut().zip(&delta) {
                    let d = scale * d;
                    whole += f64::from(*x * *x);
                    change += f64::from(d) * f64::from(d);
                    *x += d;
                }
            }
            if !change.is_finite() || change > whole {
                let reason = format!(
                    "its change of {} in layer {layer} has a norm of {:.3}, and the matrix one of {:.3}",
                    part.name(),
                    change.sqrt(),
                    whole.sqrt()
                );
                return Err(ModelsError::adapter(path.join(NUMBERS), reason));
            }
        }
        Ok(())
    }
}

/// The place of the tensor `name`, and whether it is the first half or the second.
fn parse(name: &str, config: &Config) -> Option<(Place, usize)> {
    let name = name.strip_prefix(PREFIX)?;
    let mut within = WITHIN.iter().filter_map(|prefix| name.strip_prefix(prefix));
    let rest = within.find_map(|name| name.strip_prefix("encoder.layer."))?;
    let (layer, rest) = rest.split_once('.')?;
    let layer = layer.parse().ok().filter(|layer| *layer < config.layers)?;
    let (part, half) = rest.rsplit_once(".lora_")?;
    let part = Part::ALL.into_iter().find(|p| p.name() == part)?;
    let half = ["A.weight", "B.weight"].iter().position(|h| *h == half)?;
    Some(((layer, part), half))
}
