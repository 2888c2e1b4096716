//! From paths to ids and URLs.

use std::path::{Component, Path};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{IngestOptions, SourceKind};

/// What a path segment must not contain literally (RFC 3986, section 3.3).
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The path with `/`, or `None` where it is not UTF-8 or leaves its folder.
pub(super) fn relative(path: &Path) -> Option<String> {
    let mut out = String::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => {
                if !out.is_empty() {
                    out.push('/');
                }
                out.push_str(name.to_str()?);
            }
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!out.is_empty()).then_some(out)
}

/// The URL of a file at `relative`: an HTML folder index is its folder, all else keeps its name.
pub(super) fn url(relative: &str, kind: SourceKind, options: &IngestOptions) -> String {
    let path = match relative.rsplit_once('/') {
        Some((folder, "index.html" | "index.htm")) if kind == SourceKind::Html => {
            format!("{folder}/")
        }
        None if kind == SourceKind::Html && matches!(relative, "index.html" | "index.htm") => {
            // The root page: the base itself, or this folder.
            return options
                .base_url
                .as_deref()
                .map_or_else(|| "./".to_owned(), with_slash);
        }
        _ => relative.to_owned(),
    };
    join(&encode(&path), options)
}

/// The URL a document asks for, where it is one we hand on: an absolute `http` or `https` URL, or
/// a path, which is taken relative to the base. Anything else, and any path with `..`, is refused.
pub(super) fn declared(url: &str, options: &IngestOptions) -> Option<String> {
    let url = url.trim();
    if url.is_empty() || url.len() > 4096 || url.chars().any(|c| c.is_control() || c == '\\') {
        return None;
    }
    let lower = url.to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") {
        return Some(url.replace(' ', "%20"));
    }
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let has_scheme = path
        .split('/')
        .next()
        .is_some_and(|first| first.contains(':'));
    if has_scheme || url.starts_with("//") || climbs(path) {
        return None;
    }
    if options.base_url.is_some() {
        Some(join(url.trim_start_matches('/'), options))
    } else {
        Some(url.to_owned())
    }
}

/// Whether a path has a `..` segment, literally or percent-encoded.
fn climbs(path: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    decoded
        .split(['/', '\\'])
        .any(|segment| segment.trim() == "..")
}

/// Percent-encodes a path, `/` kept.
pub(super) fn encode(path: &str) -> String {
    let encoded = utf8_percent_encode(path, PATH).to_string();
    // A first segment with a colon would read as a scheme (RFC 3986, section 4.2).
    let first = encoded.split('/').next().unwrap_or_default();
    if first.contains(':') {
        format!("./{encoded}")
    } else {
        encoded
    }
}

fn join(path: &str, options: &IngestOptions) -> String {
    match &options.base_url {
        Some(base) => with_slash(base) + path.trim_start_matches("./"),
        None => path.to_owned(),
    }
}

fn with_slash(base: &str) -> String {
    if base.ends_with('/') {
        base.to_owned()
    } else {
        format!("{base}/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn based() -> IngestOptions {
        IngestOptions {
            base_url: Some("https://x.org/docs".into()),
            ..IngestOptions::default()
        }
    }

    #[test]
    fn a_folder_index_is_its_folder_and_other_pages_keep_their_names() {
        for (relative, expected) in [
            ("a/index.html", "https://x.org/docs/a/"),
            ("index.html", "https://x.org/docs/"),
            ("a/b c.html", "https://x.org/docs/a/b%20c.html"),
        ] {
            assert_eq!(url(relative, SourceKind::Html, &based()), expected);
        }
        assert_eq!(
            url("a/index.md", SourceKind::Markdown, &based()),
            "https://x.org/docs/a/index.md"
        );
        assert_eq!(
            url("a/ü?.md", SourceKind::Markdown, &IngestOptions::default()),
            "a/%C3%BC%3F.md"
        );
    }

    #[test]
    fn declared_urls_never_leave_the_root_nor_run_script() {
        let options = IngestOptions::default();
        for bad in [
            "../secret",
            "/a/../../b",
            "/%2e%2e/b",
            "a/%2E./b",
            "..\\b",
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil.org/a",
            "file:///etc/passwd",
            "a\u{0}b",
            "",
        ] {
            assert_eq!(declared(bad, &options), None, "{bad}");
            assert_eq!(declared(bad, &based()), None, "{bad}");
        }
        assert_eq!(
            declared("/blog/a..b", &based()).unwrap(),
            "https://x.org/docs/blog/a..b"
        );
        assert_eq!(
            declared("https://y.org/a", &based()).unwrap(),
            "https://y.org/a"
        );
    }

    #[test]
    fn paths_that_climb_have_no_relative_form() {
        assert_eq!(relative(Path::new("./a/b.md")).unwrap(), "a/b.md");
        assert_eq!(relative(Path::new("../a")), None);
        assert_eq!(relative(Path::new("/etc/passwd")), None);
    }
}
