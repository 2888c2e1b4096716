//! The package for pages, as `web/build.mjs` makes it: where it is, and how it comes to be there.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names the folder of the built package.
pub(crate) const VARIABLE: &str = "LITTORAL_WEB";

/// The specification of the index format, which the package carries too: its engine reads what this
/// program writes where both were built with the same.
const FORMAT: &str = include_str!("../../indexes/FORMAT.md");
const FORMAT_FILE: &str = "FORMAT.md";

/// How the package is built, from the top of the repository.
const BUILD: &str = "node web/build.mjs";

/// Files that a page loads from the package; in a folder without them there is no package.
pub(crate) const FILES: [&str; 13] = [
    "answers.js",
    "element.js",
    "element-languages.js",
    "index.js",
    "inline.js",
    "languages.js",
    "llm.js",
    "rest.js",
    "worker.js",
    "littoral.wasm",
    "littoral-answers.wasm",
    "littoral-languages.wasm",
    "littoral-rest.wasm",
];

/// Files that a server loads from the package, beside the one that opens indexes on its platform.
pub(crate) const SERVER_FILES: [&str; 9] = [
    "answers.js",
    "edge.js",
    "languages.js",
    "llm.js",
    "rest.js",
    "littoral.wasm",
    "littoral-answers.wasm",
    "littoral-languages.wasm",
    "littoral-rest.wasm",
];

/// Files beside those that a page loads from the package.
pub(crate) const LICENCES: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];

/// Where a page of the package says what addresses of documents are relative to.
const BASE: &str = "base=\"./\"";

/// Why there is no package.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebError {
    /// The folder that was named lacks a file.
    #[error("{VARIABLE} is {}, which has no {file}", folder.display())]
    NotAPackage {
        /// The folder.
        folder: PathBuf,
        /// What it lacks.
        file: &'static str,
    },
    /// The folder that was named has an engine for other indexes.
    #[error("{VARIABLE} is {}, which was built for another index format than this program", folder.display())]
    OtherFormat {
        /// The folder.
        folder: PathBuf,
    },
    /// There is neither a built package nor the sources of one.
    #[error("the package for pages is not beside this program")]
    NoSources,
    /// The sources are there, and nothing to build them with.
    #[error("the package for pages is not built yet, and node is not here to build it")]
    NoNode {
        /// The repository.
        root: PathBuf,
    },
    /// The build failed.
    #[error("the package for pages could not be built: {reason}")]
    Build {
        /// The repository.
        root: PathBuf,
        /// How it ended.
        reason: String,
    },
}

impl WebError {
    /// The stable kebab-case code of the error.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotAPackage { .. } | Self::NoSources => "no-web-package",
            Self::OtherFormat { .. } => "web-package-stale",
            Self::NoNode { .. } | Self::Build { .. } => "web-package-not-built",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        let in_root = |root: &Path| format!("cd {} && {BUILD}", root.display());
        match self {
            Self::NotAPackage { .. } => {
                format!("name the folder that {BUILD} makes, which is web/pkg in a clone")
            }
            Self::OtherFormat { .. } => {
                format!("build both from the same sources: cargo build --release, and {BUILD}")
            }
            Self::NoSources => format!(
                "in a clone of Littoral run {BUILD}, and let {VARIABLE} name its folder web/pkg"
            ),
            Self::NoNode { root } => {
                format!("install Node.js 20.19 or later, then: {}", in_root(root))
            }
            Self::Build { root, .. } => format!("see above what failed; then: {}", in_root(root)),
        }
    }
}

/// The folder of the built package: the one that is named by `LITTORAL_WEB`, else `web/pkg` of the
/// clone that this program was built from, which is built where node is here.
///
/// # Errors
/// [`WebError`], with its cure.
pub(crate) fn package(say: impl Fn(&str)) -> Result<PathBuf, WebError> {
    if let Some(folder) = std::env::var_os(VARIABLE) {
        let folder = PathBuf::from(folder);
        return match missing(&folder) {
            None if is_stale(&folder) => Err(WebError::OtherFormat { folder }),
            None => Ok(folder),
            Some(file) => Err(WebError::NotAPackage { folder, file }),
        };
    }
    let root = clone().ok_or(WebError::NoSources)?;
    let folder = root.join("web").join("pkg");
    let why = match missing(&folder) {
        None if is_stale(&folder) => "anew, since it is for another index format",
        None => return Ok(folder),
        Some(_) => "once",
    };
    say(&format!(
        "Building the package for pages {why}, which takes minutes: {BUILD}"
    ));
    let status = Command::new("node")
        .arg("web/build.mjs")
        .current_dir(&root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    let reason = match status {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(WebError::NoNode { root });
        }
        Err(error) => error.to_string(),
        Ok(status) if !status.success() => format!("{BUILD} ended with {status}"),
        Ok(_) => match missing(&folder) {
            None if is_stale(&folder) => {
                "the sources have another index format than this program; build it anew: \
                 cargo build --release"
                    .to_owned()
            }
            None => return Ok(folder),
            Some(file) => format!("{BUILD} made no {file}"),
        },
    };
    Err(WebError::Build { root, reason })
}

/// `page` of the package with addresses of documents relative to `base`; `None` where it has no place to say
/// so, as a page of another version.
pub(crate) fn based(page: &str, base: &str) -> Option<String> {
    let base = base.replace('&', "&amp;").replace('"', "&quot;");
    page.contains(BASE)
        .then(|| page.replace(BASE, &format!("base=\"{base}\"")))
}

/// A file that `folder` lacks to be the package.
fn missing(folder: &Path) -> Option<&'static str> {
    let mut files = FILES.into_iter().chain(["pages/page.css", FORMAT_FILE]);
    files.find(|file| !folder.join(file).is_file())
}

/// Whether the package in `folder` is for indexes of another format than this program's.
fn is_stale(folder: &Path) -> bool {
    std::fs::read(folder.join(FORMAT_FILE)).is_ok_and(|format| format != FORMAT.as_bytes())
}

/// The clone of the repository that this program lies in, or was built from. The folder that it is
/// called in is not asked: what lies there may be anybody's, and would be run.
fn clone() -> Option<PathBuf> {
    let program = std::env::current_exe().ok();
    let above = program.iter().flat_map(|program| program.ancestors());
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    above
        .chain(built_from)
        .find(|root| root.join("web").join("build.mjs").is_file())
        .map(Path::to_owned)
}
