//! Where packed models lie.

use super::ModelsError;
use super::folder::Weights;
use super::pack::{FAST, pack};
use crate::embed::TextEncoder;
use crate::expand::SparseEncoder;
use littoral_guest::Encoder;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a packed model's file is called behind its name.
pub const EXTENSION: &str = "litmodel";

/// Largest packed model.
const MAX_BYTES: u64 = 2 << 30;

/// The folder of packed models: `LITTORAL_MODELS`, else `littoral/models` in the user's data folder.
pub fn folder() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = variable("LITTORAL_MODELS") {
        return folder.into();
    }
    let data = variable("XDG_DATA_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local/share")));
    data.unwrap_or_else(|| ".".into()).join("littoral/models")
}

/// The file of a packed model in `folder`.
pub fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.{EXTENSION}"))
}

/// Loads the model that `name_or_path` names: a stored one, a packed file, or a model folder, which is
/// packed in memory.
///
/// # Errors
/// [`ModelsError::NotThere`] when there is none, whose [`ModelsError::hint`] says how to get it;
/// others when it is damaged.
pub fn resolve(name_or_path: &str) -> Result<Encoder, ModelsError> {
    let folder = folder();
    let is_name = name_or_path
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let stored = path(&folder, name_or_path);
    if is_name && stored.is_file() {
        return load(&stored);
    }
    let path = Path::new(name_or_path);
    if path.is_file() {
        return load(path);
    }
    if path.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let bytes = pack(&Weights::read(path, &name)?, FAST).write();
        return decode(path, &bytes);
    }
    Err(ModelsError::NotThere {
        name: name_or_path.into(),
        folder,
    })
}

/// The encoder of texts that is meant by `name_or_path`: in ONNX, or as [`resolve`] finds it.
///
/// # Errors
/// As [`resolve`]; [`ModelsError::Graph`] when a graph is damaged, or no encoder.
pub fn text_encoder(name_or_path: &str) -> Result<Arc<dyn TextEncoder>, ModelsError> {
    match graph(name_or_path) {
        Some(graph) => super::onnx::load_graph(&graph),
        None => Ok(Arc::new(resolve(name_or_path)?)),
    }
}

/// The learned sparse encoder in the folder, or of the graph, that `path` names.
///
/// # Errors
/// [`ModelsError::Io`] when there is no graph, [`ModelsError::Graph`] when it is damaged, or no such
/// encoder.
pub fn sparse_encoder(path: &str) -> Result<Arc<dyn SparseEncoder>, ModelsError> {
    let path = Path::new(path);
    // Without the feature a folder is refused too, but by what it needs.
    let inside = path.join("model.onnx");
    match super::onnx::graph_of(path).or_else(|| inside.is_file().then(|| inside.clone())) {
        Some(graph) => super::onnx::load_sparse(&graph),
        None => Err(ModelsError::Io {
            path: if path.is_dir() {
                inside
            } else {
                path.to_owned()
            },
            source: std::io::ErrorKind::NotFound.into(),
        }),
    }
}

/// The graph in ONNX that is meant by `name_or_path`: the file itself, or that of a folder which has no
/// weights of BERT's family to be packed.
pub fn graph(name_or_path: &str) -> Option<PathBuf> {
    let path = Path::new(name_or_path);
    let graph = super::onnx::graph_of(path)?;
    if path.is_dir() && path.join("model.safetensors").is_file() {
        let config = super::folder::read(&path.join("config.json"), 1 << 20).ok()?;
        let config: serde_json::Value = serde_json::from_slice(&config).ok()?;
        if config["model_type"].as_str().unwrap_or("bert") == "bert" {
            return None;
        }
    }
    Some(graph)
}

/// Loads a packed file.
///
/// # Errors
/// [`ModelsError`] when it cannot be read or is not sound.
pub fn load(path: &Path) -> Result<Encoder, ModelsError> {
    decode(path, &super::folder::read(path, MAX_BYTES)?)
}

fn decode(path: &Path, bytes: &[u8]) -> Result<Encoder, ModelsError> {
    Encoder::load(bytes).map_err(|source| ModelsError::Packed {
        path: path.to_owned(),
        source,
    })
}

/// The stored model with this id.
pub fn of_id(id: [u8; 8]) -> Option<Encoder> {
    let folder = folder();
    let mut models = stored().into_iter();
    models.find_map(|name| {
        load(&path(&folder, &name))
            .ok()
            .filter(|model| model.id() == id)
    })
}

/// The names of the stored models, sorted.
pub fn stored() -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder()).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == EXTENSION)
            && let Some(name) = path.file_stem().and_then(|stem| stem.to_str())
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    names
}

/// Writes a packed model to `path`, whole or not at all.
///
/// # Errors
/// [`ModelsError::Io`].
pub fn save(path: &Path, bytes: &[u8]) -> Result<(), ModelsError> {
    let io = |source| ModelsError::Io {
        path: path.to_owned(),
        source,
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(io)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    std::io::Write::write_all(&mut file, bytes).map_err(io)?;
    file.persist(path).map_err(|error| io(error.error))?;
    Ok(())
}
