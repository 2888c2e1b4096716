//! From the path of a request to a path below a folder.

use percent_encoding::percent_decode_str;
use std::path::{Path, PathBuf};

/// The path of a request, decoded: `None` where it is not UTF-8, or has a segment that names a
/// parent, a hidden file or nothing, or a character that no file of ours has.
pub(super) fn decoded(raw: &str) -> Option<String> {
    let path = percent_decode_str(raw).decode_utf8().ok()?.into_owned();
    let rest = path.strip_prefix('/')?;
    let segments: Vec<&str> = rest.split('/').collect();
    let n_folders = segments.len() - 1;
    let is_safe = segments.iter().enumerate().all(|(i, segment)| {
        let is_last = i == n_folders;
        (is_last || !segment.is_empty()) && !segment.starts_with('.')
    }) && !path.contains(|c: char| c.is_control() || matches!(c, '\\' | ':'));
    is_safe.then_some(path)
}

/// The file at a decoded path relative to `folder`, where it is a file and, links followed, lies in
/// it.
pub(super) fn within(folder: &Path, path: &str) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let file = folder.join(path).canonicalize().ok()?;
    (file.starts_with(&folder) && file.is_file()).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn plain_paths_are_taken_and_others_refused() {
        for (raw, path) in [
            ("/", "/"),
            ("/a.lit", "/a.lit"),
            ("/docs/a%20b.md", "/docs/a b.md"),
            ("/docs/", "/docs/"),
            ("/%C3%A4", "/ä"),
        ] {
            assert_eq!(decoded(raw).as_deref(), Some(path), "{raw}");
        }
        for raw in [
            "",
            "a",
            "*",
            "//",
            "//a",
            "/a//b",
            "/..",
            "/../a",
            "/a/../b",
            "/%2e%2e/a",
            "/%2e%2e%2fa",
            "/a%2f..%2fb",
            "/..%5ca",
            "/a\\b",
            "/.git/config",
            "/a/.littoral.lock",
            "/C:/a",
            "/a%00b",
            "/%ff",
            "/a%0d%0ab",
        ] {
            assert_eq!(decoded(raw), None, "{raw}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_leads_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("site");
        fs::create_dir(&folder).unwrap();
        fs::write(root.path().join("secret"), "no").unwrap();
        fs::write(folder.join("page"), "yes").unwrap();
        std::os::unix::fs::symlink("../secret", folder.join("out")).unwrap();
        std::os::unix::fs::symlink("page", folder.join("in")).unwrap();
        assert!(within(&folder, "page").is_some());
        assert!(within(&folder, "in").is_some());
        assert!(within(&folder, "out").is_none());
        assert!(within(&folder, "").is_none(), "a folder is no file");
    }
}
