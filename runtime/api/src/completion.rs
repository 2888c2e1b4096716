//! Answers in the shape of OpenAI's chat completions. Passages come first: in a stream as `chunks` of its first
//! event, before any of the answer.

use littoral_guest::answer::{Answer, AnswerSentence};
use littoral_guest::chunk::estimate_tokens;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a reply is called where no model writes it.
pub const QUOTED: &str = "littoral-extractive";

/// The parts of a reply that all its events share.
pub struct Head {
    id: String,
    created: u64,
    model: String,
}

impl Head {
    /// The head of the reply to the request `id`, by `model`.
    pub fn new(id: &str, model: &str) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            id: format!("chatcmpl-{id}"),
            created: since.as_ref().map_or(0, Duration::as_secs),
            model: model.to_owned(),
        }
    }

    /// An event of a stream.
    pub fn event(&self, delta: &Value, finish: Option<&str>) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        })
    }

    /// The first event: the passages.
    pub fn first(&self, chunks: &Value) -> Value {
        let mut event = self.event(&json!({"role": "assistant", "content": ""}), None);
        event["chunks"] = chunks.clone();
        event
    }

    /// The last event.
    pub fn last(&self, answer: &Answer) -> Value {
        let mut event = self.event(&json!({}), Some("stop"));
        event["answer"] = json!(answer);
        event
    }

    /// The whole reply.
    pub fn whole(&self, chunks: &Value, answer: &Answer) -> Value {
        let content = content(answer);
        let (asked, written) = (estimate_tokens(&answer.question), estimate_tokens(&content));
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "chunks": chunks,
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": content},
                "finish_reason": "stop",
            }],
            "usage": {
                "prompt_tokens": asked,
                "completion_tokens": written,
                "total_tokens": asked + written,
            },
            "answer": answer,
        })
    }
}

/// A sentence as a reply has it, with its citations.
pub fn cited(sentence: &AnswerSentence) -> String {
    let mut text = sentence.text.clone();
    text.push(' ');
    for id in &sentence.citations {
        text.push_str(&format!("[{id}]"));
    }
    if !sentence.supported {
        text.push_str(" (unsupported)");
    }
    text
}

/// The words of an answer, or that there are none.
pub fn content(answer: &Answer) -> String {
    if answer.abstained {
        return "Not found in these documents.".to_owned();
    }
    let sentences: Vec<String> = answer.sentences.iter().map(cited).collect();
    sentences.join("\n")
}

/// The reply to the request `id` in the documents' own words: whole, or as the events of a stream.
pub fn quoted(answer: &Answer, id: &str, stream: bool) -> Quoted {
    let head = Head::new(id, QUOTED);
    let chunks = json!(answer.citations);
    if !stream {
        return Quoted::Whole(head.whole(&chunks, answer));
    }
    let mut events = vec![sse(&head.first(&chunks))];
    let parts: Vec<String> = if answer.abstained {
        vec![content(answer)]
    } else {
        answer.sentences.iter().map(cited).collect()
    };
    for (i, part) in parts.iter().enumerate() {
        let before = if i == 0 { "" } else { "\n" };
        let part = [before, part].concat();
        events.push(sse(&head.event(&json!({"content": part}), None)));
    }
    events.push(sse(&head.last(answer)));
    events.push(DONE.to_owned());
    Quoted::Events(events.concat())
}

/// A reply in the documents' own words.
#[derive(Debug)]
pub enum Quoted {
    /// One object.
    Whole(Value),
    /// The text of a stream of events.
    Events(String),
}

/// The end of a stream.
pub const DONE: &str = "data: [DONE]\n\n";

/// An event of a stream.
pub fn sse(value: &Value) -> String {
    format!("data: {value}\n\n")
}
