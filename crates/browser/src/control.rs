//! The control service: the seat on a port of loopback, for the command line and for programs of this computer.
//!
//! Everybody on this computer can reach it, web pages too. So: a token, compared in constant time; a `Host` that is
//! this service itself (no rebinding); nothing for anybody who comes with an `Origin`; limits of size, time and number.

mod access;
mod routes;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bulkhead_process::port;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::error::BrowserError;
use crate::seat::BrowserSeat;

const CONNECTIONS: usize = 32;
const HEADER_TIME: Duration = Duration::from_secs(10);

/// The control service of a seat, bound and not yet served.
#[derive(Debug)]
pub struct ControlService {
    listeners: Vec<TcpListener>,
    port: u16,
    seat: BrowserSeat,
}

impl ControlService {
    /// Binds the control port on 127.0.0.1, and on `::1` where there is one. A taken port is told with its holder.
    pub async fn bind(seat: BrowserSeat) -> Result<Self, BrowserError> {
        let wanted = seat.settings().control_port;
        let first = listen(Ipv4Addr::LOCALHOST.into(), wanted).await?;
        let port = first.local_addr().map_or(wanted, |address| address.port());
        let mut listeners = vec![first];
        match listen(Ipv6Addr::LOCALHOST.into(), port).await {
            Ok(second) => listeners.push(second),
            Err(taken @ BrowserError::PortTaken { .. }) => return Err(taken),
            Err(error) => tracing::debug!(%error, "the browser control service listens on 127.0.0.1 only"),
        }
        Ok(Self { listeners, port, seat })
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves until `stop`, then closes the seat: its browsers end.
    pub async fn serve(self, stop: CancellationToken) {
        let door = Arc::new(Door {
            router: routes::router(self.seat.clone(), self.port),
            places: Arc::new(Semaphore::new(CONNECTIONS)),
            connections: TaskTracker::new(),
            stop: stop.clone(),
        });
        tracing::info!(port = self.port, "the browser control service listens");
        futures::future::join_all(
            self.listeners.into_iter().map(|listener| Arc::clone(&door).accept_all(listener)),
        )
        .await;
        door.connections.close();
        self.seat.close().await;
        door.connections.wait().await;
    }
}

async fn listen(address: IpAddr, port: u16) -> Result<TcpListener, BrowserError> {
    let bound = TcpListener::bind(SocketAddr::new(address, port)).await;
    bound.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => BrowserError::PortTaken {
            what: "browser control service".to_owned(),
            port,
            holder: port::holder(port)
                .map_or_else(|| "another program".to_owned(), |holder| holder.to_string()),
            next: "end that program, or set browser.controlPort; everything but the browser works without it",
        },
        _ => BrowserError::file(
            "listen on the browser control port",
            SocketAddr::new(address, port).to_string(),
        )(error),
    })
}

struct Door {
    router: Router,
    places: Arc<Semaphore>,
    connections: TaskTracker,
    stop: CancellationToken,
}

impl Door {
    async fn accept_all(self: Arc<Self>, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                // Out of file descriptors, or a connection that ended while it waited: go on soon.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                self.serve_one(stream, place);
            }
        }
    }

    fn serve_one(&self, stream: TcpStream, place: OwnedSemaphorePermit) {
        let router = self.router.clone();
        let service = service_fn(move |request: http::Request<Incoming>| {
            router.clone().oneshot(request.map(axum::body::Body::new))
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .max_buf_size(64 * 1024)
            .max_headers(64)
            .keep_alive(true);
        let stop = self.stop.clone();
        self.connections.spawn(async move {
            let connection = http.serve_connection(TokioIo::new(stream), service);
            let mut connection = std::pin::pin!(connection);
            let outcome = tokio::select! {
                outcome = connection.as_mut() => outcome,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = outcome {
                tracing::trace!(%error, "a connection to the browser control service ended early");
            }
            drop(place);
        });
    }
}
