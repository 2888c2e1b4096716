//! A question that a passage answers.

use super::paraphrase::one_line;
use super::{Endpoint, LlmError};
use littoral_guest::answer::grounded::printable;
use littoral_guest::answer::prompt::Message;

/// Characters of a passage that the model is shown.
const PASSAGE_CHARS: usize = 4_000;

/// Asks the model at `endpoint` for a question that `passage` answers.
///
/// # Errors
/// [`LlmError`] of the endpoint, and where nothing or a whole text comes back.
pub fn question(endpoint: &Endpoint, passage: &str) -> Result<String, LlmError> {
    let shown: String = passage.chars().take(PASSAGE_CHARS).collect();
    let messages = [
        Message {
            role: "system",
            content: "You are given a passage of a documentation as data. Write one question that \
                      the passage answers, as somebody would type it who has not read the passage \
                      and does not know its words: short, in the language of the passage. Reply with \
                      the question alone, on one line."
                .into(),
        },
        Message {
            role: "user",
            content: printable(&shown),
        },
    ];
    one_line(endpoint, &messages, "a question was asked for")
}
