//! Messages on standard input and output, one a line.

use super::{INVALID_REQUEST, Message, failed};
use crate::serve::{Readable, Tenants};
use serde_json::Value;
use std::io::{self, BufRead, Read, Write};

/// Longest message in bytes.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Answers the messages of `input` on `output` until the input ends.
///
/// # Errors
/// What reading or writing reports.
pub(crate) fn run(
    tenants: &Tenants,
    mut input: impl BufRead,
    mut output: impl Write,
) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        let n = input
            .by_ref()
            .take(MAX_LINE_BYTES + 1)
            .read_until(b'\n', &mut line)?;
        if n == 0 {
            return Ok(());
        }
        let reply = if n as u64 > MAX_LINE_BYTES && !line.ends_with(b"\n") {
            skip_line(&mut input)?;
            let message = format!("a message may have {MAX_LINE_BYTES} bytes");
            Some(failed(&Value::Null, (INVALID_REQUEST, message)))
        } else {
            // There is no clock here that would look at the folders.
            tenants.all().iter().for_each(|tenant| {
                tenant.follow();
            });
            answer(&tenants.readable(|_| true), &line)
        };
        if let Some(reply) = reply {
            writeln!(output, "{reply}")?;
            output.flush()?;
        }
    }
}

/// Reads on to the end of a line without keeping it.
fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let held = input.fill_buf()?;
        if held.is_empty() {
            return Ok(());
        }
        let end = held.iter().position(|&byte| byte == b'\n');
        let n = end.map_or(held.len(), |end| end + 1);
        input.consume(n);
        if end.is_some() {
            return Ok(());
        }
    }
}

/// The answer to a line; none to an empty one, a notification or an answer.
fn answer(indexes: &Readable<'_>, line: &[u8]) -> Option<Value> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    match Message::read(line) {
        Ok(message) => message.answer(indexes),
        Err(wrong) => wrong,
    }
}
