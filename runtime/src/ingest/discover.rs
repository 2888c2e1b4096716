//! Lists the files of the inputs: folders, single files and globs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use ignore::WalkBuilder;

use super::{IngestError, IngestOptions, Skipped, html, paths};

/// A format ingest reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceKind {
    /// `.html`, `.htm`, `.xhtml`
    Html,
    /// `.md`, `.markdown`, `.mdx`
    Markdown,
    /// `.txt`, `.text`
    Text,
    /// `.jsonl`, `.ndjson`: one document a line
    Jsonl,
    /// `.csv`, `.tsv`: one document a record
    Csv,
    /// `.pdf`
    Pdf,
    /// `.docx`
    Docx,
}

impl SourceKind {
    /// The format a file name's extension stands for.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            "html" | "htm" | "xhtml" => Self::Html,
            "md" | "markdown" | "mdx" => Self::Markdown,
            "txt" | "text" => Self::Text,
            "jsonl" | "ndjson" => Self::Jsonl,
            "csv" | "tsv" => Self::Csv,
            "pdf" => Self::Pdf,
            "docx" => Self::Docx,
            _ => return None,
        })
    }
}

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its path within its input folder, with `/`.
    pub relative: String,
    /// Its format.
    pub kind: SourceKind,
}

/// Lists the files of `inputs`, sorted by `relative`; ties keep the order of inputs, then of paths.
///
/// An input is a folder, a file, or a glob. In a folder, `.gitignore` files within it are
/// respected, hidden files and files of unknown formats are passed over, and symbolic links are not
/// followed. Rules of folders above an input do not count, since what is published is often built
/// into an ignored folder. A file listed twice is read once.
///
/// # Errors
///
/// An input that does not exist, or a pattern or selector that cannot be read.
pub fn discover(
    inputs: &[PathBuf],
    options: &IngestOptions,
) -> Result<(Vec<SourceFile>, Vec<Skipped>), IngestError> {
    html::check_selectors(options)?;
    let mut walk = Walk {
        include: globs(&options.include)?,
        exclude: globs(&options.exclude)?,
        files: Vec::new(),
        skipped: Vec::new(),
    };
    for (rank, input) in inputs.iter().enumerate() {
        match std::fs::symlink_metadata(input) {
            Ok(_) => match std::fs::metadata(input) {
                Ok(found) if found.is_dir() => walk.folder(input, None, rank),
                Ok(found) if found.is_file() => walk.named(input, rank),
                Ok(_) => walk.skip(input, "not-regular-file", "only regular files are read"),
                Err(error) => walk.skip(input, "unreadable", &error.to_string()),
            },
            Err(_) => match glob_input(input)? {
                Some((base, glob)) => walk.folder(&base, Some(&glob), rank),
                None => {
                    return Err(IngestError::NoSuchInput {
                        path: input.clone(),
                    });
                }
            },
        }
    }
    Ok(walk.finish())
}

struct Walk {
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
    files: Vec<(SourceFile, usize)>,
    skipped: Vec<Skipped>,
}

