//! Runs the `littoral` program as a person would.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The program, built for the profile of the tests; built now when it is not there or may be old.
///
/// # Panics
/// When it cannot be built.
pub fn path() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| named("LITTORAL_PROGRAM").unwrap_or_else(|| built("littoral")))
}

/// The program that trains encoders, beside the other.
///
/// # Panics
/// When it cannot be built.
pub fn trainer() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| named("LITTORAL_TRAINER").unwrap_or_else(|| built("littoral-train")))
}

/// What the variable of the environment says.
fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

fn built(name: &str) -> PathBuf {
    // Tests lie in `<target>/<profile>/deps`.
    let test = std::env::current_exe().expect("a path of the test");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("a folder of the profile")
        .to_owned();
    let target = folder.parent().expect("a target folder");
    let profile = match folder.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // What cargo tells a test of its package would make build scripts that ask for it run again, and all
    // that stands on them be built anew.
    let of_package = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    });
    let mut build = Command::new(cargo);
    of_package.for_each(|name| {
        build.env_remove(name);
    });
    let features: &[&str] = if cfg!(feature = "gpu-training") {
        &["--features", "littoral-tests/gpu-training"]
    } else {
        &[]
    };
    let built = build
        // The whole workspace resolves the features that its tests were built with.
        .args(["build", "--quiet", "--workspace", "--bin", name])
        .args(features)
        .args(["--profile", profile])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env("CARGO_TARGET_DIR", target)
        .status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "{name} could not be built"
    );
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; -1 when it was killed.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Standard output as one JSON value.
    ///
    /// # Panics
    /// When it is not exactly one.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("not one JSON value: {error}: {self:?}"))
    }

    /// The code in the JSON of an error.
    ///
    /// # Panics
    /// When it is not an error of the contract's shape.
    pub fn error_code(&self) -> String {
        let value = self.json();
        let error = value["error"]
            .as_object()
            .unwrap_or_else(|| panic!("no error: {self:?}"));
        let keys: Vec<&str> = error.keys().map(String::as_str).collect();
        assert_eq!(keys, ["code", "hint", "message"]);
        assert_eq!(value.as_object().map(serde_json::Map::len), Some(1));
        error["code"].as_str().expect("a code").to_owned()
    }
}

/// The program with `arguments`, in `folder`.
pub fn command<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Command {
    let mut command = Command::new(path());
    command.args(arguments).current_dir(folder);
    // What models and remembered vectors the machine has must not matter.
    command.env("LITTORAL_OFFLINE", "1");
    command.env("LITTORAL_MODELS", folder.join("models"));
    command.env("LITTORAL_CACHE", folder.join("cache"));
    command
}

/// Runs the program with `arguments`, in `folder`.
///
/// # Panics
/// When it cannot be started.
pub fn run<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Ran {
    command(folder, arguments)
        .output()
        .expect("the program starts")
        .into()
}
