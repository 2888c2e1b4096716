//! What a folder says of pooling, prompts and lengths.

use crate::OnnxError;
use serde_json::Value;
use std::path::{Component, Path};

/// Largest JSON file.
const MAX_JSON_BYTES: u64 = 64 << 20;

/// Tokens after which texts are cut when the folder does not say.
const DEFAULT_TOKENS: usize = 512;

/// Longest text in tokens: attention costs the square.
const MAX_TOKENS: usize = 8192;

/// Which vectors of tokens make the text's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// That of the first token.
    First,
    /// That of the last.
    Last,
    /// Their mean.
    Mean,
    /// The largest of each dimension.
    Max,
}

/// How a folder's encoder is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What makes the text's vector, where the graph gives vectors of tokens.
    pub pooling: Pooling,
    /// Tokens after which texts are cut, from 2 to 8192.
    pub max_tokens: usize,
    /// Put in front of a query.
    pub query_prompt: String,
    /// Put in front of a document.
    pub document_prompt: String,
}

impl Config {
    /// Reads what `folder` says.
    ///
    /// # Errors
    /// [`OnnxError`] when a file is damaged, or asks for what is not done here.
    pub fn read(folder: &Path) -> Result<Self, OnnxError> {
        let mut config = Self {
            pooling: Pooling::Mean,
            max_tokens: 0,
            query_prompt: String::new(),
            document_prompt: String::new(),
        };
        config.max_tokens = max_tokens(folder)?;
        if let Some(json) = read_json(&folder.join("config_sentence_transformers.json"))? {
            let prompt = |names: [&str; 2]| {
                let mut found = names
                    .iter()
                    .filter_map(|name| json["prompts"][name].as_str());
                found.next().unwrap_or_default().to_owned()
            };
            config.query_prompt = prompt(["query", "web_search_query"]);
            config.document_prompt = prompt(["document", "passage"]);
        }
        config.pooling(folder)?;
        Ok(config)
    }

    /// Takes over the pooling that `modules.json` names, or without it `1_Pooling`.
    fn pooling(&mut self, folder: &Path) -> Result<(), OnnxError> {
        let path = folder.join("modules.json");
        let modules = read_json(&path)?;
        let invalid = |reason: String| OnnxError::Invalid {
            path: path.clone(),
            reason,
        };
        let mut within = Some("1_Pooling".to_owned());
        if let Some(modules) = modules {
            within = None;
            for module in modules.as_array().into_iter().flatten() {
                let kind = module["type"].as_str().unwrap_or_default();
                match kind.rsplit('.').next().unwrap_or_default() {
                    "Transformer" | "Normalize" => {}
                    "Pooling" => {
                        within = Some(module["path"].as_str().unwrap_or_default().to_owned());
                    }
                    // What the graph may hold or not: guessing would give wrong vectors.
                    other => {
                        return Err(invalid(format!(
                            "a module of kind {other} is not run here; export the graph with it inside and \
                             leave it out of modules.json"
                        )));
                    }
                }
            }
        }
        let Some(within) = within else {
            return Ok(());
        };
        let is_inside = Path::new(&within)
            .components()
            .all(|c| matches!(c, Component::Normal(_)));
        if !is_inside {
            return Err(invalid("a module lies outside the folder".into()));
        }
        let path = folder.join(within).join("config.json");
        let Some(json) = read_json(&path)? else {
            return Ok(());
        };
        let modes = [
            ("pooling_mode_cls_token", Pooling::First),
            ("pooling_mode_mean_tokens", Pooling::Mean),
            ("pooling_mode_max_tokens", Pooling::Max),
            ("pooling_mode_lasttoken", Pooling::Last),
        ];
        let is_set = |name: &str| json[name].as_bool().unwrap_or(false);
        let mut set = modes.iter().filter(|(name, _)| is_set(name));
        let others = [
            "pooling_mode_mean_sqrt_len_tokens",
            "pooling_mode_weightedmean_tokens",
        ];
        match (set.next(), set.next()) {
            (Some(&(_, pooling)), None) if !others.into_iter().any(is_set) => {
                self.pooling = pooling;
                Ok(())
            }
            _ => Err(OnnxError::Invalid {
                path,
                reason:
                    "its pooling is none of the first token, the last, the mean and the largest"
                        .into(),
            }),
        }
    }
}

/// Tokens after which texts are cut, from 2 to 8192: as `folder` says, else 512.
pub(crate) fn max_tokens(folder: &Path) -> Result<usize, OnnxError> {
    let length = |file: &str, name: &str| {
        let json = read_json(&folder.join(file))?;
        let n = json.and_then(|json| json[name].as_u64().filter(|&n| n >= 2));
        Ok::<_, OnnxError>(n.map(|n| (n as usize).min(MAX_TOKENS)))
    };
    let positions = length("config.json", "max_position_embeddings")?;
    Ok(
        match (
            length("sentence_bert_config.json", "max_seq_length")?,
            positions,
        ) {
            (Some(wanted), Some(positions)) => wanted.min(positions),
            (Some(n), None) => n,
            (None, positions) => positions.unwrap_or(DEFAULT_TOKENS).min(DEFAULT_TOKENS),
        },
    )
}

/// A JSON file; `None` when it is not there.
pub(crate) fn read_json(path: &Path) -> Result<Option<Value>, OnnxError> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = read(path, MAX_JSON_BYTES)?;
    let json = serde_json::from_slice(&bytes);
    json.map(Some).map_err(|error| OnnxError::Invalid {
        path: path.to_owned(),
        reason: format!("no JSON: {error}"),
    })
}

/// The bytes of a file no longer than `limit`.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, OnnxError> {
    let io = |source| OnnxError::Io {
        path: path.to_owned(),
        source,
    };
    let size = std::fs::metadata(path).map_err(io)?.len();
    if size > limit {
        return Err(OnnxError::Invalid {
            path: path.to_owned(),
            reason: format!("has {size} bytes; at most {limit} are read"),
        });
    }
    std::fs::read(path).map_err(io)
}
