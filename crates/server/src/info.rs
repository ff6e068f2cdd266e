//! Who this server is, and how far its gateway has come up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use crate::traffic::Traffic;

/// What `hello-ok.server` and the health routes say about this gateway.
#[derive(Debug, Clone)]
pub struct ServerInfo {
    /// Version of the program.
    pub version: String,
    /// Build id. `None`: web clients skip the check that their build is ours.
    pub build_id: Option<String>,
    /// New for every start of the process.
    pub boot_id: String,
    lifecycle: Lifecycle,
    traffic: Traffic,
}

impl ServerInfo {
    /// Describes a gateway that is still starting.
    pub fn new(version: impl Into<String>) -> Self {
        Self {
            version: version.into(),
            build_id: None,
            boot_id: uuid::Uuid::new_v4().to_string(),
            lifecycle: Lifecycle::default(),
            traffic: Traffic::default(),
        }
    }

    /// What was counted since the start.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// The handle with which the gateway says how far it is.
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }
}

/// How far the gateway is: starting, started, stopping; and what keeps it from being ready. Clones share one state.
#[derive(Debug, Clone)]
pub struct Lifecycle(Arc<State>);

#[derive(Debug)]
struct State {
    begun: Instant,
    started: AtomicBool,
    stopping: AtomicBool,
    failing: RwLock<Vec<String>>,
    failures: RwLock<Vec<Failure>>,
    farewell: RwLock<Farewell>,
}

/// One thing that keeps a gateway from being ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What: the code in `failing`, such as `config` or `channels.telegram.default`.
    pub what: String,
    /// Why, as a stable code.
    pub code: String,
    /// Why, in words with the next step; without secrets.
    pub message: String,
}

/// The payload of the `shutdown` event.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Farewell {
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) restart_expected_ms: Option<u64>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self(Arc::new(State {
            begun: Instant::now(),
            started: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            failing: RwLock::new(Vec::new()),
            failures: RwLock::new(Vec::new()),
            farewell: RwLock::new(Farewell { reason: "gateway stopping".into(), restart_expected_ms: None }),
        }))
    }
}

impl Lifecycle {
    /// From now on clients are admitted. Before, `connect` answers `UNAVAILABLE` and asks to come back.
    pub fn set_started(&self) {
        self.0.started.store(true, Ordering::Release);
    }

    /// Whether clients are admitted.
    pub fn is_started(&self) -> bool {
        self.0.started.load(Ordering::Acquire)
    }

    /// What keeps the gateway from being ready, as stable codes (`config`, `channels.telegram`); empty means ready.
    pub fn set_failing(&self, codes: Vec<String>) {
        *self.0.failing.write().unwrap_or_else(PoisonError::into_inner) = codes;
        self.0.failures.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The same with the reasons, which `/readyz` tells callers on this machine.
    pub fn set_failures(&self, failures: Vec<Failure>) {
        self.set_failing(failures.iter().map(|failure| failure.what.clone()).collect());
        *self.0.failures.write().unwrap_or_else(PoisonError::into_inner) = failures;
    }

    /// The reasons.
    pub fn failures(&self) -> Vec<Failure> {
        self.0.failures.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What keeps the gateway from being ready.
    pub fn failing(&self) -> Vec<String> {
        let mut codes = self.0.failing.read().unwrap_or_else(PoisonError::into_inner).clone();
        if !self.is_started() {
            codes.insert(0, "startup".into());
        }
        if self.is_stopping() {
            codes.insert(0, "stopping".into());
        }
        codes
    }

    /// Milliseconds since the gateway began to start.
    pub fn uptime_ms(&self) -> u64 {
        u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// What the `shutdown` event will say: why, and after how long the gateway is expected back.
    pub fn set_farewell(&self, reason: impl Into<String>, restart_expected_ms: Option<u64>) {
        *self.0.farewell.write().unwrap_or_else(PoisonError::into_inner) =
            Farewell { reason: reason.into(), restart_expected_ms };
    }

    /// Whether the gateway is going down.
    pub fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Acquire)
    }

    pub(crate) fn set_stopping(&self) {
        self.0.stopping.store(true, Ordering::Release);
    }

    pub(crate) fn farewell(&self) -> Farewell {
        self.0.farewell.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
