//! Answers in the shape of OpenAI's chat completions.
//!
//! ```text
//! last message of the user ─tenant→ passages, quoted answer ─┬→ quoted, as it is
//!                                                            └→ written by the model, if there is one
//! ```
//!
//! Passages come first: in a stream as `chunks` of its first event, before any of the answer. A model
//! is asked from a thread of its own, so that one that is slow takes no engine's place; there may be
//! so many of them.

use super::answer::Service;
use super::body::{Body, Pieces};
use super::refusal::Refusal;
use super::reply::Reply;
use super::tenant::Tenant;
use crate::context::{self, Context};
use crate::llm::{self, Asked, Endpoint, LlmError};
use hyper::StatusCode;
use hyper::body::Bytes;
use littoral_api::completion::{self, DONE, Head, Quoted, cited, content, sse};
use littoral_api::request::ChatBody;
use littoral_guest::answer::{Answer, AnswerOptions};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

/// Events that wait for a reader who is slow.
const EVENTS: usize = 16;

/// What documents have to say to a question.
pub(super) struct Found {
    stream: bool,
    answer: Answer,
    /// Passages for a model; `None` where none writes.
    context: Option<Context>,
}

/// Looks up what the last message asks for.
pub(super) fn find(asked: &ChatBody, tenant: &Tenant, for_model: bool) -> Result<Found, Refusal> {
    let question = asked.question()?;
    let search = asked.options()?;
    let options = AnswerOptions {
        threshold: asked.threshold()?,
        ..AnswerOptions::default()
    };
    let answer = tenant.answer(&question, &search, &options)?;
    let context = if for_model && answer.evidence.score >= answer.evidence.threshold {
        let found = tenant.search(&question, &context::options(search))?;
        Some(context::pack(found, context::DEFAULT_TOKENS))
    } else {
        None
    };
    Ok(Found {
        stream: asked.stream,
        answer,
        context,
    })
}

fn event(value: &Value) -> Bytes {
    Bytes::from(sse(value))
}

/// The reply in the documents' own words.
pub(super) fn quoted(found: &Found, id: &str) -> Reply {
    match completion::quoted(&found.answer, id, found.stream) {
        Quoted::Whole(whole) => Reply::json(&whole),
        Quoted::Events(events) => Reply::events(Body::Whole(events.into())),
    }
}

impl Service {
    /// The reply to what was `found`.
    pub(super) async fn chat(self: Arc<Self>, found: Found, id: &str) -> Result<Reply, Refusal> {
        let Some((endpoint, context)) = self.writer.clone().zip(found.context.clone()) else {
            return Ok(quoted(&found, id));
        };
        let place = Arc::clone(&self.writers).try_acquire_owned().map_err(|_| {
            Refusal::later(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "the model writes as many answers as it may at a time",
                Duration::from_secs(1),
            )
        })?;
        let head = Head::new(id, endpoint.model());
        let (sender, receiver) = mpsc::channel(EVENTS);
        let (end, ended) = oneshot::channel();
        let is_stream = found.stream;
        std::thread::spawn(move || {
            let written = write(&head, &endpoint, &found, context, &sender, place);
            if let Err(error) = &written
                && is_stream
            {
                // Whoever asked may be gone.
                let _ = sender.blocking_send(event(&error_event(error)));
            }
            let _ = end.send(written);
        });
        if is_stream {
            return Ok(Reply::events(Body::Pieces(Pieces::new(receiver))));
        }
        // Nobody reads a stream.
        drop(receiver);
        match ended.await {
            Ok(Ok(whole)) => Ok(Reply::json(&whole)),
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_) => Err(Refusal::internal("a writer ended".to_owned())),
        }
    }
}

/// Lets the model write; the whole reply.
fn write(
    head: &Head,
    endpoint: &Endpoint,
    found: &Found,
    context: Context,
    sender: &mpsc::Sender<Bytes>,
    place: OwnedSemaphorePermit,
) -> Result<Value, LlmError> {
    let chunks = json!(context.passages);
    let send = |value: &Value| {
        if !found.stream {
            return Ok(());
        }
        let sent = sender.blocking_send(event(value));
        sent.map_err(|_| LlmError::Abandoned)
    };
    send(&head.first(&chunks))?;
    let asked = Asked {
        question: &found.answer.question,
        evidence: found.answer.evidence,
        context,
        sentences: littoral_guest::answer::SENTENCES,
    };
    let mut before = "";
    let answer = llm::answer(endpoint, asked, &mut |_, _| None, &mut |sentence| {
        let text = [before, &cited(sentence)].concat();
        before = "\n";
        send(&head.event(&json!({"content": text}), None))
    })?;
    drop(place);
    if answer.abstained {
        send(&head.event(&json!({"content": content(&answer)}), None))?;
    }
    send(&head.last(&answer))?;
    if found.stream {
        let done = sender.blocking_send(Bytes::from_static(DONE.as_bytes()));
        done.map_err(|_| LlmError::Abandoned)?;
    }
    Ok(head.whole(&chunks, &answer))
}

/// What a stream says that has begun and cannot go on.
fn error_event(error: &LlmError) -> Value {
    let refusal = refusal(error);
    json!({"error": {"code": refusal.code, "message": refusal.message, "hint": refusal.hint}})
}

/// What callers are told of the model's endpoint, whose name is nobody's business.
fn refusal(error: &LlmError) -> Refusal {
    let status = match error {
        LlmError::Silent { .. } | LlmError::TooSlow { .. } => StatusCode::GATEWAY_TIMEOUT,
        LlmError::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    };
    Refusal {
        detail: Some(error.to_string()),
        ..Refusal::new(
            status,
            error.code(),
            "the model behind this server gave no proper answer",
            "the log of the server has more under this request's id",
        )
    }
}
