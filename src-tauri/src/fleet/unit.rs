//! One profile: its supervisor where the app owns it, the connection to its gateway, and the card made of both.

use super::Fleet;
use super::card::{self, Answering, Identity};
use super::link::{self, Link};
use crate::cards::ProfileCard;
use crate::commands::gateway::GatewayNotice;
use crate::failure::{Answer, Failure};
use crate::launch::SidecarLauncher;
use bulkhead_process::RunRecord;
use bulkhead_profile::{Owner, Place, Ports, RegisterEntry};
use bulkhead_supervisor::{GatewayStatus, StoredSecrets, Supervisor, SupervisorHandle, SupervisorOptions};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// One profile of the fleet.
pub struct Unit {
    entry: RegisterEntry,
    identity: Identity,
    place: Place,
    fleet: Fleet,
    supervisor: Option<SupervisorHandle>,
    link: Link,
    answering: Mutex<Answering>,
    stop: CancellationToken,
}

impl Unit {
    /// Supervises (or only attaches to) the gateway of a registered profile.
    pub fn spawn(fleet: Fleet, entry: &RegisterEntry) -> Answer<Arc<Self>> {
        let env = fleet.inner.env.clone();
        let place = Place::of_entry(entry, &env);
        let ports = Ports::new(entry.base_port).map_err(|error| {
            Failure::new("bad-port", error.to_string(), "Give the profile another base port.")
        })?;
        let supervisor = match entry.owner {
            Owner::Desktop => {
                let launcher = Arc::new(SidecarLauncher::new(fleet.inner.app.clone()));
                let secrets = Arc::new(StoredSecrets::new(place.clone(), env.clone()));
                let options = SupervisorOptions::new(place.clone(), Owner::Desktop, launcher, secrets);
                Some(Supervisor::spawn(options)?)
            }
            Owner::Service | Owner::External => None,
        };
        let unit = Arc::new(Self {
            identity: Identity {
                name: entry.name.as_str().to_owned(),
                ports,
                owner: entry.owner,
                state_dir: place.state_dir().display().to_string(),
                workspace: place.workspace().display().to_string(),
            },
            entry: entry.clone(),
            link: Link::new(place.clone(), env, entry.base_port),
            place,
            fleet,
            supervisor,
            answering: Mutex::new(Answering::default()),
            stop: CancellationToken::new(),
        });
        tauri::async_runtime::spawn(Arc::clone(&unit).follow_supervisor());
        tauri::async_runtime::spawn(Arc::clone(&unit).follow_gateway());
        Ok(unit)
    }

    /// Whether this is still what the register says.
    pub fn is_of(&self, entry: &RegisterEntry) -> bool {
        self.entry.state_dir == entry.state_dir
            && self.entry.base_port == entry.base_port
            && self.entry.owner == entry.owner
    }

    /// Tries to connect now instead of waiting.
    pub fn knock(&self) {
        self.link.knock();
    }

    /// Where the profile lives.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The card as it is now.
    pub fn card(&self) -> ProfileCard {
        card::card(&self.identity, self.status().as_ref(), &self.answering())
    }

    /// How the connection stands.
    pub fn connection(&self) -> GatewayNotice {
        GatewayNotice::Connection { profile: self.identity.name.clone(), connection: self.link.report() }
    }

    /// One request of the protocol.
    pub async fn request(&self, method: &str, params: Value) -> Answer<Value> {
        self.link.request(method, params).await
    }

    /// Starts the gateway.
    pub async fn start(&self) -> Answer<()> {
        Ok(self.supervisor()?.start().await?)
    }

    /// Stops the gateway.
    pub async fn stop(&self) -> Answer<()> {
        Ok(self.supervisor()?.stop().await?)
    }

    /// Restarts the gateway.
    pub async fn restart(&self) -> Answer<()> {
        Ok(self.supervisor()?.restart().await?)
    }

    /// Lets go: a gateway that the app runs is stopped, one of others goes on.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.link.stop().await;
        if let Some(supervisor) = &self.supervisor {
            supervisor.shutdown().await;
        }
    }

    /// Reads process id and memory of the gateway.
    pub fn measure(&self) {
        let supervised = self.status().and_then(|status| status.pid);
        let pid = supervised.or_else(|| {
            RunRecord::read_running(&self.place.run_record_path()).map(|record| record.identity.pid)
        });
        let mut answering = self.answering.lock().unwrap_or_else(PoisonError::into_inner);
        answering.pid = pid;
        answering.memory_bytes = pid.and_then(bulkhead_process::memory::of);
    }

    fn supervisor(&self) -> Answer<&SupervisorHandle> {
        self.supervisor.as_ref().ok_or_else(|| Failure::not_ours(&self.identity.name))
    }

    fn status(&self) -> Option<GatewayStatus> {
        self.supervisor.as_ref().map(SupervisorHandle::status)
    }

    fn answering(&self) -> Answering {
        self.answering.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, change: impl FnOnce(&mut Answering)) {
        change(&mut self.answering.lock().unwrap_or_else(PoisonError::into_inner));
        self.fleet.announce();
    }

    /// Every change of the supervisor changes the card; a gateway that came up is worth a knock at once.
    async fn follow_supervisor(self: Arc<Self>) {
        let Some(mut status) = self.supervisor.as_ref().map(SupervisorHandle::watch) else { return };
        loop {
            let running = status.borrow_and_update().is_running();
            if running {
                self.link.knock();
                self.measure();
            }
            self.fleet.announce();
            tokio::select! {
                changed = status.changed() => if changed.is_err() { return },
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// Follows the connection: its state, and what the gateway says.
    async fn follow_gateway(self: Arc<Self>) {
        let mut changes = self.link.changes();
        let mut events = self.link.events();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let seen = link::seen(&changes.borrow_and_update());
                    self.connection_changed(seen).await;
                }
                event = events.recv() => match event {
                    Ok(frame) => {
                        if matches!(&*frame.event, "health" | "config.changed") {
                            self.look_at_channels().await;
                        }
                        self.fleet.tell(GatewayNotice::event(&self.identity.name, &frame));
                    }
                    Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {
                        // Events were missed: a fresh report makes the page reload what it shows.
                        self.fleet.tell(self.connection());
                    }
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                },
            }
        }
    }

    async fn connection_changed(&self, seen: link::Seen) {
        self.note(|answering| {
            answering.connected = seen.version.is_some();
            answering.since_ms = Some(link::now_ms());
            answering.refusal = seen.refusal;
            if let Some(version) = seen.version {
                answering.version = Some(version);
            } else {
                answering.channels = None;
            }
        });
        self.fleet.tell(self.connection());
        if self.answering().connected {
            if let Err(failure) = self.link.request("sessions.subscribe", serde_json::json!({})).await {
                tracing::warn!(profile = self.identity.name, code = failure.code, "{}", failure.message);
            }
            self.look_at_channels().await;
        }
    }

    async fn look_at_channels(&self) {
        let params = serde_json::json!({ "probe": false, "timeoutMs": 5000 });
        if let Ok(status) = self.link.request("channels.status", params).await {
            self.measure();
            self.note(|answering| answering.channels = Some(status));
        }
    }
}
