//! What a server has to give: pages that are held, and files of folders.

use super::path;
use super::reload::{Reload, SCRIPT, SCRIPT_AT, TAG, VERSION};
use super::reply::{HTML, Reply, content_type};
use hyper::StatusCode;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Files larger than this are not served: a page has none.
const MAX_FILE_BYTES: u64 = 256 << 20;

type Make = Box<dyn Fn() -> Vec<u8> + Send + Sync>;

/// Pages by their address, and folders by what the addresses of their files begin with.
#[derive(Default)]
pub(crate) struct Site {
    pages: BTreeMap<String, (&'static str, Make)>,
    folders: Vec<(String, PathBuf)>,
    /// Folders of somebody's own pages.
    theirs: Vec<PathBuf>,
    /// The path that those are published under, without its slashes; empty for the top.
    theirs_at: String,
    /// Whether those load anew when they are told to.
    is_live: bool,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Site");
        shown.field("folders", &self.folders);
        shown.finish_non_exhaustive()
    }
}

impl Site {
    /// Adds a page at `address`.
    pub(crate) fn page(self, address: &str, content_type: &'static str, body: Vec<u8>) -> Self {
        self.made(address, content_type, move || body.clone())
    }

    /// Adds a page at `address` that is made whenever it is asked for.
    pub(crate) fn made(
        mut self,
        address: &str,
        content_type: &'static str,
        make: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let page = (content_type, Box::new(make) as Make);
        self.pages.insert(address.to_owned(), page);
        self
    }

    /// Adds the files of `folder` at addresses that begin with `prefix`, which begins and ends with
    /// a slash. What was added first goes first.
    pub(crate) fn folder(mut self, prefix: &str, folder: &Path) -> Self {
        self.folders.push((prefix.to_owned(), folder.to_owned()));
        self
    }

    /// Adds a folder of somebody's own pages, which may do what they do elsewhere.
    pub(crate) fn theirs(mut self, folder: &Path) -> Self {
        self.theirs.push(folder.to_owned());
        self
    }

    /// Puts those pages under `path`, which begins and ends with a slash.
    pub(crate) fn theirs_at(mut self, path: &str) -> Self {
        path.trim_matches('/').clone_into(&mut self.theirs_at);
        self
    }

    /// Has those pages load anew with `reload`.
    pub(crate) fn reload(mut self, reload: &Reload) -> Self {
        self.is_live = true;
        let reload = reload.clone();
        self.page(
            SCRIPT_AT,
            "text/javascript; charset=utf-8",
            SCRIPT.as_bytes().to_vec(),
        )
        .made(VERSION, "text/plain; charset=utf-8", move || {
            reload.version()
        })
    }

    /// The answer to a request for `raw`, the path as it came.
    pub(super) fn answer(&self, raw: &str, takes_brotli: bool) -> Reply {
        let Some(path) = path::decoded(raw) else {
            return Reply::refusal(StatusCode::BAD_REQUEST, "this path names no file");
        };
        if let Some((content_type, make)) = self.pages.get(&path) {
            return Reply::page(content_type, make());
        }
        self.folders
            .iter()
            .find_map(|(prefix, folder)| file(folder, path.strip_prefix(prefix)?, takes_brotli))
            .or_else(|| self.their_page(raw, &path))
            .unwrap_or_else(|| Reply::refusal(StatusCode::NOT_FOUND, "there is no such file"))
    }
}

impl Site {
    /// The page of somebody's own at `path`, which came as `raw`.
    fn their_page(&self, raw: &str, path: &str) -> Option<Reply> {
        let rest = path.strip_prefix('/')?.strip_prefix(&*self.theirs_at)?;
        let below = match rest.strip_prefix('/') {
            Some(below) => below,
            None if self.theirs_at.is_empty() => rest,
            None if rest.is_empty() => return Reply::elsewhere(&format!("{raw}/")),
            None => return None,
        };
        self.their_file(below)
            .or_else(|| self.their_folder(raw, below))
    }

    fn their_file(&self, rest: &str) -> Option<Reply> {
        let found = |folder: &PathBuf| {
            // Hosts show a page without the end of its name too.
            let names = [rest.to_owned(), format!("{rest}.html")];
            names.iter().find_map(|name| file(folder, name, false))
        };
        let mut reply = self.theirs.iter().find_map(found)?;
        reply.is_theirs = true;
        reply.is_immutable = false;
        if self.is_live && reply.content_type == HTML {
            reply.body.extend_from_slice(TAG);
        }
        Some(reply)
    }

    /// Leads from a folder without a slash to its front page: what that page names lies below it.
    fn their_folder(&self, raw: &str, rest: &str) -> Option<Reply> {
        let front = format!("{rest}/index.html");
        let is_front = |folder: &PathBuf| path::within(folder, &front).is_some();
        let is_there = self.theirs.iter().any(is_front);
        is_there.then(|| Reply::elsewhere(&format!("{raw}/")))?
    }
}

/// The file at `rest` below `folder`; for a folder its `index.html`.
fn file(folder: &Path, rest: &str, takes_brotli: bool) -> Option<Reply> {
    let name = if rest.is_empty() || rest.ends_with('/') {
        format!("{rest}index.html")
    } else {
        rest.to_owned()
    };
    let found = path::within(folder, &name)?;
    if found.metadata().ok()?.len() > MAX_FILE_BYTES {
        return None;
    }
    // Beside a script or a module lies what a good host would send of it.
    let small = takes_brotli
        .then(|| path::within(folder, &format!("{name}.br")))
        .flatten();
    let is_brotli = small.is_some();
    let body = fs::read(small.unwrap_or(found)).ok()?;
    Some(Reply {
        status: StatusCode::OK,
        content_type: content_type(&name),
        body,
        is_brotli,
        is_theirs: false,
        location: None,
        is_immutable: name.rsplit('.').next() == Some("lit"),
    })
}
