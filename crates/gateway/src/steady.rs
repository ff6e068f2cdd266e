//! The time between "ready" and the end: what happens by itself, what comes from outside, and the orderly stop.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_secrets::handoff::HandoffMessage;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::checks;
use crate::gateway::Gateway;
use crate::options::RunOptions;
use crate::signals::Signals;
use crate::start::foreground;
use crate::start::handoff::{Handed, Handoff};
use crate::watch::ConfigWatch;

/// How long a run that was stopped may take to write down that it was.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long finished answers may take to leave the outbox.
const FLUSH: Duration = Duration::from_secs(4);
/// How often the summary of sessions in the health snapshot is brought up to date.
const SUMMARY: Duration = Duration::from_mins(1);

/// When old runs are forgotten the first time: a start has more urgent things to do.
const PRUNE_FIRST: Duration = Duration::from_mins(10);
/// How often after that.
const PRUNE: Duration = Duration::from_hours(24);
/// Runs that ended longer ago than this are forgotten; their transcripts stay.
const KEEP_RUNS_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// What they took is kept longer: a year and a bit.
const KEEP_USAGE_MS: i64 = 400 * 24 * 60 * 60 * 1000;

/// How a gateway ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// In order: answers finished or marked, outbox flushed.
    Drained,
    /// At once, because it was asked a second time.
    AtOnce,
}

impl Ended {
    /// The exit code of the process.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Drained => 0,
            Self::AtOnce => 1,
        }
    }
}

/// Who ended stdin.
const SUPERVISOR: &str = "the supervisor";

/// What can be said to a running gateway from outside the protocol.
pub(crate) struct Outside {
    /// Lines of the supervisor.
    pub(crate) handoff: Option<Handoff>,
    /// Requests of the system to end.
    pub(crate) signals: Signals,
}

/// Lives until it is asked to stop, then stops.
pub(crate) async fn run(
    gateway: &Arc<Gateway>,
    options: &RunOptions,
    outside: Outside,
    doors: CancellationToken,
    serving: JoinHandle<()>,
) -> Ended {
    let Outside { mut handoff, mut signals } = outside;
    let mut config = ConfigWatch::start(gateway.place.config_path());
    let mut summary = tokio::time::interval(SUMMARY);
    let mut keychain = tokio::time::interval(foreground::PAUSE);
    // What is heavy comes after "ready": TLS, channels, the browser seat.
    let waking = Arc::clone(gateway);
    let mut awake = tokio::spawn(async move { waking.wake().await });
    let mut woken = false;
    tokio::spawn(checks::run(Arc::clone(gateway)));
    tokio::spawn(crate::skills::watch(Arc::clone(gateway)));
    let mut prune = tokio::time::interval_at(Instant::now() + PRUNE_FIRST, PRUNE);
    let why = loop {
        tokio::select! {
            () = signals.next() => break "a signal",
            line = next_line(&mut handoff) => match line {
                Handed::Line(line) => take_over(gateway, line).await,
                Handed::End => break SUPERVISOR,
                Handed::Broken(error) => {
                    tracing::error!("a line of the supervisor could not be read: {error}");
                    handoff = None;
                }
            },
            () = config.changed() => {
                let before = gateway.settings.now();
                gateway.reload().await;
                // Touched and the same: the command line stored a secret, and nobody hands it over here.
                if handoff.is_none() && Arc::ptr_eq(&before, &gateway.settings.now()) {
                    look_again(gateway, options).await;
                }
            }
            _ = summary.tick() => gateway.refresh_session_summary().await,
            _ = keychain.tick(), if handoff.is_none() && gateway.credentials.waiting() => {
                look_again(gateway, options).await;
            }
            _ = &mut awake, if !woken => woken = true,
            () = gateway.probation.passed() => gateway.remember_good().await,
            _ = prune.tick() => {
                gateway.forget_old_runs().await;
                gateway.forget_run_sessions().await;
            }
        }
    };
    tracing::info!("asked to stop by {why}");
    awake.abort();
    tokio::select! {
        () = stop(gateway, doors, serving) => Ended::Drained,
        () = asked_again(&mut signals, why == SUPERVISOR) => Ended::AtOnce,
    }
}

/// A supervisor closes stdin and sends a signal: that is one request to stop, and only what follows is the second.
async fn asked_again(signals: &mut Signals, by_supervisor: bool) {
    if by_supervisor {
        signals.next().await;
    }
    signals.next().await;
}

async fn next_line(handoff: &mut Option<Handoff>) -> Handed {
    match handoff {
        Some(handoff) => handoff.next().await,
        None => std::future::pending().await,
    }
}

/// A rotation, a new channel, or the keychain that was unlocked at last.
async fn take_over(gateway: &Arc<Gateway>, line: HandoffMessage) {
    match line {
        HandoffMessage::Secrets { secrets, waiting, .. } => {
            gateway.credentials.replace(secrets, waiting.map(|waiting| waiting.message));
        }
        HandoffMessage::Update { secrets, removed, waiting, .. } => {
            let waiting = waiting.map(|waiting| waiting.message);
            let names = gateway.credentials.update(secrets, &removed, waiting);
            tracing::info!(count = names.len(), "secrets were updated");
        }
    }
    gateway.secrets_changed().await;
}

impl Gateway {
    /// Keeps the table of runs small.
    async fn forget_old_runs(&self) {
        match self.store.runs().prune(self.store.now() - KEEP_RUNS_MS).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "old runs were forgotten"),
            Err(error) => tracing::debug!(%error, "old runs were kept"),
        }
        match self.store.usage().prune(self.store.now() - KEEP_USAGE_MS).await {
            Ok(count) => tracing::debug!(count, "old usage was forgotten"),
            Err(error) => tracing::debug!(%error, "old usage was kept"),
        }
    }
}

/// In a terminal: is the keychain unlocked by now, or something new in it?
async fn look_again(gateway: &Arc<Gateway>, options: &RunOptions) {
    let settings = gateway.settings.now();
    let has_token = options.shared_token().is_some();
    let found = foreground::secrets(&options.place, &options.environment, &settings.config, has_token).await;
    if let Ok(foreground::Found::Secrets(secrets)) = found {
        tracing::info!("the secrets were read again");
        gateway.credentials.replace(secrets, None);
        gateway.secrets_changed().await;
    }
}

/// No new work, the farewell, time for running answers, the outbox, the database.
async fn stop(gateway: &Arc<Gateway>, doors: CancellationToken, serving: JoinHandle<()>) {
    if !gateway.restarting.load(std::sync::atomic::Ordering::Acquire) {
        gateway.lifecycle.set_farewell("gateway stopping", None);
    }
    gateway.stop.cancel();
    doors.cancel();
    let _ = serving.await;
    // The server waited for the running answers; what still runs is marked and answered after the next start.
    gateway.runs.abort_all();
    gateway.tasks.close();
    if tokio::time::timeout(LAST_WORDS, gateway.tasks.wait()).await.is_err() {
        tracing::warn!(open = gateway.tasks.len(), "some work did not end in time");
    }
    gateway.rescue.stop().await;
    if tokio::time::timeout(FLUSH, gateway.channels.flush()).await.is_err() {
        tracing::warn!("the outbox could not be emptied in time; it goes on after the next start");
    }
    gateway.channels.stop().await;
    gateway.seat.stop().await;
}
