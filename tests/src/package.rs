//! What stands in for the package for pages, where it does not matter what its files hold.

use std::fs;
use std::path::Path;

/// Files that a page loads from the package, and its licences.
pub const FILES: [&str; 15] = [
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
    "LICENSE-MIT",
    "LICENSE-APACHE",
];

/// Files of the package that servers load beside the engine's.
pub const SERVER_FILES: [&str; 5] = [
    "edge.js",
    "workerd.js",
    "node.js",
    "encoder.js",
    "littoral-encoder.wasm",
];

/// Makes a package in `folder`: files that hold their names, and the pages as they are.
///
/// # Panics
/// When a file cannot be written.
pub fn stand_in(folder: &Path) {
    fs::create_dir_all(folder.join("pages")).expect("room");
    for file in FILES.iter().chain(&SERVER_FILES) {
        fs::write(folder.join(file), format!("{file}\n")).expect("room");
    }
    let format = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../indexes/FORMAT.md"));
    fs::copy(format, folder.join("FORMAT.md")).expect("the format");
    let pages = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../web/pages"));
    for file in ["search.html", "playground.html", "page.css", "icon.svg"] {
        fs::copy(pages.join(file), folder.join("pages").join(file)).expect("a page");
    }
}
