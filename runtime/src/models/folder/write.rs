//! A cross-encoder into a model folder.

use super::{CONFIG, Linear, MAX_JSON_BYTES, WEIGHTS, Weights, read};
use crate::models::{ModelsError, safetensors, save};
use littoral_guest::encoder::format::Config;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Files of a tokenizer. The first must be there.
const TOKENIZER: [&str; 4] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
];

impl Weights {
    /// The same model with a pooler and a classifier behind the first token in place of what stood there: a
    /// cross-encoder, which reads pairs as long as there are positions, without prompts.
    #[must_use]
    pub fn with_head(self, head: [Linear; 2]) -> Self {
        let config = Config {
            labels: head[1].biases.len(),
            max_tokens: self.config.positions,
            dense: 0,
            normalize: false,
            query_prompt: String::new(),
            document_prompt: String::new(),
            ..self.config
        };
        Self {
            config,
            dense: None,
            head: Some(head),
            ..self
        }
    }

    /// Writes this cross-encoder as a folder that `BertForSequenceClassification` reads. `base` is the folder
    /// of the model that it came of, whose tokenizer it has.
    ///
    /// # Errors
    /// [`ModelsError`] when a file of `base` cannot be read, or the disk refuses.
    pub fn write_cross_encoder(&self, path: &Path, base: &Path) -> Result<(), ModelsError> {
        let file = base.join(CONFIG);
        let mut config: Value = serde_json::from_slice(&read(&file, MAX_JSON_BYTES)?)
            .map_err(|e| ModelsError::folder(&file, format!("no JSON: {e}")))?;
        let labels = (0..self.config.labels).map(|i| (i.to_string(), format!("LABEL_{i}")));
        let labels: Vec<(String, String)> = labels.collect();
        let places = labels
            .iter()
            .enumerate()
            .map(|(i, (_, name))| (name.clone(), i.into()));
        config["architectures"] = json!(["BertForSequenceClassification"]);
        config["label2id"] = places.collect::<Map<String, Value>>().into();
        config["id2label"] = labels
            .into_iter()
            .map(|(i, name)| (i, name.into()))
            .collect::<Map<String, Value>>()
            .into();
        if let Some(config) = config.as_object_mut() {
            config
                .retain(|name, _| !matches!(name.as_str(), "dtype" | "num_labels" | "torch_dtype"));
        }
        for name in TOKENIZER {
            let file = base.join(name);
            if name == TOKENIZER[0] || file.is_file() {
                save(&path.join(name), &read(&file, MAX_JSON_BYTES)?)?;
            }
        }
        let mut metadata = Map::new();
        metadata.insert("format".into(), "pt".into());
        let bytes = safetensors::write(&metadata, &self.tensors());
        save(&path.join(WEIGHTS), &bytes)?;
        save(&path.join(CONFIG), format!("{config:#}\n").as_bytes())
    }

    /// All tensors, by the names that [`Weights::read`] looks for.
    fn tensors(&self) -> Vec<(String, Vec<usize>, &[f32])> {
        let n = self.config.hidden;
        let mut tensors = Vec::new();
        let mut put = |name: String, shape: Vec<usize>, values| tensors.push((name, shape, values));
        for (name, rows) in [
            ("word_embeddings", &self.tokens),
            ("position_embeddings", &self.positions),
            ("token_type_embeddings", &self.types),
        ] {
            let name = format!("bert.embeddings.{name}.weight");
            put(name, vec![rows.len() / n, n], rows.as_slice());
        }
        let mut norms = vec![("embeddings".to_owned(), &self.norm)];
        let mut linears = Vec::new();
        for (i, layer) in self.layers.iter().enumerate() {
            let at = |name: &str| format!("encoder.layer.{i}.{name}");
            for (part, name) in ["query", "key", "value"].into_iter().enumerate() {
                let rows = &layer.attention_in.weights[part * n * n..][..n * n];
                let biases = &layer.attention_in.biases[part * n..][..n];
                linears.push((at(&format!("attention.self.{name}")), rows, biases));
            }
            for (name, linear) in [
                ("attention.output.dense", &layer.attention_out),
                ("intermediate.dense", &layer.expansion),
                ("output.dense", &layer.contraction),
            ] {
                linears.push((at(name), &linear.weights, &linear.biases));
            }
            norms.push((at("attention.output"), &layer.attention_norm));
            norms.push((at("output"), &layer.norm));
        }
        if let Some([pooler, _]) = &self.head {
            linears.push(("pooler.dense".to_owned(), &pooler.weights, &pooler.biases));
        }
        for (name, [gain, shift]) in norms {
            let name = format!("bert.{name}.LayerNorm");
            put(format!("{name}.weight"), vec![n], gain);
            put(format!("{name}.bias"), vec![n], shift);
        }
        for (name, weights, biases) in linears {
            let (n_out, name) = (biases.len(), format!("bert.{name}"));
            put(
                format!("{name}.weight"),
                vec![n_out, weights.len() / n_out],
                weights,
            );
            put(format!("{name}.bias"), vec![n_out], biases);
        }
        if let Some([_, classifier]) = &self.head {
            let n_out = classifier.biases.len();
            put(
                "classifier.weight".into(),
                vec![n_out, n],
                &classifier.weights,
            );
            put("classifier.bias".into(), vec![n_out], &classifier.biases);
        }
        tensors
    }
}
