//! Takes connections on loopback and answers them until it is told to stop.

use super::reply::{Reply, takes_brotli};
use super::site::Site;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::HOST;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Connections at a time; a browser opens six. Others wait.
const MAX_CONNECTIONS: usize = 64;

/// How long a connection may take to send the headers of a request, or keep silent between two.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// How long an answer may take to be written once the server is to stop.
const LAST_TIME: Duration = Duration::from_secs(1);

/// Bytes of a request's headers; a page of ours sends one kilobyte.
const MAX_HEADER_BYTES: usize = 16 << 10;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// The port is taken or forbidden.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Bind {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// Sockets, threads or signals are not to be had.
    #[error("cannot serve: {0}")]
    Io(#[from] io::Error),
}

impl ServerError {
    /// The stable kebab-case code of the error.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Bind { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                "address-in-use"
            }
            Self::Bind { .. } | Self::Io(_) => "not-served",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Bind { .. } => "name another port with --port, or 0 for any that is free",
            Self::Io(_) => "",
        }
    }
}

/// A socket that listens on loopback.
#[derive(Debug)]
pub(crate) struct Server {
    listener: std::net::TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens on `port` of 127.0.0.1; 0 for any port that is free.
    ///
    /// # Errors
    /// [`ServerError::Bind`] where the port is not to be had.
    pub(crate) fn bind(port: u16) -> Result<Self, ServerError> {
        let bound = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = bound.map_err(|source| ServerError::Bind { port, source })?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address of the front page.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Serves `site` until the program is interrupted or asked to end.
    ///
    /// # Errors
    /// [`ServerError::Io`] where sockets, threads or signals are not to be had.
    pub(crate) fn run_until_interrupted(self, site: Site) -> Result<(), ServerError> {
        self.run(site, interrupted)
    }

    /// Serves `site` until what `stop` makes is done.
    fn run<F: Future<Output = ()>>(
        self,
        site: Site,
        stop: impl FnOnce() -> io::Result<F>,
    ) -> Result<(), ServerError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let stop = stop()?;
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            tokio::pin!(stop);
            let names = Arc::new(names(self.address.port()));
            let site = Arc::new(site);
            let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
            let graceful = GracefulShutdown::new();
            loop {
                let next = async {
                    let place = Arc::clone(&places).acquire_owned().await;
                    (place, listener.accept().await)
                };
                let (place, accepted) = tokio::select! {
                    next = next => next,
                    () = &mut stop => break,
                };
                let Ok((stream, _)) = accepted else {
                    // Too many open files, or a connection that is gone already: not all at once.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let (site, names) = (Arc::clone(&site), Arc::clone(&names));
                let service = service_fn(move |request| {
                    answer(Arc::clone(&site), Arc::clone(&names), request)
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEADER_TIME)
                    .max_buf_size(MAX_HEADER_BYTES)
                    .serve_connection(TokioIo::new(stream), service);
                let connection = graceful.watch(connection);
                tokio::spawn(async move {
                    // A connection that breaks concerns nobody else.
                    let _ = connection.await;
                    drop(place);
                });
            }
            let _ = tokio::time::timeout(LAST_TIME, graceful.shutdown()).await;
            Ok(())
        })
    }
}

/// What a request may call this server: anything else is another site's name that was made to lead
/// here.
fn names(port: u16) -> Vec<String> {
    let hosts = ["127.0.0.1", "localhost", "[::1]"];
    hosts.map(|host| format!("{host}:{port}")).to_vec()
}

async fn answer(
    site: Arc<Site>,
    names: Arc<Vec<String>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_head = request.method() == Method::HEAD;
    let reply = if !is_named(&request, &names) {
        Reply::refusal(
            StatusCode::MISDIRECTED_REQUEST,
            "this server answers to localhost and 127.0.0.1 with its port",
        )
    } else if !is_head && request.method() != Method::GET {
        Reply::refusal(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only")
    } else {
        let path = request.uri().path().to_owned();
        let brotli = takes_brotli(request.headers());
        // Files are read beside the thread that holds the connections.
        tokio::task::spawn_blocking(move || site.answer(&path, brotli))
            .await
            .unwrap_or_else(|_| {
                Reply::refusal(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the file cannot be served",
                )
            })
    };
    Ok(reply.response(is_head))
}

/// Whether the one host that a request names, in its header and in its address, is this server.
fn is_named(request: &Request<Incoming>, names: &[String]) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let is_ours = |name: &str| names.iter().any(|ours| ours.eq_ignore_ascii_case(name));
    let authority = request.uri().authority();
    host.to_str().is_ok_and(is_ours)
        && authority.is_none_or(|authority| is_ours(authority.as_str()))
}

/// Done when the program is interrupted (Ctrl-C), or asked to end.
#[cfg(unix)]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Done when the program is interrupted (Ctrl-C).
#[cfg(windows)]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

#[cfg(test)]
mod tests;
