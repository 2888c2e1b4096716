//! Takes connections and hands their requests on, until it is told to stop.

use super::answer::Service;
use super::{Bounds, Keys, Tenants};
use crate::llm::Endpoint;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Bytes of a request's headers, and so of a query in its address.
const MAX_HEADER_BYTES: usize = 16 << 10;

/// How often folders are looked at for a new entry.
const FOLLOW: Duration = Duration::from_millis(500);

/// Connections that may wait to be taken, where the system lets so many: with the usual 128, one in a burst
/// is asked to come again in a second.
#[cfg(unix)]
const BACKLOG: i32 = 4_096;

/// Connections taken one after another, and the pause behind them: what others asked for on connections that
/// are there already goes on between.
const BURST: u32 = 16;
const PAUSE: Duration = Duration::from_millis(2);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// The address is taken or forbidden.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Everyone could read everything.
    #[error("{address} can be reached from other machines, and there are no keys")]
    Open {
        /// The address asked for.
        address: SocketAddr,
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
            Self::Open { .. } => "api-keys-required",
            Self::Bind { .. } | Self::Io(_) => "not-served",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Bind { .. } => "name another address with --addr; port 0 is any that is free",
            Self::Open { .. } => "name a file of keys with --api-keys, or listen on 127.0.0.1",
            Self::Io(_) => "",
        }
    }
}

/// A socket that listens.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens on `address`.
    ///
    /// # Errors
    /// [`ServerError`] where it is not to be had, or is open to other machines without keys.
    pub(crate) fn bind(address: SocketAddr, keys: &Keys) -> Result<Self, ServerError> {
        if !address.ip().is_loopback() && keys.is_empty() {
            return Err(ServerError::Open { address });
        }
        let bound = TcpListener::bind(address);
        let listener = bound.map_err(|source| ServerError::Bind { address, source })?;
        listener.set_nonblocking(true)?;
        #[cfg(unix)]
        rustix::net::listen(&listener, BACKLOG).map_err(io::Error::from)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address in which requests are made.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves `tenants` until the program is interrupted or asked to end; then lets those who were
    /// heard have their answers.
    ///
    /// # Errors
    /// [`ServerError::Io`] where sockets, threads or signals are not to be had.
    pub(crate) fn run(
        self,
        tenants: Tenants,
        keys: Keys,
        bounds: Bounds,
        gpu: String,
        writer: Option<Endpoint>,
    ) -> Result<(), ServerError> {
        raise_open_files();
        let names = keys.is_empty().then(|| names(self.address.port()));
        // One thread for the connections; engines run on those for blocking work.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(bounds.workers + 2)
            .build()?;
        runtime.block_on(async {
            let stop = interrupted()?;
            tokio::pin!(stop);
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let places = Arc::new(Semaphore::new(bounds.connections));
            let (header_time, drain_time) = (bounds.header_time, bounds.drain_time);
            let service = Arc::new(Service::new(tenants, keys, names, bounds, gpu, writer));
            let following = tokio::spawn(follow(Arc::clone(&service)));
            let graceful = GracefulShutdown::new();
            let (mut n_taken, mut burst) = (0u32, Instant::now());
            loop {
                if n_taken.is_multiple_of(BURST) {
                    tokio::time::sleep(PAUSE.saturating_sub(burst.elapsed())).await;
                    burst = Instant::now();
                }
                n_taken = n_taken.wrapping_add(1);
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
                // Answers are small: they go out as they are.
                let _ = stream.set_nodelay(true);
                let answering = Arc::clone(&service);
                let handler = service_fn(move |request| {
                    let service = Arc::clone(&answering);
                    async move { Ok::<_, Infallible>(service.answer(request).await) }
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(spread(header_time, n_taken))
                    .max_buf_size(MAX_HEADER_BYTES)
                    .serve_connection(TokioIo::new(stream), handler);
                let connection = graceful.watch(connection);
                let counted = Arc::clone(&service);
                counted.metrics.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    // A connection that breaks concerns nobody else.
                    let _ = connection.await;
                    counted.metrics.connections.fetch_sub(1, Ordering::Relaxed);
                    drop(place);
                });
            }
            following.abort();
            drop(listener);
            let _ = tokio::time::timeout(drain_time, graceful.shutdown()).await;
            Ok(())
        })
    }
}

/// `time`, less up to a fifth, another part for each connection: those that come at once and then say nothing
/// do not all go at once.
fn spread(time: Duration, number: u32) -> Duration {
    // Parts by the golden ratio lie far from each other, however many there are.
    let part = number.wrapping_mul(0x9E37_79B9) >> 16;
    time.saturating_sub(time / 5 * part / (1 << 16))
}

/// Opens indexes again whose folders change, one at a time.
async fn follow(service: Arc<Service>) {
    let mut ticks = tokio::time::interval(FOLLOW);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for tenant in service.tenants().all() {
            let tenant = Arc::clone(tenant);
            // A panic in one is no reason to look after the others no more.
            let _ = tokio::task::spawn_blocking(move || tenant.follow()).await;
        }
    }
}

/// What a request may call a server without keys: anything else is another site's name that was made
/// to lead here.
fn names(port: u16) -> Vec<String> {
    let hosts = ["127.0.0.1", "localhost", "[::1]"];
    hosts.map(|host| format!("{host}:{port}")).to_vec()
}

/// Lets the program have as many connections as the system allows it.
#[cfg(unix)]
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // With fewer, accepting waits.
    let _ = setrlimit(Resource::Nofile, limit);
}

#[cfg(not(unix))]
fn raise_open_files() {}

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
mod tests {
    use super::*;

    #[test]
    fn connections_that_come_at_once_have_their_time_and_do_not_end_at_once() {
        let time = Duration::from_secs(4);
        let mut ends: Vec<Duration> = (0..2_000).map(|n| spread(time, n)).collect();
        assert!(ends.iter().all(|end| *end <= time && *end >= time * 4 / 5));
        ends.sort();
        // 2,000 within 800 ms: 40 in any 10 ms would be one after another.
        let in_10_ms = |i: usize| ends[i + 40].saturating_sub(ends[i]);
        assert!((0..1_960).all(|i| in_10_ms(i) > Duration::from_millis(10)));
        assert_eq!(spread(Duration::ZERO, 7), Duration::ZERO);
    }
}
