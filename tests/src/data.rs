//! Where the judged collections lie.

use std::path::{Path, PathBuf};

/// The folder of judged collections: `LITTORAL_DATA`, or `../shared/data` beside the repository.
/// `None`, with a line on standard error, when it is not there.
///
/// # Panics
/// When it is not there and `LITTORAL_REQUIRE_DATA` is 1.
#[expect(clippy::print_stderr, reason = "a test that measures nothing says so")]
pub fn folder() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // A relative path is relative to the repository, wherever the test runs.
    let path = std::env::var_os("LITTORAL_DATA").unwrap_or_else(|| "../shared/data".into());
    let path = root.join(path);
    if path.is_dir() {
        return Some(path);
    }
    let required = std::env::var_os("LITTORAL_REQUIRE_DATA").is_some_and(|value| value == "1");
    assert!(
        !required,
        "LITTORAL_DATA names no folder: {}",
        path.display()
    );
    eprintln!(
        "no judged collections at {}: nothing measured",
        path.display()
    );
    None
}
