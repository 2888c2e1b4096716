//! A loaded encoder.

use crate::OnnxError;
use crate::config::{Config, Pooling, read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use tokenizers::{Tokenizer, TruncationParams};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::konst::Const;

/// Largest graph, weights included.
const MAX_GRAPH_BYTES: u64 = 2 << 30;

/// Largest `tokenizer.json`.
const MAX_TOKENIZER_BYTES: u64 = 64 << 20;

/// Widest vector.
const MAX_DIMS: usize = 8192;

type Plan = Arc<TypedRunnableModel>;

/// What a graph takes, in the order in which it takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Ids,
    /// 1 for each token, as nothing is padded.
    Mask,
    Kinds,
}

/// An encoder in ONNX.
pub struct OnnxEncoder {
    path: PathBuf,
    id: [u8; 8],
    config: Config,
    tokenizer: Tokenizer,
    plan: Plan,
    inputs: Vec<Input>,
    dims: usize,
}

/// The graph of the model that `path` names: a folder with one, or the file itself. `None` when there
/// is none.
pub fn graph_of(path: &Path) -> Option<PathBuf> {
    if path
        .extension()
        .is_some_and(|extension| extension == "onnx")
        && path.is_file()
    {
        return Some(path.to_owned());
    }
    let inside = ["model.onnx", "onnx/model.onnx"].map(|name| path.join(name));
    inside.into_iter().find(|path| path.is_file())
}

