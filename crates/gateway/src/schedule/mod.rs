//! What runs by itself: the engine of jobs, heartbeats, and what happened meanwhile. When something is due is the
//! schedule crate's; here it is done.

mod agent_turn;
mod deliver;
mod events;
mod heartbeat;
mod host;
mod monitors;
pub(crate) mod tool;
mod webhook;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bulkhead_config::Retention;
use bulkhead_protocol::ErrorShape;
use bulkhead_schedule::{Engine, SystemClock, parse_duration};
use bulkhead_store::SessionFilter;
use serde_json::Value;
use tokio::sync::Notify;

use crate::gateway::Gateway;
pub(crate) use agent_turn::wish;
pub(crate) use deliver::{Route, Wish};
pub(crate) use events::SystemEvents;
use host::GatewayHost;

/// How long the conversations of finished runs are kept when nothing is said.
const KEEP_SESSIONS: i64 = 24 * 3_600_000;
/// Most runs at the same time when nothing is said.
const MOST_RUNS: usize = 4;

/// What runs by itself, in the running gateway.
#[derive(Default)]
pub(crate) struct Schedule {
    engine: OnceLock<Engine>,
    /// For tools, which outlive a turn.
    gateway: OnceLock<Weak<Gateway>>,
    /// What happened and was not told to an agent yet.
    pub(crate) events: SystemEvents,
    /// Heartbeats were turned off by hand.
    silent: AtomicBool,
    last: Mutex<Option<Value>>,
    /// Sessions whose heartbeat somebody asked for.
    wakes: Mutex<Vec<String>>,
    wake: Notify,
}

impl Schedule {
    /// The engine.
    pub(crate) fn engine(&self) -> Result<&Engine, ErrorShape> {
        self.engine.get().ok_or_else(ErrorShape::starting)
    }

    fn gateway(&self) -> Option<Weak<Gateway>> {
        self.gateway.get().cloned()
    }

    /// Turns heartbeats on or off until the next start.
    pub(crate) fn set_heartbeats(&self, on: bool) {
        self.silent.store(!on, Ordering::Release);
    }

    /// Whether they are on.
    pub(crate) fn heartbeats(&self) -> bool {
        !self.silent.load(Ordering::Acquire)
    }

    /// How the last heartbeat went.
    pub(crate) fn last_heartbeat(&self) -> Option<Value> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks for a heartbeat of this session soon. Several wishes for one session are one.
    pub(crate) fn wake(&self, session_key: &str) {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        if !wakes.iter().any(|known| known == session_key) && wakes.len() < events::SESSIONS {
            wakes.push(session_key.to_owned());
        }
        drop(wakes);
        self.wake.notify_one();
    }
}

impl Gateway {
    /// Makes the engine; nothing runs yet.
    pub(crate) fn compose_schedule(self: &Arc<Self>, after_start: Duration) {
        let host = GatewayHost::new(self, after_start);
        let engine = Engine::new(
            self.store.clone(),
            Arc::new(SystemClock),
            Arc::new(host),
            jiff::tz::TimeZone::system(),
        );
        let _ = self.schedule.engine.set(engine);
        let _ = self.schedule.gateway.set(Arc::downgrade(self));
    }

    /// Takes up what the last process left. Called once, before anybody can ask for anything.
    pub(crate) async fn recover_schedule(&self) {
        let Ok(engine) = self.schedule.engine() else { return };
        match engine.recover().await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "runs of jobs were interrupted"),
            Err(error) => tracing::error!(%error, "jobs could not be taken up"),
        }
        self.apply_schedule().await;
    }

    /// Jobs and heartbeats begin to run. In safe mode they do not.
    pub(crate) async fn start_schedule(self: &Arc<Self>) {
        if self.safe_mode {
            return;
        }
        self.apply_schedule().await;
        let Ok(engine) = self.schedule.engine().cloned() else { return };
        let stop = self.stop.clone();
        self.tasks.spawn(async move { engine.run(stop).await });
        let gateway = Arc::clone(self);
        self.tasks.spawn(async move { gateway.answer_wakes().await });
        self.forget_run_sessions().await;
    }

    /// Configuration or secrets changed.
    pub(crate) async fn apply_schedule(&self) {
        if self.safe_mode {
            return;
        }
        if let Err(error) = self.keep_monitors().await {
            tracing::warn!(%error, "the jobs of heartbeats could not be brought up to date");
        }
        if let Ok(engine) = self.schedule.engine() {
            engine.poke();
        }
    }

    /// Removes conversations of runs that ended long ago, and old runs.
    pub(crate) async fn forget_run_sessions(&self) {
        let keep = match &self.settings.now().config.cron.session_retention {
            Retention::Usual => KEEP_SESSIONS,
            Retention::Always => 0,
            Retention::For(text) => parse_duration(text, "h").unwrap_or(KEEP_SESSIONS),
        };
        if let Ok(engine) = self.schedule.engine()
            && let Err(error) = engine.prune().await
        {
            tracing::debug!(%error, "old runs of jobs were kept");
        }
        if keep <= 0 {
            return;
        }
        let filter = SessionFilter { search: Some(":run:".to_owned()), ..SessionFilter::default() };
        let Ok(sessions) = self.store.sessions().list(filter).await else { return };
        let before = self.store.now() - keep;
        for session in sessions {
            let of_a_job = session.key.contains(":cron:") || session.key.contains(":hook:");
            if of_a_job && session.updated_at < before && self.runs.active_in(&session.key).is_empty() {
                let _ = self.store.sessions().delete(&session.key).await;
            }
        }
    }
}

/// What the configuration says of concurrency.
fn most_runs(configured: Option<usize>) -> usize {
    configured.unwrap_or(MOST_RUNS).clamp(1, 64)
}
