//! The way to a running watch: what is known, requests, drills, settings.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::settings::Settings;
use crate::drill::{DrillKind, DrillReport};
use crate::incident::Incident;
use crate::remedy::{Actor, Refusal, RefusalKind, RemedyKind, RemedyOutcome, RemedyReply, RemedyRequest};
use crate::seams::Wanted;
use crate::state::Aspect;
use crate::timeline::{SavedTimeline, Shade};

/// How one aspect stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AspectState {
    /// Nothing is known.
    Unknown,
    /// It is good.
    Good,
    /// It is bad, not for long enough to be told.
    Suspect,
    /// It is bad.
    Bad,
}

/// One aspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AspectView {
    /// Which.
    pub aspect: Aspect,
    /// How it stands.
    pub state: AspectState,
}

/// The watch, for people and programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchView {
    /// What is watched, for people.
    pub watched: String,
    /// How it is now, in one word.
    pub shade: Shade,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// What its owner wants.
    pub wanted: Wanted,
    /// Who owns it.
    pub owner: Option<String>,
    /// The hash of its configuration file.
    pub config_hash: Option<String>,
    /// Every aspect.
    pub aspects: Vec<AspectView>,
    /// The open incident.
    pub incident: Option<Incident>,
    /// What can be done now.
    pub remedies: Vec<RemedyKind>,
    /// What can help with the open incident, in words.
    pub advice: Option<String>,
    /// Until when nothing new is told, in milliseconds since 1970.
    pub muted_until_ms: Option<u64>,
    /// Whether this gateway's own way to operators is closed.
    pub own_network_down: bool,
    /// The drill that runs.
    pub drill: Option<DrillKind>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum RescueEvent {
    /// An incident began, changed or ended.
    Incident {
        /// The incident.
        incident: Box<Incident>,
    },
    /// A remedy came to its verdict.
    Remedy {
        /// The outcome.
        outcome: RemedyOutcome,
    },
    /// A drill ended.
    Drill {
        /// The report.
        report: DrillReport,
    },
}

pub(super) enum Command {
    Request(RemedyRequest, oneshot::Sender<Result<RemedyReply, Refusal>>),
    Drill { kind: DrillKind, by: Actor, reply: oneshot::Sender<Result<DrillReport, Refusal>> },
    OwnNetwork(bool),
    Settings(Box<Settings>),
    Operators(BTreeSet<String>),
    Incidents(usize, oneshot::Sender<Vec<Incident>>),
    Timeline(oneshot::Sender<SavedTimeline>),
}

/// A running watch. Cheap to clone.
#[derive(Clone)]
pub struct WatchHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) view: watch::Receiver<Arc<WatchView>>,
    pub(super) events: broadcast::Sender<RescueEvent>,
}

impl std::fmt::Debug for WatchHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WatchHandle").field("watched", &self.view.borrow().watched).finish_non_exhaustive()
    }
}

impl WatchHandle {
    /// What is known now.
    pub fn view(&self) -> Arc<WatchView> {
        Arc::clone(&self.view.borrow())
    }

    /// What is known, now and after each change.
    pub fn views(&self) -> watch::Receiver<Arc<WatchView>> {
        self.view.clone()
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<RescueEvent> {
        self.events.subscribe()
    }

    /// Asks for a remedy. The answer comes at once; what a repair led to comes as [`RescueEvent::Remedy`].
    pub async fn request(&self, request: RemedyRequest) -> Result<RemedyReply, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Request(request, reply)).await?;
        answer.await.unwrap_or_else(|_| Err(closing()))
    }

    /// Runs a drill to its end and reports its times. The caller has asked for confirmation: it really ends or stops
    /// the watched gateway.
    pub async fn drill(&self, kind: DrillKind, by: Actor) -> Result<DrillReport, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Drill { kind, by, reply }).await?;
        answer.await.unwrap_or_else(|_| Err(closing()))
    }

    /// Says whether this gateway reaches its own messenger: while it does not, a silent messenger or provider of the
    /// watched one is nobody's fault.
    pub async fn own_network(&self, reachable: bool) {
        let _ = self.send(Command::OwnNetwork(reachable)).await;
    }

    /// Other settings, from now on.
    pub async fn configure(&self, settings: Settings) {
        let _ = self.send(Command::Settings(Box::new(settings))).await;
    }

    /// Other operators, from now on.
    pub async fn set_operators(&self, operators: BTreeSet<String>) {
        let _ = self.send(Command::Operators(operators)).await;
    }

    /// The newest incidents first, also those that a full disk kept out of the journal.
    pub async fn incidents(&self, limit: usize) -> Vec<Incident> {
        let (reply, answer) = oneshot::channel();
        if self.send(Command::Incidents(limit, reply)).await.is_err() {
            return Vec::new();
        }
        answer.await.unwrap_or_default()
    }

    /// The strip of the last days.
    pub async fn timeline(&self) -> SavedTimeline {
        let (reply, answer) = oneshot::channel();
        if self.send(Command::Timeline(reply)).await.is_err() {
            return SavedTimeline::default();
        }
        answer.await.unwrap_or_default()
    }

    async fn send(&self, command: Command) -> Result<(), Refusal> {
        self.commands.send(command).await.map_err(|_| closing())
    }
}

fn closing() -> Refusal {
    Refusal::new(RefusalKind::Closing, "The watch is ending; try again when this gateway is back.")
}