impl OnnxEncoder {
    /// Loads the graph at `graph`, as [`graph_of`] found it, with the files of its folder.
    ///
    /// # Errors
    /// [`OnnxError`] when a file is missing or damaged, when the graph has inputs other than a text's
    /// tokens, or gives no vectors.
    pub fn load(graph: &Path) -> Result<Self, OnnxError> {
        let parent = graph.parent().unwrap_or(Path::new("."));
        // A graph in `onnx/` has its other files one above.
        let above = parent.parent().unwrap_or(Path::new("."));
        let is_above = !parent.join("tokenizer.json").exists() && parent.ends_with("onnx");
        let folder = if is_above { above } else { parent };
        let config = Config::read(folder)?;
        let tokenizer_path = folder.join("tokenizer.json");
        let tokenizer_bytes = read(&tokenizer_path, MAX_TOKENIZER_BYTES)?;
        let tokenizer = tokenizer(&tokenizer_path, &tokenizer_bytes, config.max_tokens)?;
        let bytes = read(graph, MAX_GRAPH_BYTES)?;
        let (plan, inputs) = guarded(graph, || plan(graph, &bytes))?;
        // Another pooling or prompt gives other vectors.
        let mut hasher = blake3::Hasher::new();
        for part in [&bytes, &tokenizer_bytes, format!("{config:?}").as_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut id = [0; 8];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        let mut encoder = Self {
            path: graph.to_owned(),
            id,
            config,
            tokenizer,
            plan,
            inputs,
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
        let input = |input: &Input| {
            let row: Vec<i64> = match input {
                Input::Ids => ids.iter().map(|&id| i64::from(id)).collect(),
                Input::Mask => vec![1; ids.len()],
                Input::Kinds => kinds.iter().map(|&kind| i64::from(kind)).collect(),
            };
            Tensor::from_shape(&[1, ids.len()], &row).map(Tensor::into_tvalue)
        };
        let inputs: TractResult<TVec<TValue>> = self.inputs.iter().map(input).collect();
        let outputs = inputs.and_then(|inputs| self.plan.run(inputs));
        let outputs = outputs.map_err(|error| failed(format!("{error:#}")))?;
        let output = outputs
            .first()
            .ok_or_else(|| failed("it gave nothing".into()))?;
        let numbers = output.cast_to::<f32>();
        let numbers = numbers.map_err(|error| failed(format!("{error:#}")))?;
        let numbers = numbers.to_plain_array_view::<f32>();
        let numbers = numbers.map_err(|error| failed(format!("{error:#}")))?;
        let values: Vec<f32> = numbers.iter().copied().collect();
        let mut vector = match *numbers.shape() {
            [1, dims] => values[..dims].to_vec(),
            [1, n, dims] if n == ids.len() && dims > 0 => pool(self.config.pooling, &values, dims),
            ref shape => return Err(failed(format!("it gave the shape {shape:?}"))),
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

/// The tokenizer, cutting texts and padding none.
fn tokenizer(path: &Path, bytes: &[u8], max_tokens: usize) -> Result<Tokenizer, OnnxError> {
    let invalid = |error: tokenizers::Error| OnnxError::Invalid {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(invalid)?;
    tokenizer.with_padding(None);
    let truncation = TruncationParams {
        max_length: max_tokens,
        ..TruncationParams::default()
    };
    tokenizer
        .with_truncation(Some(truncation))
        .map_err(invalid)?;
    Ok(tokenizer)
}

/// Makes the graph ready to run on one text of any length.
fn plan(path: &Path, bytes: &[u8]) -> Result<(Plan, Vec<Input>), OnnxError> {
    let invalid = |reason: String| OnnxError::Invalid {
        path: path.to_owned(),
        reason,
    };
    let broken = |error: TractError| invalid(format!("{error:#}"));
    let mut graph = tract_onnx::onnx()
        .model_for_read(&mut &bytes[..])
        .map_err(broken)?;
    for node in &graph.nodes {
        let weights = node.op_as::<Const>().map(Const::val);
        if weights.is_some_and(|weights| has_nan(weights)) {
            let reason = format!("its weights {:?} have numbers that are none", node.name);
            return Err(invalid(reason));
        }
    }
    let length = graph.symbols.sym("S");
    let mut inputs = Vec::new();
    let outlets = graph.input_outlets().map_err(broken)?.to_vec();
    for (i, outlet) in outlets.into_iter().enumerate() {
        let name = graph.node(outlet.node).name.clone();
        inputs.push(match name.as_str() {
            "input_ids" => Input::Ids,
            "attention_mask" => Input::Mask,
            "token_type_ids" => Input::Kinds,
            other => {
                return Err(invalid(format!(
                    "its input {other} is none of input_ids, attention_mask and token_type_ids"
                )));
            }
        });
        let shape: TVec<TDim> = tvec!(1.to_dim(), length.clone().into());
        let fact = InferenceFact::dt_shape(i64::datum_type(), shape);
        graph.set_input_fact(i, fact).map_err(broken)?;
    }
    if !inputs.contains(&Input::Ids) {
        return Err(invalid("it has no input_ids".into()));
    }
    // A graph that pools by itself says so by the name of an output.
    let outputs = graph.output_outlets().map_err(broken)?.to_vec();
    let named = |name: &str| {
        let is_it = |outlet: &OutletId| {
            graph.outlet_label(*outlet) == Some(name) || graph.node(outlet.node).name == name
        };
        outputs.iter().copied().find(is_it)
    };
    let chosen = named("sentence_embedding").or_else(|| named("last_hidden_state"));
    let Some(chosen) = chosen.or_else(|| outputs.first().copied()) else {
        return Err(invalid("it has no output".into()));
    };
    graph.select_output_outlets(&[chosen]).map_err(broken)?;
    let plan = graph.into_optimized().and_then(IntoRunnable::into_runnable);
    Ok((plan.map_err(broken)?, inputs))
}

/// Whether any number of `weights` is none. Looked for in weights, as some functions give a finite number
/// for one that is none, and the vector would not show it.
fn has_nan(weights: &Tensor) -> bool {
    if !weights.datum_type().is_float() {
        return false;
    }
    let Ok(numbers) = weights.cast_to::<f32>() else {
        return true;
    };
    let numbers = numbers.to_plain_array_view::<f32>();
    numbers.map_or(true, |numbers| numbers.iter().any(|x| x.is_nan()))
}

/// What `run` gives; a panic within the graph's machinery becomes an error.
fn guarded<T>(path: &Path, run: impl FnOnce() -> Result<T, OnnxError>) -> Result<T, OnnxError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(OnnxError::Invalid {
            path: path.to_owned(),
            reason: format!("the graph cannot be run: {}", text.unwrap_or("it stopped")),
        })
    })
}
