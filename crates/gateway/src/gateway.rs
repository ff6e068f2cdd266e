//! One running gateway: everything that its parts share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bulkhead_agent::Lanes;
use bulkhead_agent::tools::WebFetch;
use bulkhead_profile::Place;
use bulkhead_protocol::ErrorShape;
use bulkhead_server::{Lifecycle, StateVersion, Traffic};
use bulkhead_store::Store;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Access;
use crate::approvals::Approvals;
use crate::canvas::Canvas;
use crate::channels::Channels;
use crate::checks::Checks;
use crate::credentials::Credentials;
use crate::events::Events;
use crate::health::HealthCache;
use crate::invocations::Invocations;
use crate::logs::Redactor;
use crate::models::ModelSet;
use crate::nodes::Nodes;
use crate::presence::Presence;
use crate::probation::Probation;
use crate::questions::Questions;
use crate::rescue::RescueDesk;
use crate::runs::registry::Registry;
use crate::schedule::Schedule;
use crate::seat::Seat;
use crate::settings::SettingsSlot;
use crate::skills::Skills;
use crate::wizard::Wizards;

/// Memory is given back when nothing ran for this long.
const REST: Duration = Duration::from_secs(2);

/// The gateway's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Everything that the parts of a running gateway share. The parts are composed in `compose`.
pub(crate) struct Gateway {
    /// Which profile, and where it lives.
    pub(crate) place: Place,
    /// The base port that is bound.
    pub(crate) port: u16,
    pub(crate) begun: Instant,
    pub(crate) store: Store,
    pub(crate) events: Events,
    pub(crate) lifecycle: Lifecycle,
    /// What the transport counts.
    pub(crate) traffic: Traffic,
    pub(crate) access: Arc<Access>,
    pub(crate) settings: SettingsSlot,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) models: ModelSet,
    pub(crate) lanes: Lanes,
    pub(crate) runs: Registry,
    /// What waits for a person's yes.
    pub(crate) approvals: Approvals,
    /// What agents asked people.
    pub(crate) questions: Questions,
    pub(crate) presence: Presence,
    pub(crate) health: HealthCache,
    pub(crate) channels: Channels,
    pub(crate) seat: Seat,
    /// Documents that agents show.
    pub(crate) canvas: Canvas,
    /// Devices that lend themselves to it.
    pub(crate) nodes: Nodes,
    /// Tools that were called by hand.
    pub(crate) invocations: Invocations,
    /// Wizards that wait for an answer.
    pub(crate) wizards: Wizards,
    /// What agents can read up on.
    pub(crate) skills: Skills,
    /// The watch over another gateway.
    pub(crate) rescue: RescueDesk,
    /// Jobs and heartbeats.
    pub(crate) schedule: Schedule,
    /// What it finds out about itself.
    pub(crate) checks: Checks,
    /// Whether the configuration in force has proven itself.
    pub(crate) probation: Probation,
    pub(crate) redactor: Redactor,
    /// Control plane only: no channels, no answers.
    pub(crate) safe_mode: bool,
    /// Secrets come from a supervisor.
    pub(crate) sidecar: bool,
    /// The work that a drain waits for.
    pub(crate) tasks: TaskTracker,
    /// The gateway is going down.
    pub(crate) stop: CancellationToken,
    /// One write of the configuration at a time.
    pub(crate) config_writes: tokio::sync::Mutex<()>,
    /// One reload at a time.
    pub(crate) reloading: tokio::sync::Mutex<()>,
    /// What a reload could not change in the running process.
    pub(crate) restart_needed: Mutex<Vec<String>>,
    /// The web client of the agents' tool, once it was needed.
    pub(crate) web: Mutex<Option<Arc<WebFetch>>>,
    pub(crate) trimming: AtomicBool,
    /// Told whenever a run ended.
    pub(crate) run_ended: tokio::sync::Notify,
    /// Somebody asked for a restart.
    pub(crate) restarting: AtomicBool,
}

impl Gateway {
    /// Whether messages may be answered now; if not, why.
    pub(crate) fn may_run(&self) -> Result<(), ErrorShape> {
        if self.stop.is_cancelled() {
            return Err(ErrorShape::unavailable_retryable(
                "the gateway is stopping; send the message again",
                Some(1000),
            ));
        }
        if self.safe_mode {
            return Err(ErrorShape::unavailable(
                "the gateway runs in safe mode and answers nobody: it crashed too often; look at the log, then restart it",
            ));
        }
        if let Some(why) = self.credentials.waiting_for() {
            return Err(ErrorShape::unavailable_retryable(
                format!("the gateway waits for the keychain and answers nobody yet: {why}"),
                Some(5000),
            ));
        }
        Ok(())
    }

    /// The versions that events carry.
    pub(crate) fn state_version(&self) -> StateVersion {
        StateVersion { presence: self.presence.version(), health: self.health.version() }
    }

    /// The health snapshot is out of date.
    pub(crate) fn invalidate_health(&self) {
        self.health.invalidate();
        let snapshot = self.health.snapshot(self);
        self.events.health(&snapshot, self.state_version());
    }

    /// A run ended, or the start did: when nothing follows for a while, memory goes back to the system.
    pub(crate) fn rested(self: &Arc<Self>) {
        self.health.invalidate();
        self.run_ended.notify_waiters();
        if self.trimming.swap(true, Ordering::AcqRel) {
            return;
        }
        let gateway = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(REST).await;
                if gateway.stop.is_cancelled() {
                    return;
                }
                if gateway.runs.count() == 0 {
                    break;
                }
            }
            gateway.trimming.store(false, Ordering::Release);
            if let Err(error) = gateway.store.shrink().await {
                tracing::debug!(%error, "the database kept its memory");
            }
            bulkhead_process::memory::trim();
        });
    }
}
