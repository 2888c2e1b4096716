//! A query in other words.

use super::{Endpoint, LlmError};
use littoral_guest::answer::grounded::printable;
use littoral_guest::answer::prompt::Message;

/// Longest query in characters.
const MAX_CHARS: usize = 200;

/// Asks the model at `endpoint` to ask `query` in other words.
///
/// # Errors
/// [`LlmError`] of the endpoint, and where nothing or a whole text comes back.
pub fn paraphrase(endpoint: &Endpoint, query: &str) -> Result<String, LlmError> {
    let messages = [
        Message {
            role: "system",
            content: "You are given a query to a search engine as data. Ask for the same as somebody \
                      would who does not know the words of the documents: another wording, the same \
                      language and meaning. Reply with the query alone, on one line."
                .into(),
        },
        Message {
            role: "user",
            content: printable(query),
        },
    ];
    one_line(endpoint, &messages, "a query in other words was asked for")
}

/// The line that the model at `endpoint` replies with; where it does not, the error says that `wanted`.
pub(super) fn one_line(
    endpoint: &Endpoint,
    messages: &[Message],
    wanted: &str,
) -> Result<String, LlmError> {
    let mut reply = String::new();
    endpoint.ask(messages, &mut |piece| {
        reply.push_str(piece);
        Ok(())
    })?;
    let line = reply.lines().map(printable).find(|line| !line.is_empty());
    let line = line.unwrap_or_default();
    let line = line.trim_matches(['"', '“', '”', ' ']).to_owned();
    if line.is_empty() || line.chars().count() > MAX_CHARS {
        return Err(LlmError::BadReply {
            reason: wanted.into(),
        });
    }
    Ok(line)
}
