//! The component: WASI-HTTP on one side, the service on the other.
#![expect(
    clippy::print_stderr,
    reason = "the log of a component is its standard error"
)]

use crate::service::{Request, Service, body_limit};
use std::env;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::StreamError;

/// Where the host lends the folder of the index, unless `LITTORAL_INDEX` says otherwise.
const FOLDER: &str = "/index";

struct Component;

wasip2::http::proxy::export!(Component);

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let folder = env::var("LITTORAL_INDEX").unwrap_or_else(|_| FOLDER.to_owned());
        let name = env::var("LITTORAL_NAME").unwrap_or_else(|_| "index".to_owned());
        let headers = request.headers();
        let method = method(&request.method());
        let address = request.path_with_query().unwrap_or_default();
        let (path, query) = address.split_once('?').unwrap_or((&address, ""));
        let given = header(&headers, "x-request-id").filter(|id| is_id(id));
        let id =
            given.unwrap_or_else(|| format!("{:016x}", wasip2::random::random::get_random_u64()));
        let body = read(&request, body_limit(path));
        let response = Service::new(folder, name).answer(&Request {
            method: &method,
            path,
            query,
            id: &id,
            body: &body,
        });
        if let Some(detail) = &response.detail {
            eprintln!("{detail}");
        }

        let fields = Fields::new();
        let set = |name: &str, value: &str| {
            // A host may keep a header for itself.
            let _ = fields.set(name, &[value.as_bytes().to_vec()]);
        };
        set("content-type", response.content_type);
        set("cache-control", "no-store");
        set("x-content-type-options", "nosniff");
        set("x-request-id", &id);
        let is_preflight = method == "OPTIONS";
        if response.status.as_u16() == 405 || is_preflight {
            set("allow", response.allow);
        }
        if response.status.as_u16() == 503 {
            set("retry-after", "1");
        }
        let origins = env::var("LITTORAL_CORS").unwrap_or_default();
        if !origins.is_empty() {
            set("vary", "origin");
        }
        let origin = header(&headers, "origin");
        let allows = |origin: &String| origins.split_whitespace().any(|o| o == "*" || o == origin);
        if let Some(origin) = origin.filter(allows) {
            set("access-control-allow-origin", &origin);
            set("access-control-expose-headers", "retry-after, x-request-id");
            if is_preflight {
                set("access-control-allow-methods", response.allow);
                set(
                    "access-control-allow-headers",
                    "authorization, content-type",
                );
                set("access-control-max-age", "600");
            }
        }
        let is_head = method == "HEAD";
        let answer = OutgoingResponse::new(fields);
        // The statuses of the API are legal.
        let _ = answer.set_status_code(response.status.as_u16());
        let Ok(outgoing) = answer.body() else {
            return;
        };
        ResponseOutparam::set(out, Ok(answer));
        if !is_head && let Ok(stream) = outgoing.write() {
            // A caller that has gone away has what it wanted.
            for part in response.body.chunks(4096) {
                if stream.blocking_write_and_flush(part).is_err() {
                    break;
                }
            }
        }
        let _ = OutgoingBody::finish(outgoing, None);
    }
}

fn method(method: &Method) -> String {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Options => "OPTIONS",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(other) => other,
    }
    .to_owned()
}

fn header(headers: &Fields, name: &str) -> Option<String> {
    let value = headers.get(name).into_iter().next()?;
    String::from_utf8(value).ok()
}

/// Whether a caller's id may stand in a log.
fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// What a request carries, at most `limit` bytes and one more.
fn read(request: &IncomingRequest, limit: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Ok(body) = request.consume() else {
        return bytes;
    };
    if let Ok(stream) = body.stream() {
        while bytes.len() <= limit {
            let left = (limit + 1 - bytes.len()) as u64;
            match stream.blocking_read(left) {
                Ok(part) => bytes.extend_from_slice(&part),
                Err(StreamError::Closed | StreamError::LastOperationFailed(_)) => break,
            }
        }
    }
    bytes
}
