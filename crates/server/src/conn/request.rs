//! One request of an admitted client: read, checked, called, answered.

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::num::NonZeroU32;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bulkhead_protocol::{ErrorShape, MethodSpec, Scope};
use futures::FutureExt as _;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::info::{ConnInfo, Role};
use super::outgoing::response_frame;
use super::queue::Queue;
use crate::limits::Limits;
use crate::method::{CallContext, Reply, Responder};
use crate::serve::Shared;

/// A request frame, borrowed from the message it came in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) method: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    #[allow(dead_code)]
    traceparent: Option<Cow<'a, str>>,
}

/// What a message is that is no request frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// No JSON at all.
    NotJson,
    /// JSON, but no request frame; its id if it has one, and what is wrong.
    NotRequest { id: Option<String>, why: String },
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let why = match serde_path_to_error::deserialize::<_, Self>(&mut reader) {
            Ok(envelope) => match reader.end() {
                Ok(()) if envelope.kind != "req" => {
                    format!("at /type: found {:?}, expected \"req\"", shown(&envelope.kind))
                }
                Ok(()) if envelope.id.is_empty() => "at /id: found an empty text, expected an id".to_owned(),
                Ok(()) if envelope.method.is_empty() => {
                    "at /method: found an empty text, expected a method's name".to_owned()
                }
                Ok(()) => return Ok(envelope),
                Err(_) => return Err(Malformed::NotJson),
            },
            Err(error) => {
                let path = error.path().to_string();
                let path =
                    if path == "." { String::from("/") } else { format!("/{}", path.replace('.', "/")) };
                format!("at {path}: {}", error.inner())
            }
        };
        if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            return Err(Malformed::NotJson);
        }
        Err(Malformed::NotRequest { id: id_of(text), why })
    }
}

/// The id of a frame that is otherwise not understood, so that its sender learns of it.
fn id_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Id {
        id: String,
    }
    serde_json::from_str::<Id>(text).ok().map(|frame| frame.id).filter(|id| !id.is_empty() && id.len() <= 256)
}

/// A piece of foreign text short enough for a message.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(64).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Serves the requests of one connection.
pub(crate) struct Requests {
    shared: Arc<Shared>,
    conn: Arc<ConnInfo>,
    queue: Arc<Queue>,
    waiting: Arc<AtomicUsize>,
}

impl Requests {
    pub(crate) fn new(shared: Arc<Shared>, conn: Arc<ConnInfo>, queue: Arc<Queue>) -> Self {
        Self { shared, conn, queue, waiting: Arc::default() }
    }

    /// Answers a message, now or when its call has ended.
    pub(crate) fn take(&self, text: &str) {
        let envelope = match Envelope::parse(text) {
            Ok(envelope) => envelope,
            Err(malformed) => {
                let (id, error) = malformed_error(malformed);
                self.queue.push_response(response_frame(&id, Err(&error)));
                return;
            }
        };
        match self.admit(&envelope) {
            Ok(spec) => self.call(&envelope, spec),
            Err(error) => self.queue.push_response(response_frame(&envelope.id, Err(&error))),
        }
    }

    /// A message that is no text.
    pub(crate) fn take_binary(&self) {
        let error = ErrorShape::invalid_request(
            "invalid request frame: found bytes that are no UTF-8, expected JSON",
        );
        self.queue.push_response(response_frame("invalid", Err(&error)));
    }

    fn admit(&self, envelope: &Envelope<'_>) -> Result<&'static MethodSpec, ErrorShape> {
        let Shared { handler, limits, info, .. } = &*self.shared;
        if envelope.method == "connect" {
            return Err(ErrorShape::invalid_request(
                "connect is only valid as the first request; this connection is already connected",
            ));
        }
        let Some(spec) = handler.spec(&envelope.method) else {
            return Err(ErrorShape::unknown_method(&envelope.method));
        };
        if !handler.needs_no_scope(spec) {
            self.authorize(spec)?;
        }
        if info.lifecycle().is_stopping() {
            return Err(ErrorShape::unavailable_retryable(
                "the gateway is stopping; connect again in a moment",
                Some(500),
            )
            .with_details(json!({ "reason": "gateway-restarting" })));
        }
        if handler.is_control_plane_write(spec) {
            self.shared.write_quota.take(spec.name)?;
        }
        if self.conn.role == Role::Operator && self.waiting.load(Ordering::Acquire) >= limits.waiting_requests
        {
            let message = format!(
                "{} requests of this connection wait for their answer already; wait for one of them",
                limits.waiting_requests
            );
            return Err(ErrorShape::unavailable_retryable(message, Some(250)).with_details(
                json!({ "reason": "too-many-waiting-requests", "limit": limits.waiting_requests }),
            ));
        }
        Ok(spec)
    }

    fn authorize(&self, spec: &MethodSpec) -> Result<(), ErrorShape> {
        match self.conn.role {
            Role::Node if spec.scope == Scope::Node => Ok(()),
            Role::Node => Err(ErrorShape::invalid_request("unauthorized role: node")),
            Role::Operator if spec.scope == Scope::Node => {
                Err(ErrorShape::invalid_request("unauthorized role: operator"))
            }
            Role::Operator if self.conn.allows(spec.scope) => Ok(()),
            Role::Operator => Err(ErrorShape::forbidden_missing_scope(spec.scope)),
        }
    }

    fn call(&self, envelope: &Envelope<'_>, spec: &'static MethodSpec) {
        let id: Arc<str> = envelope.id.as_ref().into();
        let context = CallContext {
            conn: Arc::clone(&self.conn),
            respond: Responder::new(Arc::clone(&id), Arc::clone(&self.queue)),
        };
        let handler = Arc::clone(&self.shared.handler);
        let params = envelope.params.map(ToOwned::to_owned);
        let call = async move {
            let call = AssertUnwindSafe(handler.call(context, spec, params.as_deref()));
            call.catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!(method = spec.name, "a method panicked");
                Err(ErrorShape::unavailable(format!(
                    "{} failed inside the gateway; its log says more",
                    spec.name
                )))
            })
        };
        let mut call: Pin<Box<dyn Future<Output = Result<Reply, ErrorShape>> + Send>> = Box::pin(call);
        // Most calls are answered from memory: no task is made for them.
        if let Poll::Ready(outcome) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            self.queue.push_response(response_frame(&id, outcome.as_ref()));
            return;
        }
        let ticket = Ticket::new(&self.waiting);
        let queue = Arc::clone(&self.queue);
        self.shared.calls.spawn(async move {
            let outcome = call.await;
            drop(ticket);
            queue.push_response(response_frame(&id, outcome.as_ref()));
        });
    }
}

