//! From a request to its answer: who asks, what, whether there is room, and what is said when not.
#![expect(
    clippy::print_stderr,
    reason = "the log of a server is its standard error"
)]

use super::api::{Done, Job};
use super::body::Body;
use super::gate::{Gate, Rate};
use super::keys::{Access, Keys};
use super::metrics::Metrics;
use super::refusal::Refusal;
use super::reply::{Envelope, REQUEST_ID, Reply};
use super::tenant::{Tenant, Tenants};
use super::{Bounds, OPENAPI};
use crate::llm::Endpoint;
use crate::mcp;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap};
use hyper::{Method, Request, Response, StatusCode};
use littoral_api::{MAX_BODY_BYTES, MAX_TEXTS_BYTES, request};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;

/// All that answers need.
pub(super) struct Service {
    pub(super) tenants: Tenants,
    rates: Vec<Rate>,
    pub(super) keys: Keys,
    /// Names by which a server without keys may be called: a page of another site cannot make a
    /// browser say them.
    names: Option<Vec<String>>,
    pub(super) bounds: Bounds,
    pub(super) gate: Gate,
    pub(super) gpu: String,
    /// The model that writes answers.
    pub(super) writer: Option<Endpoint>,
    /// Places of answers that are being written.
    pub(super) writers: Arc<Semaphore>,
    pub(super) metrics: Metrics,
    ids: AtomicU64,
    started: u64,
}

