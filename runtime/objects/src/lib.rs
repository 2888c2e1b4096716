//! Indexes that lie in an object store: the host over S3 and what speaks as it does, and over static
//! hosts.
//!
//! ```text
//! engine ─ blocks of a round → cache ─ those not there, side by side → store
//! ```
//!
//! A block never changes, so what was read once is kept while there is room. The entry is asked for anew
//! each time.
//!
//! **Invariant:** what a store says is bytes to be verified by the engine, of bounded size and in bounded
//! time; no error names the store's address or a key.

mod location;

pub use location::{Location, LocationError};

use littoral_guest::{Host, HostError};
use littoral_indexes::envelope::BlockId;
use littoral_indexes::manifest::{ENTRY_NAME, MAX_ENTRY_BYTES};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::error::Error;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::Semaphore;

/// Largest file of an index that is read, in bytes.
const MAX_FILE_BYTES: u64 = 128 << 20;

/// Requests to a store at a time.
const MAX_REQUESTS: usize = 32;

/// How long what the store said of the entry is taken for true: each question costs money.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What a cached block costs beside its bytes.
const PLACE_BYTES: u64 = 128;

/// Entries of the cache's table at first; it grows.
const CACHED_BLOCKS: usize = 1_024;

/// The blocks of an index in a store. Clones share the cache.
#[derive(Clone)]
pub struct Objects(Arc<Shared>);

struct Shared {
    store: Box<dyn ObjectStore>,
    folder: Path,
    cache: Cache<BlockId, Arc<[u8]>, Bytes>,
    requests: Semaphore,
    /// What the entry was like when it was last looked at.
    looked: Mutex<Option<(Instant, Option<Stamp>)>>,
}

/// What a store says of the entry without giving it: other values, another index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    tag: Option<String>,
    bytes: u64,
    modified: String,
}

#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<BlockId, Arc<[u8]>> for Bytes {
    fn weight(&self, _: &BlockId, file: &Arc<[u8]>) -> u64 {
        file.len() as u64 + PLACE_BYTES
    }
}

impl Objects {
    /// Those of the index at `location`, of which `cache_bytes` are kept in memory.
    ///
    /// # Errors
    /// [`LocationError`] when the environment does not tell how the store is reached.
    pub fn open(location: &Location, cache_bytes: u64) -> Result<Self, LocationError> {
        let (store, folder) = location.store()?;
        Ok(Self(Arc::new(Shared {
            store,
            folder,
            cache: Cache::with_weighter(CACHED_BLOCKS, cache_bytes, Bytes),
            requests: Semaphore::new(MAX_REQUESTS),
            looked: Mutex::default(),
        })))
    }

    /// What the store says of the entry, asked for at most every five seconds; `None` where it says
    /// nothing.
    pub fn stamp(&self) -> Option<Stamp> {
        let mut looked = self.0.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((when, stamp)) = &*looked
            && when.elapsed() < LOOK_EVERY
        {
            return stamp.clone();
        }
        let shared = Arc::clone(&self.0);
        let head = runtime().block_on(async move {
            let _permit = shared.requests.acquire().await;
            shared
                .store
                .head(&shared.folder.clone().join(ENTRY_NAME))
                .await
        });
        let stamp = head.ok().map(|head| Stamp {
            tag: head.e_tag,
            bytes: head.size,
            modified: head.last_modified.to_rfc3339(),
        });
        *looked = Some((Instant::now(), stamp.clone()));
        stamp
    }
}

impl Shared {
    /// The file `name` of the index.
    async fn get(&self, name: &str, limit: u64) -> Result<Arc<[u8]>, HostError> {
        // A permit is refused only where the semaphore was closed, which nobody does.
        let _permit = self.requests.acquire().await;
        let place = name.split('/').fold(self.folder.clone(), Path::join);
        let got = self.store.get(&place).await;
        let got = got.map_err(|error| failed(name, &error))?;
        if got.meta.size > limit {
            return Err(HostError::Unreadable {
                path: name.to_owned(),
                reason: format!("it has {} bytes, more than {limit}", got.meta.size),
            });
        }
        let bytes = got.bytes().await.map_err(|error| failed(name, &error))?;
        Ok(bytes.as_ref().into())
    }

    async fn block(&self, block: BlockId) -> Result<Arc<[u8]>, HostError> {
        let path = block.path();
        let get = self.get(&path, MAX_FILE_BYTES);
        self.cache.get_or_insert_async(&block, get).await
    }
}

impl Host for Objects {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        let shared = Arc::clone(&self.0);
        let get = async move { shared.get(ENTRY_NAME, MAX_ENTRY_BYTES as u64).await };
        joined(runtime().spawn(get).await)
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        let asked: Vec<_> = blocks
            .iter()
            .map(|&block| {
                self.0.cache.get(&block).ok_or_else(|| {
                    let shared = Arc::clone(&self.0);
                    runtime().spawn(async move { shared.block(block).await })
                })
            })
            .collect();
        let mut files = Vec::with_capacity(asked.len());
        for file in asked {
            files.push(match file {
                Ok(file) => file,
                Err(asked) => joined(asked.await)?,
            });
        }
        Ok(files)
    }
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}

/// What a request came to; one whose task died is one that failed.
fn joined(
    task: Result<Result<Arc<[u8]>, HostError>, tokio::task::JoinError>,
) -> Result<Arc<[u8]>, HostError> {
    task.unwrap_or_else(|error| {
        Err(HostError::Unreadable {
            path: String::new(),
            reason: error.to_string(),
        })
    })
}

/// Why the file `name` was not had, in words that tell nothing of where the store is.
fn failed(name: &str, error: &object_store::Error) -> HostError {
    use object_store::Error as Store;
    let path = name.to_owned();
    let reason = match error {
        Store::NotFound { .. } => return HostError::NotFound { path },
        Store::Unauthenticated { .. } | Store::PermissionDenied { .. } => {
            "the store refuses: is there a key, and may it read?".to_owned()
        }
        error => {
            let mut cause: &dyn Error = error;
            while let Some(source) = cause.source() {
                cause = source;
            }
            format!(
                "the store failed: {}",
                without_addresses(&cause.to_string())
            )
        }
    };
    HostError::Unreadable { path, reason }
}

/// `text` without the addresses in it.
fn without_addresses(text: &str) -> String {
    let kept = text.split_whitespace().filter(|word| !word.contains("://"));
    kept.collect::<Vec<_>>().join(" ")
}

/// The threads that wait for stores.
fn runtime() -> &'static Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("objects");
        #[expect(clippy::expect_used, reason = "a system without threads runs nothing")]
        runtime
            .enable_all()
            .build()
            .expect("a thread that waits for stores")
    });
    runtime.handle()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_tell_no_address() {
        let error = object_store::Error::Generic {
            store: "S3",
            source: "error sending request for url (https://key@store.example/b/x.lit)".into(),
        };
        let HostError::Unreadable { reason, .. } = failed("x.lit", &error) else {
            panic!("{error}");
        };
        assert_eq!(reason, "the store failed: error sending request for url");
    }
}
