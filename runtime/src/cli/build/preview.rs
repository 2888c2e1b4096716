//! Shows a site while it is worked on: serves it on loopback, updates its index when a file changes, and has
//! pages that are open load anew.
//!
//! Files are looked at by name, size and time, at most twice a second: that works on every file system, those
//! of other machines included.

use super::super::demo::playground;
use super::super::output::{self, Failure};
use super::site::{NAME, Place, path_of};
use super::{Control, Inputs, build_failure, open_folder};
use crate::build::Tools;
use crate::http::{HTML, Reload, Server, ServerError, Site};
use crate::ingest::{IngestOptions, SourceFile, discover};
use crate::update;
use littoral_indexes::manifest::{ENTRY_NAME, Settings};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How long to wait between two looks, at least.
const PAUSE: Duration = Duration::from_millis(500);

/// Looking may take one part in so many of the time.
const SHARE: u32 = 20;

/// The port that is tried first.
const PORT: u16 = 1414;

/// A file, and what tells of a change: its size and its time.
type Seen = (PathBuf, u64, Option<SystemTime>);

/// A site that is shown.
#[derive(Debug)]
pub(super) struct Preview {
    pub(super) inputs: Vec<PathBuf>,
    pub(super) options: IngestOptions,
    pub(super) place: Place,
    pub(super) settings: Settings,
    pub(super) package: PathBuf,
    pub(super) tools: Tools,
    pub(super) port: Option<u16>,
}

impl Preview {
    /// Serves until the program is interrupted.
    pub(super) fn run(self) -> Result<(), Failure> {
        let reload = Reload::default();
        let site = self.site(&reload)?;
        let server = match self.port {
            None => Server::bind(PORT).or_else(|_| Server::bind(0)),
            Some(port) => Server::bind(port),
        };
        let failed =
            |error: ServerError| Failure::new(error.code(), error.to_string(), error.hint());
        let server = server.map_err(failed)?;
        let url = server.url();
        let at = path_of(&self.settings.base_url);
        output::line(format!(
            "\nThe site: {}{at}    (Ctrl-C ends it)",
            url.trim_end_matches('/')
        ));
        output::line(format!(
            "What each query fetches, and why this order: {url}_littoral/"
        ));
        thread::spawn(move || self.watch(&reload));
        server.run_until_interrupted(site).map_err(failed)
    }

    /// The pages as they are, under the path that they are published under, with a playground at `/_littoral/`,
    /// which is also the front where there is none.
    fn site(&self, reload: &Reload) -> Result<Site, Failure> {
        let playground = playground(&self.package, "/")?;
        let at = path_of(&self.settings.base_url);
        let about = format!("The index in {}.", self.place.index.display());
        let mut site = Site::default()
            .page("/_littoral/", HTML, playground)
            .page(
                "/_littoral/about.txt",
                "text/plain; charset=utf-8",
                about.into(),
            )
            .folder("/_littoral/littoral/", &self.place.index)
            .folder("/_littoral/js/", &self.package)
            .folder("/_littoral/", &self.package.join("pages"))
            .folder(&format!("{at}{NAME}/"), &self.place.index)
            .folder(&format!("{at}{NAME}/"), &self.package)
            .theirs_at(&at)
            .reload(reload);
        let folders = self.inputs.iter().filter(|input| input.is_dir());
        let mut has_front = false;
        for folder in folders {
            has_front |= folder.join("index.html").is_file();
            site = site.theirs(folder);
        }
        let front = if has_front { &*at } else { "/_littoral/" };
        if front != "/" {
            let page =
                format!("<!doctype html><meta http-equiv=refresh content=\"0; url={front}\">");
            site = site.page("/", HTML, page.into_bytes());
        }
        Ok(site)
    }

    /// Updates the index when files have changed and then kept still for a while.
    fn watch(&self, reload: &Reload) {
        let mut known = self.look().1;
        let mut before = known.clone();
        loop {
            let start = Instant::now();
            let (files, now) = self.look();
            // While a generator makes the site anew there may be nothing of it.
            if now != known && now == before && !files.is_empty() {
                match self.update(&files) {
                    Ok(said) => output::line(said),
                    Err(failure) => output::failure(&failure, false),
                }
                known.clone_from(&now);
                reload.again();
            }
            before = now;
            thread::sleep(PAUSE.max(start.elapsed() * SHARE));
        }
    }

    /// The files that there are, with what tells of a change.
    fn look(&self) -> (Vec<SourceFile>, Vec<Seen>) {
        let files =
            discover(&self.inputs, &self.options).map_or_else(|_| Vec::new(), |(files, _)| files);
        let seen = files.iter().map(|file| {
            let metadata = std::fs::metadata(&file.path).ok();
            let size = metadata.as_ref().map_or(0, std::fs::Metadata::len);
            (
                file.path.clone(),
                size,
                metadata.and_then(|m| m.modified().ok()),
            )
        });
        let seen = seen.collect();
        (files, seen)
    }

    /// Updates the index; one that went with the site is built anew.
    fn update(&self, files: &[SourceFile]) -> Result<String, Failure> {
        let start = Instant::now();
        let is_there = self.place.index.join(ENTRY_NAME).exists();
        let mut folder = open_folder(&self.place.index)?;
        let inputs = Inputs::new(files, self.options.clone());
        let stop = AtomicBool::new(false);
        let control = Control {
            stop: &stop,
            progress: &|| {},
        };
        let outcome = if is_there {
            update::update(&inputs, &mut folder, &self.tools, &control, true, false)
        } else {
            update::build(&inputs, &self.settings, &mut folder, &self.tools, &control)
        };
        let outcome = outcome.map_err(|error| build_failure(&error))?;
        self.place.put_package()?;
        Ok(format!(
            "{} added or replaced, {} removed or replaced, {} unchanged; {:.1} s",
            outcome.built.documents,
            outcome.deleted,
            outcome.unchanged,
            start.elapsed().as_secs_f64()
        ))
    }
}
