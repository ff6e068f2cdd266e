//! A connection that comes back by itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_protocol::{EventFrame, HelloOk};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::backoff::{self, Backoff};
use crate::{Client, ClientError, ConnectOptions};

/// Where a [`ReconnectingClient`] stands.
#[derive(Debug, Clone)]
pub enum ConnectionState {
    /// It knocks; failures in a row so far.
    Connecting {
        /// Failures in a row.
        failures: u32,
    },
    /// It is in.
    Connected {
        /// What the gateway said.
        hello: Arc<HelloOk>,
    },
    /// It failed and tries again after a while.
    Waiting {
        /// Failures in a row.
        failures: u32,
        /// Until the next attempt.
        wait: Duration,
        /// Why it failed.
        error: Arc<ClientError>,
    },
    /// It failed for a reason that trying again cannot mend; [`ReconnectingClient::update`] or
    /// [`ReconnectingClient::retry_now`] starts it again.
    Paused {
        /// Why it failed.
        error: Arc<ClientError>,
    },
    /// It was told to stop.
    Stopped,
}

impl ConnectionState {
    /// Whether requests can be sent now.
    pub fn is_connected(&self) -> bool {
        matches!(self, Self::Connected { .. })
    }

    /// Why it is not connected, if that is known.
    pub fn error(&self) -> Option<&Arc<ClientError>> {
        match self {
            Self::Waiting { error, .. } | Self::Paused { error } => Some(error),
            _ => None,
        }
    }
}

/// A connection that comes back by itself. Clones share it; it ends with [`ReconnectingClient::stop`] or when the
/// last clone is dropped.
#[derive(Debug, Clone)]
pub struct ReconnectingClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    state: watch::Receiver<ConnectionState>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

#[derive(Debug)]
struct Shared {
    options: watch::Sender<ConnectOptions>,
    events: broadcast::Sender<Arc<EventFrame>>,
    current: Mutex<Option<Client>>,
    nudge: tokio::sync::Notify,
    stop: CancellationToken,
}

impl ReconnectingClient {
    /// Starts knocking.
    pub fn spawn(options: ConnectOptions, backoff: Backoff) -> Self {
        let (events, _) = broadcast::channel(options.event_buffer.clamp(16, 65_536));
        let (state_sender, state) = watch::channel(ConnectionState::Connecting { failures: 0 });
        let shared = Arc::new(Shared {
            options: watch::channel(options).0,
            events,
            current: Mutex::new(None),
            nudge: tokio::sync::Notify::new(),
            stop: CancellationToken::new(),
        });
        tokio::spawn(run(Arc::clone(&shared), state_sender, backoff));
        Self { inner: Arc::new(Inner { shared, state }) }
    }

    /// Where it stands, and every change.
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.inner.state.clone()
    }

    /// What it connects with, and every change.
    pub fn options(&self) -> watch::Receiver<ConnectOptions> {
        self.inner.shared.options.subscribe()
    }

    /// Events of this connection and all that follow it.
    pub fn events(&self) -> broadcast::Receiver<Arc<EventFrame>> {
        self.inner.shared.events.subscribe()
    }

    /// The connection, if there is one now.
    pub fn current(&self) -> Option<Client> {
        self.inner.shared.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks over the connection there is; fails at once when there is none.
    pub async fn request(&self, method: &str, params: impl Serialize) -> Result<Value, ClientError> {
        match self.current() {
            Some(client) => client.request(method, params).await,
            None => Err(self.not_connected()),
        }
    }

    /// Takes other options (a new address, a new secret) and connects with them.
    pub fn update(&self, options: ConnectOptions) {
        self.inner.shared.options.send_replace(options);
        if let Some(client) = self.inner.shared.current.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            tokio::spawn(async move { client.close().await });
        }
        self.retry_now();
    }

    /// Tries now instead of waiting.
    pub fn retry_now(&self) {
        self.inner.shared.nudge.notify_one();
    }

    /// Waits until it is connected.
    pub async fn connected(&self, patience: Duration) -> Result<Arc<HelloOk>, ClientError> {
        let mut state = self.state();
        let wait = state.wait_for(|state| {
            matches!(
                state,
                ConnectionState::Connected { .. } | ConnectionState::Paused { .. } | ConnectionState::Stopped
            )
        });
        match tokio::time::timeout(patience, wait).await {
            Ok(Ok(state)) => match &*state {
                ConnectionState::Connected { hello } => Ok(Arc::clone(hello)),
                ConnectionState::Paused { error } => Err(ClientError::clone(error)),
                _ => Err(self.not_connected()),
            },
            _ => Err(self.not_connected()),
        }
    }

    /// Says goodbye for good.
    pub async fn stop(&self) {
        self.inner.shared.stop.cancel();
        let mut state = self.state();
        let _ = state.wait_for(|state| matches!(state, ConnectionState::Stopped)).await;
    }

    fn not_connected(&self) -> ClientError {
        let url =
            self.inner.shared.options.borrow().url.parse().map_or_else(
                |_: ClientError| "the gateway".to_owned(),
                |url: crate::GatewayUrl| url.to_string(),
            );
        ClientError::NotConnected { url, last: self.inner.state.borrow().error().map(ToString::to_string) }
    }
}

async fn run(shared: Arc<Shared>, state: watch::Sender<ConnectionState>, backoff: Backoff) {
    let set_current = |client: Option<Client>| {
        *shared.current.lock().unwrap_or_else(PoisonError::into_inner) = client;
    };
    let mut failures = 0_u32;
    while !shared.stop.is_cancelled() {
        state.send_replace(ConnectionState::Connecting { failures });
        let options = shared.options.borrow().clone();
        let attempt = tokio::select! {
            attempt = Client::connect_onto(options, shared.events.clone()) => attempt,
            () = shared.stop.cancelled() => break,
        };
        let error = match attempt {
            Ok((client, hello)) => {
                failures = 0;
                set_current(Some(client.clone()));
                state.send_replace(ConnectionState::Connected { hello: Arc::new(hello) });
                let closed = tokio::select! {
                    closed = client.closed() => closed,
                    () = shared.stop.cancelled() => {
                        client.close().await;
                        break;
                    }
                };
                set_current(None);
                ClientError::Closed { url: client.url().to_owned(), closed }
            }
            Err(error) => error,
        };
        failures = failures.saturating_add(1);
        let error = Arc::new(error);
        if error.is_permanent() {
            state.send_replace(ConnectionState::Paused { error });
            tokio::select! {
                () = shared.nudge.notified() => {}
                () = shared.stop.cancelled() => break,
            }
            failures = 0;
            continue;
        }
        let wait = backoff.wait(failures, backoff::chance());
        state.send_replace(ConnectionState::Waiting { failures, wait, error });
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.nudge.notified() => {}
            () = shared.stop.cancelled() => break,
        }
    }
    set_current(None);
    state.send_replace(ConnectionState::Stopped);
}
