//! The rules of the house that a compiler does not know: which crate may use which, where things
//! lie, how long a file may be, and what no file may say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each crate may use of the workspace: `indexes ← guest ← gpu ← { runtime, web/gpu }`, `guest ← web`,
/// all `← tests`.
const ARROWS: &[(&str, &[&str])] = &[
    ("indexes", &[]),
    ("guest", &["indexes"]),
    (
        "runtime",
        &["api", "gpu", "guest", "indexes", "objects", "onnx"],
    ),
    ("runtime/api", &["guest", "indexes"]),
    ("runtime/gpu", &["guest", "indexes"]),
    ("runtime/objects", &["guest", "indexes"]),
    ("runtime/onnx", &[]),
    ("runtime/train", &["gpu", "guest", "runtime"]),
    ("runtime/wasi", &["api", "guest"]),
    ("guest/component", &["guest", "indexes"]),
    ("guest/sandbox", &["guest", "indexes"]),
    ("web", &["guest", "indexes"]),
    ("web/bindgen", &[]),
    ("web/encoder", &["guest"]),
    ("web/gpu", &["gpu", "guest", "indexes"]),
    (
        "tests",
        &["gpu", "guest", "indexes", "runtime", "train", "web"],
    ),
];

/// What may lie at the top of the repository.
const TOP: &[&str] = &[
    ".ci",
    ".clippy.toml",
    ".github",
    ".gitignore",
    ".rustfmt.toml",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "deny.toml",
    "guest",
    "indexes",
    "runtime",
    "rust-toolchain.toml",
    "tests",
    "web",
];

/// Longest file, in lines.
const MAX_LINES: usize = 450;

/// Files that may be longer, and why.
const LONG: &[(&str, &str)] = &[
    (
        "guest/src/engine/search.rs",
        "the story of a search from its text to its hits, in order",
    ),
    (
        "guest/src/build/segment.rs",
        "the story of a build: collecting and writing share one state",
    ),
    (
        "guest/src/encoder/format.rs",
        "writer and reader of one file, with its bounds and their errors",
    ),
    (
        "indexes/FORMAT.md",
        "the specification, with its worked examples, is read as one",
    ),
    (
        "indexes/src/coder.rs",
        "encoder and decoder mirror each other line by line",
    ),
    (
        "runtime/gpu/src/encoder/tests.rs",
        "a plain twin for every kernel of one encoder, which share their buffers and draws",
    ),
    (
        "runtime/gpu/src/scan.rs",
        "vectors brought to the device and asked there: one layout, written and read",
    ),
    (
        "runtime/src/eval/dataset.rs",
        "one reader of collections, with its errors and their tests",
    ),
    (
        "tests/tests/cli.rs",
        "sessions of every command, read as one contract",
    ),
    (
        "tests/tests/crash.rs",
        "one story told to every command, interrupted everywhere",
    ),
    (
        "tests/tests/hostile.rs",
        "one mutation engine with the bounds it is held to",
    ),
];

/// Files whose length is nobody's: made by tools, or fixed by others.
const UNCOUNTED: &[&str] = &["Cargo.lock", "package-lock.json", "LICENSE-APACHE"];

/// The beginnings of paths on somebody's machine, each in two halves so that this file has none.
const MACHINE_PATHS: &[(&str, &str)] = &[
    ("/ho", "me/"),
    ("/Use", "rs/"),
    ("/ro", "ot/"),
    ("/tm", "p/"),
    ("/wo", "rk/"),
    ("/m", "nt/"),
    ("C:\\Us", "ers\\"),
];

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().to_owned()
}

/// The files of the repository, relative to its top, sorted: what git tracks, or in a copy without
/// git, what is there.
fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output();
    let mut files: Vec<String> = match listed {
        Ok(output) if output.status.success() && !output.stdout.is_empty() => {
            let text = String::from_utf8(output.stdout).unwrap();
            text.split_terminator('\0').map(str::to_owned).collect()
        }
        _ => {
            let mut found = Vec::new();
            walk(&root(), "", &mut found);
            found
        }
    };
    files.retain(|file| root().join(file).is_file());
    files.sort();
    files
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if matches!(name.as_str(), ".git" | "target" | "node_modules" | "pkg") {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), &format!("{path}/"), found);
        } else {
            found.push(path);
        }
    }
}

/// The text of a file, or `None` for bytes that are none.
fn text(file: &str) -> Option<String> {
    let bytes = std::fs::read(root().join(file)).unwrap();
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
}

