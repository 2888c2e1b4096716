//! Indexes that are open for many queries, each opened again when it is replaced.

use super::{Models, Place};
use crate::embed::TextEncoder;
use crate::host::IndexHost;
use crate::sandbox::{Prepared, SandboxError, SandboxedIndex};
use crate::source::{Source, Stamp};
use littoral_guest::answer::{Answer, AnswerOptions};
use littoral_guest::engine::ReadDocument;
use littoral_guest::wire::{Failure, Opened};
use littoral_guest::{EngineError, Index, SearchOptions, SearchResult};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// How often an index is opened again for one query that it was replaced under.
const REOPENINGS: usize = 3;

/// A state of an index, open.
struct Current {
    engine: Engine,
    opened: Opened,
}

enum Engine {
    Native(Box<Index<IndexHost>>),
    Sandbox(Pool),
}

impl Engine {
    fn search(&self, query: &str, options: &SearchOptions) -> Result<SearchResult, SandboxError> {
        match self {
            Self::Native(index) => native(index.search(query, options)),
            Self::Sandbox(pool) => pool.with(|instance| instance.search(query, options)),
        }
    }

    fn answer(
        &self,
        question: &str,
        options: &SearchOptions,
        asked: &AnswerOptions,
    ) -> Result<Answer, SandboxError> {
        match self {
            Self::Native(index) => native(index.answer(question, options, asked)),
            Self::Sandbox(pool) => pool.with(|instance| instance.answer(question, options, asked)),
        }
    }

    fn read(&self, id: &str, first: u32, n: u32) -> Result<Option<ReadDocument>, SandboxError> {
        match self {
            Self::Native(index) => native(index.read(id, first, n)),
            Self::Sandbox(pool) => pool.with(|instance| instance.read(id, first, n)),
        }
    }
}

fn native<T>(asked: impl Future<Output = Result<T, EngineError>>) -> Result<T, SandboxError> {
    pollster::block_on(asked).map_err(|error| SandboxError::Engine(Failure::from(&error)))
}

/// Instances of one index.
struct Pool {
    prepared: Arc<Prepared<IndexHost>>,
    host: IndexHost,
    /// Those that wait for a query, the last used last.
    idle: Mutex<Vec<SandboxedIndex<IndexHost>>>,
}

impl Pool {
    fn with<T>(
        &self,
        ask: impl FnOnce(&mut SandboxedIndex<IndexHost>) -> Result<T, SandboxError>,
    ) -> Result<T, SandboxError> {
        let waiting = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut instance = match waiting {
            Some(instance) => instance,
            None => self.prepared.open(self.host.clone())?,
        };
        let answer = ask(&mut instance);
        // What was ended is not used again: its memory is wiped before it is another's.
        if !instance.is_broken() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(instance);
        }
        answer
    }
}

/// An index and how it is kept open.
pub(crate) struct Tenant {
    name: String,
    source: Source,
    place: Option<Arc<Prepared<IndexHost>>>,
    models: Arc<Models>,
    current: RwLock<Arc<Current>>,
    /// The entry that was last looked at, and what was wrong with it.
    seen: Mutex<(Option<Stamp>, Option<String>)>,
}

impl Tenant {
    /// Opens the index in `source`.
    ///
    /// # Errors
    /// [`SandboxError`], with the engine's own error where it has one.
    pub(crate) fn open(
        name: String,
        source: Source,
        place: Option<Arc<Prepared<IndexHost>>>,
        models: Arc<Models>,
    ) -> Result<Self, SandboxError> {
        let stamp = source.stamp();
        let current = open(&source, place.as_ref(), &models)?;
        Ok(Self {
            name,
            source,
            place,
            models,
            current: RwLock::new(Arc::new(current)),
            seen: Mutex::new((stamp, None)),
        })
    }

    /// Its name: the folder's, or the last part of its address.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the index is, as it is open now.
    pub(crate) fn opened(&self) -> Opened {
        self.current().opened.clone()
    }

