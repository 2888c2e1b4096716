//! What the world offers: each call is one of the engine's.

use crate::bindings::exports::littoral::retrieval::index as wit;
use crate::imports::Imports;
use crate::{error, request, result};
use littoral_guest::context::{self, MAX_TOKENS};
use littoral_guest::engine::{self, EngineError};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The component.
pub(crate) struct Component;

/// An open index.
pub(crate) struct Index(engine::Index<Imports>);

impl wit::Guest for Component {
    type Index = Index;

    fn defaults() -> wit::SearchOptions {
        request::defaults()
    }
}

impl wit::GuestIndex for Index {
    fn open(cache_bytes: u64) -> Result<wit::Index, wit::Error> {
        let index = ready(engine::Index::open(Imports))?;
        // More than there can be is all there is.
        let cache_bytes = usize::try_from(cache_bytes).unwrap_or(usize::MAX);
        Ok(wit::Index::new(Self(index.with_cache_bytes(cache_bytes))))
    }

    fn stats(&self) -> wit::Stats {
        let index = &self.0;
        let embedding = &index.manifest().settings.embedding;
        wit::Stats {
            build: index.build().to_owned(),
            documents: index.n_documents(),
            chunks: index.n_chunks(),
            embedder: embedding.embedder.clone(),
            model: embedding.model.to_vec(),
            needs_encoder: index.needs_encoder(),
        }
    }

    fn filters(&self) -> Result<Vec<wit::Facets>, wit::Error> {
        ready(self.0.filters()).map(|counts| result::facets(&counts))
    }

    fn search(
        &self,
        query: String,
        options: wit::SearchOptions,
    ) -> Result<wit::SearchResult, wit::Error> {
        let options = request::options(options)?;
        ready(self.0.search(&query, &options)).map(result::found)
    }

    fn context(
        &self,
        query: String,
        options: wit::SearchOptions,
        max_tokens: u32,
    ) -> Result<wit::Context, wit::Error> {
        let options = context::options(request::options(options)?);
        let found = ready(self.0.search(&query, &options))?;
        Ok(result::context(context::pack(
            found,
            max_tokens.min(MAX_TOKENS),
        )))
    }

    fn answer(
        &self,
        question: String,
        options: wit::SearchOptions,
        asked: wit::AnswerOptions,
    ) -> Result<wit::Answer, wit::Error> {
        let options = request::options(options)?;
        let asked = request::answer(asked);
        ready(self.0.answer(&question, &options, &asked)).map(result::answer)
    }

    fn read(
        &self,
        document: String,
        first: u32,
        count: u32,
    ) -> Result<Option<wit::ReadDocument>, wit::Error> {
        ready(self.0.read(&document, first, count)).map(|read| read.map(result::read))
    }
}

/// What `future` gives. Nothing here waits: the host answers before an import returns.
fn ready<T>(future: impl Future<Output = Result<T, EngineError>>) -> Result<T, wit::Error> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.map_err(|error| error::of(&error)),
        Poll::Pending => Err(error::waits()),
    }
}
