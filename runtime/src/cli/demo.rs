//! `littoral demo`

use super::output::{self, Failure};
use super::{Outcome, embedder, engine_failure, search};
use crate::build::{TABLE, build_documents, default_settings};
use crate::documentation;
use crate::http::{HTML, Server, Site};
use crate::store::{Folder, folder_size};
use crate::web;
use littoral_guest::engine::SearchOptions;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What the demo looks for when nothing is said.
const QUERY: &str = "how do I update an index";

/// What the page offers to ask.
const QUERIES: &str =
    "how do I update an index\ndata-pagefind-ignore\nwhich languages\nremvoe a document\n";

/// What a text of the page is.
const TEXT: &str = "text/plain; charset=utf-8";

/// The port that is tried first.
const PORT: u16 = 1414;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to look for
    #[arg(default_value = QUERY)]
    query: String,
    /// Keep the index in this folder
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Port of the page on 127.0.0.1 [default: 1414, or one that is free]
    #[arg(long)]
    port: Option<u16>,
    /// Show the search and end, without a page
    #[arg(long, conflicts_with = "port")]
    no_serve: bool,
    /// Build the index that comes with the program anew, with the encoder of documents, into this file
    #[arg(long, value_name = "FILE", hide = true)]
    prebuild: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let temporary = tempfile::tempdir()
        .map_err(|error| Failure::new("write-failed", error.to_string(), "free some space"))?;
    let path = arguments.output.as_deref().unwrap_or(temporary.path());
    let folder = Folder::open(path)
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    if let Some(file) = &arguments.prebuild {
        return prebuild(folder, file);
    }
    documentation::unpack(path).map_err(|error| unwritten(path, &error))?;
    let index = super::open(path)?;
    folder
        .collect(index.manifest())
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    let n_documents = index.n_documents();
    output::line(format!(
        "Littoral's documentation: {n_documents} pages, {} chunks, indexed beforehand, unpacked in {:.2} s.",
        index.n_chunks(),
        start.elapsed().as_secs_f64()
    ));
    output::line(format!(
        "\n$ littoral search {} {:?}\n",
        shown(arguments),
        arguments.query
    ));
    let start = Instant::now();
    let options = SearchOptions {
        k: 5,
        ..SearchOptions::default()
    };
    let mut result = pollster::block_on(index.search(&arguments.query, &options))
        .map_err(|error| engine_failure(&error))?;
    result.timings_ms.total = start.elapsed().as_secs_f64() * 1e3;
    search::show(&result);
    output::line("\nNow your own documents:\n");
    output::line("$ littoral build FOLDER -o index");
    output::line("$ littoral search index \"your question\"");
    drop(folder);
    if !arguments.no_serve {
        serve(path, u64::from(n_documents), arguments.port)?;
    }
    Ok(if result.hits.is_empty() {
        Outcome::Negative
    } else {
        Outcome::Done
    })
}

/// Builds the index of the documentation into `folder`, and packs it into `file`.
fn prebuild(mut folder: Folder, file: &Path) -> Result<Outcome, Failure> {
    let mut settings = default_settings();
    let tools = embedder::choose(TABLE, &mut settings, 0)?;
    let documents = documentation::documents()
        .map_err(|skipped| Failure::new("internal", skipped.message, "please report this"))?;
    let built = build_documents(documents.into_iter(), &settings, &mut folder, &tools);
    let (_, built) = built.map_err(|error| super::build::build_failure(&error))?;
    let packed = documentation::pack(folder.path());
    let packed = packed.map_err(|error| unwritten(folder.path(), &error))?;
    std::fs::write(file, &packed).map_err(|error| unwritten(file, &error))?;
    output::line(format!(
        "{}: {} pages, {} chunks, {}",
        file.display(),
        built.documents,
        built.chunks,
        output::bytes(packed.len() as u64)
    ));
    Ok(Outcome::Done)
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot write {}: {error}", path.display());
    Failure::new(
        "write-failed",
        message,
        "name a folder that can be written, or free some space",
    )
}

fn shown(arguments: &Arguments) -> String {
    arguments
        .output
        .as_ref()
        .map_or("DIR".to_owned(), |path| path.display().to_string())
}

/// Serves the playground over the index at `path` until the program is interrupted.
fn serve(path: &Path, n_documents: u64, port: Option<u16>) -> Result<(), Failure> {
    let package = web::package(output::notice).map_err(|error| {
        let hint = format!(
            "{}; or leave the page out with --no-serve",
            error.hint().trim_end_matches(';')
        );
        Failure::new(error.code(), error.to_string(), hint)
    })?;
    let (n_files, n_bytes) =
        folder_size(path).map_err(|error| Failure::new("unreadable", error.to_string(), ""))?;
    let about = format!(
        "{n_documents} pages of Littoral's documentation in an index of {n_files} files, {}. \
         The engine runs in this page; nothing answers but static files.",
        output::bytes(n_bytes)
    );
    let site = site(path, &package, about)?;
    let server = match port {
        None => Server::bind(PORT).or_else(|_| Server::bind(0)),
        Some(port) => Server::bind(port),
    }
    .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
    output::line(format!(
        "\nThe same in a page: {}    (Ctrl-C ends it)",
        server.url()
    ));
    server
        .run_until_interrupted(site)
        .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))
}

/// The page that shows what each query fetches and why its hits are in this order; addresses of documents
/// are relative to `base`.
pub(super) fn playground(package: &Path, base: &str) -> Result<Vec<u8>, Failure> {
    let path = package.join("pages").join("playground.html");
    let unusable = |reason: &str| {
        Failure::new(
            "no-web-package",
            format!("cannot use {}: {reason}", path.display()),
            "build the package anew: node web/build.mjs",
        )
    };
    let page = std::fs::read_to_string(&path).map_err(|error| unusable(&error.to_string()))?;
    let page = web::based(&page, base);
    Ok(page
        .ok_or_else(|| unusable("it is of another version"))?
        .into_bytes())
}

/// The playground, the documentation that its hits lead to, the index and the package.
fn site(index: &Path, package: &Path, about: String) -> Result<Site, Failure> {
    let pages = documentation::html()
        .map_err(|skipped| Failure::new("internal", skipped.message, "please report this"))?;
    let front = playground(package, "./")?;
    let mut site = Site::default()
        .page("/", HTML, front)
        .page("/about.txt", TEXT, about.into())
        .page("/queries.txt", TEXT, QUERIES.into());
    for (name, page) in pages {
        site = site.page(&format!("/{name}"), HTML, page.into());
    }
    Ok(site
        .folder("/littoral/", index)
        .folder("/js/", package)
        .folder("/", &package.join("pages")))
}
