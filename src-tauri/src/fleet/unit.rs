//! One profile: its supervisor where the app owns it, the connection to its gateway, and the card made of both.

use super::Fleet;
use super::card::{self, Answering, Identity};
use super::link::{self, Link};
use super::owned;
use crate::cards::{Ended, Problem, ProblemAction, ProfileCard};
use crate::commands::gateway::GatewayNotice;
use crate::failure::{Answer, Failure};
use crate::language::texts;
use crate::launch::SidecarLauncher;
use crate::{notices, words};
use bulkhead_config::ConfigStore;
use bulkhead_process::RunRecord;
use bulkhead_profile::{Owner, Place, Ports, RegisterEntry};
use bulkhead_supervisor::ownership::Action;
use bulkhead_supervisor::{
    ControlClient, Desired, GatewayStatus, StoredSecrets, Supervisor, SupervisorError, SupervisorHandle,
    SupervisorOptions,
};
use serde_json::Value;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long a gateway may take to end before it is killed: shorter than the app's own patience at its end.
const STOP_LIMIT: Duration = Duration::from_secs(6);
/// How long the app waits for what it asks on its own account.
const LOOK: Duration = Duration::from_secs(10);
/// How often, and after which pause, a gateway is looked at that went away.
const LOOKS: u32 = 6;
const LOOK_AFTER: Duration = Duration::from_millis(250);
/// How often a refused connection is tried again without any sign that something changed.
const REFUSED_RETRY: Duration = Duration::from_mins(1);

