//! An index that is open in a sandbox.

use super::bounds::State;
use super::clock::Clock;
use super::error::{SandboxError, ended};
use super::imports::range;
use littoral_guest::answer::{Answer, AnswerOptions};
use littoral_guest::engine::ReadDocument;
use littoral_guest::wire::{Ask, Open, Opened, Read, Reply, Search};
use littoral_guest::{Host, SearchOptions, SearchResult};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::sync::Arc;
use wasmtime::{Instance, Memory, Store, TypedFunc};

/// An index in an instance of its own.
///
/// After an error other than [`SandboxError::Engine`] the instance is broken: it answers no more.
pub struct SandboxedIndex<H: 'static> {
    store: Store<State<H>>,
    exports: Exports,
    opened: Opened,
    clock: Arc<Clock>,
    broken: bool,
}

struct Exports {
    memory: Memory,
    allocate: TypedFunc<u32, u32>,
    release: TypedFunc<(u32, u32), ()>,
    open: TypedFunc<(u32, u32), u64>,
    search: TypedFunc<(u32, u32), u64>,
    answer: TypedFunc<(u32, u32), u64>,
    read: TypedFunc<(u32, u32), u64>,
}

impl Exports {
    fn of<H>(instance: Instance, store: &mut Store<State<H>>) -> wasmtime::Result<Self> {
        let memory = instance.get_memory(&mut *store, "memory");
        Ok(Self {
            memory: memory.ok_or_else(|| wasmtime::Error::msg("the module exports no memory"))?,
            allocate: instance.get_typed_func(&mut *store, "allocate")?,
            release: instance.get_typed_func(&mut *store, "release")?,
            open: instance.get_typed_func(&mut *store, "open")?,
            search: instance.get_typed_func(&mut *store, "search")?,
            answer: instance.get_typed_func(&mut *store, "answer")?,
            read: instance.get_typed_func(&mut *store, "read")?,
        })
    }
}

impl<H: Host> SandboxedIndex<H> {
    pub(super) fn open(
        mut store: Store<State<H>>,
        instance: Instance,
        clock: Arc<Clock>,
    ) -> Result<Self, SandboxError> {
        let exports =
            Exports::of(instance, &mut store).map_err(|error| SandboxError::Unavailable {
                reason: format!("{error:#}"),
            })?;
        store.data_mut().memory = Some(exports.memory);
        let opened = Opened {
            build: String::new(),
            documents: 0,
            chunks: 0,
            embedder: String::new(),
            model: [0; 8],
        };
        let mut index = Self {
            store,
            exports,
            opened,
            clock,
            broken: false,
        };
        let cache_bytes = index.store.data().limits.cache_bytes;
        let open = index.exports.open.clone();
        index.opened = index.call(&open, &Open { cache_bytes })?;
        Ok(index)
    }

    /// What the index is.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Whether the instance was ended and answers no more.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Bytes of memory that the instance has.
    pub fn memory_bytes(&self) -> usize {
        self.exports.memory.data_size(&self.store)
    }

    /// Puts another host over the same index in the place of the one it has.
    pub fn set_host(&mut self, host: H) {
        self.store.data_mut().host = host;
    }

    /// Answers `query`, as the native engine does.
    ///
    /// # Errors
    /// [`SandboxError`]
    pub fn search(
        &mut self,
        query: &str,
        options: &SearchOptions,
    ) -> Result<SearchResult, SandboxError> {
        let search = self.exports.search.clone();
        let request = Search {
            query: Cow::Borrowed(query),
            options: Cow::Borrowed(options),
        };
        self.call(&search, &request)
    }

    /// Answers `question`, as the native engine does.
    ///
    /// # Errors
    /// [`SandboxError`]
    pub fn answer(
        &mut self,
        question: &str,
        options: &SearchOptions,
        asked: &AnswerOptions,
    ) -> Result<Answer, SandboxError> {
        let answer = self.exports.answer.clone();
        let request = Ask {
            question: Cow::Borrowed(question),
            options: Cow::Borrowed(options),
            asked: *asked,
        };
        self.call(&answer, &request)
    }

    /// Passages of a document, as the native engine reads them.
    ///
    /// # Errors
    /// [`SandboxError`]
    pub fn read(
        &mut self,
        document: &str,
        first: u32,
        count: u32,
    ) -> Result<Option<ReadDocument>, SandboxError> {
        let read = self.exports.read.clone();
        let request = Read {
            document: Cow::Borrowed(document),
            first,
            count,
        };
        self.call(&read, &request)
    }

    fn call<T: DeserializeOwned>(
        &mut self,
        function: &TypedFunc<(u32, u32), u64>,
        request: &impl Serialize,
    ) -> Result<T, SandboxError> {
        if self.broken {
            return Err(SandboxError::Trapped {
                reason: "it was ended before".to_owned(),
            });
        }
        let result = self.attempt(function, request);
        self.broken = result.is_err();
        match result? {
            Reply::Done(done) => Ok(done),
            Reply::Failed(failure) => Err(SandboxError::Engine(failure)),
        }
    }

    fn attempt<T: DeserializeOwned>(
        &mut self,
        function: &TypedFunc<(u32, u32), u64>,
        request: &impl Serialize,
    ) -> Result<Reply<T>, SandboxError> {
        let request = serde_json::to_vec(request).map_err(|error| bad_reply(&error))?;
        let length = request.len() as u32;
        self.store.data_mut().begin();
        let ticks = self.store.data().ticks_left().unwrap_or(1);
        self.store.set_epoch_deadline(ticks);
        let clock = Arc::clone(&self.clock);
        let _running = clock.running();

        let address = self.exports.allocate.call(&mut self.store, length);
        let address = address.map_err(|error| self.ended(&error))?;
        let memory = self.exports.memory;
        let data = memory.data_mut(&mut self.store);
        let place = range(data.len(), address, length).map_err(|error| bad_reply(&error))?;
        data[place].copy_from_slice(&request);
        let reply = function.call(&mut self.store, (address, length));
        let reply = reply.map_err(|error| self.ended(&error))?;
        self.release(address, length)?;

        let (address, length) = ((reply >> 32) as u32, reply as u32);
        let data = memory.data(&self.store);
        let place = range(data.len(), address, length).map_err(|error| bad_reply(&error))?;
        let read = serde_json::from_slice(&data[place]).map_err(|error| bad_reply(&error))?;
        self.release(address, length)?;
        Ok(read)
    }

    fn release(&mut self, address: u32, length: u32) -> Result<(), SandboxError> {
        let released = self
            .exports
            .release
            .call(&mut self.store, (address, length));
        released.map_err(|error| self.ended(&error))
    }

    fn ended(&self, error: &wasmtime::Error) -> SandboxError {
        let state = self.store.data();
        ended(error, state.denied, &state.limits)
    }
}

fn bad_reply(error: &impl ToString) -> SandboxError {
    SandboxError::BadReply {
        reason: error.to_string(),
    }
}

impl<H> std::fmt::Debug for SandboxedIndex<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxedIndex")
            .field("opened", &self.opened)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}
