//! What the host calls.
#![expect(
    unsafe_code,
    reason = "memory is handed over by address; what the host passes is checked by the sandbox alone"
)]

use crate::imports::Imports;
use littoral_guest::SearchResult;
use littoral_guest::answer::Answer;
use littoral_guest::engine::{EngineError, Index, ReadDocument};
use littoral_guest::wire::{Ask, Failure, Open, Opened, Read, Reply, Search};
use serde::Serialize;
use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::ptr;
use std::slice;
use std::task::{Context, Poll, Waker};

thread_local! {
    static INDEX: RefCell<Option<Index<Imports>>> = const { RefCell::new(None) };
}

/// `bytes` of memory for the host to write into, until [`release`].
#[unsafe(no_mangle)]
pub(crate) extern "C" fn allocate(bytes: usize) -> *mut u8 {
    Box::into_raw(vec![0u8; bytes].into_boxed_slice()).cast()
}

/// Gives back what [`allocate`] or a reply gave.
///
/// # Safety
/// `address` and `bytes` are of such memory, which is not used again.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn release(address: *mut u8, bytes: usize) {
    // SAFETY: by the contract above these were made of a box of as many bytes.
    drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(address, bytes)) });
}

/// Opens the index: [`Open`] in, [`Opened`] out.
///
/// # Safety
/// `address` and `bytes` are of a request in memory that [`allocate`] gave.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn open(address: *const u8, bytes: usize) -> u64 {
    // SAFETY: the contract above.
    let request = unsafe { slice::from_raw_parts(address, bytes) };
    reply(opened(request))
}

/// Answers a query: [`Search`] in, a result out.
///
/// # Safety
/// `address` and `bytes` are of a request in memory that [`allocate`] gave.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn search(address: *const u8, bytes: usize) -> u64 {
    // SAFETY: the contract above.
    let request = unsafe { slice::from_raw_parts(address, bytes) };
    reply(found(request))
}

/// Answers a question: [`Ask`] in, an [`Answer`] out.
///
/// # Safety
/// `address` and `bytes` are of a request in memory that [`allocate`] gave.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn answer(address: *const u8, bytes: usize) -> u64 {
    // SAFETY: the contract above.
    let request = unsafe { slice::from_raw_parts(address, bytes) };
    reply(answered(request))
}

/// Reads passages of a document: [`Read`] in, a [`ReadDocument`] or nothing out.
///
/// # Safety
/// `address` and `bytes` are of a request in memory that [`allocate`] gave.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn read(address: *const u8, bytes: usize) -> u64 {
    // SAFETY: the contract above.
    let request = unsafe { slice::from_raw_parts(address, bytes) };
    reply(passages(request))
}

fn opened(request: &[u8]) -> Result<Opened, Failure> {
    let asked: Open = serde_json::from_slice(request).map_err(|e| bad_request(&e))?;
    let index = ready(Index::open(Imports))?;
    let index = index.with_cache_bytes(asked.cache_bytes);
    let embedding = &index.manifest().settings.embedding;
    let opened = Opened {
        build: index.build().to_owned(),
        documents: index.n_documents(),
        chunks: index.n_chunks(),
        embedder: embedding.embedder.clone(),
        model: embedding.model,
    };
    INDEX.replace(Some(index));
    Ok(opened)
}

fn found(request: &[u8]) -> Result<SearchResult, Failure> {
    let asked: Search<'_> = serde_json::from_slice(request).map_err(|e| bad_request(&e))?;
    with_index(|index| ready(index.search(&asked.query, &asked.options)))
}

fn answered(request: &[u8]) -> Result<Answer, Failure> {
    let asked: Ask<'_> = serde_json::from_slice(request).map_err(|e| bad_request(&e))?;
    with_index(|index| ready(index.answer(&asked.question, &asked.options, &asked.asked)))
}

fn passages(request: &[u8]) -> Result<Option<ReadDocument>, Failure> {
    let asked: Read<'_> = serde_json::from_slice(request).map_err(|e| bad_request(&e))?;
    with_index(|index| ready(index.read(&asked.document, asked.first, asked.count)))
}

fn with_index<T>(ask: impl FnOnce(&Index<Imports>) -> Result<T, Failure>) -> Result<T, Failure> {
    INDEX.with_borrow(|index| {
        let index = index.as_ref().ok_or_else(|| Failure {
            code: "bad-request".into(),
            message: "no index is open".to_owned(),
            hint: "open one first".into(),
        })?;
        ask(index)
    })
}

/// What `future` gives. Nothing here waits: the host answers before an import returns.
fn ready<T>(future: impl Future<Output = Result<T, EngineError>>) -> Result<T, Failure> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.map_err(|error| Failure::from(&error)),
        Poll::Pending => Err(Failure {
            code: "internal".into(),
            message: "the engine waits for something that never comes".to_owned(),
            hint: "please report this".into(),
        }),
    }
}

fn bad_request(error: &serde_json::Error) -> Failure {
    Failure {
        code: "bad-request".into(),
        message: format!("the host asked in a way that the engine does not know: {error}"),
        hint: "engine and host must be of one version".into(),
    }
}

fn reply<T: Serialize>(result: Result<T, Failure>) -> u64 {
    let reply = match result {
        Ok(done) => Reply::Done(done),
        Err(failure) => Reply::Failed(failure),
    };
    // Nothing that is replied has a key that is no text; an empty reply is refused by the host.
    let bytes = serde_json::to_vec(&reply).unwrap_or_default();
    let bytes = Box::leak(bytes.into_boxed_slice());
    (bytes.as_ptr() as u64) << 32 | bytes.len() as u64
}
