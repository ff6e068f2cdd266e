//! Ports: binding them, accepting from them, and closing them again.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::encryption::{Encryption, Entered};
use crate::error::ServerError;
use crate::http::guard::Peer;
use crate::serve::Shared;

/// Where to listen.
#[derive(Debug, Clone)]
pub struct BindOptions {
    /// Addresses to listen on. The first has to work; a further one whose address family this machine does not
    /// have is left out.
    pub addrs: Vec<SocketAddr>,
}

impl BindOptions {
    /// 127.0.0.1 and, where there is IPv6, `::1`. Port 0 takes a free one, the same for both.
    pub fn loopback(port: u16) -> Self {
        Self {
            addrs: vec![
                SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
                SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port),
            ],
        }
    }
}

/// Entry point of the crate.
#[derive(Debug, Clone, Copy)]
pub struct Server;

impl Server {
    /// Takes the ports. Nothing is served before [`Bound::serve`]; clients that come earlier wait.
    // Async because it needs the runtime that it registers its sockets with.
    #[allow(clippy::unused_async)]
    pub async fn bind(options: BindOptions) -> Result<Bound, ServerError> {
        let any_port = options.addrs.first().is_some_and(|addr| addr.port() == 0);
        let mut tries = 0;
        loop {
            match bind_all(&options.addrs) {
                // The port that was free for one address need not be free for the next.
                Err(ServerError::PortTaken { .. }) if any_port && tries < 16 => tries += 1,
                outcome => return outcome,
            }
        }
    }
}

fn bind_all(wanted: &[SocketAddr]) -> Result<Bound, ServerError> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut addrs: Vec<SocketAddr> = Vec::new();
    for mut addr in wanted.iter().copied() {
        if addr.port() == 0
            && let Some(first) = addrs.first()
        {
            addr.set_port(first.port());
        }
        let bound = listen(addr).and_then(|listener| Ok((listener.local_addr()?, listener)));
        match bound {
            Ok((local, listener)) => {
                addrs.push(local);
                listeners.push(listener);
            }
            Err(error) if !addrs.is_empty() && is_missing(&error) => {
                tracing::debug!(%addr, "this machine does not have the address; left out");
            }
            Err(error) => {
                return Err(match error.kind() {
                    ErrorKind::AddrInUse => ServerError::PortTaken { addr },
                    ErrorKind::PermissionDenied => ServerError::PortForbidden { addr },
                    _ => ServerError::Listen { addr, source: error },
                });
            }
        }
    }
    if listeners.is_empty() {
        let tried = wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Err(ServerError::NoAddress { tried });
    }
    Ok(Bound { listeners, addrs, tls: None })
}

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

fn listen(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A port of which old connections are still winding down is free.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    // IPv4 has its own listener.
    #[cfg(unix)]
    if addr.is_ipv6() {
        rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
    }
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Whether this machine does not have an address or its family.
fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported) || is_missing_family(error)
}

/// `EAFNOSUPPORT` has no [`ErrorKind`] of its own.
fn is_missing_family(error: &std::io::Error) -> bool {
    let code = error.raw_os_error();
    match std::env::consts::OS {
        "linux" | "android" => code == Some(97),
        "windows" => code == Some(10047),
        _ => code == Some(47),
    }
}

/// Ports that are taken and not yet served.
#[derive(Debug)]
pub struct Bound {
    listeners: Vec<TcpListener>,
    addrs: Vec<SocketAddr>,
    tls: Option<Encryption>,
}

impl Bound {
    /// The addresses that are listened on.
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// The port, the same for all addresses unless they were given otherwise.
    pub fn port(&self) -> u16 {
        self.addrs.first().map_or(0, SocketAddr::port)
    }

    /// Asks for TLS from everybody who does not come from this machine; programs on this machine may use it too.
    #[must_use]
    pub fn with_tls(mut self, config: Arc<ServerConfig>) -> Self {
        self.tls = Some(Encryption::new(config));
        self
    }

    /// Begins to accept.
    pub(crate) fn open(self, shared: &Arc<Shared>, router: &axum::Router) -> Doors {
        let stop = CancellationToken::new();
        let connections = TaskTracker::new();
        let places = Arc::new(Semaphore::new(shared.limits.connections));
        let accepting = TaskTracker::new();
        for listener in self.listeners {
            let door = Door {
                shared: Arc::clone(shared),
                router: router.clone(),
                places: Arc::clone(&places),
                tls: self.tls.clone(),
                connections: connections.clone(),
                stop: stop.clone(),
            };
            accepting.spawn(door.accept_all(listener));
        }
        accepting.close();
        connections.close();
        Doors { stop, accepting, connections }
    }
}

/// All accept loops and the HTTP connections behind them.
pub(crate) struct Doors {
    stop: CancellationToken,
    accepting: TaskTracker,
    connections: TaskTracker,
}

impl Doors {
    /// No new connections; kept-alive HTTP connections end after the request that they are in.
    pub(crate) fn close(&self) {
        self.stop.cancel();
    }

    /// Waits for accept loops and HTTP connections to end.
    pub(crate) async fn finish(self, patience: Duration) {
        self.accepting.wait().await;
        if tokio::time::timeout(patience, self.connections.wait()).await.is_err() {
            tracing::warn!(open = self.connections.len(), "HTTP connections did not end in time");
        }
    }
}

struct Door {
    shared: Arc<Shared>,
    router: axum::Router,
    places: Arc<Semaphore>,
    tls: Option<Encryption>,
    connections: TaskTracker,
    stop: CancellationToken,
}

impl Door {
    async fn accept_all(self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, remote) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or a connection that ended while it waited: go on soon.
                    tracing::debug!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                tracing::warn!(%remote, limit = self.shared.limits.connections, "too many connections; one was refused");
                continue;
            };
            self.serve_one(stream, remote, place);
        }
    }

    fn serve_one(&self, stream: TcpStream, remote: SocketAddr, place: OwnedSemaphorePermit) {
        // Small frames must not wait for more.
        let _ = stream.set_nodelay(true);
        let Ok(local) = stream.local_addr() else { return };
        let router = self.router.clone();
        let stop = self.stop.clone();
        let patience = self.shared.limits.header_timeout;
        let Some(tls) = self.tls.clone() else {
            let peer = Peer::new(remote, local, false, place);
            self.connections.spawn(converse(stream, peer, router, patience, stop));
            return;
        };
        self.connections.spawn(async move {
            let entered = tokio::select! {
                entered = tls.enter(stream, remote, patience) => entered,
                () = stop.cancelled() => return,
            };
            match entered {
                Ok(Entered::Encrypted(stream)) => {
                    let peer = Peer::new(remote, local, true, place);
                    converse(stream, peer, router, patience, stop).await;
                }
                Ok(Entered::Plain(stream)) => {
                    let peer = Peer::new(remote, local, false, place);
                    converse(stream, peer, router, patience, stop).await;
                }
                Err(error) => tracing::debug!(%remote, %error, "a connection was not encrypted"),
            }
        });
    }
}

/// One HTTP connection to its end; an upgraded one goes on by itself.
async fn converse<S>(
    stream: S,
    peer: Peer,
    router: axum::Router,
    header_timeout: Duration,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(64 * 1024)
        .max_headers(100)
        .keep_alive(true);
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::trace!(%error, "an HTTP connection ended early");
    }
}