fn malformed_error(malformed: Malformed) -> (String, ErrorShape) {
    let (id, why) = match malformed {
        Malformed::NotJson => (None, "the message is not JSON".to_owned()),
        Malformed::NotRequest { id, why } => (id, why),
    };
    let error = ErrorShape::invalid_request(format!(
        "invalid request frame: {why}; expected {{\"type\":\"req\",\"id\":…,\"method\":…,\"params\":…}}"
    ));
    (id.unwrap_or_else(|| "invalid".to_owned()), error)
}

/// A request that waits for its answer.
struct Ticket(Arc<AtomicUsize>);

impl Ticket {
    fn new(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(waiting))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Control-plane writes per method.
pub(crate) struct WriteQuota {
    limiters: Mutex<HashMap<&'static str, Arc<DefaultDirectRateLimiter>>>,
    quota: Option<Quota>,
    writes: u32,
    window: Duration,
}

impl WriteQuota {
    pub(crate) fn new(limits: &Limits) -> Self {
        let quota = NonZeroU32::new(limits.control_plane_writes).and_then(|writes| {
            Quota::with_period(limits.control_plane_window / writes.get())
                .map(|quota| quota.allow_burst(writes))
        });
        Self {
            limiters: Mutex::default(),
            quota,
            writes: limits.control_plane_writes,
            window: limits.control_plane_window,
        }
    }

    fn take(&self, method: &'static str) -> Result<(), ErrorShape> {
        let Some(quota) = self.quota else { return Ok(()) };
        let limiter = {
            let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(limiters.entry(method).or_insert_with(|| Arc::new(RateLimiter::direct(quota))))
        };
        limiter.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
            let message = format!(
                "rate limit exceeded for {method}: at most {} writes in {} s; retry after {} s",
                self.writes,
                self.window.as_secs(),
                wait_ms.div_ceil(1000)
            );
            ErrorShape::unavailable_retryable(message, Some(wait_ms)).with_details(json!({
                "reason": "rate-limited",
                "method": method,
                "limit": format!("{} per {}s", self.writes, self.window.as_secs()),
            }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames() {
        let frame =
            Envelope::parse(r#"{"type":"req","id":"1","method":"health","params":{"a":[1]}}"#).unwrap();
        assert_eq!(
            (&*frame.id, &*frame.method, frame.params.map(RawValue::get)),
            ("1", "health", Some(r#"{"a":[1]}"#))
        );
        assert!(
            Envelope::parse(r#"{"type":"req","id":"\u0031","method":"health","traceparent":"x"}"#).is_ok()
        );
        for not_json in ["", "{", "nope", "{}x", "\u{0}"] {
            assert_eq!(Envelope::parse(not_json).unwrap_err(), Malformed::NotJson, "{not_json:?}");
        }
        for (frame, id, names) in [
            ("[]", None, "struct Envelope"),
            ("7", None, "struct Envelope"),
            (r#"{"type":"req","id":"1"}"#, Some("1"), "`method`"),
            (r#"{"type":"req","id":7,"method":"x"}"#, None, "/id"),
            (r#"{"type":"res","id":"1","method":"x"}"#, Some("1"), "/type"),
            (r#"{"type":"req","id":"","method":"x"}"#, None, "/id"),
            (r#"{"type":"req","id":"1","method":""}"#, Some("1"), "/method"),
            (r#"{"type":"req","id":"1","method":"x","extra":1}"#, Some("1"), "extra"),
        ] {
            let Malformed::NotRequest { id: found, why } = Envelope::parse(frame).unwrap_err() else {
                panic!("{frame} should be JSON")
            };
            assert_eq!(found.as_deref(), id, "{frame}");
            assert!(why.contains(names), "{frame}: {why}");
        }
    }

    #[test]
    fn writes_are_counted_per_method() {
        let quota = WriteQuota::new(&Limits::default());
        for _ in 0..30 {
            assert!(quota.take("config.patch").is_ok());
        }
        assert!(quota.take("config.patch").is_err());
        assert!(quota.take("channels.pairing.approve").is_ok());
    }
}
