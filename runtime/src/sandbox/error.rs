//! How a call into a sandbox fails.

use super::Limits;
use littoral_guest::wire::Failure;
use wasmtime::{PoolConcurrencyLimitError, Trap};

/// Why a sandbox gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The engine in it answered with an error, as it would outside.
    #[error(transparent)]
    Engine(#[from] Failure),
    /// It asked for more memory than it may have.
    #[error("the sandbox needs more than its {limit_bytes} bytes of memory")]
    OutOfMemory {
        /// What it may have.
        limit_bytes: usize,
    },
    /// It took longer than it may.
    #[error("the sandbox needs more than its {limit_ms} ms")]
    OutOfTime {
        /// What it may take.
        limit_ms: u64,
    },
    /// It did what no sandbox may do, or gave up.
    #[error("the sandbox was ended: {reason}")]
    Trapped {
        /// What it did.
        reason: String,
    },
    /// It answered with something that is no answer.
    #[error("the sandbox gave no proper answer: {reason}")]
    BadReply {
        /// What is wrong with it.
        reason: String,
    },
    /// There are as many instances as there may be.
    #[error("all {instances} sandboxes are in use")]
    Busy {
        /// How many there may be.
        instances: u32,
    },
    /// This machine cannot have a sandbox.
    #[error("there can be no sandbox here: {reason}")]
    Unavailable {
        /// What is missing.
        reason: String,
    },
}

impl SandboxError {
    /// The stable kebab-case code of the error.
    pub fn code(&self) -> &str {
        match self {
            Self::Engine(failure) => &failure.code,
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::OutOfTime { .. } => "out-of-time",
            Self::Trapped { .. } => "trapped",
            Self::BadReply { .. } => "bad-reply",
            Self::Busy { .. } => "sandbox-busy",
            Self::Unavailable { .. } => "host-unavailable",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        match self {
            Self::Engine(failure) => &failure.hint,
            Self::OutOfMemory { .. } | Self::OutOfTime { .. } => {
                "ask for less (fewer hits, no facets), or check the index: littoral check"
            }
            Self::Trapped { .. } | Self::BadReply { .. } => {
                "littoral check says whether the index is damaged; if it is sound, please report this"
            }
            Self::Busy { .. } => "try again in a moment",
            Self::Unavailable { .. } => "say --host native for an index that you trust",
        }
    }
}

/// Why an instance did not start; `denied` says whether memory was.
pub(super) fn not_started(error: &wasmtime::Error, denied: bool, limits: &Limits) -> SandboxError {
    if error.is::<PoolConcurrencyLimitError>() {
        return SandboxError::Busy {
            instances: limits.instances,
        };
    }
    if denied || error.is::<Trap>() {
        return ended(error, denied, limits);
    }
    SandboxError::Unavailable {
        reason: format!("{error:#}"),
    }
}

/// Why a call ended; `denied` says whether memory was.
pub(super) fn ended(error: &wasmtime::Error, denied: bool, limits: &Limits) -> SandboxError {
    match error.downcast_ref::<Trap>() {
        _ if denied => SandboxError::OutOfMemory {
            limit_bytes: limits.memory_bytes,
        },
        Some(Trap::Interrupt) => SandboxError::OutOfTime {
            limit_ms: limits.time.as_millis() as u64,
        },
        Some(trap) => SandboxError::Trapped {
            reason: trap.to_string(),
        },
        None => SandboxError::Trapped {
            reason: error.root_cause().to_string(),
        },
    }
}
