//! Keys that callers must show, and which indexes each opens.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Fewest characters of a key: a shorter one can be guessed.
const LEAST_CHARS: usize = 16;

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file has no key, or one that can be guessed.
    #[error("{}: {reason}", path.display())]
    Weak {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        reason: String,
    },
}

impl KeyError {
    /// The stable kebab-case code of the error.
    pub fn code(&self) -> &'static str {
        "bad-api-keys"
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "one key a line, of at least 16 characters, then the names of the indexes that it opens, or \
         nothing for all"
    }
}

/// What a caller may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    /// Read any index.
    All,
    /// Read these.
    Only(Vec<String>),
}

impl Access {
    /// Whether the index `name` may be read.
    pub(crate) fn allows(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|allowed| allowed == name),
        }
    }
}

/// Keys, kept as hashes.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<(blake3::Hash, Access)>);

impl Keys {
    /// Reads keys from a file: one a line, then the names of the indexes that it opens; nothing for
    /// all. Lines that begin with `#` say something.
    ///
    /// # Errors
    /// [`KeyError`] when there is no key, or one is short.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read_to_string(path).map_err(|source| KeyError::Read {
            path: path.to_owned(),
            source,
        })?;
        let weak = |reason: String| KeyError::Weak {
            path: path.to_owned(),
            reason,
        };
        let mut keys = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let mut words = line.split_whitespace();
            let Some(key) = words.next().filter(|key| !key.starts_with('#')) else {
                continue;
            };
            if key.chars().count() < LEAST_CHARS {
                return Err(weak(format!("the key in line {number} is short")));
            }
            let names: Vec<String> = words.map(str::to_owned).collect();
            let access = if names.is_empty() {
                Access::All
            } else {
                Access::Only(names)
            };
            keys.push((blake3::hash(key.as_bytes()), access));
        }
        if keys.is_empty() {
            return Err(weak("there is no key in it".to_owned()));
        }
        Ok(Self(keys))
    }

    /// Whether there are none, so that everyone may read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the caller with `authorization`, the header's value, may do; `None` for nothing. The time
    /// it takes depends on no key: hashes are compared, all of them, each in constant time.
    pub(crate) fn access(&self, authorization: Option<&str>) -> Option<Access> {
        if self.0.is_empty() {
            return Some(Access::All);
        }
        let (scheme, shown) = authorization?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let shown = blake3::hash(shown.trim().as_bytes());
        let mut access = None;
        for (key, allowed) in &self.0 {
            if *key == shown {
                access = Some(allowed);
            }
        }
        access.cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Result<Keys, KeyError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        Keys::read(file.path())
    }

    #[test]
    fn a_key_opens_what_its_line_says_and_others_nothing() {
        let keys = keys("# ours\n0123456789abcdef\n\nfedcba9876543210 docs blog\n").unwrap();
        let all = keys.access(Some("Bearer 0123456789abcdef")).unwrap();
        assert!(all.allows("docs") && all.allows("other"));
        let some = keys.access(Some("bearer  fedcba9876543210")).unwrap();
        assert!(some.allows("docs") && some.allows("blog") && !some.allows("other"));
        for wrong in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some("Bearer 0123456789abcde"),
            Some("Basic 0123456789abcdef"),
            Some("Bearer # ours"),
        ] {
            assert_eq!(keys.access(wrong), None, "{wrong:?}");
        }
        assert!(Keys::default().access(None).is_some(), "no keys, no doors");
    }

    #[test]
    fn files_without_good_keys_are_refused() {
        for text in [
            "",
            "# nothing\n",
            "short\n",
            "0123456789abcdef\n123456789 docs\n",
        ] {
            let error = keys(text).unwrap_err();
            assert!(matches!(error, KeyError::Weak { .. }), "{text:?}");
        }
        let missing = Keys::read(Path::new("no/such/file")).unwrap_err();
        assert!(matches!(missing, KeyError::Read { .. }));
    }
}
