//! An index within the site that it is of, and beside it what a page needs to search it.

use super::super::output::{self, Failure};
use crate::ingest::{SourceFile, SourceKind};
use crate::web::{self, FILES, LICENCES};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder within a site.
pub(super) const NAME: &str = "littoral";

/// Where an index goes.
#[derive(Debug)]
pub(super) struct Place {
    /// Its folder.
    pub(super) index: PathBuf,
    /// The package, where it goes into the site too.
    package: Option<PathBuf>,
}

impl Place {
    /// The folder `output`; without one, a folder within the site that is the one input, whose `files` are
    /// HTML, with the package, which is made where it is not there yet.
    pub(super) fn of(
        inputs: &[PathBuf],
        files: &[SourceFile],
        output: Option<&Path>,
    ) -> Result<Self, Failure> {
        if let Some(output) = output {
            return Ok(Self {
                index: output.to_owned(),
                package: None,
            });
        }
        let [site] = inputs else {
            return Err(unplaced("there are several inputs"));
        };
        if !site.is_dir() {
            return Err(unplaced(&format!("{} is no folder", site.display())));
        }
        if !files.iter().any(|file| file.kind == SourceKind::Html) {
            return Err(unplaced(&format!("{} has no pages", site.display())));
        }
        Ok(Self {
            index: site.join(NAME),
            package: Some(package()?),
        })
    }

    /// Puts the package beside the index, where it goes into the site.
    pub(super) fn put_package(&self) -> Result<(), Failure> {
        let Some(package) = &self.package else {
            return Ok(());
        };
        for file in FILES.iter().chain(&LICENCES) {
            let to = self.index.join(file);
            copy(&package.join(file), &to).map_err(|error| {
                let message = format!("cannot write {}: {error}", to.display());
                Failure::new("write-failed", message, "free some space, and build again")
            })?;
        }
        Ok(())
    }

    /// Says how pages published at `base_url` use what lies in the site.
    pub(super) fn explain(&self, base_url: &str) {
        if self.package.is_some() {
            let at = format!("{}{NAME}/", path_of(base_url));
            output::line("\nUpload the site. In each page that is to search it:\n");
            output::line(format!(
                "  <script type=\"module\" src=\"{at}element.js\"></script>\n  \
                 <littoral-modal src=\"{at}\"></littoral-modal>"
            ));
        }
    }
}

/// The package for pages.
pub(super) fn package() -> Result<PathBuf, Failure> {
    web::package(output::notice).map_err(|error| {
        let hint = error.hint();
        let hint = format!("{hint}; or name a folder with -o for the index alone");
        Failure::new(error.code(), error.to_string(), hint)
    })
}

fn unplaced(reason: &str) -> Failure {
    Failure::new(
        "no-output",
        format!("where the index goes is not said, and {reason}"),
        "name its folder with -o; one folder of pages without -o gets it within itself",
    )
}

/// The path of the site that is published at `base_url`, with a slash at either end.
pub(super) fn path_of(base_url: &str) -> String {
    let path = base_url.split_once("://").map_or(base_url, |(_, rest)| {
        rest.find('/').map_or("", |slash| &rest[slash..])
    });
    match path.trim_matches('/') {
        "" => "/".to_owned(),
        path => format!("/{path}/"),
    }
}

/// Copies a file, in one step for whoever reads it meanwhile; leaves one alone that is the same already.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let bytes = fs::read(from)?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = to.parent().unwrap_or(Path::new("."));
    let new = tempfile::NamedTempFile::new_in(folder)?;
    fs::write(new.path(), &bytes)?;
    // As any other file of the site, not the owner's alone.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(new.path(), fs::Permissions::from_mode(0o644))?;
    }
    new.persist(to).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::path_of;

    #[test]
    fn a_site_is_where_it_is_published() {
        for (base_url, at) in [
            ("", "/"),
            ("https://example.org", "/"),
            ("https://example.org/", "/"),
            ("https://example.org/docs/v2/", "/docs/v2/"),
            ("/docs", "/docs/"),
        ] {
            assert_eq!(path_of(base_url), at, "{base_url}");
        }
    }
}
