//! Asks an endpoint, and reads what it sends within bounds.
//!
//! A thread holds the connection, and hands over what comes. So whoever waits can stop at the moment
//! that a bound is reached, wherever the connection is: the thread ends with its next byte, or with
//! its own time.

use super::stream::{Decoder, Event, said, whole};
use super::{Endpoint, LlmError};
use littoral_guest::answer::grounded::printable;
use littoral_guest::answer::prompt::Message;
use serde_json::json;
use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use ureq::http::HeaderMap;

/// Bytes that are read of a reply which is no answer.
const MAX_REFUSAL_BYTES: usize = 4096;

/// Characters of a refusal that are shown.
const REFUSAL_CHARS: usize = 300;

/// What comes of a connection, in order.
enum Came {
    Head {
        status: u16,
        is_stream: bool,
        is_encoded: bool,
        retry_after: Option<Duration>,
    },
    Bytes(Vec<u8>),
    End,
    Failed(ureq::Error),
}

/// The bounds of time.
struct Clock {
    start: Instant,
    /// When the last piece came.
    heard: Instant,
    silence: Duration,
    total: Duration,
}

impl Clock {
    /// What is left, or what has run out.
    fn left(&self) -> Result<Duration, LlmError> {
        let now = Instant::now();
        let total = self.total.saturating_sub(now - self.start);
        let silence = self.silence.saturating_sub(now - self.heard);
        if total.is_zero() {
            let seconds = self.total.as_secs_f64();
            return Err(LlmError::TooSlow { seconds });
        }
        if silence.is_zero() {
            let seconds = self.silence.as_secs_f64();
            return Err(LlmError::Silent { seconds });
        }
        Ok(total.min(silence))
    }
}

/// How a try ended.
enum Tried {
    Answered,
    /// It may be tried again, after a while where it says so.
    Busy(u16, Option<Duration>),
}

