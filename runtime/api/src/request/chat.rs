//! A chat: a conversation whose last question counts.

use super::{OneOrMore, Search, bounded, pairs, query};
use crate::refusal::Refusal;
use littoral_guest::SearchOptions;
use littoral_guest::engine::Mode;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The body of `POST /v1/chat/completions`, as OpenAI's, as far as it matters.
#[derive(Debug, Deserialize)]
pub struct ChatBody {
    messages: Vec<ChatMessage>,
    /// Whether the answer is to come in events.
    #[serde(default)]
    pub stream: bool,
    /// The index that is asked, where one is named.
    pub index: Option<String>,
    mode: Option<Mode>,
    #[serde(default)]
    filters: BTreeMap<String, OneOrMore>,
    threshold: Option<f64>,
}

/// A message of a conversation: a text, or parts of which some are.
#[derive(Debug, Deserialize)]
struct ChatMessage {
    role: String,
    #[serde(default)]
    content: Option<ChatContent>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ChatContent {
    Text(String),
    Parts(Vec<ChatPart>),
}

#[derive(Debug, Deserialize)]
struct ChatPart {
    text: Option<String>,
}

impl ChatBody {
    /// What the user asks last.
    ///
    /// # Errors
    /// [`Refusal`] of what is out of bounds or cannot be understood.
    pub fn question(&self) -> Result<String, Refusal> {
        let last = self.messages.iter().rfind(|message| message.role == "user");
        let text = match last.and_then(|message| message.content.as_ref()) {
            Some(ChatContent::Text(text)) => text.clone(),
            Some(ChatContent::Parts(parts)) => {
                let texts: Vec<&str> = parts.iter().filter_map(|p| p.text.as_deref()).collect();
                texts.join(" ")
            }
            None => String::new(),
        };
        if text.trim().is_empty() {
            return Err(Refusal::bad("no message of the user has a text"));
        }
        query(&text)?;
        Ok(text)
    }

    /// How its passages are found.
    ///
    /// # Errors
    /// [`Refusal`] of what is out of bounds or cannot be understood.
    pub fn options(&self) -> Result<SearchOptions, Refusal> {
        let search = Search {
            index: None,
            query: String::new(),
            options: SearchOptions {
                mode: self.mode.unwrap_or_default(),
                filters: pairs(self.filters.clone()),
                ..SearchOptions::default()
            },
            rerank: false,
        };
        Ok(bounded(search)?.options)
    }

    /// The evidence that an answer needs.
    ///
    /// # Errors
    /// [`Refusal`] of what is out of bounds or cannot be understood.
    pub fn threshold(&self) -> Result<Option<f64>, Refusal> {
        match self.threshold {
            Some(threshold) if !(0.0..=1.0).contains(&threshold) => {
                Err(Refusal::bad("threshold is a number from 0 to 1"))
            }
            threshold => Ok(threshold),
        }
    }
}
