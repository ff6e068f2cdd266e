//! Asking a node to do something: one event to it, one answer back, within a time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::{Audience, ConnId, ConnInfo};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::Live;
use super::policy::{Lists, judge};
use crate::gateway::Gateway;
use crate::methods::store_failed;

/// How long a node has when nothing is said (measured).
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest that anybody waits.
const LONGEST: Duration = Duration::from_mins(30);
/// Requests on their way to one node.
const MOST_PER_NODE: usize = 64;
/// Answers are remembered for this long, so that the same request again gets the same answer.
const REMEMBERED: Duration = Duration::from_mins(5);
/// No more answers than this are remembered.
const MOST_REMEMBERED: usize = 1000;
/// Largest piece of progress, in bytes.
pub(crate) const MOST_PROGRESS: usize = 16 * 1024;
/// Tries for a node that says it is not ready yet.
const TRIES: u32 = 5;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(250);

/// What a node answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) ok: bool,
    pub(crate) payload: Option<Value>,
    pub(crate) payload_json: Option<String>,
    pub(crate) error: Option<Value>,
}

type Outcome = Result<Arc<Answer>, ErrorShape>;

/// What is being asked of nodes, and what was answered a moment ago.
#[derive(Default)]
pub(crate) struct Invokes {
    open: Mutex<HashMap<String, Open>>,
    done: Mutex<Remembered>,
}

struct Open {
    conn: ConnId,
    tell: Option<oneshot::Sender<Result<(Answer, bool), Gone>>>,
    /// The next piece of progress that counts.
    next: u64,
}

/// The node is gone before it answered.
struct Gone;

#[derive(Default)]
struct Remembered {
    by_key: HashMap<Key, watch::Receiver<Option<Outcome>>>,
    order: VecDeque<(Instant, Key)>,
}

/// Node, command, idempotency key.
type Key = (String, String, String);

/// One request for a node.
pub(crate) struct Request {
    pub(crate) node_id: String,
    pub(crate) command: String,
    pub(crate) params: Option<Value>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) idempotency_key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestEvent<'a> {
    id: &'a str,
    node_id: &'a str,
    command: &'a str,
    #[serde(rename = "paramsJSON", skip_serializing_if = "Option::is_none")]
    params_json: Option<String>,
    timeout_ms: u64,
    idempotency_key: &'a str,
}

impl Invokes {
    /// A node answers. `false`: nobody waits for that any more.
    pub(crate) fn answer(&self, conn: &ConnId, id: &str, answer: Answer) -> bool {
        let mut open = self.open();
        let Some(found) = open.get_mut(id).filter(|found| found.conn == *conn) else { return false };
        let progressed = found.next > 0;
        let told = found.tell.take().is_some_and(|tell| tell.send(Ok((answer, progressed))).is_ok());
        open.remove(id);
        told
    }

    /// A node tells how far it is: it has begun, so it is not asked a second time. `false`: nobody waits for that, or it
    /// came out of order.
    pub(crate) fn progress(&self, conn: &ConnId, id: &str, seq: u64) -> bool {
        let mut open = self.open();
        let Some(found) = open.get_mut(id).filter(|found| found.conn == *conn) else { return false };
        if seq < found.next {
            return false;
        }
        found.next = seq + 1;
        true
    }

