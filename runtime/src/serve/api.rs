//! What each endpoint does, once a request is read and has a worker.

use super::chat;
use super::keys::Access;
use super::refusal::Refusal;
use super::reply::Reply;
use super::tenant::{Tenant, Tenants};
use crate::context::{self, DEFAULT_TOKENS, MAX_TOKENS};
use crate::mcp::Message;
use crate::rerank::CrossEncoder;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use littoral_api::request::{
    ChatBody, ContextBody, EmbeddingsBody, RerankBody, Search, body, rerank,
};
use littoral_guest::SearchResult;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

/// A request that is read: what a worker is to do.
pub(super) enum Job {
    Search(Search),
    Context(ContextBody),
    Embeddings(EmbeddingsBody),
    Rerank(RerankBody),
    Chat(ChatBody),
    Mcp(Message),
}

/// What came of it.
pub(super) enum Done {
    /// The reply.
    Reply(Reply),
    /// What there is to answer with.
    Chat(Box<chat::Found>),
}

impl Job {
    /// Reads the body of a request to `path`; `Err` may hold an answer that needs no worker.
    pub(super) fn read(path: &str, bytes: &[u8]) -> Result<Self, Result<Reply, Refusal>> {
        if path == "/mcp" {
            return Message::read(bytes)
                .map(Self::Mcp)
                .map_err(|wrong| Ok(mcp_reply(wrong)));
        }
        Self::of_body(path, bytes).map_err(Err)
    }

    fn of_body(path: &str, bytes: &[u8]) -> Result<Self, Refusal> {
        Ok(match path {
            "/v1/context" => Self::Context(body(bytes)?),
            "/v1/embeddings" => Self::Embeddings(body(bytes)?),
            "/v1/rerank" => Self::Rerank(body(bytes)?),
            _ => Self::Chat(body(bytes)?),
        })
    }

    /// The index that is asked, where one is named.
    pub(super) fn index(&self) -> Option<&str> {
        match self {
            Self::Search(search) => search.index.as_deref(),
            Self::Context(asked) => asked.index.as_deref(),
            Self::Embeddings(asked) => asked.index.as_deref(),
            Self::Chat(asked) => asked.index.as_deref(),
            Self::Mcp(message) => message.index(),
            Self::Rerank(_) => None,
        }
    }

    /// Whether an index is asked at all.
    pub(super) fn asks_index(&self) -> bool {
        match self {
            Self::Mcp(message) => message.asks_index(),
            Self::Rerank(_) => false,
            _ => true,
        }
    }

    /// Whether the job itself says that an index is not there.
    pub(super) fn finds_index(&self) -> bool {
        matches!(self, Self::Mcp(_))
    }

    /// Does it for a caller with `access`; for a chat, what a model would need too where there is one
    /// `for_chat`.
    pub(super) fn run(
        self,
        tenants: &Tenants,
        access: &Access,
        tenant: Option<&Arc<Tenant>>,
        for_chat: bool,
    ) -> Result<Done, Refusal> {
        let tenant = || {
            tenant.ok_or_else(|| Refusal::internal("a job for an index came without one".into()))
        };
        let value = match self {
            Self::Mcp(message) => {
                let readable = tenants.readable(|name| access.allows(name));
                return Ok(Done::Reply(mcp_reply(message.answer(&readable))));
            }
            Self::Search(search) => {
                let found = find(tenants, tenant()?, search)?;
                value(&found)
            }
            Self::Context(asked) => {
                let max_tokens = asked.max_tokens.unwrap_or(DEFAULT_TOKENS);
                if !(1..=MAX_TOKENS).contains(&max_tokens) {
                    let message = format!("max_tokens may be 1 to {MAX_TOKENS}");
                    return Err(Refusal::bad(message));
                }
                let mut search = asked.search()?;
                search.options = context::options(search.options);
                let found = find(tenants, tenant()?, search)?;
                value(&context::pack(found, max_tokens))
            }
            Self::Embeddings(asked) => embeddings(&asked, tenant()?),
            Self::Rerank(asked) => reranked(&asked, tenants.models.reranker()),
            Self::Chat(asked) => {
                let found = chat::find(&asked, tenant()?, for_chat)?;
                return Ok(Done::Chat(Box::new(found)));
            }
        }?;
        Ok(Done::Reply(Reply::json(&value)))
    }
}

/// What the Model Context Protocol answers over HTTP.
fn mcp_reply(answer: Option<Value>) -> Reply {
    answer.map_or_else(Reply::accepted, |answer| Reply::json(&answer))
}

fn find(tenants: &Tenants, tenant: &Tenant, search: Search) -> Result<SearchResult, Refusal> {
    let start = Instant::now();
    let mut options = search.options;
    if search.rerank {
        let reranker = tenants.models.reranker().ok_or_else(no_reranker)?;
        options.rerank = Some(rerank(reranker.encoder().id()));
    }
    let mut found = tenant.search(&search.query, &options)?;
    found.timings_ms.total = start.elapsed().as_secs_f64() * 1e3;
    Ok(found)
}

fn value(result: &impl serde::Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(result).map_err(|error| Refusal::internal(error.to_string()))
}

fn no_reranker() -> Refusal {
    Refusal::new(
        StatusCode::NOT_IMPLEMENTED,
        "no-reranker",
        "this server has no reranker",
        "start it with --rerank NAME",
    )
}

fn embeddings(asked: &EmbeddingsBody, tenant: &Tenant) -> Result<Value, Refusal> {
    let texts = asked.texts()?;
    let as_base64 = match asked.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            let message = format!("encoding_format is {other:?}; it may be float or base64");
            return Err(Refusal::bad(message));
        }
    };
    let encoder = tenant.encoder().ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_IMPLEMENTED,
            "no-encoder",
            "the encoder of this index is not on this server",
            "littoral model pull gets it; an index without vectors has none",
        )
    })?;
    let read: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = encoder.encode(&read);
    let vectors = vectors.map_err(|error| Refusal::internal(error.to_string()))?;
    let vectors = vectors.chunks_exact(encoder.dims());
    let data = vectors.zip(0..).map(|(vector, index): (&[f32], usize)| {
        let embedding = if as_base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            Value::from(STANDARD.encode(bytes))
        } else {
            Value::from(vector)
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    let data: Vec<Value> = data.collect();
    let n_tokens: usize = read.iter().map(|text| encoder.n_tokens(text)).sum();
    Ok(json!({
        "object": "list",
        "data": data,
        "model": tenant.opened().embedder,
        "usage": {"prompt_tokens": n_tokens, "total_tokens": n_tokens},
    }))
}

fn reranked(asked: &RerankBody, reranker: Option<&Arc<CrossEncoder>>) -> Result<Value, Refusal> {
    let texts = asked.texts()?;
    let reranker = reranker.ok_or_else(no_reranker)?;
    let read: Vec<&str> = texts.iter().map(String::as_str).collect();
    let wanted = asked.top_n.unwrap_or(usize::MAX);
    let relevance = reranker.rerank(&asked.query, &read, wanted);
    let relevance =
        relevance.ok_or_else(|| Refusal::internal("the reranker gave no relevance".to_owned()))?;
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by(|&a, &b| relevance[b].total_cmp(&relevance[a]).then(a.cmp(&b)));
    order.truncate(wanted);
    let results = order.into_iter().map(|i| {
        let mut result = json!({"index": i, "relevance_score": relevance[i]});
        if asked.return_documents {
            result["document"] = json!({"text": texts[i]});
        }
        result
    });
    let results: Vec<Value> = results.collect();
    Ok(json!({"results": results, "meta": {}}))
}
