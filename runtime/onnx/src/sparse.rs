//! Learned sparse encoders: a text becomes words of the model's vocabulary with weights.
//!
//! ```text
//! text → windows of tokens → logits of the vocabulary → log(1 + max(0, ·)) → highest of all tokens
//! ```
//!
//! That is SPLADE's head, and that of models made for documents alone, whose queries are plain words.
//! Sources: Formal, Lassance, Piwowarski, Clinchant, "SPLADE v2" (2021), for the highest over the
//! tokens; Geng, Wang, Ru, Yang, "Towards competitive search relevance for inference-free learned
//! sparse retrievers" (2024), for models without a query encoder.

use crate::OnnxError;
use crate::config::{max_tokens, read_json};
use crate::graph::{Files, Graph, folder_of, guarded};
use std::path::{Path, PathBuf};
use tokenizers::{Encoding, PostProcessor, Tokenizer, TruncationDirection};

/// Most entries of a vocabulary.
const MAX_VOCABULARY: usize = 1 << 20;

/// Most logits of one window, 512 MiB of them: windows are as much shorter where the vocabulary is
/// large.
const MAX_LOGITS: usize = 1 << 27;

/// Where sentence-transformers say how logits become weights: in a folder of a model for both sides, and
/// of one for documents.
const POOLINGS: [&str; 2] = ["1_SpladePooling", "document_1_SpladePooling"];

/// A learned sparse encoder in ONNX.
pub struct SparseOnnxEncoder {
    path: PathBuf,
    id: [u8; 8],
    /// Tokens of a window, special ones included.
    max_tokens: usize,
    tokenizer: Tokenizer,
    graph: Graph,
    /// Whether the logarithm is taken twice.
    is_twice: bool,
    /// The word that each entry of the vocabulary is; `None` for special tokens, pieces of words, and
    /// marks.
    words: Vec<Option<Box<str>>>,
}

impl SparseOnnxEncoder {
    /// Loads the graph at `graph`, as [`crate::graph_of`] found it, with the files of its folder.
    ///
    /// # Errors
    /// [`OnnxError`] when a file is missing or damaged, when the graph has inputs other than a text's
    /// tokens, or does not give a number for each entry of the tokenizer's vocabulary.
    pub fn load(graph: &Path) -> Result<Self, OnnxError> {
        let folder = folder_of(graph);
        let (is_twice, max_tokens) = (is_twice(folder)?, max_tokens(folder)?);
        let used = format!("sparse, twice {is_twice}, {max_tokens} tokens");
        let mut files = Files::load(graph, max_tokens, &["logits"], &used)?;
        // Windows are cut here: the tokenizer leaves off where the first ends.
        let uncut = files.tokenizer.with_truncation(None);
        uncut.map_err(|error| OnnxError::Invalid {
            path: graph.to_owned(),
            reason: error.to_string(),
        })?;
        let words = words(&files.tokenizer);
        let encoder = Self {
            path: graph.to_owned(),
            id: files.id,
            max_tokens: max_tokens.min(MAX_LOGITS / words.len().max(1)),
            tokenizer: files.tokenizer,
            graph: files.graph,
            is_twice,
            words,
        };
        // Whether it gives weights is known for sure once there are some.
        encoder.weights("a")?;
        Ok(encoder)
    }

    /// Identifies the model: graph, tokenizer, and how both are used.
    pub fn id(&self) -> [u8; 8] {
        self.id
    }

    /// The words of `text` and those the model adds, with weights above zero: the `most` of highest
    /// weight, of equal ones the first in the vocabulary. A text longer than the model takes is read in
    /// windows, one after another, and each word has the highest weight of any.
    ///
    /// # Errors
    /// [`OnnxError::Failed`] when the graph fails, or gives what are no weights.
    pub fn expand(&self, text: &str, most: usize) -> Result<Vec<(String, f32)>, OnnxError> {
        let weights = self.weights(text)?;
        let mut found: Vec<(&str, f32)> = self
            .words
            .iter()
            .zip(weights)
            .filter_map(|(word, weight)| Some((word.as_deref()?, weight)))
            .filter(|&(_, weight)| weight > 0.0)
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found.truncate(most);
        let own = |(word, weight): (&str, f32)| (word.to_owned(), weight);
        Ok(found.into_iter().map(own).collect())
    }

    /// The tokens of `text`: the first window, and the others as what flows over.
    fn windows(&self, text: &str) -> tokenizers::Result<Encoding> {
        let processor = self.tokenizer.get_post_processor();
        let n_added = processor.map_or(0, |processor| processor.added_tokens(false));
        let n_text = self.max_tokens.saturating_sub(n_added).max(1);
        let mut encoding = self.tokenizer.encode(text, false)?;
        encoding.truncate(n_text, 0, TruncationDirection::Right);
        self.tokenizer.post_process(encoding, None, true)
    }

