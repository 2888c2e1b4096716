//! Answers and the headers that go with each.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// The content type of a page.
pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// The content type of style sheets.
pub(super) const CSS: &str = "text/css; charset=utf-8";

/// What a page may do: run its own scripts and WebAssembly, read its own files, and nothing that
/// parses HTML or runs text.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     connect-src 'self'; img-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=()",
    ),
];

/// An answer before it is sent.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
    /// The body is compressed with brotli.
    pub(super) is_brotli: bool,
    /// The file never changes under its name.
    pub(super) is_immutable: bool,
    /// It is somebody's own page, which may do what it does elsewhere.
    pub(super) is_theirs: bool,
    /// Where it is instead.
    pub(super) location: Option<HeaderValue>,
}

impl Reply {
    /// A page, or another text that is made for this answer.
    pub(super) fn page(content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type,
            body,
            is_brotli: false,
            is_immutable: false,
            is_theirs: false,
            location: None,
        }
    }

    /// An answer that leads to `path`; `None` where that cannot stand in a header.
    pub(super) fn elsewhere(path: &str) -> Option<Self> {
        Some(Self {
            status: StatusCode::TEMPORARY_REDIRECT,
            location: Some(HeaderValue::from_str(path).ok()?),
            ..Self::page("text/plain; charset=utf-8", Vec::new())
        })
    }

    /// An answer that says what is wrong.
    pub(super) fn refusal(status: StatusCode, message: &str) -> Self {
        Self {
            status,
            ..Self::page("text/plain; charset=utf-8", format!("{message}\n").into())
        }
    }

    /// The response; without its body where only the headers are asked for.
    pub(super) fn response(self, is_head: bool) -> Response<Full<Bytes>> {
        let n_bytes = self.body.len();
        let body = if is_head {
            Bytes::new()
        } else {
            self.body.into()
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        for (name, value) in HEADERS {
            if self.is_theirs && name == header::CONTENT_SECURITY_POLICY {
                continue;
            }
            headers.insert(name, HeaderValue::from_static(value));
        }
        let mut set = |name, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        set(header::CONTENT_TYPE, self.content_type);
        set(header::VARY, "accept-encoding");
        set(
            header::CACHE_CONTROL,
            if self.is_immutable {
                "public, max-age=31536000, immutable"
            } else {
                "no-cache"
            },
        );
        if self.is_brotli {
            set(header::CONTENT_ENCODING, "br");
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            set(header::ALLOW, "GET, HEAD");
        }
        if let Some(location) = self.location {
            headers.insert(header::LOCATION, location);
        }
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(n_bytes));
        response
    }
}

/// Whether a browser takes brotli.
pub(super) fn takes_brotli(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = weight.replace(' ', "");
            name.trim().eq_ignore_ascii_case("br") && !matches!(&*weight, "q=0" | "q=0.0")
        })
}

/// The content type of a file by its name's end.
pub(super) fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html" | "htm") => HTML,
        Some("css") => CSS,
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("avif") => "image/avif",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        Some("xml") => "application/xml",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}