impl Service {
    pub(super) fn new(
        tenants: Tenants,
        keys: Keys,
        names: Option<Vec<String>>,
        bounds: Bounds,
        gpu: String,
        writer: Option<Endpoint>,
    ) -> Self {
        let now = Instant::now();
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            rates: tenants
                .all()
                .iter()
                .map(|_| Rate::new(bounds.rate, now))
                .collect(),
            gate: Gate::new(bounds.workers, bounds.queue, bounds.wait_time),
            writers: Arc::new(Semaphore::new(bounds.writers)),
            writer,
            tenants,
            keys,
            names,
            bounds,
            gpu,
            metrics: Metrics::default(),
            ids: AtomicU64::new(0),
            started: since.map_or(0, |since| since.as_millis() as u64),
        }
    }

    /// The indexes.
    pub(super) fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    /// Answers a request.
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let start = Instant::now();
        let metrics = &self.metrics;
        let in_flight = metrics.enter();
        let id = self.request_id(request.headers());
        let origin = self.allowed_origin(request.headers());
        let route = route(request.uri().path());
        let is_preflight = request.method() == Method::OPTIONS;
        let allow = if wants_post(route) {
            "POST, OPTIONS"
        } else {
            "GET, HEAD, OPTIONS"
        };
        let is_head = request.method() == Method::HEAD;
        let result = if is_preflight && route != "other" {
            Ok(Reply::nothing())
        } else {
            Arc::clone(&self).reply(request, route, &id).await
        };
        let (reply, retry_after) = match result {
            Ok(reply) => (reply, None),
            Err(refusal) => (self.refused(&refusal, &id), refusal.retry_after),
        };
        metrics.answered(route, reply.status.as_u16(), start.elapsed());
        drop(in_flight);

        let envelope = Envelope {
            id: &id,
            origin: origin.as_deref(),
            varies: !self.bounds.origins.is_empty(),
            allow,
            is_preflight,
            is_head,
            retry_after,
        };
        reply.response(&envelope)
    }

    async fn reply(
        self: Arc<Self>,
        request: Request<Incoming>,
        route: &'static str,
        id: &str,
    ) -> Result<Reply, Refusal> {
        self.named(&request)?;
        let (parts, incoming) = request.into_parts();
        let path = parts.uri.path();
        let is_get = matches!(parts.method, Method::GET | Method::HEAD);
        let is_post = parts.method == Method::POST;
        let wants_post = wants_post(route);
        if route == "other" {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "no-such-route",
                "there is nothing here",
                "GET /openapi.json says what there is",
            ));
        }
        let fits = if wants_post { is_post } else { is_get };
        if !fits {
            return Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "this is asked with another method",
                "the header Allow names it",
            ));
        }
        let authorization = parts.headers.get(header::AUTHORIZATION);
        let authorization = authorization.and_then(|value| value.to_str().ok());
        let access = self.keys.access(authorization);
        match route {
            "openapi" => {
                return Ok(Reply {
                    status: StatusCode::OK,
                    content_type: "application/json",
                    body: Body::text(OPENAPI.to_owned()),
                });
            }
            "healthz" => return Ok(Reply::json(&self.health(access.as_ref()))),
            _ => {}
        }
        let Some(access) = access else {
            return Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "this needs a key",
                "send the header Authorization: Bearer KEY",
            ));
        };
        if route == "metrics" {
            return self.metrics_for(&access);
        }
        let job = if wants_post {
            let limit = if matches!(route, "embeddings" | "rerank") {
                MAX_TEXTS_BYTES
            } else {
                MAX_BODY_BYTES
            };
            if route == "mcp" {
                self.may_speak_mcp(&parts.headers)?;
            }
            let bytes = self.body(&parts.headers, incoming, limit).await?;
            match Job::read(path, &bytes) {
                Ok(job) => job,
                Err(answer) => return answer,
            }
        } else {
            Job::Search(request::search(parts.uri.query().unwrap_or_default())?)
        };
        let tenant = self.tenant(&job, &access)?;
        let Some(place) = self.gate.enter().await else {
            return Err(Refusal::later(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "too many requests wait already",
                Duration::from_secs(1),
            ));
        };
        let service = Arc::clone(&self);
        let asked = tenant.clone();
        let done = tokio::task::spawn_blocking(move || {
            let for_chat = service.writer.is_some();
            let done = job.run(&service.tenants, &access, asked.as_ref(), for_chat);
            drop(place);
            done
        });
        match done.await {
            Ok(Ok(Done::Reply(reply))) => Ok(reply),
            Ok(Ok(Done::Chat(found))) => self.chat(*found, id).await,
            Ok(Err(refusal)) => Err(refusal),
            Err(error) => {
                // What a panic left half done is not used again.
                if let Some(tenant) = tenant {
                    tokio::task::spawn_blocking(move || tenant.reopen());
                }
                Err(Refusal::internal(format!("a worker ended: {error}")))
            }
        }
    }

    /// Refuses requests that call a server without keys by a name that is not its own.
    fn named(&self, request: &Request<Incoming>) -> Result<(), Refusal> {
        let Some(names) = &self.names else {
            return Ok(());
        };
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let is_ours = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host
                .to_str()
                .is_ok_and(|host| names.iter().any(|name| name.eq_ignore_ascii_case(host))),
            _ => false,
        };
        if is_ours {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "misdirected",
            "this server answers to localhost and 127.0.0.1 with its port",
            "give it keys with --api-keys to call it by another name",
        ))
    }

    /// Refuses the Model Context Protocol to pages of other sites and in revisions that are not spoken.
    fn may_speak_mcp(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if headers.contains_key(header::ORIGIN) && self.allowed_origin(headers).is_none() {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "forbidden-origin",
                "pages of this origin may not ask",
                "the server allows an origin with --cors ORIGIN",
            ));
        }
        let version = headers.get("mcp-protocol-version");
        let is_spoken = version.is_none_or(|version| {
            let version = version.to_str().unwrap_or_default();
            mcp::VERSIONS.contains(&version)
        });
        if is_spoken {
            return Ok(());
        }
        Err(Refusal::bad(format!(
            "MCP-Protocol-Version may be {}",
            mcp::VERSIONS.join(", ")
        )))
    }

    /// The index that is asked, within its rate.
    fn tenant(&self, job: &Job, access: &Access) -> Result<Option<Arc<Tenant>>, Refusal> {
        if !job.asks_index() {
            return Ok(None);
        }
        // One that may not be read is not there.
        let tenant = if job.finds_index() {
            // As the job will find it, so that its rate is the one that counts.
            let readable = self.tenants.readable(|name| access.allows(name));
            readable.named(job.index())
        } else {
            let named = self.tenants.named(job.index());
            named.filter(|tenant| access.allows(tenant.name()))
        };
        let Some(tenant) = tenant else {
            if job.finds_index() {
                return Ok(None);
            }
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "unknown-index",
                match job.index() {
                    Some(_) => "there is no such index",
                    None => "there are several indexes, and none is named",
                },
                "name one with index; GET /healthz lists them",
            ));
        };
        let tenants = self.tenants.all();
        let i = tenants.iter().position(|other| Arc::ptr_eq(other, tenant));
        if let Some(rate) = i.and_then(|i| self.rates.get(i))
            && let Err(after) = rate.take(Instant::now())
        {
            return Err(Refusal::later(
                StatusCode::TOO_MANY_REQUESTS,
                "rate-limited",
                "this index is asked more often than it may be",
                after,
            ));
        }
        Ok(Some(Arc::clone(tenant)))
    }

    /// The body of a request, when it is small and comes in time.
    async fn body(
        &self,
        headers: &HeaderMap,
        incoming: Incoming,
        limit: usize,
    ) -> Result<Bytes, Refusal> {
        let too_large = || {
            Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                format!("the body is larger than {limit} bytes"),
                "send less at a time",
            )
        };
        let declared = headers.get(header::CONTENT_LENGTH);
        let declared = declared.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if declared.is_some_and(|bytes| bytes > limit as u64) {
            return Err(too_large());
        }
        let collected = Limited::new(incoming, limit).collect();
        match tokio::time::timeout(self.bounds.body_time, collected).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(Refusal::bad("the body ended before its end")),
            Err(_) => Err(Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                "too-slow",
                "the body took too long",
                "send it faster",
            )),
        }
    }

    /// The caller's id of a request where it is plain, else one of ours.
    fn request_id(&self, headers: &HeaderMap) -> String {
        let given = headers
            .get(REQUEST_ID)
            .and_then(|value| value.to_str().ok());
        let is_plain = |id: &&str| {
            (1..=64).contains(&id.len())
                && id
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        given.filter(is_plain).map_or_else(
            || {
                let n = self.ids.fetch_add(1, Ordering::Relaxed);
                format!("{:x}-{n:x}", self.started)
            },
            str::to_owned,
        )
    }

    /// The origin that may read the answer.
    fn allowed_origin(&self, headers: &HeaderMap) -> Option<String> {
        let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
        let allowed = |own: &String| own == "*" || own == origin;
        let allowed = self.bounds.origins.iter().any(allowed);
        allowed.then(|| origin.to_owned())
    }

    fn refused(&self, refusal: &Refusal, id: &str) -> Reply {
        self.metrics.refused(refusal.code);
        if let Some(detail) = &refusal.detail {
            eprintln!("{id}: {}: {detail}", refusal.code);
        }
        let error = json!({"error": {
            "code": refusal.code,
            "message": refusal.message,
            "hint": refusal.hint,
            "request_id": id,
        }});
        Reply {
            status: refusal.status,
            ..Reply::json(&error)
        }
    }
}

/// Whether a route is asked with a body.
fn wants_post(route: &str) -> bool {
    matches!(route, "context" | "chat" | "embeddings" | "rerank" | "mcp")
}

/// The route of a path, as it is counted.
fn route(path: &str) -> &'static str {
    match path {
        "/search" => "search",
        "/v1/context" => "context",
        "/v1/chat/completions" => "chat",
        "/v1/embeddings" => "embeddings",
        "/v1/rerank" => "rerank",
        "/mcp" => "mcp",
        "/healthz" => "healthz",
        "/metrics" => "metrics",
        "/openapi.json" => "openapi",
        _ => "other",
    }
}