    /// A weight for each entry of the vocabulary.
    fn weights(&self, text: &str) -> Result<Vec<f32>, OnnxError> {
        let failed = |reason: String| OnnxError::Failed {
            path: self.path.clone(),
            reason,
        };
        let encoding = self.windows(text);
        let encoding = encoding.map_err(|error| failed(error.to_string()))?;
        let mut highest = vec![0.0; self.words.len()];
        for window in std::iter::once(&encoding).chain(encoding.get_overflowing()) {
            let ids = window.get_ids();
            if ids.is_empty() {
                continue;
            }
            let kinds = window.get_type_ids();
            let (shape, values) = guarded(&self.path, || self.graph.run(ids, kinds))?;
            let n_words = shape.last().copied().unwrap_or(0);
            let rows = match *shape {
                [1, n, _] if n == ids.len() => values.chunks_exact(n_words.max(1)),
                _ => {
                    return Err(failed(format!(
                        "it gave the shape {shape:?}, not a row of logits for each of {} tokens",
                        ids.len()
                    )));
                }
            };
            // Some models have more rows than tokens, to fill a multiple; none has fewer.
            if n_words < self.words.len() || n_words > MAX_VOCABULARY {
                return Err(failed(format!(
                    "it gives {n_words} logits for a vocabulary of {}",
                    self.words.len()
                )));
            }
            for row in rows {
                for (top, &logit) in highest.iter_mut().zip(row) {
                    if !logit.is_finite() {
                        return Err(failed("its logits are not finite".into()));
                    }
                    *top = logit.max(*top);
                }
            }
        }
        for weight in &mut highest {
            *weight = weight.ln_1p();
            if self.is_twice {
                *weight = weight.ln_1p();
            }
        }
        Ok(highest)
    }
}

impl std::fmt::Debug for SparseOnnxEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SparseOnnxEncoder")
            .field("path", &self.path)
            .field("n_words", &self.words.len())
            .finish_non_exhaustive()
    }
}

/// Whether the model in `folder` takes the logarithm twice.
fn is_twice(folder: &Path) -> Result<bool, OnnxError> {
    for pooling in POOLINGS {
        let path = folder.join(pooling).join("config.json");
        let Some(json) = read_json(&path)? else {
            continue;
        };
        let strategy = json["pooling_strategy"].as_str().unwrap_or("max");
        let activation = json["activation_function"].as_str().unwrap_or("relu");
        return match (strategy, activation) {
            ("max", "relu") => Ok(false),
            ("max", "log1p_relu") => Ok(true),
            _ => Err(OnnxError::Invalid {
                path,
                reason: format!(
                    "its pooling {strategy:?} of {activation:?} is not run here: only \"max\" of \"relu\" or of \
                     \"log1p_relu\" is"
                ),
            }),
        };
    }
    Ok(false)
}

/// The words of a vocabulary, by their numbers. A tokenizer either marks the pieces that go on in a word
/// (`##ing`) or those that begin one (`▁word`, `Ġword`).
fn words(tokenizer: &Tokenizer) -> Vec<Option<Box<str>>> {
    let n = tokenizer.get_vocab_size(true).min(MAX_VOCABULARY) as u32;
    let tokens: Vec<Option<String>> = (0..n).map(|id| tokenizer.id_to_token(id)).collect();
    let starts_with = |mark: char| {
        let marked = |token: &Option<String>| token.as_ref().is_some_and(|t| t.starts_with(mark));
        tokens.iter().filter(|token| marked(token)).count() * 8 > tokens.len()
    };
    let mark = ['▁', 'Ġ'].into_iter().find(|&mark| starts_with(mark));
    let added = tokenizer.get_added_tokens_decoder();
    let word = |(id, token): (u32, &Option<String>)| {
        let token = token.as_ref()?;
        let is_special = added.get(&id).is_some_and(|token| token.special)
            || token.starts_with('[') && token.ends_with(']');
        let word = match mark {
            // The letters of a byte-level vocabulary are bytes.
            Some('Ġ') if token.starts_with('Ġ') => tokenizer.decode(&[id], true).ok()?,
            Some(mark) => token.strip_prefix(mark)?.to_owned(),
            None if token.starts_with("##") => return None,
            None => token.clone(),
        };
        let word = word.trim();
        let is_word = !is_special && word.chars().any(char::is_alphanumeric);
        is_word.then(|| word.into())
    };
    (0..).zip(&tokens).map(word).collect()
}
