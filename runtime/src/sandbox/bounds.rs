//! What an instance holds on the host's side, and what it may still use.

use super::clock::TICK;
use super::{Limits, TABLE_ELEMENTS};
use std::time::{Duration, Instant};
use wasmtime::{Memory, ResourceLimiter};

/// Texts encoded for one call, at most: a search encodes its query once and reranks once.
const MAX_ENCODINGS: u32 = 4;

/// An instance's host and its account.
pub(super) struct State<H> {
    pub(super) host: H,
    pub(super) limits: Limits,
    /// The memory of the instance, once there is one.
    pub(super) memory: Option<Memory>,
    /// The last answer of an import, and how much of it was taken.
    pub(super) answer: Vec<u8>,
    pub(super) taken: usize,
    /// Whether memory was asked for that there is none of.
    pub(super) denied: bool,
    started: Instant,
    excused: Duration,
    encodings: u32,
}

impl<H> State<H> {
    pub(super) fn new(host: H, limits: Limits) -> Self {
        Self {
            host,
            limits,
            memory: None,
            answer: Vec::new(),
            taken: 0,
            denied: false,
            started: Instant::now(),
            excused: Duration::ZERO,
            encodings: 0,
        }
    }

    /// Begins the account of a call.
    pub(super) fn begin(&mut self) {
        self.denied = false;
        self.started = Instant::now();
        self.excused = Duration::ZERO;
        self.encodings = 0;
        self.answer = Vec::new();
        self.taken = 0;
    }

    /// Ticks of the clock until the time of the call is up; `None` when it is.
    pub(super) fn ticks_left(&self) -> Option<u64> {
        let used = self.started.elapsed().saturating_sub(self.excused);
        let left = self.limits.time.checked_sub(used)?;
        Some((left.as_micros() / TICK.as_micros()) as u64 + 1)
    }

    /// Whether an encoder may be asked once more.
    pub(super) fn may_encode(&mut self) -> bool {
        self.encodings += 1;
        self.encodings <= MAX_ENCODINGS
    }

    /// Takes the time since `start` for the host's, not the instance's.
    pub(super) fn excuse(&mut self, start: Instant) {
        self.excused += start.elapsed();
    }
}

impl<H: Send> ResourceLimiter for State<H> {
    fn memory_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed = desired <= self.limits.memory_bytes;
        self.denied |= !allowed;
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed = desired <= TABLE_ELEMENTS;
        self.denied |= !allowed;
        Ok(allowed)
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }
}