    /// A connection is gone: what was asked of it gets no answer.
    pub(crate) fn gone(&self, conn: &ConnId) {
        self.open().retain(|_, found| {
            let stays = found.conn != *conn;
            if !stays && let Some(tell) = found.tell.take() {
                let _ = tell.send(Err(Gone));
            }
            stays
        });
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer that the same request got or will get, or the place where this one's answer goes.
    fn claim(&self, key: &Key) -> Result<watch::Sender<Option<Outcome>>, watch::Receiver<Option<Outcome>>> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while done.order.len() >= MOST_REMEMBERED
            || done.order.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > REMEMBERED)
        {
            let Some((_, old)) = done.order.pop_front() else { break };
            done.by_key.remove(&old);
        }
        let unanswered =
            |told: &watch::Receiver<Option<Outcome>>| told.has_changed().is_err() && told.borrow().is_none();
        if let Some(found) = done.by_key.get(key).filter(|told| !unanswered(told)) {
            return Err(found.clone());
        }
        done.order.retain(|(_, one)| one != key);
        let (tell, told) = watch::channel(None);
        done.by_key.insert(key.clone(), told);
        done.order.push_back((now, key.clone()));
        Ok(tell)
    }

    /// What was not asked of the node may be asked again under the same key.
    fn forget(&self, key: &Key) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.by_key.remove(key);
        done.order.retain(|(_, one)| one != key);
    }
}

/// Takes a request away when nobody waits for it any more, and tells the node.
struct Waiting<'a> {
    gateway: &'a Gateway,
    id: &'a str,
    node_id: &'a str,
    conn: &'a ConnId,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.gateway.nodes.invokes.open().remove(self.id).is_some() {
            let payload = json!({"invokeId": self.id, "nodeId": self.node_id});
            let to = Audience::connection(self.conn.clone());
            self.gateway.events.hub().broadcast("node.invoke.cancel", &payload, &to, None);
        }
    }
}

impl Gateway {
    /// Asks a node to do something and waits for its answer. The same key again gets the same answer.
    pub(crate) async fn invoke_node(self: &Arc<Self>, request: Request) -> Outcome {
        let live = self.may_invoke(&request.node_id, &request.command).await?;
        let key = (request.node_id.clone(), request.command.clone(), request.idempotency_key.clone());
        let tell = match self.nodes.invokes.claim(&key) {
            Ok(tell) => tell,
            Err(mut told) => {
                let outcome = told.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
                return outcome.unwrap_or_else(|| {
                    Err(ErrorShape::unavailable_retryable(
                        "the same request ended without an answer",
                        Some(250),
                    ))
                });
            }
        };
        let outcome = self.ask(&live, &request).await;
        if outcome.as_ref().is_err_and(|error| error.retryable == Some(true)) {
            self.nodes.invokes.forget(&key);
        }
        let _ = tell.send(Some(outcome.clone()));
        outcome
    }

    /// Whether a command may be asked of a node now.
    pub(crate) async fn may_invoke(&self, node_id: &str, command: &str) -> Result<Live, ErrorShape> {
        let known = self.store.nodes().get(node_id).await.map_err(store_failed)?;
        let Some(live) = self.nodes.get(node_id) else {
            if known.is_none() && self.store.devices().get(node_id).await.map_err(store_failed)?.is_none() {
                return Err(ErrorShape::invalid_request(format!(
                    "unknown nodeId {node_id:?}; node.list shows those that are paired"
                )));
            }
            return Err(ErrorShape::unavailable("node not connected; start its app or node host").with_details(
                json!({"code": "NOT_CONNECTED", "nodeError": {"code": "NOT_CONNECTED", "message": "node not connected"}}),
            ));
        };
        let settings = self.settings.now();
        let lists = Lists(&settings.config.gateway.nodes);
        let approved = known.as_ref().and_then(|node| node.surface.as_ref());
        let platform = &live.conn.client.platform;
        judge(command, live.platform(), platform, &live.offered(), approved, lists).map_err(|no| {
            ErrorShape::invalid_request(no.message)
                .with_details(json!({"reason": no.reason, "command": command}))
        })?;
        Ok(live)
    }

