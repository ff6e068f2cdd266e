//! A clock that is set by hand, and a host that does what it is told.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_protocol::methods::cron::{CronJob, CronRunEntry, DeliveryStatus, ScheduledToolPolicy};
use bulkhead_schedule::{Alert, AlertPolicy, Engine, Host, Outcome, Policy, Run, Told, WallClock};
use bulkhead_store::{CronRunFilter, Store};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// 2026-11-20T12:00:00Z.
pub const NOON: i64 = 1_795_176_000_000;

#[derive(Clone)]
pub struct HandClock {
    now: Arc<AtomicI64>,
    moved: watch::Sender<u64>,
}

impl HandClock {
    pub fn set(&self, now: i64) {
        self.now.store(now, Ordering::SeqCst);
        self.moved.send_modify(|count| *count += 1);
    }

    pub fn forward(&self, ms: i64) {
        self.set(self.now_ms() + ms);
    }
}

#[async_trait]
impl WallClock for HandClock {
    fn now_ms(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    async fn until(&self, at: i64) {
        let mut moved = self.moved.subscribe();
        moved.mark_unchanged();
        if self.now_ms() >= at {
            return;
        }
        let _ = moved.changed().await;
    }
}

#[derive(Default)]
pub struct Script {
    pub outcomes: Mutex<VecDeque<Outcome>>,
    pub begun: Mutex<Vec<(String, String)>>,
    pub told: Mutex<Vec<(String, &'static str)>>,
    pub alerts: Mutex<Vec<Alert>>,
    pub policy: Mutex<Option<Policy>>,
    /// Runs wait here until it is opened.
    pub gate: Notify,
    pub held: AtomicUsize,
    pub hold: std::sync::atomic::AtomicBool,
    pub changed: Notify,
}

pub fn policy() -> Policy {
    Policy {
        enabled: true,
        most_runs: 4,
        skip_missed: false,
        alerts: AlertPolicy::default(),
        after_start: 120_000,
    }
}

#[derive(Clone, Default)]
pub struct FakeHost(pub Arc<Script>);

#[async_trait]
impl Host for FakeHost {
    fn policy(&self) -> Policy {
        self.0.policy.lock().unwrap().clone().unwrap_or_else(policy)
    }

    fn ready(&self) -> bool {
        true
    }

    fn agent_of(&self, _job: &CronJob) -> Option<String> {
        Some("main".into())
    }

    async fn run(&self, job: &CronJob, run: &Run, stop: &CancellationToken) -> Outcome {
        self.0.begun.lock().unwrap().push((job.name.clone(), run.id.clone()));
        self.0.changed.notify_waiters();
        if self.0.hold.load(Ordering::SeqCst) {
            self.0.held.fetch_add(1, Ordering::SeqCst);
            self.0.changed.notify_waiters();
            tokio::select! {
                () = self.0.gate.notified() => {}
                () = stop.cancelled() => return Outcome::cut_off(),
            }
        }
        self.0.outcomes.lock().unwrap().pop_front().unwrap_or_else(Outcome::ok)
    }

    async fn can_alert(&self, _job: &CronJob) -> bool {
        true
    }

    async fn alert(&self, _job: &CronJob, alert: &Alert) -> DeliveryStatus {
        self.0.alerts.lock().unwrap().push(alert.clone());
        DeliveryStatus::Delivered
    }

    fn tell(&self, told: Told) {
        self.0.told.lock().unwrap().push((told.job.name, told.action));
        self.0.changed.notify_waiters();
    }
}

pub struct World {
    pub dir: tempfile::TempDir,
    pub clock: HandClock,
    pub host: FakeHost,
}

/// One life of the engine.
pub struct Life {
    pub engine: Engine,
    pub store: Store,
    pub host: FakeHost,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl World {
    pub fn new() -> Self {
        let clock = HandClock { now: Arc::new(AtomicI64::new(NOON)), moved: watch::Sender::new(0) };
        Self { dir: tempfile::tempdir().unwrap(), clock, host: FakeHost::default() }
    }

    pub fn file(&self) -> PathBuf {
        self.dir.path().join("bulkhead.sqlite")
    }

    pub async fn start(&self) -> Life {
        let store = Store::open(self.file()).unwrap();
        let host = self.host.clone();
        let engine =
            Engine::new(store.clone(), Arc::new(self.clock.clone()), Arc::new(host.clone()), TimeZone::UTC);
        engine.recover().await.unwrap();
        let stop = CancellationToken::new();
        let (running, ended) = (engine.clone(), stop.clone());
        let task = tokio::spawn(async move { running.run(ended).await });
        Life { engine, store, host, stop, task }
    }
}

impl Life {
    /// As `kill -9` would: nothing is told to anybody.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    pub async fn add(&self, job: Value) -> CronJob {
        let params = serde_json::from_value(job).unwrap();
        self.engine.add(params, ScheduledToolPolicy::trusted()).await.unwrap().0
    }

    /// Waits until something is so.
    pub async fn until(&self, what: &str, so: impl Fn(&Script) -> bool) {
        let wait = async {
            loop {
                let changed = self.host.0.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if so(&self.host.0) {
                    return;
                }
                changed.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(10), wait).await;
        assert!(waited.is_ok(), "never: {what}; told {:?}", self.host.0.told.lock().unwrap());
    }

    pub async fn finished(&self, count: usize) {
        self.until(&format!("{count} finished"), |script| {
            script.told.lock().unwrap().iter().filter(|(_, action)| *action == "finished").count() >= count
        })
        .await;
    }

    pub async fn runs(&self) -> Vec<CronRunEntry> {
        let filter = CronRunFilter { limit: 100, ascending: true, ..CronRunFilter::default() };
        let (rows, _) = self.store.cron().runs(filter).await.unwrap();
        rows.into_iter().map(|row| serde_json::from_value(row.entry).unwrap()).collect()
    }

    pub fn begun(&self) -> usize {
        self.host.0.begun.lock().unwrap().len()
    }
}

/// A job of an agent's.
#[allow(clippy::needless_pass_by_value, reason = "it is made for the call")]
pub fn turn(name: &str, schedule: Value) -> Value {
    json!({
        "name": name, "schedule": schedule, "sessionTarget": "isolated", "wakeMode": "now",
        "payload": {"kind": "agentTurn", "message": "go"}, "delivery": {"mode": "none"},
    })
}

pub fn every(ms: i64) -> Value {
    json!({"kind": "every", "everyMs": ms})
}

pub fn at(ms: i64) -> Value {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap();
    json!({"kind": "at", "at": at.to_string()})
}