impl Walk {
    fn folder(&mut self, base: &Path, only: Option<&GlobMatcher>, rank: usize) {
        let walk = WalkBuilder::new(base)
            .parents(false)
            .git_global(false)
            .git_exclude(false)
            .require_git(false)
            .follow_links(false)
            .filter_entry(|entry| {
                let is_folder = entry.file_type().is_some_and(|t| t.is_dir());
                let name = entry.file_name().to_str().unwrap_or_default();
                entry.depth() == 0 || !is_passed_over(name, is_folder)
            })
            .build();
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.skip(base, "unreadable", &error.to_string());
                    continue;
                }
            };
            let Some(kind) = SourceKind::of(entry.path()) else {
                continue;
            };
            if entry
                .file_type()
                .is_none_or(|t| t.is_dir() || t.is_symlink())
            {
                continue;
            }
            if entry.file_type().is_some_and(|t| !t.is_file()) {
                self.skip(
                    entry.path(),
                    "not-regular-file",
                    "only regular files are read",
                );
                continue;
            }
            let inner = entry.path().strip_prefix(base).unwrap_or(entry.path());
            let Some(relative) = paths::relative(inner) else {
                self.skip(
                    entry.path(),
                    "bad-path",
                    "the file name is not UTF-8; rename it",
                );
                continue;
            };
            let included = self
                .include
                .as_ref()
                .is_none_or(|set| set.is_match(&relative))
                && self
                    .exclude
                    .as_ref()
                    .is_none_or(|set| !set.is_match(&relative))
                && only.is_none_or(|glob| glob.is_match(&relative));
            if included {
                self.files.push((
                    SourceFile {
                        path: entry.path().to_owned(),
                        relative,
                        kind,
                    },
                    rank,
                ));
            }
        }
    }

    fn named(&mut self, path: &Path, rank: usize) {
        let Some(relative) = path.file_name().and_then(|n| paths::relative(Path::new(n))) else {
            return self.skip(path, "bad-path", "the file name is not UTF-8; rename it");
        };
        match SourceKind::of(path) {
            Some(kind) => {
                self.files.push((
                    SourceFile {
                        path: path.to_owned(),
                        relative,
                        kind,
                    },
                    rank,
                ));
            }
            None => self.skip(
                path,
                "unsupported-format",
                "the extension is none of html, md, txt, jsonl, csv, tsv, pdf, docx",
            ),
        }
    }

    /// Leaves out Markdown that lies beside the page of its name: generators put it there for programs to read.
    fn leave_out_twins(&mut self) {
        let mut pages = BTreeSet::new();
        for (file, rank) in &self.files {
            let stem = file.relative.strip_suffix(".html");
            if let Some(stem) = stem.filter(|_| file.kind == SourceKind::Html) {
                pages.insert((stem.to_owned(), *rank));
                if let Some(folder) = stem.strip_suffix("/index") {
                    pages.insert((folder.to_owned(), *rank));
                }
            }
        }
        let files = std::mem::take(&mut self.files);
        for (file, rank) in files {
            let stem = file.relative.rsplit_once('.').map_or("", |(stem, _)| stem);
            let stem = stem.strip_suffix(".html").unwrap_or(stem);
            let is_twin =
                file.kind == SourceKind::Markdown && pages.contains(&(stem.to_owned(), rank));
            if is_twin {
                let message = "a page of the same name says the same and is read";
                self.skip(&file.path, "duplicate-page", message);
            } else {
                self.files.push((file, rank));
            }
        }
    }

    fn skip(&mut self, path: &Path, code: &'static str, message: &str) {
        self.skipped
            .push(Skipped::new(path.to_string_lossy(), code, message));
    }

    fn finish(mut self) -> (Vec<SourceFile>, Vec<Skipped>) {
        self.files.sort_by(|(a, a_rank), (b, b_rank)| {
            (&a.relative, a_rank, &a.path).cmp(&(&b.relative, b_rank, &b.path))
        });
        self.leave_out_twins();
        let mut seen = BTreeSet::new();
        let mut files = Vec::with_capacity(self.files.len());
        // One walk lists nothing twice, so the names need not be resolved.
        let one_input = self.files.iter().all(|(_, rank)| *rank == self.files[0].1);
        for (file, _) in self.files {
            if one_input {
                files.push(file);
                continue;
            }
            let real = std::fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone());
            if seen.insert(real) {
                files.push(file);
            }
        }
        self.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        (files, self.skipped)
    }
}

/// Whether what a folder holds is no document: packages of others, their licences as bundlers collect them,
/// the sources that Sphinx puts beside its pages, and files that speak to machines, of which `llms.txt`
/// repeats the pages.
fn is_passed_over(name: &str, is_folder: bool) -> bool {
    if is_folder {
        return matches!(name, "_sources" | "node_modules");
    }
    matches!(
        name,
        "ads.txt"
            | "humans.txt"
            | "llms-full.txt"
            | "llms-small.txt"
            | "llms.txt"
            | "robots.txt"
            | "security.txt"
    ) || name.ends_with(".LICENSE.txt")
}

/// The set of patterns, or `None` when there are none.
fn globs(patterns: &[String]) -> Result<Option<GlobSet>, IngestError> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    let bad = |pattern: &str| {
        let pattern = pattern.to_owned();
        move |source| IngestError::BadPattern { pattern, source }
    };
    for pattern in patterns {
        // A pattern without a slash names files at any depth, as in .gitignore.
        let anchored = pattern.trim_start_matches("./").trim_start_matches('/');
        if !anchored.trim_end_matches('/').contains('/') {
            set.add(Glob::new(&format!("**/{anchored}")).map_err(bad(pattern))?);
        }
        let folder = anchored.trim_end_matches('/');
        set.add(Glob::new(folder).map_err(bad(pattern))?);
        set.add(Glob::new(&format!("{folder}/**")).map_err(bad(pattern))?);
    }
    set.build().map(Some).map_err(bad(""))
}