/// The dependencies of a manifest, of every kind: names and what stands behind the equals sign.
fn dependencies(manifest: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        let line = line.trim();
        if line.starts_with('[') {
            let section = line.trim_matches(['[', ']']);
            inside = section.ends_with("dependencies");
            if let Some((_, name)) = section.split_once("dependencies.") {
                found.push((name.to_owned(), String::new()));
            }
        } else if let (true, Some((name, value))) = (inside, line.split_once('=')) {
            found.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    found
}

/// The manifests of the workspace's members by folder.
fn members() -> BTreeMap<String, String> {
    let manifest = text("Cargo.toml").unwrap();
    let line = manifest.lines().find(|line| line.starts_with("members"));
    let (_, list) = line.unwrap().split_once('[').unwrap();
    let names = list.trim_end_matches(']').split(',');
    let names = names.map(|name| name.trim().trim_matches('"').to_owned());
    names
        .filter(|name| !name.is_empty())
        .map(|name| {
            let manifest = text(&format!("{name}/Cargo.toml")).unwrap();
            (name, manifest)
        })
        .collect()
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for (member, manifest) in members() {
        let allowed = arrows
            .get(member.as_str())
            .unwrap_or_else(|| panic!("{member} has no place among the layers"));
        for (name, _) in dependencies(&manifest) {
            let crate_name = name.split('.').next().unwrap();
            if let Some(other) = crate_name.strip_prefix("littoral-") {
                assert!(
                    allowed.contains(&other),
                    "{member} uses {other}; it may use {allowed:?}"
                );
            }
        }
    }
}

#[test]
fn every_dependency_is_named_once_with_its_reason() {
    let root = text("Cargo.toml").unwrap();
    let (_, section) = root.split_once("[workspace.dependencies]\n").unwrap();
    let section = section.split("\n[").next().unwrap();
    for line in section.lines().filter(|line| !line.trim().is_empty()) {
        let reason = line
            .rsplit_once('#')
            .map_or("", |(_, reason)| reason.trim());
        let is_comment = line.trim_start().starts_with('#');
        assert!(
            is_comment || reason.len() > 8,
            "no reason for a dependency: {line}"
        );
    }
    for (member, manifest) in members() {
        for (name, value) in dependencies(&manifest) {
            assert!(
                name.ends_with(".workspace") || value.contains("workspace = true"),
                "{member} takes {name} past the list in the workspace's manifest"
            );
        }
    }
}

#[test]
fn nothing_unexpected_lies_at_the_top() {
    let tops: BTreeSet<String> = files()
        .iter()
        .map(|file| file.split('/').next().unwrap().to_owned())
        .collect();
    for top in tops {
        assert!(
            TOP.contains(&top.as_str()),
            "{top} lies at the top of the repository; find it a place, or add it to TOP"
        );
    }
}

#[test]
fn files_have_one_subject() {
    let long: BTreeMap<&str, &str> = LONG.iter().copied().collect();
    for name in long.keys() {
        assert!(root().join(name).is_file(), "{name} is gone; strike it out");
    }
    for file in files() {
        let name = file.rsplit('/').next().unwrap();
        if UNCOUNTED.contains(&name) || long.contains_key(file.as_str()) {
            continue;
        }
        let n_lines = text(&file).map_or(0, |text| text.lines().count());
        assert!(
            n_lines <= MAX_LINES,
            "{file} has {n_lines} lines: does it have two subjects? If not, list it with the reason"
        );
    }
}

/// A page's engine has no `Debug`: what would write it ends the engine (`web/build/optimise.mjs`).
#[test]
fn the_engine_of_a_page_writes_nothing_for_programmers() {
    // What a page loads only to write, and keeps `Debug` for.
    let writes = |file: &str| {
        file.starts_with("guest/src/build")
            || ["guest/src/amend.rs", "web/src/writer.rs"].contains(&file)
    };
    let folders = [
        "guest/src/",
        "indexes/src/",
        "runtime/gpu/src/",
        "web/gpu/src/",
        "web/src/",
    ];
    for file in files() {
        let is_engine = folders.iter().any(|folder| file.starts_with(folder));
        if !is_engine || writes(&file) || file.ends_with("/tests.rs") {
            continue;
        }
        let Some(text) = text(&file) else { continue };
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (i, line) in code.lines().enumerate() {
            let found = line.contains(":?}") || line.contains(":#?}");
            assert!(!found, "{file}:{}: {}", i + 1, line.trim());
        }
    }
}

#[test]
fn no_file_knows_somebodys_machine() {
    for file in files() {
        let Some(text) = text(&file) else { continue };
        for (i, line) in text.lines().enumerate() {
            for (a, b) in MACHINE_PATHS {
                let path = format!("{a}{b}");
                // Within an address or a longer path it is a name like any other.
                let found = line.match_indices(&path).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || "._-/}*".contains(c))
                });
                assert!(!found, "{file}:{}: {}", i + 1, line.trim());
            }
        }
    }
}
