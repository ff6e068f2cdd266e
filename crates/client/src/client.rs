//! A connection to a gateway.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_protocol::{EventFrame, HelloOk, RequestFrame, ResponseFrame, limits};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::error::Closed;
use crate::pending::{self, Pending, Place, Turned};
use crate::socket::{self, Shared};
use crate::{ClientError, ConnectOptions, GatewayUrl, handshake};

/// Requests that may wait to be written.
const QUEUE: usize = 64;

/// An admitted connection. Clones share it; it ends when the last one is dropped or [`Client::close`] is called.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    url: String,
    patience: Duration,
    queue: mpsc::Sender<String>,
    closed: watch::Receiver<Option<Closed>>,
    shared: Arc<Shared>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl Client {
    /// Connects and authenticates. Events that come right after `hello-ok` wait for [`Client::events`] only if it is
    /// called before they come; to miss none, use [`Client::connect_with_events`].
    pub async fn connect(options: ConnectOptions) -> Result<(Self, HelloOk), ClientError> {
        let (client, hello, _) = Self::connect_with_events(options).await?;
        Ok((client, hello))
    }

    /// Connects and authenticates; the receiver sees every event from `hello-ok` on.
    pub async fn connect_with_events(
        options: ConnectOptions,
    ) -> Result<(Self, HelloOk, broadcast::Receiver<Arc<EventFrame>>), ClientError> {
        let (events, _) = broadcast::channel(options.event_buffer.clamp(16, 65_536));
        let receiver = events.subscribe();
        let (client, hello) = Self::connect_onto(options, events).await?;
        Ok((client, hello, receiver))
    }

    /// Connects and sends events into a channel that may outlive the connection.
    pub(crate) async fn connect_onto(
        options: ConnectOptions,
        events: broadcast::Sender<Arc<EventFrame>>,
    ) -> Result<(Self, HelloOk), ClientError> {
        let url: GatewayUrl = options.url.parse()?;
        let (socket, hello) = handshake::connect(&url, &options).await?;
        let (closed, closed_receiver) = watch::channel(None);
        let (queue, queue_receiver) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            pending: Arc::new(Pending::default()),
            events,
            closed,
            stop: CancellationToken::new(),
        });
        let silence =
            options.timeouts.silence + Duration::from_millis(hello.policy.tick_interval_ms.min(600_000));
        socket::run(socket, &shared, queue_receiver, silence);
        let inner = Inner {
            url: url.to_string(),
            patience: options.timeouts.request,
            queue,
            closed: closed_receiver,
            shared,
        };
        tracing::debug!(url = %inner.url, version = %hello.server.version, "connected to a gateway");
        Ok((Self { inner: Arc::new(inner) }, hello))
    }

    /// Where it is connected to, without secrets.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Events from now on. A receiver that falls behind misses the oldest and is told how many.
    pub fn events(&self) -> broadcast::Receiver<Arc<EventFrame>> {
        self.inner.shared.events.subscribe()
    }

    /// Asks and waits for the first answer. `()` means no parameters.
    pub async fn request(&self, method: &str, params: impl Serialize) -> Result<Value, ClientError> {
        self.request_within(method, params, self.inner.patience).await
    }

    /// Asks with other patience.
    pub async fn request_within(
        &self,
        method: &str,
        params: impl Serialize,
        patience: Duration,
    ) -> Result<Value, ClientError> {
        let raw = self.request_raw(method, params, patience).await?;
        serde_json::from_str(raw.get()).map_err(|error| self.bad_answer(method, &error))
    }

    /// Asks and leaves the answer as it came.
    pub async fn request_raw(
        &self,
        method: &str,
        params: impl Serialize,
        patience: Duration,
    ) -> Result<Box<RawValue>, ClientError> {
        let deadline = Instant::now() + patience;
        let mut place = self.send(method, &params, false, deadline, patience).await?;
        let frame = self.next(method, &mut place, deadline, patience).await?;
        self.outcome(method, frame)
    }

    /// Asks and reads the answer into a type.
    pub async fn call<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        params: impl Serialize,
    ) -> Result<T, ClientError> {
        let raw = self.request_raw(method, params, self.inner.patience).await?;
        serde_json::from_str(raw.get()).map_err(|error| self.bad_answer(method, &error))
    }

    /// Asks for something that is answered twice: `accepted` first, the result at the end.
    pub async fn request_streamed(
        &self,
        method: &str,
        params: impl Serialize,
        patience: Duration,
    ) -> Result<Streamed, ClientError> {
        let deadline = Instant::now() + patience;
        let place = self.send(method, &params, true, deadline, patience).await?;
        Ok(Streamed {
            client: self.clone(),
            method: method.to_owned(),
            place,
            deadline,
            patience,
            over: false,
        })
    }

    /// Resolves when the connection is over.
    pub async fn closed(&self) -> Closed {
        let mut closed = self.inner.closed.clone();
        match closed.wait_for(Option::is_some).await {
            Ok(closed) => closed.clone().unwrap_or_else(gone),
            Err(_) => gone(),
        }
    }

    /// How the connection ended, if it did.
    pub fn closed_now(&self) -> Option<Closed> {
        self.inner.closed.borrow().clone()
    }

    /// Says goodbye and waits until the socket is closed.
    pub async fn close(&self) {
        self.inner.shared.stop.cancel();
        self.closed().await;
    }

    async fn send(
        &self,
        method: &str,
        params: &impl Serialize,
        two_phase: bool,
        deadline: Instant,
        patience: Duration,
    ) -> Result<Place, ClientError> {
        let unsendable = |problem: String| ClientError::Unsendable { method: method.to_owned(), problem };
        let raw = to_raw_value(params).map_err(|error| unsendable(error.to_string()))?;
        let raw = Some(raw).filter(|raw| raw.get() != "null");
        let pending = &self.inner.shared.pending;
        let place = pending.enter(two_phase, limits::WAITING_REQUESTS).map_err(|turned| match turned {
            Turned::Closed => self.over(),
            Turned::Full => ClientError::TooManyWaiting {
                method: method.to_owned(),
                url: self.inner.url.clone(),
                limit: limits::WAITING_REQUESTS,
            },
        })?;
        let frame = RequestFrame { id: place.id.clone(), method: method.to_owned(), params: raw };
        let text = serde_json::to_string(&frame).map_err(|error| unsendable(error.to_string()))?;
        if text.len() > limits::MAX_PAYLOAD {
            let problem = format!(
                "they make a message of {} bytes, at most {} are allowed",
                text.len(),
                limits::MAX_PAYLOAD
            );
            return Err(unsendable(problem));
        }
        match timeout_at(deadline, self.inner.queue.send(text)).await {
            Ok(Ok(())) => Ok(place),
            Ok(Err(_)) => Err(self.over()),
            Err(_) => Err(self.too_late(method, patience)),
        }
    }

    async fn next(
        &self,
        method: &str,
        place: &mut Place,
        deadline: Instant,
        patience: Duration,
    ) -> Result<ResponseFrame, ClientError> {
        match timeout_at(deadline, place.answers.recv()).await {
            Ok(Some(frame)) => Ok(frame),
            Ok(None) => Err(self.over()),
            Err(_) => Err(self.too_late(method, patience)),
        }
    }

    fn outcome(&self, method: &str, frame: ResponseFrame) -> Result<Box<RawValue>, ClientError> {
        match (frame.ok, frame.payload, frame.error) {
            (true, Some(payload), _) => Ok(payload),
            (true, None, _) => to_raw_value(&()).map_err(|error| self.bad_answer(method, &error)),
            (false, _, Some(error)) => {
                Err(ClientError::Request { method: method.to_owned(), error: Box::new(error) })
            }
            (false, _, None) => Err(ClientError::BadAnswer {
                method: method.to_owned(),
                url: self.inner.url.clone(),
                problem: "it says no without a reason".to_owned(),
            }),
        }
    }

    fn over(&self) -> ClientError {
        ClientError::Closed { url: self.inner.url.clone(), closed: self.closed_now().unwrap_or_else(gone) }
    }

    fn too_late(&self, method: &str, after: Duration) -> ClientError {
        ClientError::RequestTimeout { method: method.to_owned(), url: self.inner.url.clone(), after }
    }

    fn bad_answer(&self, method: &str, error: &serde_json::Error) -> ClientError {
        ClientError::BadAnswer {
            method: method.to_owned(),
            url: self.inner.url.clone(),
            problem: error.to_string(),
        }
    }
}

fn gone() -> Closed {
    Closed { code: None, reason: "the connection is gone".to_owned() }
}

/// The answers to one request that has more than one.
#[derive(Debug)]
pub struct Streamed {
    client: Client,
    method: String,
    place: Place,
    deadline: Instant,
    patience: Duration,
    over: bool,
}

impl Streamed {
    /// The next answer; `None` after the last one.
    pub async fn next(&mut self) -> Option<Result<Value, ClientError>> {
        if self.over {
            return None;
        }
        let frame = self.client.next(&self.method, &mut self.place, self.deadline, self.patience).await;
        self.over = frame.as_ref().map_or(true, |frame| !pending::is_accepted(frame));
        let read = |frame| {
            let raw = self.client.outcome(&self.method, frame)?;
            serde_json::from_str(raw.get()).map_err(|error| self.client.bad_answer(&self.method, &error))
        };
        Some(frame.and_then(read))
    }

    /// The last answer.
    pub async fn last(mut self) -> Result<Value, ClientError> {
        let mut last = Err(self.client.over());
        while let Some(answer) = self.next().await {
            last = answer;
        }
        last
    }
}
