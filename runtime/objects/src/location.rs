//! Where an index lies that is in no folder.

use object_store::ClientOptions;
use object_store::aws::AmazonS3Builder;
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use std::fmt;
use std::time::Duration;
use url::Url;

/// How long a store may take to be reached, and for an answer.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(10);

/// How long what failed is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// Times that it is tried again.
const RETRIES: usize = 3;

/// The address of an index: `s3://bucket/folder`, or `https://host/folder`.
#[derive(Clone, PartialEq, Eq)]
pub struct Location(Url);

/// Why an address is none of an index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// It does not say where the index is.
    #[error("{address:?} is no address of an index: {reason}")]
    Address {
        /// The address, without what may be secret in it.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// The environment does not say how to reach the store.
    #[error("the store cannot be reached: {reason}")]
    Settings {
        /// What is wrong.
        reason: String,
    },
}

impl LocationError {
    /// A code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "bad-address",
            Self::Settings { .. } => "bad-store-settings",
        }
    }

    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Address { .. } => {
                "s3://BUCKET/FOLDER for S3 and what speaks as it does, https://HOST/FOLDER for a static host"
            }
            Self::Settings { .. } => {
                "AWS_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY tell how S3 is reached; \
                 AWS_SKIP_SIGNATURE=true reads what is public"
            }
        }
    }
}

impl Location {
    /// Whether `text` is an address and no path.
    pub fn is_one(text: &str) -> bool {
        text.split_once("://").is_some_and(|(scheme, _)| {
            scheme.len() > 1 && scheme.bytes().all(|b| b.is_ascii_alphanumeric())
        })
    }

    /// The address `text`.
    ///
    /// # Errors
    /// [`LocationError::Address`] when it is none, or names a user or a query: those tell secrets, which
    /// are for the environment.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        let wrong = |address: &str, reason: &str| LocationError::Address {
            address: address.to_owned(),
            reason: reason.to_owned(),
        };
        let url = Url::parse(text).map_err(|error| wrong("…", &error.to_string()))?;
        let mut shown = url.clone();
        shown.set_query(None);
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        let shown = shown.as_str();
        if !matches!(url.scheme(), "s3" | "https" | "http") {
            return Err(wrong(shown, "it begins with none of s3, https and http"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(wrong(shown, "it names no bucket or host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                shown,
                "it holds a user; keys belong into the environment",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(shown, "it has a part after ? or #"));
        }
        Ok(Self(url))
    }

    /// What the index is called: the last part of its folder, or the bucket or host.
    pub fn name(&self) -> String {
        let mut parts = self.0.path_segments().into_iter().flatten();
        let last = parts.rfind(|part| !part.is_empty());
        let name = last.or(self.0.host_str()).unwrap_or_default();
        name.to_owned()
    }

    /// The store, and the folder in it.
    pub(crate) fn store(&self) -> Result<(Box<dyn ObjectStore>, Path), LocationError> {
        // Of two that are there already the first stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = Path::from_url_path(self.0.path()).map_err(|error| settings(&error))?;
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: RETRIES,
            retry_timeout: RETRY,
        };
        let host = self.0.host_str().unwrap_or_default();
        let store: Box<dyn ObjectStore> = if self.0.scheme() == "s3" {
            let builder = AmazonS3Builder::from_env().with_bucket_name(host);
            Box::new(
                builder
                    .with_retry(retry)
                    .with_client_options(options(std::env::var_os("AWS_ALLOW_HTTP").is_some()))
                    .build()
                    .map_err(|error| settings(&error))?,
            )
        } else {
            let mut root = self.0.clone();
            root.set_path("");
            Box::new(
                HttpBuilder::new()
                    .with_url(root.as_str())
                    .with_retry(retry)
                    .with_client_options(options(self.0.scheme() == "http"))
                    .build()
                    .map_err(|error| settings(&error))?,
            )
        };
        Ok((store, folder))
    }
}

fn options(is_plain: bool) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(is_plain)
        .with_connect_timeout(CONNECT)
        .with_timeout(ANSWER)
}

fn settings(error: &impl fmt::Display) -> LocationError {
    LocationError::Settings {
        reason: error.to_string(),
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_an_index_and_no_secrets() {
        let location = Location::parse("s3://docs/site/v2/").unwrap();
        assert_eq!(location.name(), "v2");
        assert_eq!(
            Location::parse("https://docs.example").unwrap().name(),
            "docs.example"
        );
        for (address, reason) in [
            ("gs://bucket/x", "it begins with none"),
            ("s3:///x", "it names no bucket"),
            ("https://user:word@host/x", "it holds a user"),
            ("https://host/x?token=word", "it has a part after"),
        ] {
            let error = Location::parse(address).unwrap_err();
            let shown = error.to_string();
            assert!(shown.contains(reason), "{address}: {shown}");
            assert!(!shown.contains("word"), "{shown}");
            assert_eq!(error.code(), "bad-address");
        }
        assert!(Location::is_one("s3://x") && Location::is_one("gs://x"));
        assert!(!Location::is_one("C:\\docs") && !Location::is_one("a/b://c"));
    }
}
