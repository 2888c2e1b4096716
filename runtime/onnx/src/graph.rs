//! What every model in ONNX is loaded from, and how its graph is run.

use crate::OnnxError;
use crate::config::read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use tokenizers::{Tokenizer, TruncationParams};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::konst::Const;

/// Largest graph, weights included.
const MAX_GRAPH_BYTES: u64 = 2 << 30;

/// Largest `tokenizer.json`.
const MAX_TOKENIZER_BYTES: u64 = 64 << 20;

type Plan = Arc<TypedRunnableModel>;

/// What a graph takes, in the order in which it takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Ids,
    /// 1 for each token, as nothing is padded.
    Mask,
    Kinds,
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

/// The folder with the other files of the model of `graph`: a graph in `onnx/` has them one above.
pub(crate) fn folder_of(graph: &Path) -> &Path {
    let parent = graph.parent().unwrap_or(Path::new("."));
    let above = parent.parent().unwrap_or(Path::new("."));
    let is_above = !parent.join("tokenizer.json").exists() && parent.ends_with("onnx");
    if is_above { above } else { parent }
}

/// A graph with its tokenizer.
pub(crate) struct Files {
    /// Of the bytes of both, and of how they are used.
    pub(crate) id: [u8; 8],
    pub(crate) tokenizer: Tokenizer,
    pub(crate) graph: Graph,
}

impl Files {
    /// Loads both; texts are cut at `max_tokens`, the result is the first of the outputs `wanted`, and
    /// `used` tells what else makes it another model.
    pub(crate) fn load(
        graph: &Path,
        max_tokens: usize,
        wanted: &[&str],
        used: &str,
    ) -> Result<Self, OnnxError> {
        let tokenizer_path = folder_of(graph).join("tokenizer.json");
        let tokenizer_bytes = read(&tokenizer_path, MAX_TOKENIZER_BYTES)?;
        let tokenizer = tokenizer(&tokenizer_path, &tokenizer_bytes, max_tokens)?;
        let bytes = read(graph, MAX_GRAPH_BYTES)?;
        let (plan, inputs) = guarded(graph, || plan(graph, &bytes, wanted))?;
        let mut hasher = blake3::Hasher::new();
        for part in [&bytes, &tokenizer_bytes, used.as_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut id = [0; 8];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Ok(Self {
            id,
            tokenizer,
            graph: Graph {
                path: graph.to_owned(),
                plan,
                inputs,
            },
        })
    }
}

/// A graph, ready to run.
pub(crate) struct Graph {
    path: PathBuf,
    plan: Plan,
    inputs: Vec<Input>,
}

impl Graph {
    /// The shape and the numbers of what it gives for the tokens of one text.
    pub(crate) fn run(
        &self,
        ids: &[u32],
        kinds: &[u32],
    ) -> Result<(Vec<usize>, Vec<f32>), OnnxError> {
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
        Ok((numbers.shape().to_vec(), numbers.iter().copied().collect()))
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

/// Makes the graph ready to run on one text of any length. Its result is the first of the outputs
/// `wanted` that it has, else its first.
fn plan(path: &Path, bytes: &[u8], wanted: &[&str]) -> Result<(Plan, Vec<Input>), OnnxError> {
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
    let outputs = graph.output_outlets().map_err(broken)?.to_vec();
    let named = |name: &str| {
        let is_it = |outlet: &OutletId| {
            graph.outlet_label(*outlet) == Some(name) || graph.node(outlet.node).name == name
        };
        outputs.iter().copied().find(is_it)
    };
    let chosen = wanted.iter().find_map(|name| named(name));
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
pub(crate) fn guarded<T>(
    path: &Path,
    run: impl FnOnce() -> Result<T, OnnxError>,
) -> Result<T, OnnxError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(OnnxError::Invalid {
            path: path.to_owned(),
            reason: format!("the graph cannot be run: {}", text.unwrap_or("it stopped")),
        })
    })
}