/// One profile of the fleet.
pub struct Unit {
    entry: RegisterEntry,
    identity: Identity,
    place: Place,
    fleet: Fleet,
    supervisor: OnceLock<SupervisorHandle>,
    link: Link,
    /// What the supervisor says that runs it instead of the app.
    followed: Mutex<Option<GatewayStatus>>,
    answering: Mutex<Answering>,
    channels_changed: Notify,
    people_asked: Notify,
    /// Somebody else may supervise it now.
    owner_changed: Notify,
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
            supervisor: OnceLock::new(),
            followed: Mutex::new(None),
            answering: Mutex::new(Answering::default()),
            channels_changed: Notify::new(),
            people_asked: Notify::new(),
            owner_changed: Notify::new(),
            stop: CancellationToken::new(),
        });
        unit.supervise();
        tauri::async_runtime::spawn(Arc::clone(&unit).follow_gateway());
        tauri::async_runtime::spawn(Arc::clone(&unit).follow_channels());
        tauri::async_runtime::spawn(Arc::clone(&unit).follow_people());
        tauri::async_runtime::spawn(Arc::clone(&unit).follow_owner());
        Ok(unit)
    }

    /// Becomes the supervisor of a gateway that the app owns, unless it is already, or somebody else is: then the card
    /// tells what the gateway answers, and this is tried again later.
    pub fn supervise(self: &Arc<Self>) {
        if !owned::is_run_by_app(self.entry.owner)
            || self.supervisor.get().is_some()
            || self.stop.is_cancelled()
        {
            return;
        }
        // Written last when a profile is made: without it the secrets may not be there yet either.
        let config = self.place.config_path();
        if !config.exists() {
            let problem = Problem {
                code: "config-missing".to_owned(),
                message: format!(
                    "There is no configuration {} (yet). It is being made, or it was removed: then set the profile up again.",
                    config.display()
                ),
                action: None,
            };
            return self.note(|answering| answering.unsupervised = Some(problem));
        }
        let launcher = Arc::new(SidecarLauncher::new(self.fleet.inner.app.clone(), &self.identity.name));
        let secrets = Arc::new(StoredSecrets::new(self.place.clone(), self.fleet.inner.env.clone()));
        let mut options = SupervisorOptions::new(self.place.clone(), Owner::Desktop, launcher, secrets);
        options.stop_limit = STOP_LIMIT;
        match Supervisor::spawn(options) {
            Ok(handle) => {
                let _ = self.supervisor.set(handle);
                self.note(|answering| answering.unsupervised = None);
                tauri::async_runtime::spawn(Arc::clone(self).follow_supervisor());
            }
            Err(SupervisorError::AlreadySupervised { .. }) => {
                self.note(|answering| answering.unsupervised = None);
            }
            Err(error) => {
                let problem = Problem {
                    code: error.code().to_owned(),
                    message: error.to_string(),
                    action: Some(ProblemAction::Logs),
                };
                let told =
                    self.answering().unsupervised.is_some_and(|known| known.message == problem.message);
                if !told {
                    tracing::error!(profile = self.identity.name, code = problem.code, "{}", problem.message);
                }
                self.note(|answering| answering.unsupervised = Some(problem));
            }
        }
    }

    /// Whether the app should run it and can't yet, because it is still being made.
    pub fn is_unfinished(&self) -> bool {
        self.entry.owner == Owner::Desktop
            && self.supervisor.get().is_none()
            && !self.stop.is_cancelled()
            && !self.place.config_path().exists()
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
        self.owner_changed.notify_one();
    }

    /// The network is another one, or the computer slept: the connection is tried at once.
    pub async fn stir(&self) {
        self.owner_changed.notify_one();
        self.link.stir().await;
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
        self.link.request(method, params, None).await
    }

    /// Starts the gateway, by its supervisor.
    pub async fn start(&self) -> Answer<()> {
        let outcome = match self.supervisor.get() {
            Some(supervisor) => supervisor.start().await.map_err(Failure::from),
            None => self.ask_owner(Action::Start).await,
        };
        self.outcome(outcome)
    }

    /// Stops the gateway, by its supervisor.
    pub async fn stop(&self) -> Answer<()> {
        let outcome = match self.supervisor.get() {
            Some(supervisor) => supervisor.stop().await.map_err(Failure::from),
            None => self.ask_owner(Action::Stop).await,
        };
        self.outcome(outcome)
    }

    /// Restarts the gateway, by its supervisor.
    pub async fn restart(&self) -> Answer<()> {
        let outcome = match self.supervisor.get() {
            Some(supervisor) => supervisor.restart().await.map_err(Failure::from),
            None => self.ask_owner(Action::Restart).await,
        };
        self.outcome(outcome)
    }

    /// Stops the gateway until then, by its supervisor.
    pub async fn pause(&self, until_ms: u64) -> Answer<()> {
        let outcome = match self.supervisor.get() {
            Some(supervisor) => {
                let left = Duration::from_millis(until_ms.saturating_sub(link::now_ms()));
                supervisor.pause(left).await.map_err(Failure::from)
            }
            None => owned::pause(&self.place, self.entry.owner, until_ms).await,
        };
        self.outcome(outcome)
    }

    /// Hands the gateway what changed among its secrets.
    pub async fn reload_secrets(&self) {
        let Some(supervisor) = self.supervisor.get() else { return };
        if let Err(error) = supervisor.reload_secrets().await {
            tracing::warn!(profile = self.identity.name, code = error.code(), "{error}");
        }
    }

    /// Lets go: a gateway that the app runs is stopped, one of others goes on.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        let supervised = async {
            if let Some(supervisor) = self.supervisor.get() {
                supervisor.shutdown().await;
            }
        };
        tokio::join!(supervised, self.link.stop());
    }

    /// Reads process id and memory of the gateway.
    pub fn measure(&self) {
        let supervised = self.status().and_then(|status| status.pid);
        let pid = supervised.or_else(|| {
            RunRecord::read_running(&self.place.run_record_path()).map(|record| record.identity.pid)
        });
        let memory_bytes = pid.and_then(bulkhead_process::memory::of);
        let mut answering = self.answering.lock().unwrap_or_else(PoisonError::into_inner);
        answering.pid = pid;
        answering.memory_bytes = memory_bytes;
    }

    /// The profile that this one watches, by its configuration.
    async fn watched(&self) -> Option<String> {
        let store = ConfigStore::new(&self.place);
        let loaded = tokio::task::spawn_blocking(move || store.load()).await.ok()?.ok()?;
        let rescue = loaded.config.rescue;
        rescue.watch.or_else(|| rescue.main?.profile)
    }

    /// Asks whoever runs it instead of the app.
    async fn ask_owner(&self, action: Action) -> Answer<()> {
        owned::ask(&self.place, &self.fleet.inner.env, self.entry.owner, action).await
    }

    /// A refusal stands on the card until something else is asked: the tray has no other place to say it.
    fn outcome(&self, answer: Answer<()>) -> Answer<()> {
        let refused = answer.as_ref().err().map(|failure| Problem {
            code: failure.code.clone(),
            message: failure.message.clone(),
            action: None,
        });
        self.note(|answering| answering.not_done = refused);
        answer
    }

    fn status(&self) -> Option<GatewayStatus> {
        match self.supervisor.get() {
            Some(supervisor) => Some(supervisor.status()),
            None => self.followed.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
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
        let Some(mut status) = self.supervisor.get().map(SupervisorHandle::watch) else { return };
        let mut was_running = false;
        loop {
            let (running, port) = {
                let status = status.borrow_and_update();
                let port = status.ready.as_ref().map(|ready| ready.port).filter(|port| *port != 0);
                (status.is_running(), port)
            };
            if running {
                self.measure();
            }
            self.fleet.announce();
            if running && !was_running {
                tokio::select! {
                    () = self.link.came_up(port) => {}
                    () = self.stop.cancelled() => return,
                }
            }
            was_running = running;
            tokio::select! {
                changed = status.changed() => if changed.is_err() { break },
                () = self.stop.cancelled() => return,
            }
        }
        // It was asked to let go, not by the app: the register says who runs the gateway now.
        let fleet = self.fleet.clone();
        tauri::async_runtime::spawn(async move { fleet.refresh().await });
    }

    /// Follows the connection: its state, and what the gateway says.
    async fn follow_gateway(self: Arc<Self>) {
        let told = |problem| {
            let remote = self.link.remote();
            let known = self.answering();
            if known.refusal != problem || known.remote != remote {
                self.note(|answering| {
                    answering.refusal = problem;
                    answering.remote = remote;
                });
            }
        };
        let client = tokio::select! {
            client = self.link.open(told) => client.clone(),
            () = self.stop.cancelled() => return,
        };
        tauri::async_runtime::spawn(crate::node::run(
            self.fleet.app().clone(),
            self.identity.name.clone(),
            client.clone(),
            self.stop.clone(),
        ));
        let mut changes = client.state();
        let mut events = client.events();
        changes.mark_changed();
        let mut refused = false;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let seen = link::seen(&changes.borrow_and_update());
                    refused = seen.refusal.is_some();
                    self.connection_changed(seen);
                }
                () = tokio::time::sleep(REFUSED_RETRY), if refused => self.link.came_up(None).await,
                event = events.recv() => match event {
                    Ok(frame) => {
                        if matches!(&*frame.event, "health" | "config.changed") {
                            self.channels_changed.notify_one();
                        }
                        if frame.event.starts_with("exec.approval.") || frame.event.starts_with("question.") {
                            self.people_asked.notify_one();
                        }
                        let told = GatewayNotice::event(&self.identity.name, &frame);
                        if let GatewayNotice::Event { profile, frame } = &told
                            && let Some(change) = notices::change(profile, &frame.event, &frame.payload)
                        {
                            self.fleet.inner.desktop.apply(change);
                        }
                        self.fleet.tell(told);
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

    fn connection_changed(self: &Arc<Self>, seen: link::Seen) {
        let connected = seen.version.is_some();
        let was_connected = self.answering().connected;
        self.note(|answering| {
            if answering.connected != connected {
                answering.since_ms = Some(link::now_ms());
            }
            answering.connected = connected;
            answering.remote = self.link.remote();
            if connected {
                answering.gone = None;
            } else if answering.remote.is_some() {
                let silent = || Problem {
                    code: "connection-lost".to_owned(),
                    message: texts::notice_connection_lost(),
                    action: None,
                };
                answering.gone = seen.lost.or(answering.gone.take()).or(was_connected.then(silent));
            }
            answering.refusal = seen.refusal;
            if let Some(version) = seen.version {
                answering.version = Some(version);
            } else {
                answering.channels = None;
                answering.subscribed = false;
            }
        });
        self.fleet.tell(self.connection());
        self.owner_changed.notify_one();
        if connected {
            self.channels_changed.notify_one();
            self.people_asked.notify_one();
        } else if was_connected {
            tauri::async_runtime::spawn(Arc::clone(self).look_after());
        }
    }

    /// A gateway that nobody here supervises went away: as planned, or not? One that was asked to end takes its run record
    /// along, and a service that shall not run says so.
    async fn look_after(self: Arc<Self>) {
        for _ in 0..LOOKS {
            tokio::time::sleep(LOOK_AFTER).await;
            let answering = self.answering();
            if answering.connected || answering.remote.is_some() || self.status().is_some() {
                return;
            }
            let wanted = Desired::read(&self.place.desired_path()) == Desired::Running;
            let name = &self.identity.name;
            let message = match RunRecord::read(&self.place.run_record_path()) {
                Some(record) if record.identity.is_alive() => continue,
                _ if self.entry.owner == Owner::Service && wanted => texts::notice_service_gone(name),
                Some(_) => texts::notice_vanished(name),
                None => return,
            };
            let action = (self.entry.owner == Owner::Service).then_some(ProblemAction::Restart);
            let at = link::now_ms();
            return self.note(|answering| {
                answering.gone = Some(Problem { code: "gateway-gone".to_owned(), message, action });
                answering.ended = Some(Ended { at, message: words::ended(at, None, None) });
            });
        }
    }

    /// Follows the supervisor that runs it instead of the app, while there is one.
    async fn follow_owner(self: Arc<Self>) {
        let client = ControlClient::new(&self.place);
        let keep = |status: Option<GatewayStatus>| {
            *self.followed.lock().unwrap_or_else(PoisonError::into_inner) = status;
            self.fleet.announce();
        };
        loop {
            if self.supervisor.get().is_none()
                && let Some(Ok(mut watch)) = self.stop.run_until_cancelled(client.watch()).await
            {
                let mut was_running = false;
                while let Some(Some(status)) = self.stop.run_until_cancelled(watch.next()).await {
                    let running = status.is_running();
                    let port = status.ready.as_ref().map(|ready| ready.port).filter(|port| *port != 0);
                    keep(Some(status));
                    if running && !was_running {
                        self.note(|answering| answering.gone = None);
                        self.link.came_up(port).await;
                    }
                    was_running = running;
                }
                keep(None);
                if was_running && !self.stop.is_cancelled() {
                    tauri::async_runtime::spawn(Arc::clone(&self).look_after());
                }
            }
            if self.stop.run_until_cancelled(self.owner_changed.notified()).await.is_none() {
                return;
            }
        }
    }

    /// Counts what waits for a person whenever that changed.
    async fn follow_people(self: Arc<Self>) {
        let count = |list: Answer<Value>, name: &str| {
            let list = list.ok()?;
            let list = list.as_array().or_else(|| list.get(name)?.as_array())?;
            u32::try_from(list.len()).ok()
        };
        while self.stop.run_until_cancelled(self.people_asked.notified()).await.is_some() {
            let nothing = || serde_json::json!({});
            let (approvals, questions) = tokio::join!(
                self.link.request("exec.approval.list", nothing(), Some(LOOK)),
                self.link.request("question.list", nothing(), Some(LOOK)),
            );
            let waiting =
                count(approvals, "approvals").unwrap_or(0) + count(questions, "questions").unwrap_or(0);
            if self.answering().waiting != waiting {
                self.note(|answering| answering.waiting = waiting);
            }
        }
    }

    /// Asks how the channels stand whenever there is reason to. In a task of its own: a slow answer holds no event up.
    async fn follow_channels(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.channels_changed.notified() => {}
                () = self.stop.cancelled() => return,
            }
            if !self.answering().subscribed {
                let asked = self.link.request("sessions.subscribe", serde_json::json!({}), Some(LOOK)).await;
                match asked {
                    Ok(_) => self.note(|answering| answering.subscribed = true),
                    Err(failure) => {
                        tracing::warn!(
                            profile = self.identity.name,
                            code = failure.code,
                            "{}",
                            failure.message
                        );
                    }
                }
            }
            let watching = self.watched().await;
            if self.answering().watching != watching {
                self.note(|answering| answering.watching = watching);
            }
            let params = serde_json::json!({ "probe": false, "timeoutMs": 5000 });
            if let Ok(status) = self.link.request("channels.status", params, Some(LOOK)).await {
                self.measure();
                self.note(|answering| {
                    answering.channels = answering.connected.then_some(status);
                });
            }
        }
    }
}
