//! Puts one gateway together.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use bulkhead_agent::Lanes;
use bulkhead_secrets::SecretBundle;
use bulkhead_server::{EventHub, ServerInfo};
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
use crate::gateway::{Gateway, VERSION};
use crate::health::HealthCache;
use crate::invocations::Invocations;
use crate::logs::Redactor;
use crate::models::ModelSet;
use crate::nodes::Nodes;
use crate::options::RunOptions;
use crate::presence::Presence;
use crate::probation::Probation;
use crate::questions::Questions;
use crate::rescue::RescueDesk;
use crate::runs::registry::Registry;
use crate::schedule::Schedule;
use crate::seat::Seat;
use crate::settings::{Settings, SettingsSlot};
use crate::skills::Skills;
use crate::wizard::Wizards;

/// What a start brought together.
pub(crate) struct Parts<'a> {
    pub(crate) begun: Instant,
    pub(crate) port: u16,
    pub(crate) settings: Settings,
    pub(crate) secrets: SecretBundle,
    /// Why some of them are still waited for.
    pub(crate) waiting: Option<String>,
    pub(crate) store: Store,
    pub(crate) hub: EventHub,
    pub(crate) info: &'a ServerInfo,
    pub(crate) redactor: Redactor,
}

/// The gateway, with its access policy in force and nothing running yet.
pub(crate) fn compose(options: &RunOptions, parts: Parts<'_>) -> Arc<Gateway> {
    let events = Events::new(parts.hub);
    let credentials = Arc::new(Credentials::new(parts.secrets, parts.waiting, options.shared_token()));
    let access = Arc::new(Access::new(parts.store.clone(), events.clone()));
    access.set_policy(credentials.policy(&parts.settings));
    let gateway = Arc::new(Gateway {
        place: options.place.clone(),
        port: parts.port,
        begun: parts.begun,
        store: parts.store,
        events,
        lifecycle: parts.info.lifecycle().clone(),
        traffic: parts.info.traffic().clone(),
        access,
        models: ModelSet::new(Arc::clone(&credentials)),
        credentials,
        lanes: Lanes::default(),
        runs: Registry::default(),
        approvals: Approvals::default(),
        questions: Questions::default(),
        presence: Presence::new(VERSION),
        health: HealthCache::default(),
        channels: Channels::default(),
        seat: Seat::default(),
        canvas: Canvas::default(),
        nodes: Nodes::default(),
        invocations: Invocations::default(),
        wizards: Wizards::default(),
        skills: Skills::default(),
        rescue: RescueDesk::default(),
        schedule: Schedule::default(),
        checks: Checks::default(),
        probation: Probation::new(options.healthy_after),
        redactor: parts.redactor,
        safe_mode: options.safe_mode,
        sidecar: options.sidecar,
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
        config_writes: tokio::sync::Mutex::default(),
        reloading: tokio::sync::Mutex::default(),
        restart_needed: std::sync::Mutex::default(),
        web: std::sync::Mutex::default(),
        trimming: AtomicBool::new(false),
        run_ended: tokio::sync::Notify::new(),
        restarting: AtomicBool::new(false),
        settings: SettingsSlot::new(parts.settings),
    });
    gateway.nodes.belong_to(&gateway);
    gateway.credentials.teach(&gateway.redactor);
    gateway.plan_channels();
    gateway.compose_schedule(options.missed_after);
    gateway
}
