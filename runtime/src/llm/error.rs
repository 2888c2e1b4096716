//! What can go wrong between here and a model's endpoint.

/// Why a model gave no answer. No message holds the key.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LlmError {
    /// The endpoint's address is none.
    #[error("{address:?} is no address of an endpoint: {reason}")]
    Address {
        /// As given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The key cannot stand in a header.
    #[error("the key in {variable} has characters that no key has")]
    Key {
        /// The variable of the environment.
        variable: &'static str,
    },
    /// The key would be read by everyone on the way.
    #[error("the key would go to {host} unencrypted")]
    KeyInTheClear {
        /// Where to.
        host: String,
    },
    /// There is nobody at the address.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// Where to.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// The endpoint sends elsewhere.
    #[error("the endpoint answers with the status {status}, a redirect, which is not followed")]
    Redirect {
        /// The status.
        status: u16,
    },
    /// The endpoint does not want to answer.
    #[error("the endpoint refuses with the status {status}: {said}")]
    Refused {
        /// The status.
        status: u16,
        /// What it says, cut.
        said: String,
    },
    /// The endpoint is busy or broken, after all tries.
    #[error("the endpoint answers with the status {status}, after {tries} tries")]
    Busy {
        /// The last status.
        status: u16,
        /// How often it was asked.
        tries: u32,
    },
    /// Nothing of an answer came for too long.
    #[error("the endpoint gave no piece of an answer for {seconds} s")]
    Silent {
        /// How long that was.
        seconds: f64,
    },
    /// The answer took too long as a whole.
    #[error("the answer was not complete after {seconds} s")]
    TooSlow {
        /// How long that was.
        seconds: f64,
    },
    /// More bytes came than an answer has.
    #[error("the endpoint sent more than {limit} bytes")]
    TooLarge {
        /// What was allowed.
        limit: usize,
    },
    /// More pieces came than were asked for.
    #[error("the endpoint goes on after {pieces} pieces; {asked} tokens were asked for")]
    TooLong {
        /// Pieces that came.
        pieces: u32,
        /// Tokens asked for.
        asked: u32,
    },
    /// What came is no answer.
    #[error("the endpoint sent no proper answer: {reason}")]
    BadReply {
        /// What is wrong with it.
        reason: String,
    },
    /// The connection ended before the answer did.
    #[error("the answer was cut off")]
    CutOff,
    /// Whoever reads the answer is gone.
    #[error("nobody reads the answer any more")]
    Abandoned,
}

impl LlmError {
    /// The stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "llm-address",
            Self::Key { .. } => "llm-key",
            Self::KeyInTheClear { .. } => "llm-key-in-the-clear",
            Self::Unreachable { .. } => "llm-unreachable",
            Self::Redirect { .. } => "llm-redirect",
            Self::Refused { .. } => "llm-refused",
            Self::Busy { .. } => "llm-busy",
            Self::Silent { .. } => "llm-silent",
            Self::TooSlow { .. } => "llm-too-slow",
            Self::TooLarge { .. } => "llm-too-large",
            Self::TooLong { .. } => "llm-too-long",
            Self::BadReply { .. } => "llm-bad-reply",
            Self::CutOff => "llm-cut-off",
            Self::Abandoned => "llm-abandoned",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Address { .. } => {
                "name it as http://127.0.0.1:11434, https://api.example.com/v1, or with the whole path"
            }
            Self::Key { .. } => "look for a line end or a space in it",
            Self::KeyInTheClear { .. } => {
                "use https, or leave LITTORAL_LLM_KEY and OPENAI_API_KEY unset for an endpoint without keys"
            }
            Self::Unreachable { .. } => "is the endpoint running, and is this its address?",
            Self::Redirect { .. } => "name the address that it leads to, if you trust it",
            Self::Refused {
                status: 401 | 403, ..
            } => "LITTORAL_LLM_KEY, or OPENAI_API_KEY, holds the key",
            Self::Refused { status: 404, .. } => {
                "check the path of the address, and the model's name"
            }
            Self::Refused { .. } => "what it says tells what it wants",
            Self::Busy { .. } => "ask again later",
            Self::Silent { .. } | Self::TooSlow { .. } => {
                "a slow model may be given more time: --llm-timeout, --llm-time"
            }
            Self::TooLong { .. } => {
                "a model that answers at length may be given more: --llm-tokens"
            }
            Self::TooLarge { .. } | Self::BadReply { .. } | Self::CutOff => {
                "the endpoint must speak as OpenAI's /v1/chat/completions"
            }
            Self::Abandoned => "",
        }
    }
}
