//! A loaded encoder.

use crate::OnnxError;
use crate::config::{Config, Pooling};
use crate::graph::{Files, Graph, folder_of, guarded};
use std::path::{Path, PathBuf};
use tokenizers::Tokenizer;

/// Widest vector.
const MAX_DIMS: usize = 8192;

/// An encoder in ONNX.
pub struct OnnxEncoder {
    path: PathBuf,
    id: [u8; 8],
    config: Config,
    tokenizer: Tokenizer,
    graph: Graph,
    dims: usize,
}

impl OnnxEncoder {
    /// Loads the graph at `graph` with the files of its folder.
    ///
    /// # Errors
    /// [`OnnxError`] when a file is missing or damaged, when the graph has inputs other than a text's
    /// tokens, or gives no vectors.
    pub fn load(graph: &Path) -> Result<Self, OnnxError> {
        let config = Config::read(folder_of(graph))?;
        // Another pooling or prompt gives other vectors.
        let wanted = ["sentence_embedding", "last_hidden_state"];
        let files = Files::load(graph, config.max_tokens, &wanted, &format!("{config:?}"))?;
        let mut encoder = Self {
            path: graph.to_owned(),
            id: files.id,
            config,
            tokenizer: files.tokenizer,
            graph: files.graph,
            dims: 0,
        };
        // The width is known for sure once there is a vector.
        encoder.dims = encoder.vector("a")?.len();
        Ok(encoder)
    }

    /// Identifies the model: graph, tokenizer, and how both are used.
    pub fn id(&self) -> [u8; 8] {
        self.id
    }

    /// Width of a vector.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// How it is used.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Tokens of `text`, special ones included, cut at the model's length; 0 for a text that the tokenizer
    /// refuses.
    pub fn n_tokens(&self, text: &str) -> usize {
        let encoding = self.tokenizer.encode(text, true);
        encoding.map_or(0, |encoding| encoding.len())
    }

    /// The unit vector of a document's text, `[dims]`.
    ///
    /// # Errors
    /// [`OnnxError::Failed`] when the graph fails, or gives what is no vector.
    pub fn embed(&self, text: &str) -> Result<Vec<f32>, OnnxError> {
        self.vector(&[&self.config.document_prompt, text].concat())
    }

    /// The unit vector of a query, `[dims]`.
    ///
    /// # Errors
    /// As [`OnnxEncoder::embed`].
    pub fn embed_query(&self, query: &str) -> Result<Vec<f32>, OnnxError> {
        self.vector(&[&self.config.query_prompt, query].concat())
    }

    fn vector(&self, text: &str) -> Result<Vec<f32>, OnnxError> {
        let failed = |reason: String| OnnxError::Failed {
            path: self.path.clone(),
            reason,
        };
        let encoding = self.tokenizer.encode(text, true);
        let encoding = encoding.map_err(|error| failed(error.to_string()))?;
        let ids = encoding.get_ids();
        if ids.is_empty() {
            return Ok(vec![0.0; self.dims]);
        }
        let vector = guarded(&self.path, || self.run(ids, encoding.get_type_ids()))?;
        if self.dims > 0 && vector.len() != self.dims {
            return Err(failed(format!(
                "its vector has {} dimensions, not {}",
                vector.len(),
                self.dims
            )));
        }
        Ok(vector)
    }

    fn run(&self, ids: &[u32], kinds: &[u32]) -> Result<Vec<f32>, OnnxError> {
        let failed = |reason: String| OnnxError::Failed {
            path: self.path.clone(),
            reason,
        };
        let (shape, values) = self.graph.run(ids, kinds)?;
        let mut vector = match *shape {
            [1, dims] => values[..dims].to_vec(),
            [1, n, dims] if n == ids.len() && dims > 0 => pool(self.config.pooling, &values, dims),
            _ => return Err(failed(format!("it gave the shape {shape:?}"))),
        };
        if vector.is_empty() || vector.len() > MAX_DIMS {
            return Err(failed(format!(
                "its vector has {} dimensions",
                vector.len()
            )));
        }
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        if !length.is_finite() {
            return Err(failed("its vector has numbers that are not finite".into()));
        }
        if length > 0.0 {
            for x in &mut vector {
                *x /= length;
            }
        }
        Ok(vector)
    }
}

impl std::fmt::Debug for OnnxEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxEncoder")
            .field("path", &self.path)
            .field("config", &self.config)
            .field("dims", &self.dims)
            .finish_non_exhaustive()
    }
}

/// The text's vector from those of its tokens, `[n_tokens, dims]`.
fn pool(pooling: Pooling, values: &[f32], dims: usize) -> Vec<f32> {
    let rows = values.chunks_exact(dims);
    let n_tokens = rows.len();
    match pooling {
        Pooling::First => values[..dims].to_vec(),
        Pooling::Last => values[values.len() - dims..].to_vec(),
        Pooling::Mean => {
            let mut sums = vec![0.0; dims];
            for row in rows {
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
            sums.iter().map(|sum| sum / n_tokens as f32).collect()
        }
        Pooling::Max => {
            let mut tops = vec![f32::MIN; dims];
            for row in rows {
                tops.iter_mut()
                    .zip(row)
                    .for_each(|(top, &x)| *top = top.max(x));
            }
            tops
        }
    }
}
