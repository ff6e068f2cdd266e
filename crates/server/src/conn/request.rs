//! One request of an admitted client: checked, called, answered.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bulkhead_protocol::{ErrorShape, MethodSpec, Scope};
use futures::FutureExt as _;
use serde_json::json;

use super::envelope::{Envelope, Malformed};
use super::info::{ConnInfo, Role};
use super::outgoing::response_frame;
use super::queue::Queue;
use crate::method::{CallContext, Reply, Responder};
use crate::serve::Shared;

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
                self.queue.push_own_response(response_frame(&id, Err(&error)));
                return;
            }
        };
        match self.admit(&envelope) {
            Ok(spec) => self.call(&envelope, spec),
            Err(error) => self.queue.push_own_response(response_frame(&envelope.id, Err(&error))),
        }
    }

    /// A message that is no text.
    pub(crate) fn take_binary(&self) {
        let error = ErrorShape::invalid_request(
            "invalid request frame: found bytes that are no UTF-8, expected JSON",
        );
        self.queue.push_own_response(response_frame("invalid", Err(&error)));
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
            self.shared.info.traffic().called(outcome.is_ok());
            self.queue.push_own_response(response_frame(&id, outcome.as_ref()));
            return;
        }
        let ticket = Ticket::new(&self.waiting);
        let queue = Arc::clone(&self.queue);
        let traffic = self.shared.info.traffic().clone();
        self.shared.calls.spawn(async move {
            let outcome = call.await;
            traffic.called(outcome.is_ok());
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
