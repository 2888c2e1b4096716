//! Folders as tests compare them.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a failing test says where"
)]

use std::fs;
use std::path::Path;

/// The files below `folder` by their paths within it, and their bytes, ascending.
pub fn below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