/// Splits an input that is a glob into the folder before its first pattern character and the rest.
fn glob_input(input: &Path) -> Result<Option<(PathBuf, GlobMatcher)>, IngestError> {
    let Some(text) = input.to_str() else {
        return Ok(None);
    };
    let Some(special) = text.find(['*', '?', '[', '{']) else {
        return Ok(None);
    };
    let cut = text[..special].rfind('/').map_or(0, |slash| slash + 1);
    let base = if cut == 0 {
        PathBuf::from(".")
    } else {
        PathBuf::from(&text[..cut])
    };
    if !base.is_dir() {
        return Ok(None);
    }
    let glob = GlobBuilder::new(&text[cut..])
        .literal_separator(true)
        .build()
        .map_err(|source| IngestError::BadPattern {
            pattern: text.to_owned(),
            source,
        })?;
    Ok(Some((base, glob.compile_matcher())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "text").unwrap();
        }
        root
    }

    fn names(inputs: &[PathBuf], options: &IngestOptions) -> Vec<String> {
        let (files, _) = discover(inputs, options).unwrap();
        files.into_iter().map(|file| file.relative).collect()
    }

    #[test]
    fn a_folder_yields_its_files_in_order_without_hidden_and_ignored_ones() {
        let root = folder(&[
            "b.md",
            "a/z.html",
            "a.txt",
            ".hidden/x.md",
            "drafts/y.md",
            "c.png",
            "robots.txt/i.md",
            "a/robots.txt",
            "assets/main.js.LICENSE.txt",
            "llms-full.txt",
            "node_modules/p/README.md",
            "_sources/a/z.md.txt",
        ]);
        std::fs::write(root.path().join(".gitignore"), "drafts/\n").unwrap();
        let inputs = [root.path().to_owned()];
        assert_eq!(
            names(&inputs, &IngestOptions::default()),
            ["a.txt", "a/z.html", "b.md", "robots.txt/i.md"]
        );
    }

    #[test]
    fn markdown_beside_the_page_of_its_name_is_read_once() {
        let root = folder(&[
            "index.html",
            "index.html.md",
            "a/b/index.html",
            "a/b.md",
            "a/b/index.md",
            "c.html",
            "c.md",
            "d.md",
            "c/d.md",
        ]);
        let inputs = [root.path().to_owned()];
        let (files, skipped) = discover(&inputs, &IngestOptions::default()).unwrap();
        let names: Vec<_> = files.iter().map(|file| &*file.relative).collect();
        assert_eq!(
            names,
            ["a/b/index.html", "c.html", "c/d.md", "d.md", "index.html"]
        );
        assert!(skipped.iter().all(|each| each.code == "duplicate-page"));
        assert_eq!(skipped.len(), 4);
    }

    #[test]
    fn include_and_exclude_select_by_relative_path() {
        let root = folder(&["a/x.md", "a/y.html", "b/x.md", "b/deep/z.md"]);
        let inputs = [root.path().to_owned()];
        let mut options = IngestOptions {
            include: vec!["*.md".into()],
            ..IngestOptions::default()
        };
        assert_eq!(
            names(&inputs, &options),
            ["a/x.md", "b/deep/z.md", "b/x.md"]
        );
        options.exclude = vec!["b/deep".into()];
        assert_eq!(names(&inputs, &options), ["a/x.md", "b/x.md"]);
    }

    #[test]
    fn globs_and_single_files_are_inputs_too_and_nothing_is_read_twice() {
        let root = folder(&["a/x.md", "a/b/y.md", "a/b/z.txt"]);
        let options = IngestOptions::default();
        assert_eq!(
            names(&[root.path().join("a/**/*.md")], &options),
            ["b/y.md", "x.md"]
        );
        let file = root.path().join("a/b/z.txt");
        assert_eq!(names(&[file.clone(), file], &options), ["z.txt"]);
    }

    #[test]
    fn a_missing_input_is_an_error_and_an_unknown_format_is_skipped() {
        let root = folder(&["a.zip"]);
        let options = IngestOptions::default();
        let missing = discover(&[root.path().join("none")], &options).unwrap_err();
        assert_eq!(missing.code(), "no-such-input");
        let (_, skipped) = discover(&[root.path().join("a.zip")], &options).unwrap();
        assert_eq!(skipped[0].code, "unsupported-format");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_devices_are_not_read() {
        let root = folder(&["a.md"]);
        std::os::unix::fs::symlink(root.path(), root.path().join("loop")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", root.path().join("b.md")).unwrap();
        let socket = root.path().join("s.md");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let (files, skipped) =
            discover(&[root.path().to_owned()], &IngestOptions::default()).unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(skipped[0].code, "not-regular-file");
        let (_, skipped) = discover(&["/dev/zero".into()], &IngestOptions::default()).unwrap();
        assert_eq!(skipped[0].code, "not-regular-file");
    }
}
