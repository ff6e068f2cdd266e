//! The other side of the model server: what arrived, and what shall go wrong next.
//!
//! Rust tests use [`ModelControl`]; others the same over HTTP:
//! `GET /control/requests` (all, oldest first), `DELETE /control/requests`, `POST /control/faults` (one
//! [`PlannedFault`] as JSON, e.g. `{"kind":"status","status":429,"retryAfter":"1","times":2}`), `DELETE /control/faults`,
//! `PUT /control/keys` (`["sk-1"]`), `PUT /control/models`, `POST /control/release`.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use super::conversation::WireFormat;
use super::fault::{Fault, PlannedFault};

/// How many requests are kept; older ones are forgotten.
const KEPT: usize = 10_000;

/// One request as it arrived.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedRequest {
    /// Counted from 1 over all requests.
    pub number: usize,
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, if there was one.
    pub query: Option<String>,
    /// Headers, names in lower case; several of one name are joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON if it was, else its text.
    pub body: Value,
    /// The format, when it was a chat request.
    pub format: Option<WireFormat>,
    /// The fault it met.
    pub fault: Option<Fault>,
    /// The status it got; 0 when none was sent.
    pub status: u16,
    /// When it arrived, in milliseconds since 1970.
    #[serde(default)]
    pub at: u64,
}

#[derive(Debug, Default)]
struct Inner {
    keys: Vec<String>,
    models: Vec<String>,
    requests: VecDeque<RecordedRequest>,
    faults: Vec<PlannedFault>,
    script_faults: HashMap<String, usize>,
    calls: usize,
}

/// A handle on a running model server; clones share it.
#[derive(Debug, Clone)]
pub struct ModelControl {
    inner: Arc<Mutex<Inner>>,
    arrived: watch::Sender<usize>,
    released: watch::Sender<usize>,
    abandoned: watch::Sender<usize>,
}

impl ModelControl {
    pub(super) fn new(keys: Vec<String>, models: Vec<String>) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner { keys, models, ..Inner::default() })),
            arrived: watch::Sender::new(0),
            released: watch::Sender::new(0),
            abandoned: watch::Sender::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that arrived, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.lock().requests.iter().cloned().collect()
    }

    /// Only the chat requests.
    #[must_use]
    pub fn chat_requests(&self) -> Vec<RecordedRequest> {
        self.lock().requests.iter().filter(|request| request.format.is_some()).cloned().collect()
    }

    /// Forgets what arrived; the count goes on.
    pub fn forget_requests(&self) {
        self.lock().requests.clear();
    }

    /// Waits until so many requests (since the start) have arrived.
    pub async fn wait_for_requests(&self, count: usize) {
        let _ = self.arrived.subscribe().wait_for(|arrived| *arrived >= count).await;
    }

    /// Waits until so many answers (since the start) were given up by their readers before they ended.
    pub async fn wait_for_abandoned(&self, count: usize) {
        let _ = self.abandoned.subscribe().wait_for(|abandoned| *abandoned >= count).await;
    }

    /// Lets everything go on that a [`Fault::Hold`] holds, now.
    pub fn release(&self) {
        self.released.send_modify(|count| *count += 1);
    }

    /// Plans a fault.
    pub fn plan(&self, fault: PlannedFault) {
        self.lock().faults.push(fault);
    }

    /// Plans a fault for the next request.
    pub fn fail_next(&self, fault: Fault) {
        self.plan(PlannedFault::next(fault));
    }

    /// Forgets planned faults.
    pub fn clear_faults(&self) {
        let mut inner = self.lock();
        inner.faults.clear();
        inner.script_faults.clear();
    }

    /// Replaces the accepted keys.
    pub fn set_keys(&self, keys: Vec<String>) {
        self.lock().keys = keys;
    }

    /// Replaces the served models.
    pub fn set_models(&self, models: Vec<String>) {
        self.lock().models = models;
    }

    /// The served models.
    #[must_use]
    pub fn models(&self) -> Vec<String> {
        self.lock().models.clone()
    }

    pub(super) fn accepts(&self, key: Option<&str>) -> bool {
        let inner = self.lock();
        inner.keys.is_empty() || key.is_some_and(|key| inner.keys.iter().any(|accepted| accepted == key))
    }

    /// Records a request and returns its number.
    pub(super) fn record(&self, mut request: RecordedRequest) -> usize {
        let mut inner = self.lock();
        inner.calls += 1;
        request.number = inner.calls;
        request.at = now();
        let number = request.number;
        if inner.requests.len() == KEPT {
            inner.requests.pop_front();
        }
        inner.requests.push_back(request);
        drop(inner);
        self.arrived.send_replace(number);
        number
    }

    pub(super) fn amend(&self, number: usize, change: impl FnOnce(&mut RecordedRequest)) {
        if let Some(request) = self.lock().requests.iter_mut().rev().find(|request| request.number == number)
        {
            change(request);
        }
    }

    /// The planned fault that this body meets, if any; counts it.
    pub(super) fn take_fault(&self, body: &str) -> Option<Fault> {
        let mut inner = self.lock();
        let index = inner.faults.iter_mut().position(|planned| {
            if planned.matching.as_ref().is_some_and(|wanted| !body.contains(wanted.as_str())) {
                return false;
            }
            if planned.skip > 0 {
                planned.skip -= 1;
                return false;
            }
            true
        })?;
        let fault = inner.faults[index].fault.clone();
        inner.faults[index].times = inner.faults[index].times.saturating_sub(1);
        if inner.faults[index].times == 0 {
            inner.faults.remove(index);
        }
        Some(fault)
    }

    /// Whether a script's own fault still happens; counts it.
    pub(super) fn script_fault_is_due(&self, script: &str, times: usize) -> bool {
        let mut inner = self.lock();
        let met = inner.script_faults.entry(script.to_owned()).or_default();
        *met += 1;
        *met <= times
    }

    pub(super) fn releases(&self) -> watch::Receiver<usize> {
        let mut receiver = self.released.subscribe();
        receiver.mark_unchanged();
        receiver
    }

    pub(super) fn count_abandoned(&self) {
        self.abandoned.send_modify(|count| *count += 1);
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn routes() -> Router<ModelControl> {
    Router::new()
        .route(
            "/control/requests",
            get(async |State(control): State<ModelControl>| Json(control.requests()))
                .delete(async |State(control): State<ModelControl>| control.forget_requests()),
        )
        .route(
            "/control/faults",
            post(async |State(control): State<ModelControl>, Json(fault): Json<PlannedFault>| {
                control.plan(fault);
            })
            .delete(async |State(control): State<ModelControl>| control.clear_faults()),
        )
        .route(
            "/control/keys",
            put(async |State(control): State<ModelControl>, Json(keys): Json<Vec<String>>| {
                control.set_keys(keys);
            }),
        )
        .route(
            "/control/models",
            put(async |State(control): State<ModelControl>, Json(models): Json<Vec<String>>| {
                control.set_models(models);
            }),
        )
        .route("/control/release", post(async |State(control): State<ModelControl>| control.release()))
}
