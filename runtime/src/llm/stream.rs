//! Server-sent events, and the pieces of an answer in them.
//!
//! Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream"; OpenAI's API reference, "chat
//! completion chunk".

use super::LlmError;
use serde::Deserialize;

/// Longest line of a stream in bytes.
const MAX_LINE_BYTES: usize = 64 << 10;

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A piece of the answer.
    Text(String),
    /// The model is at work, and says nothing of the answer: it thinks.
    Thought,
    /// Nothing of importance.
    Nothing,
    /// The answer is complete.
    Finished,
    /// No event follows.
    Done,
}

/// Bytes of a stream to events, as they come.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    line: Vec<u8>,
    data: Option<String>,
}

impl Decoder {
    /// Takes `bytes`; `each` is called with every event that is complete with them.
    ///
    /// # Errors
    /// [`LlmError`] of what is no event, or of `each`.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        each: &mut dyn FnMut(Event) -> Result<(), LlmError>,
    ) -> Result<(), LlmError> {
        for &byte in bytes {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.take(&line, each)?;
            } else if self.line.len() == MAX_LINE_BYTES {
                return Err(LlmError::TooLarge {
                    limit: MAX_LINE_BYTES,
                });
            } else {
                self.line.push(byte);
            }
        }
        Ok(())
    }

    /// Takes the end of the stream, which ends a line and an event.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub(super) fn finish(
        &mut self,
        each: &mut dyn FnMut(Event) -> Result<(), LlmError>,
    ) -> Result<(), LlmError> {
        self.push(b"\n\n", each)
    }

    fn take(
        &mut self,
        line: &[u8],
        each: &mut dyn FnMut(Event) -> Result<(), LlmError>,
    ) -> Result<(), LlmError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = std::str::from_utf8(line).map_err(|_| bad("a line is not in UTF-8"))?;
        if line.is_empty() {
            return match self.data.take() {
                Some(data) => each(event(&data)?),
                None => Ok(()),
            };
        }
        if let Some(value) = line.strip_prefix("data:") {
            let value = value.strip_prefix(' ').unwrap_or(value);
            let data = self.data.get_or_insert_default();
            if data.len() + value.len() > MAX_LINE_BYTES {
                return Err(LlmError::TooLarge {
                    limit: MAX_LINE_BYTES,
                });
            }
            if !data.is_empty() {
                data.push('\n');
            }
            data.push_str(value);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Words>,
    #[serde(default)]
    message: Option<Words>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    content: Option<String>,
    #[serde(default, alias = "reasoning")]
    reasoning_content: Option<String>,
}

fn bad(reason: impl Into<String>) -> LlmError {
    LlmError::BadReply {
        reason: reason.into(),
    }
}

fn event(data: &str) -> Result<Event, LlmError> {
    if data == "[DONE]" {
        return Ok(Event::Done);
    }
    let chunk: Chunk = serde_json::from_str(data)
        .map_err(|error| bad(format!("an event is not as it should be: {error}")))?;
    if let Some(error) = chunk.error {
        return Err(LlmError::Refused {
            status: 200,
            said: said(&error),
        });
    }
    let Some(choice) = chunk.choices.into_iter().next() else {
        return Ok(Event::Nothing);
    };
    let words = choice.delta;
    let text = words.as_ref().and_then(|words| words.content.clone());
    let thought = words.and_then(|words| words.reasoning_content);
    Ok(match (text, thought, choice.finish_reason) {
        (Some(text), ..) if !text.is_empty() => Event::Text(text),
        (_, Some(thought), _) if !thought.is_empty() => Event::Thought,
        (_, _, Some(_)) => Event::Finished,
        _ => Event::Nothing,
    })
}

/// The answer in a reply that is not a stream.
pub(super) fn whole(bytes: &[u8]) -> Result<String, LlmError> {
    let text = std::str::from_utf8(bytes).map_err(|_| bad("it is not in UTF-8"))?;
    let chunk: Chunk =
        serde_json::from_str(text).map_err(|error| bad(format!("no completion: {error}")))?;
    if let Some(error) = chunk.error {
        return Err(LlmError::Refused {
            status: 200,
            said: said(&error),
        });
    }
    let choice = chunk.choices.into_iter().next();
    let message = choice.and_then(|choice| choice.message);
    let content = message.and_then(|message| message.content);
    content.ok_or_else(|| bad("a completion without content"))
}

/// What an error of an endpoint says: its message, where it has one.
pub(super) fn said(error: &serde_json::Value) -> String {
    let message = error["error"]["message"]
        .as_str()
        .or_else(|| error["message"].as_str())
        .or_else(|| error["error"].as_str())
        .or_else(|| error.as_str());
    message.map_or_else(|| error.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(bytes: &[u8], n: usize) -> Result<Vec<Event>, LlmError> {
        let (mut decoder, mut found) = (Decoder::default(), Vec::new());
        let mut each = |event| {
            found.push(event);
            Ok(())
        };
        for piece in bytes.chunks(n) {
            decoder.push(piece, &mut each)?;
        }
        decoder.finish(&mut each)?;
        Ok(found)
    }

    #[test]
    fn events_are_the_same_however_their_bytes_come() {
        let stream = ": hello\r\n\r\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\r\n\r\n\
            event: x\nid: 1\ndata:{\"choices\":[{\"delta\":{\"content\":\"é\"},\ndata: \"finish_reason\":null}]}\n\n\
            data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n\
            data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[]}\n\ndata: [DONE]";
        let expected = [
            Event::Nothing,
            Event::Text("é".into()),
            Event::Thought,
            Event::Finished,
            Event::Nothing,
            Event::Done,
        ];
        for n in 1..stream.len() {
            assert_eq!(events(stream.as_bytes(), n).unwrap(), expected, "{n}");
        }
    }

    #[test]
    fn what_is_no_event_is_refused_by_name() {
        let long = [b"data: ".as_slice(), &vec![b'x'; MAX_LINE_BYTES]].concat();
        let many = b"data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n".repeat(2000);
        for (bytes, code) in [
            (
                b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}\n\n".as_slice(),
                "llm-bad-reply",
            ),
            (b"data: {\"choices\": 7}\n\n", "llm-bad-reply"),
            (b"data: nonsense\n\n", "llm-bad-reply"),
            (b"data: {\"error\":{\"message\":\"no\"}}\n\n", "llm-refused"),
            (&long, "llm-too-large"),
            (&many, "llm-too-large"),
        ] {
            assert_eq!(events(bytes, 7).unwrap_err().code(), code);
        }
    }

    #[test]
    fn a_reply_that_is_no_stream_is_read_whole() {
        let reply =
            br#"{"choices":[{"message":{"content":"High water."},"finish_reason":"stop"}]}"#;
        assert_eq!(whole(reply).unwrap(), "High water.");
        for bad in [
            b"{}".as_slice(),
            b"[1]",
            b"\xff",
            b"{\"choices\":[{\"message\":{}}]}",
        ] {
            assert_eq!(whole(bad).unwrap_err().code(), "llm-bad-reply");
        }
    }
}
