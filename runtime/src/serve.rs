//! An HTTP server over any number of indexes.
//!
//! ```text
//! connection → headers in time? → route → key → body (bounded) → tenant's rate → queue → worker
//!                                                                                  │  503 when full
//! reply ← metrics ← JSON ← tenant: sandbox or native, the folder as it is now ←────┘
//! ```
//!
//! One thread holds the connections; engines run on as many threads as there are processors. Each
//! index is a tenant, named as its folder: it has sandboxes, a rate and a cache of its own, and what
//! goes wrong in it is answered to its caller alone. A folder whose entry changes is opened again
//! while the old index answers.

mod answer;
mod api;
mod body;
mod chat;
mod gate;
mod keys;
mod metrics;
mod models;
mod refusal;
mod reply;
mod server;
mod status;
mod tenant;

pub(crate) use models::Models;
pub(crate) use server::{Server, ServerError};
pub(crate) use tenant::{Readable, Tenant, Tenants};

pub use keys::{KeyError, Keys};
pub use littoral_api::OPENAPI;

use std::time::Duration;

/// Where engines run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In sandboxes, for indexes that nobody vouches for.
    Sandbox,
    /// As part of the program.
    Native,
}

impl Place {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Native => "native",
        }
    }
}

/// What a server allows.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Connections at a time; further ones wait to be taken.
    pub connections: usize,
    /// Requests that wait for a worker; further ones are refused.
    pub queue: usize,
    /// Engines at work at a time.
    pub workers: usize,
    /// Answers that a model writes at a time; further ones are refused.
    pub writers: usize,
    /// Requests a second for each index, 0 for any number.
    pub rate: u32,
    /// How long a connection may take to send the headers of a request, or keep silent.
    pub header_time: Duration,
    /// How long a request may take to send its body.
    pub body_time: Duration,
    /// How long a request may wait for a worker.
    pub wait_time: Duration,
    /// How long answers may take to be finished once the server is to stop.
    pub drain_time: Duration,
    /// Origins whose pages may read answers; `*` for any.
    pub origins: Vec<String>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 4096,
            queue: 64,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            writers: 8,
            rate: 0,
            header_time: Duration::from_secs(4),
            body_time: Duration::from_secs(5),
            wait_time: Duration::from_secs(2),
            drain_time: Duration::from_secs(10),
            origins: Vec::new(),
        }
    }
}