impl Endpoint {
    /// Asks the model to go on after `messages`; `each` is called with every piece of its reply.
    ///
    /// # Errors
    /// [`LlmError`] of what went wrong, or of `each`.
    pub(super) fn ask(
        &self,
        messages: &[Message],
        each: &mut dyn FnMut(&str) -> Result<(), LlmError>,
    ) -> Result<(), LlmError> {
        let body = json!({
            "model": self.model,
            "messages": messages,
            "stream": true,
            "temperature": 0,
            "max_tokens": self.limits.max_tokens,
        });
        let body = body.to_string();
        let now = Instant::now();
        let mut clock = Clock {
            start: now,
            heard: now,
            silence: self.limits.silence,
            total: self.limits.total,
        };
        let mut pause = self.limits.pause;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.attempt(&body, &mut clock, each)? {
                Tried::Answered => return Ok(()),
                Tried::Busy(status, after) => {
                    let wait = after.unwrap_or(pause).max(pause);
                    // A pause that there is no time for is not begun.
                    if tries >= self.limits.tries || wait >= clock.left()? {
                        return Err(LlmError::Busy { status, tries });
                    }
                    thread::sleep(wait);
                    pause *= 2;
                }
            }
        }
    }

    fn attempt(
        &self,
        body: &str,
        clock: &mut Clock,
        each: &mut dyn FnMut(&str) -> Result<(), LlmError>,
    ) -> Result<Tried, LlmError> {
        let came = self.send(body.to_owned(), clock.left()?);
        let Came::Head {
            status,
            is_stream,
            is_encoded,
            retry_after,
        } = self.next(&came, clock)?
        else {
            return Err(LlmError::CutOff);
        };
        match status {
            200 if is_encoded => Err(LlmError::BadReply {
                reason: "it is compressed, which was not asked for".into(),
            }),
            200 if is_stream => self.streamed(&came, clock, each).map(|()| Tried::Answered),
            200 => {
                let bytes = self.all(&came, clock, self.limits.max_bytes)?;
                each(&whole(&bytes).map_err(|error| self.struck(error))?).map(|()| Tried::Answered)
            }
            300..=399 => Err(LlmError::Redirect { status }),
            429 | 500..=599 => Ok(Tried::Busy(status, retry_after)),
            _ => {
                // What it says is of use, and no more than that.
                let bytes = self
                    .all(&came, clock, MAX_REFUSAL_BYTES)
                    .unwrap_or_default();
                let text = match serde_json::from_slice(&bytes) {
                    Ok(value) => said(&value),
                    Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
                };
                Err(self.struck(LlmError::Refused { status, said: text }))
            }
        }
    }

    fn streamed(
        &self,
        came: &Receiver<Came>,
        clock: &mut Clock,
        each: &mut dyn FnMut(&str) -> Result<(), LlmError>,
    ) -> Result<(), LlmError> {
        let most = self.limits.max_tokens + self.limits.max_tokens / 4 + 16;
        let (mut decoder, mut n_bytes, mut pieces) = (Decoder::default(), 0usize, 0u32);
        let (mut finished, mut done) = (false, false);
        while !done {
            let next = self.next(came, clock)?;
            let mut take = |event: Event| {
                match event {
                    // What follows the end is not looked at.
                    _ if done => return Ok(()),
                    Event::Text(_) | Event::Thought | Event::Nothing => pieces += 1,
                    Event::Finished => finished = true,
                    Event::Done => done = true,
                }
                if pieces > most {
                    let asked = self.limits.max_tokens;
                    return Err(LlmError::TooLong { pieces, asked });
                }
                match event {
                    Event::Text(text) => {
                        clock.heard = Instant::now();
                        each(&text)
                    }
                    Event::Thought => {
                        clock.heard = Instant::now();
                        Ok(())
                    }
                    _ => Ok(()),
                }
            };
            let taken = if let Came::Bytes(bytes) = next {
                n_bytes += bytes.len();
                if n_bytes > self.limits.max_bytes {
                    let limit = self.limits.max_bytes;
                    return Err(LlmError::TooLarge { limit });
                }
                decoder.push(&bytes, &mut take)
            } else {
                let taken = decoder.finish(&mut take);
                if taken.is_ok() && !done && !finished {
                    return Err(LlmError::CutOff);
                }
                done = true;
                taken
            };
            taken.map_err(|error| self.struck(error))?;
        }
        Ok(())
    }

    /// All that comes, up to `limit` bytes.
    fn all(&self, came: &Receiver<Came>, clock: &Clock, limit: usize) -> Result<Vec<u8>, LlmError> {
        let mut all = Vec::new();
        while let Came::Bytes(bytes) = self.next(came, clock)? {
            all.extend(bytes);
            if all.len() > limit {
                return Err(LlmError::TooLarge { limit });
            }
        }
        Ok(all)
    }

    /// What comes next.
    fn next(&self, came: &Receiver<Came>, clock: &Clock) -> Result<Came, LlmError> {
        match came.recv_timeout(clock.left()?) {
            Ok(Came::Failed(error)) => Err(self.failed(&error, clock)),
            Ok(came) => Ok(came),
            Err(RecvTimeoutError::Timeout) => Err(clock.left().err().unwrap_or(LlmError::Silent {
                seconds: clock.silence.as_secs_f64(),
            })),
            Err(RecvTimeoutError::Disconnected) => Err(LlmError::CutOff),
        }
    }

    /// Sends `body` from a thread of its own, which gives up with the bounds of time at the latest.
    fn send(&self, body: String, wait: Duration) -> Receiver<Came> {
        let (sender, receiver) = sync_channel(4);
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(wait))
            .timeout_per_read(Some(self.limits.silence))
            .timeout_global(Some(self.limits.total))
            .user_agent(concat!("littoral/", env!("CARGO_PKG_VERSION")))
            .accept("text/event-stream, application/json");
        // No proxy stands between a machine and itself.
        let config = if self.is_loopback {
            config.proxy(None)
        } else {
            config
        };
        let agent = config.build().new_agent();
        let mut request = agent.post(&self.address).content_type("application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", key.header());
        }
        thread::spawn(move || {
            match request.send(body) {
                Ok(response) => {
                    let head = head(response.status().as_u16(), response.headers());
                    let body = response.into_body().into_reader();
                    let _ = sender.send(head).and_then(|()| hand_over(body, &sender));
                }
                // Whoever waited may be gone.
                Err(error) => drop(sender.send(Came::Failed(error))),
            }
        });
        receiver
    }

    fn failed(&self, error: &ureq::Error, clock: &Clock) -> LlmError {
        let host = self.host.clone();
        match error {
            ureq::Error::Timeout(_) => clock.left().err().unwrap_or(LlmError::Silent {
                seconds: clock.silence.as_secs_f64(),
            }),
            ureq::Error::Protocol(error) => LlmError::BadReply {
                reason: format!("it does not speak HTTP: {error}"),
            },
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                LlmError::CutOff
            }
            error => LlmError::Unreachable {
                host,
                reason: printable(&error.to_string()),
            },
        }
    }

    /// The error without the key, and without what a terminal would obey.
    fn struck(&self, error: LlmError) -> LlmError {
        let plain = |text: &str| -> String {
            let text = match &self.key {
                Some(key) => key.struck_from(text),
                None => text.to_owned(),
            };
            printable(&text).chars().take(REFUSAL_CHARS).collect()
        };
        match error {
            LlmError::Refused { status, said } => LlmError::Refused {
                status,
                said: plain(&said),
            },
            LlmError::BadReply { reason } => LlmError::BadReply {
                reason: plain(&reason),
            },
            error => error,
        }
    }
}

fn head(status: u16, headers: &HeaderMap) -> Came {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let content_type = value("content-type").unwrap_or_default();
    Came::Head {
        status,
        is_stream: content_type.contains("event-stream"),
        is_encoded: value("content-encoding").is_some_and(|encoding| encoding != "identity"),
        retry_after: value("retry-after")
            .and_then(|seconds| seconds.trim().parse().ok())
            .map(Duration::from_secs),
    }
}

/// Hands over what `body` gives until its end, or until nobody takes it.
fn hand_over(
    mut body: impl Read,
    sender: &SyncSender<Came>,
) -> Result<(), std::sync::mpsc::SendError<Came>> {
    let mut room = vec![0; 16 << 10];
    loop {
        match body.read(&mut room) {
            Ok(0) => return sender.send(Came::End),
            Ok(n) => sender.send(Came::Bytes(room[..n].to_vec()))?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return sender.send(Came::Failed(error.into())),
        }
    }
}