    /// Why the index as it is now could not be opened, where an older state answers.
    pub(crate) fn trouble(&self) -> Option<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.1.clone()
    }

    /// The encoder of its texts.
    pub(crate) fn encoder(&self) -> Option<Arc<dyn TextEncoder>> {
        self.models.for_texts(&self.current().opened.embedder)
    }

    fn current(&self) -> Arc<Current> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// Answers `query`. An index that was replaced under the query is opened again.
    ///
    /// # Errors
    /// [`SandboxError`]
    pub(crate) fn search(
        &self,
        query: &str,
        options: &SearchOptions,
    ) -> Result<SearchResult, SandboxError> {
        self.ask(|engine| engine.search(query, options))
    }

    /// Answers `question` in sentences of the documents.
    ///
    /// # Errors
    /// [`SandboxError`]
    pub(crate) fn answer(
        &self,
        question: &str,
        options: &SearchOptions,
        asked: &AnswerOptions,
    ) -> Result<Answer, SandboxError> {
        self.ask(|engine| engine.answer(question, options, asked))
    }

    /// Passages of a document.
    ///
    /// # Errors
    /// [`SandboxError`]
    pub(crate) fn read(
        &self,
        id: &str,
        first: u32,
        n: u32,
    ) -> Result<Option<ReadDocument>, SandboxError> {
        self.ask(|engine| engine.read(id, first, n))
    }

    fn ask<T>(&self, ask: impl Fn(&Engine) -> Result<T, SandboxError>) -> Result<T, SandboxError> {
        for _ in 0..REOPENINGS {
            match ask(&self.current().engine) {
                Err(error) if error.code() == "stale-index" => self.reopen(),
                answer => return answer,
            };
        }
        ask(&self.current().engine)
    }

    /// Opens the index again where its entry is another than the one that was last looked at; whether
    /// it did.
    pub(crate) fn follow(&self) -> bool {
        let stamp = self.source.stamp();
        let seen = self
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .clone();
        stamp != seen && self.reopen()
    }

    /// Opens the index again; the old one answers until that is done, and after it failed.
    pub(crate) fn reopen(&self) -> bool {
        let stamp = self.source.stamp();
        let opened = open(&self.source, self.place.as_ref(), &self.models);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match opened {
            Ok(current) => {
                let mut place = self.current.write().unwrap_or_else(PoisonError::into_inner);
                *place = Arc::new(current);
                *seen = (stamp, None);
                true
            }
            Err(error) => {
                // What is damaged stays so until it is replaced; all else may pass.
                let is_damaged = error.code().starts_with("index-");
                *seen = (stamp.filter(|_| is_damaged), Some(error.to_string()));
                false
            }
        }
    }
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tenant")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn open(
    source: &Source,
    place: Option<&Arc<Prepared<IndexHost>>>,
    models: &Models,
) -> Result<Current, SandboxError> {
    let mut host = IndexHost::over(source.clone());
    if let Some(reranker) = models.reranker() {
        host = host.with_reranker(Arc::clone(reranker));
    }
    let Some(prepared) = place else {
        let index = native(Index::open(host.clone()))?;
        let embedding = index.manifest().settings.embedding.clone();
        let opened = Opened {
            build: index.build().to_owned(),
            documents: index.n_documents(),
            chunks: index.n_chunks(),
            embedder: embedding.embedder,
            model: embedding.model,
        };
        let index = match models.for_queries(&opened.embedder) {
            Some(encoder) => native(Index::open(host.with_encoder(encoder)))?,
            None => index,
        };
        return Ok(Current {
            engine: Engine::Native(Box::new(index)),
            opened,
        });
    };
    let mut first = prepared.open(host.clone())?;
    let opened = first.opened().clone();
    if let Some(encoder) = models.for_queries(&opened.embedder) {
        host = host.with_encoder(encoder);
        first.set_host(host.clone());
    }
    Ok(Current {
        engine: Engine::Sandbox(Pool {
            prepared: Arc::clone(prepared),
            host,
            idle: Mutex::new(vec![first]),
        }),
        opened,
    })
}

/// The indexes of a server.
#[derive(Debug)]
pub(crate) struct Tenants {
    all: Vec<Arc<Tenant>>,
    pub(crate) place: Place,
    pub(crate) models: Arc<Models>,
}

impl Tenants {
    /// `tenants`, whose names differ.
    pub(crate) fn new(tenants: Vec<Tenant>, place: Place, models: Arc<Models>) -> Self {
        Self {
            all: tenants.into_iter().map(Arc::new).collect(),
            place,
            models,
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Arc<Tenant>] {
        &self.all
    }

    /// Those whose names `allows` lets pass: what one caller may read.
    pub(crate) fn readable(&self, allows: impl Fn(&str) -> bool) -> Readable<'_> {
        let all = self.all.iter();
        Readable(all.filter(|tenant| allows(tenant.name())).collect())
    }

    /// The one called `name`, or the only one.
    pub(crate) fn named(&self, name: Option<&str>) -> Option<&Arc<Tenant>> {
        self.readable(|_| true).named(name)
    }
}

/// The indexes that a caller may read; of others it is not told.
#[derive(Debug)]
pub(crate) struct Readable<'a>(Vec<&'a Arc<Tenant>>);

impl<'a> Readable<'a> {
    /// All of them.
    pub(crate) fn all(&self) -> &[&'a Arc<Tenant>] {
        &self.0
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<&'a str> {
        self.0.iter().map(|tenant| tenant.name()).collect()
    }

    /// The one called `name`, or the only one.
    pub(crate) fn named(&self, name: Option<&str>) -> Option<&'a Arc<Tenant>> {
        match (name, self.0.as_slice()) {
            (Some(name), all) => all.iter().find(|tenant| tenant.name == name).copied(),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}
