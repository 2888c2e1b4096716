//! What is sent, and the headers that go with it.

use super::body::Body;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// The id of a request: the caller's or ours.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// An answer before it is sent.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: Body,
}

/// What an answer's headers depend on beside it.
pub(super) struct Envelope<'a> {
    pub(super) id: &'a str,
    /// The origin whose pages may read the answer.
    pub(super) origin: Option<&'a str>,
    /// Whether the answer depends on the origin.
    pub(super) varies: bool,
    /// Methods of the route.
    pub(super) allow: &'static str,
    pub(super) is_preflight: bool,
    pub(super) is_head: bool,
    pub(super) retry_after: Option<Duration>,
}

impl Reply {
    /// A JSON object.
    pub(super) fn json(value: &Value) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: "application/json",
            body: Body::text(value.to_string()),
        }
    }

    /// A stream of events.
    pub(super) fn events(body: Body) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: "text/event-stream",
            body,
        }
    }

    /// Nothing, as an answer to what a browser asks beforehand.
    pub(super) fn nothing() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            content_type: "text/plain",
            body: Body::text(String::new()),
        }
    }

    /// Nothing, to a message that wants no answer.
    pub(super) fn accepted() -> Self {
        Self {
            status: StatusCode::ACCEPTED,
            ..Self::nothing()
        }
    }

    /// The response.
    pub(super) fn response(self, envelope: &Envelope<'_>) -> Response<Body> {
        let length = self.body.length();
        let body = if envelope.is_head {
            Body::text(String::new())
        } else {
            self.body
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let mut set = |name, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set(header::CONTENT_TYPE, self.content_type);
        set(header::CACHE_CONTROL, "no-store");
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(REQUEST_ID, envelope.id);
        if let Some(length) = length.filter(|_| self.status != StatusCode::NO_CONTENT) {
            set(header::CONTENT_LENGTH, &length.to_string());
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED || envelope.is_preflight {
            set(header::ALLOW, envelope.allow);
        }
        if let Some(after) = envelope.retry_after {
            let seconds = after.as_secs_f64().ceil().max(1.0);
            set(header::RETRY_AFTER, &seconds.to_string());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            set(header::WWW_AUTHENTICATE, "Bearer");
        }
        if envelope.varies {
            set(header::VARY, "origin");
        }
        if let Some(origin) = envelope.origin {
            set(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            set(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                "retry-after, x-request-id",
            );
            if envelope.is_preflight {
                set(header::ACCESS_CONTROL_ALLOW_METHODS, envelope.allow);
                set(
                    header::ACCESS_CONTROL_ALLOW_HEADERS,
                    "authorization, content-type, mcp-protocol-version",
                );
                set(header::ACCESS_CONTROL_MAX_AGE, "600");
            }
        }
        response
    }
}
