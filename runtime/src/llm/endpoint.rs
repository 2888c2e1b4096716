//! Where a model is, what it is called, the key to it, and what it is allowed.

use super::LlmError;
use std::env;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use ureq::http::Uri;

/// Variables of the environment that may hold the key; the first that is set counts.
const KEYS: [&str; 2] = ["LITTORAL_LLM_KEY", "OPENAI_API_KEY"];

/// What an endpoint is allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// How long nothing of an answer may come: before its first piece, tries and pauses included, and
    /// between two. Bytes that make no piece do not count.
    pub silence: Duration,
    /// How long the whole may take.
    pub total: Duration,
    /// How often it is asked while it is busy.
    pub tries: u32,
    /// The pause before the second try; each further one is twice as long.
    pub pause: Duration,
    /// Tokens that are asked for; a quarter more pieces may come.
    pub max_tokens: u32,
    /// Bytes of an answer as sent.
    pub max_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(10),
            total: Duration::from_mins(1),
            tries: 3,
            pause: Duration::from_millis(500),
            max_tokens: 512,
            max_bytes: 1 << 20,
        }
    }
}

/// The key to an endpoint.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key that the environment holds, if there is one.
    ///
    /// # Errors
    /// [`LlmError::Key`] when it cannot stand in a header.
    pub fn from_environment() -> Result<Option<Self>, LlmError> {
        for variable in KEYS {
            let Some(key) = env::var_os(variable).filter(|key| !key.is_empty()) else {
                continue;
            };
            let key = key.into_string().ok().map(|key| key.trim().to_owned());
            let is_plain =
                |key: &String| !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic());
            return match key.filter(is_plain) {
                Some(key) => Ok(Some(Self(key))),
                None => Err(LlmError::Key { variable }),
            };
        }
        Ok(None)
    }

    /// The value of the header `Authorization`.
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// `text` without the key, should a stranger repeat it.
    pub(super) fn struck_from(&self, text: &str) -> String {
        text.replace(&self.0, "…")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// A model behind an address.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Where requests go, whole.
    pub(super) address: String,
    pub(super) host: String,
    pub(super) is_loopback: bool,
    pub(super) model: String,
    pub(super) key: Option<Key>,
    pub(super) limits: Limits,
}

impl Endpoint {
    /// The model called `model` at `address`, which may leave out `/v1/chat/completions` or the last
    /// two parts of it.
    ///
    /// # Errors
    /// [`LlmError::Address`], and [`LlmError::KeyInTheClear`] where a key would leave this machine
    /// unencrypted.
    pub fn new(
        address: &str,
        model: &str,
        key: Option<Key>,
        limits: Limits,
    ) -> Result<Self, LlmError> {
        let wrong = |reason: &str| LlmError::Address {
            // What stands before an @ may be a password.
            address: address.rsplit('@').next().unwrap_or_default().to_owned(),
            reason: reason.to_owned(),
        };
        let uri: Uri = address.parse().map_err(|_| wrong("it cannot be read"))?;
        let Some(scheme @ ("http" | "https")) = uri.scheme_str() else {
            return Err(wrong("it starts with neither http:// nor https://"));
        };
        let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("a name or password in it would be seen by others"));
        }
        let host = authority.host().to_owned();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = bare.eq_ignore_ascii_case("localhost")
            || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if key.is_some() && scheme == "http" && !is_loopback {
            return Err(LlmError::KeyInTheClear { host });
        }
        let path = uri.path().trim_end_matches('/');
        let rest = match path {
            "" => "/v1/chat/completions",
            path if path.ends_with("/chat/completions") => "",
            _ => "/chat/completions",
        };
        let query = uri
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        Ok(Self {
            address: format!("{scheme}://{authority}{path}{rest}{query}"),
            host: authority.as_str().to_owned(),
            is_loopback,
            model: model.to_owned(),
            key,
            limits,
        })
    }

    /// What the model is called.
    pub fn model(&self) -> &str {
        &self.model
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<String, &'static str> {
        let endpoint = Endpoint::new(text, "m", Some(Key("k".into())), Limits::default());
        endpoint.map(|e| e.address).map_err(|error| error.code())
    }

    #[test]
    fn an_address_may_leave_out_the_rest_of_the_path() {
        let whole = "http://127.0.0.1:11434/v1/chat/completions";
        for text in [
            "http://127.0.0.1:11434",
            "http://127.0.0.1:11434/",
            "http://127.0.0.1:11434/v1",
            "http://127.0.0.1:11434/v1/",
            whole,
        ] {
            assert_eq!(address(text).as_deref(), Ok(whole));
        }
        assert_eq!(
            address("https://a.example/x/y?api-version=1").as_deref(),
            Ok("https://a.example/x/y/chat/completions?api-version=1")
        );
    }

    #[test]
    fn a_key_goes_encrypted_or_stays_on_the_machine() {
        for text in ["http://10.0.0.1/v1", "http://localhost.example/v1"] {
            assert_eq!(address(text), Err("llm-key-in-the-clear"));
            assert!(Endpoint::new(text, "m", None, Limits::default()).is_ok());
        }
        for text in [
            "http://localhost:1",
            "http://[::1]:1",
            "http://127.9.9.9",
            "https://a.example",
        ] {
            assert!(address(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_no_password_repeated() {
        for text in ["", "x", "ftp://a/", "/v1", "http://", "http://u:secret@a/"] {
            let error = Endpoint::new(text, "m", None, Limits::default()).unwrap_err();
            assert_eq!(error.code(), "llm-address", "{text}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert_eq!(format!("{:?}", Key("secret".into())), "Key(…)");
    }
}
