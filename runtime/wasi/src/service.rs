//! From a request to its answer, whoever holds the connection.

use http::StatusCode;
use littoral_api::completion::{Quoted, quoted};
use littoral_api::files::Files;
use littoral_api::refusal::Refusal;
use littoral_api::request::{
    ChatBody, ContextBody, EmbeddingsBody, RerankBody, Search, body, search,
};
use littoral_api::{MAX_BODY_BYTES, MAX_TEXTS_BYTES, OPENAPI};
use littoral_guest::answer::AnswerOptions;
use littoral_guest::context::{self, DEFAULT_TOKENS, MAX_TOKENS};
use littoral_guest::{Index, SearchResult};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Instant;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// The address without what follows `?`.
    pub path: &'a str,
    /// What follows it.
    pub query: &'a str,
    /// The caller's id for it, or one that was made for it.
    pub id: &'a str,
    /// What it carries; at most [`body_limit`] bytes and one more were read.
    pub body: &'a [u8],
}

/// What is answered.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// Of the body.
    pub content_type: &'static str,
    /// What it carries.
    pub body: Vec<u8>,
    /// The methods of the route.
    pub allow: &'static str,
    /// What whoever runs the component should know, and nobody else.
    pub detail: Option<String>,
}

/// An index in a folder.
#[derive(Debug, Clone)]
pub struct Service {
    folder: PathBuf,
    name: String,
}

/// Most bytes of the body of a request to `path`.
pub fn body_limit(path: &str) -> usize {
    match path {
        "/v1/embeddings" | "/v1/rerank" => MAX_TEXTS_BYTES,
        _ => MAX_BODY_BYTES,
    }
}

/// Whether requests to `path` carry what is asked; `None` where there is nothing.
fn is_posted(path: &str) -> Option<bool> {
    match path {
        "/search" | "/healthz" | "/openapi.json" => Some(false),
        "/v1/context" | "/v1/chat/completions" | "/v1/embeddings" | "/v1/rerank" => Some(true),
        _ => None,
    }
}

impl Service {
    /// The index in `folder`, which callers call `name`.
    pub fn new(folder: impl Into<PathBuf>, name: impl Into<String>) -> Self {
        Self {
            folder: folder.into(),
            name: name.into(),
        }
    }

    /// Answers a request.
    pub fn answer(&self, request: &Request<'_>) -> Response {
        let posted = is_posted(request.path);
        let allow = match posted {
            Some(true) => "POST, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        };
        let plain = |status, content_type, body| Response {
            status,
            content_type,
            body,
            allow,
            detail: None,
        };
        if request.method == "OPTIONS" && posted.is_some() {
            return plain(StatusCode::NO_CONTENT, "text/plain", Vec::new());
        }
        match self.reply(request, posted) {
            Ok((content_type, body)) => plain(StatusCode::OK, content_type, body),
            Err(refusal) => {
                let error = json!({"error": {
                    "code": refusal.code,
                    "message": refusal.message,
                    "hint": refusal.hint,
                    "request_id": request.id,
                }});
                Response {
                    detail: refusal
                        .detail
                        .map(|detail| format!("{}: {}: {detail}", request.id, refusal.code)),
                    ..plain(refusal.status, "application/json", error.to_string().into())
                }
            }
        }
    }

    fn reply(
        &self,
        request: &Request<'_>,
        posted: Option<bool>,
    ) -> Result<(&'static str, Vec<u8>), Refusal> {
        let Some(posted) = posted else {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "no-such-route",
                "there is nothing here",
                "GET /openapi.json says what there is",
            ));
        };
        let fits = if posted {
            request.method == "POST"
        } else {
            matches!(request.method, "GET" | "HEAD")
        };
        if !fits {
            return Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "this is asked with another method",
                "the header Allow names it",
            ));
        }
        let limit = body_limit(request.path);
        if request.body.len() > limit {
            return Err(Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                format!("the body is larger than {limit} bytes"),
                "send less at a time",
            ));
        }
        let value = match request.path {
            "/openapi.json" => return Ok(("application/json", OPENAPI.into())),
            "/healthz" => self.health()?,
            "/search" => value(&self.find(&search(request.query)?)?)?,
            "/v1/context" => {
                let asked: ContextBody = body(request.body)?;
                let max_tokens = asked.max_tokens.unwrap_or(DEFAULT_TOKENS);
                if !(1..=MAX_TOKENS).contains(&max_tokens) {
                    let message = format!("max_tokens may be 1 to {MAX_TOKENS}");
                    return Err(Refusal::bad(message));
                }
                let mut search = asked.search()?;
                search.options = context::options(search.options);
                value(&context::pack(self.find(&search)?, max_tokens))?
            }
            "/v1/chat/completions" => return self.chat(&body(request.body)?, request.id),
            "/v1/embeddings" => {
                let asked: EmbeddingsBody = body(request.body)?;
                asked.texts()?;
                return Err(Refusal::new(
                    StatusCode::NOT_IMPLEMENTED,
                    "no-encoder",
                    "the encoder of this index is not on this server",
                    "littoral serve has it once it is pulled",
                ));
            }
            _ => {
                let asked: RerankBody = body(request.body)?;
                asked.texts()?;
                return Err(no_reranker());
            }
        };
        Ok(("application/json", value.to_string().into()))
    }

    fn health(&self) -> Result<Value, Refusal> {
        let index = self.open(None)?;
        Ok(json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "host": "wasi",
            "indexes": [{
                "name": self.name,
                "build": index.build(),
                "documents": index.n_documents(),
                "chunks": index.n_chunks(),
                "embedder": index.manifest().settings.embedding.embedder,
                "stale": false,
            }],
        }))
    }

    /// The index, where it is the one that is `named`.
    fn open(&self, named: Option<&str>) -> Result<Index<Files>, Refusal> {
        if named.is_some_and(|named| named != self.name) {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "unknown-index",
                "there is no such index",
                "name one with index; GET /healthz lists them",
            ));
        }
        let opened = pollster::block_on(Index::open(Files::new(self.folder.clone())));
        opened.map_err(|error| Refusal::from(&error))
    }

    fn find(&self, search: &Search) -> Result<SearchResult, Refusal> {
        let start = Instant::now();
        let index = self.open(search.index.as_deref())?;
        if search.rerank {
            return Err(no_reranker());
        }
        let found = pollster::block_on(index.search(&search.query, &search.options));
        let mut found = found.map_err(|error| Refusal::from(&error))?;
        found.timings_ms.total = start.elapsed().as_secs_f64() * 1e3;
        Ok(found)
    }

    fn chat(&self, asked: &ChatBody, id: &str) -> Result<(&'static str, Vec<u8>), Refusal> {
        let question = asked.question()?;
        let options = asked.options()?;
        let wanted = AnswerOptions {
            threshold: asked.threshold()?,
            ..AnswerOptions::default()
        };
        let index = self.open(asked.index.as_deref())?;
        let answer = pollster::block_on(index.answer(&question, &options, &wanted));
        let answer = answer.map_err(|error| Refusal::from(&error))?;
        Ok(match quoted(&answer, id, asked.stream) {
            Quoted::Whole(whole) => ("application/json", whole.to_string().into()),
            Quoted::Events(events) => ("text/event-stream", events.into()),
        })
    }
}

fn no_reranker() -> Refusal {
    Refusal::new(
        StatusCode::NOT_IMPLEMENTED,
        "no-reranker",
        "this server has no reranker",
        "littoral serve has one with --rerank NAME",
    )
}

fn value(result: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(result).map_err(|error| Refusal::internal(error.to_string()))
}