    async fn ask(self: &Arc<Self>, live: &Live, request: &Request) -> Outcome {
        let timeout = request.timeout.filter(|given| !given.is_zero()).unwrap_or(TIMEOUT).min(LONGEST);
        let deadline = Instant::now() + timeout;
        let mut tries = 0;
        loop {
            tries += 1;
            let (answer, progressed) = self.ask_once(&live.conn, request, deadline).await?;
            let not_ready = answer.error.as_ref().is_some_and(|error| error["code"] == "NODE_NOT_READY");
            if answer.ok || !not_ready || progressed || tries >= TRIES {
                return Ok(Arc::new(answer));
            }
            tokio::time::sleep_until((Instant::now() + PAUSE).min(deadline)).await;
            self.may_invoke(&request.node_id, &request.command).await?;
        }
    }

    async fn ask_once(
        self: &Arc<Self>,
        conn: &ConnInfo,
        request: &Request,
        deadline: Instant,
    ) -> Result<(Answer, bool), ErrorShape> {
        let id = uuid::Uuid::new_v4().to_string();
        let (tell, told) = oneshot::channel();
        {
            let mut open = self.nodes.invokes.open();
            if open.values().filter(|open| open.conn == conn.id).count() >= MOST_PER_NODE {
                return Err(ErrorShape::unavailable_retryable(
                    format!("{MOST_PER_NODE} requests wait for this node already; wait for one of them"),
                    Some(250),
                ));
            }
            open.insert(id.clone(), Open { conn: conn.id.clone(), tell: Some(tell), next: 0 });
        }
        let waiting = Waiting { gateway: self, id: &id, node_id: &request.node_id, conn: &conn.id };
        // It may have left between the look at it and now.
        if self.nodes.get(&request.node_id).is_none_or(|live| live.conn.id != conn.id) {
            return Err(route_changed());
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let event = RequestEvent {
            id: &id,
            node_id: &request.node_id,
            command: &request.command,
            params_json: request.params.as_ref().map(Value::to_string),
            timeout_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
            idempotency_key: &request.idempotency_key,
        };
        let to = Audience::connection(conn.id.clone());
        self.events.hub().broadcast("node.invoke.request", &event, &to, None);
        match tokio::time::timeout_at(deadline, told).await {
            Ok(Ok(Ok(answered))) => {
                drop(waiting);
                Ok(answered)
            }
            Ok(_) => Err(ErrorShape::unavailable("the node left before it answered").with_details(json!({
                "code": "NOT_CONNECTED",
                "nodeError": {"code": "NOT_CONNECTED", "message": "node disconnected"},
                "nodeCommandDispatched": true,
            }))),
            Err(_) => Err(ErrorShape::unavailable(format!(
                "TIMEOUT: the node did not answer {:?} in time",
                request.command
            ))
            .with_details(json!({
                "code": "TIMEOUT",
                "nodeError": {"code": "TIMEOUT", "message": "node invoke timed out"},
                "nodeCommandDispatched": true,
            }))),
        }
    }
}

fn route_changed() -> ErrorShape {
    ErrorShape::unavailable_retryable("the node connected anew; ask again", Some(250))
        .with_details(json!({"code": "ROUTE_CHANGED"}))
}

impl Answer {
    /// What the caller of `node.invoke` is told.
    pub(crate) fn to_result(&self, node_id: &str, command: &str) -> Result<Value, ErrorShape> {
        if !self.ok {
            let text = |name: &str| self.error.as_ref().and_then(|error| error[name].as_str());
            let code = text("code").unwrap_or("UNAVAILABLE");
            let message = text("message").unwrap_or("the node failed without saying why");
            return Err(ErrorShape::unavailable(format!("{code}: {message}")).with_details(json!({
                "nodeError": self.error,
                "nodeCommandDispatched": true,
            })));
        }
        let mut result = json!({"ok": true, "nodeId": node_id, "command": command});
        let payload = match (&self.payload, &self.payload_json) {
            (Some(payload), _) => Some(payload.clone()),
            (None, Some(text)) => serde_json::from_str(text).ok(),
            (None, None) => None,
        };
        result["payload"] = payload.unwrap_or(Value::Null);
        result["payloadJSON"] = json!(self.payload_json);
        Ok(result)
    }
}
