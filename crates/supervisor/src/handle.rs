//! The handle by which a supervisor is asked.

use std::time::Duration;

use bulkhead_config::{ConfigStore, RolledBack};
use bulkhead_profile::Place;
use bulkhead_secrets::SecretBundle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::desired::Desired;
use crate::error::SupervisorError;
use crate::ladder::Rung;
use crate::secrets::Secrets;
use crate::status::GatewayStatus;

/// What a supervisor can be asked.
#[derive(Debug)]
pub(crate) enum Wish {
    Start,
    Stop,
    Restart,
    SafeMode,
    Pause { until_ms: u64 },
    Update(Secrets),
    ReloadSecrets,
    Ping,
    Release,
    Shutdown,
}

/// A wish and where its answer goes: when it is done, or begun (a start).
pub(crate) struct Command {
    pub(crate) wish: Wish,
    pub(crate) answer: oneshot::Sender<Result<(), SupervisorError>>,
}

/// A supervisor that runs. Clones ask the same one.
#[derive(Clone)]
pub struct SupervisorHandle {
    profile: String,
    place: Place,
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<GatewayStatus>,
    done: CancellationToken,
}

impl SupervisorHandle {
    pub(crate) fn new(
        place: Place,
        commands: mpsc::Sender<Command>,
        status: watch::Receiver<GatewayStatus>,
        done: CancellationToken,
    ) -> Self {
        Self { profile: place.name().to_string(), place, commands, status, done }
    }

    /// The status as it changes.
    pub fn watch(&self) -> watch::Receiver<GatewayStatus> {
        self.status.clone()
    }

    /// The status now.
    pub fn status(&self) -> GatewayStatus {
        self.status.borrow().clone()
    }

    /// Waits until the status is so; `None` if the supervisor ends before.
    pub async fn wait_for(&self, wanted: impl FnMut(&GatewayStatus) -> bool) -> Option<GatewayStatus> {
        let mut watch = self.status.clone();
        watch.wait_for(wanted).await.ok().map(|status| status.clone())
    }

    pub(crate) async fn ask(&self, wish: Wish) -> Result<(), SupervisorError> {
        let gone = || SupervisorError::Gone { profile: self.profile.clone() };
        let (answer, answered) = oneshot::channel();
        self.commands.send(Command { wish, answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Starts the gateway and wants it running from now on. Answers when it is begun.
    pub async fn start(&self) -> Result<(), SupervisorError> {
        self.ask(Wish::Start).await
    }

    /// Stops it and wants it stopped from now on. Answers when it is gone.
    pub async fn stop(&self) -> Result<(), SupervisorError> {
        self.ask(Wish::Stop).await
    }

    /// Stops it and starts it on its configuration, with a fresh crash ladder. Answers when the start is begun.
    pub async fn restart(&self) -> Result<(), SupervisorError> {
        self.ask(Wish::Restart).await
    }

    /// Starts it again in safe mode: control plane only.
    pub async fn safe_mode(&self) -> Result<(), SupervisorError> {
        self.ask(Wish::SafeMode).await
    }

    /// Puts a good configuration back in place (the version with this hash, else the newest good one), and restarts on
    /// it a gateway that is wanted running. `base` is the hash of the file that was seen: one that changed since is left
    /// alone. Asking twice does no more than asking once.
    pub async fn rollback(
        &self,
        hash: Option<String>,
        base: Option<String>,
    ) -> Result<RolledBack, SupervisorError> {
        let store = ConfigStore::new(&self.place);
        let asked = tokio::task::spawn_blocking(move || store.rollback_to(hash.as_deref(), base.as_deref()));
        let gone = || SupervisorError::Gone { profile: self.profile.clone() };
        let done = asked.await.map_err(|_| gone())??;
        tracing::warn!(
            profile = %self.profile, from = %done.from, to = %done.to,
            rejected = ?done.rejected.as_ref().map(|path| path.display().to_string()),
            "the configuration was rolled back"
        );
        let status = self.status();
        let as_wanted = status.is_running() && status.rung == Rung::Normal;
        if status.desired == Desired::Running && (done.changed() || !as_wanted) {
            match self.restart().await {
                // Whoever runs it sees the file change.
                Ok(()) | Err(SupervisorError::NotOwner { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Stops it and starts it again by itself after `pause`.
    pub async fn pause(&self, pause: Duration) -> Result<(), SupervisorError> {
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.ask(Wish::Pause { until_ms: crate::desired::now_ms().saturating_add(pause) }).await
    }

    /// Hands new secrets over (rotation, a new channel, an unlocked keychain): exactly these, no others.
    pub async fn update(&self, secrets: SecretBundle) -> Result<(), SupervisorError> {
        self.ask(Wish::Update(Secrets::ready(secrets))).await
    }

    /// Reads the secrets again and hands over what changed.
    pub async fn reload_secrets(&self) -> Result<(), SupervisorError> {
        self.ask(Wish::ReloadSecrets).await
    }

    /// Answers when the supervisor's own loop turns: what a watchdog wants to know.
    pub async fn alive(&self) -> Result<(), SupervisorError> {
        self.ask(Wish::Ping).await
    }

    /// Stops the gateway and ends the supervisor; what its owner wants stays as it is.
    pub async fn shutdown(&self) {
        let _ = self.ask(Wish::Shutdown).await;
        self.done.cancelled().await;
    }
}
