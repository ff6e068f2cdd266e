//! The keeper of one of our own gateways: everything is asked of its supervisor. Where none answers, the service that
//! would run one is asked; where there is no service either, that is said.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_config::ConfigStore;
use bulkhead_process::{Holder, RunRecord, port};
use bulkhead_profile::{Environment, Owner, Place, Register};
use bulkhead_rescue::{Done, Keeper, KeeperReport, Refusal, RefusalKind, RemedyKind};
use bulkhead_supervisor::{ControlClient, ControlRequest, Desired, GatewayStatus, SupervisorError};
use futures::stream::{self, BoxStream, StreamExt as _};

use super::look;
use super::report::{kept, refusal, wanted};
use super::service::Services;
use crate::logs::Redactor;

/// How long a supervisor that was just started may take to answer.
const SUPERVISOR_COMES_UP: Duration = Duration::from_secs(8);
/// Between two looks for it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long a process that is in the way may take to end.
const END_GRACE: Duration = Duration::from_secs(5);

/// A profile of this program.
pub(in crate::rescue) struct BundledKeeper {
    place: Place,
    env: Arc<Environment>,
    control: ControlClient,
    services: Services,
    redactor: Redactor,
    /// The process that a drill made stand still.
    suspended: Mutex<Option<u32>>,
}

impl BundledKeeper {
    pub(in crate::rescue) fn new(place: Place, env: Arc<Environment>, redactor: Redactor) -> Self {
        let control = ControlClient::new(&place);
        let services = Services::new(place.clone(), Arc::clone(&env));
        Self { place, env, control, services, redactor, suspended: Mutex::default() }
    }

    fn owner(&self) -> Option<Owner> {
        Register::open(&self.env).find(&self.place).ok().flatten().map(|entry| entry.owner)
    }

    fn report(&self, status: Result<Option<GatewayStatus>, SupervisorError>) -> KeeperReport {
        let why = match status {
            Ok(Some(status)) => return KeeperReport::Present { kept: kept(status) },
            Ok(None) => "no supervisor answers on its control socket".to_owned(),
            Err(error) => error.to_string(),
        };
        KeeperReport::Absent {
            wanted: wanted(Desired::read(&self.place.desired_path())),
            owner: self.owner().map(|owner| owner.to_string()),
            why,
        }
    }

    /// Asks the supervisor, if one answers.
    async fn ask(&self, request: ControlRequest) -> Result<Option<GatewayStatus>, Refusal> {
        match self.control.ask(&request).await {
            Ok(status) => Ok(Some(status)),
            Err(SupervisorError::NotSupervised { .. }) => Ok(None),
            Err(error) => Err(refusal(&error)),
        }
    }

    /// The truth about a gateway that nobody keeps, and what can help.
    async fn absent(&self) -> Refusal {
        let name = self.place.name();
        let owner = self.owner();
        let who = match owner {
            Some(Owner::Desktop) => "The app runs this gateway, and the app is not running",
            Some(Owner::Service) => "A service runs this gateway, and the service is not installed any more",
            _ => "Nobody on this machine runs this gateway just now",
        };
        if self.services.available().await {
            Refusal::new(
                RefusalKind::OwnerAbsent,
                format!(
                    "{who}, so nothing was started here. Open the app again, or let a service run it from now on \
                     (on the machine: bulkhead --profile {name} gateway install)."
                ),
            )
            .or(RemedyKind::MoveToService)
        } else {
            Refusal::new(
                RefusalKind::OwnerAbsent,
                format!(
                    "{who}, and no service manager answers on this machine. Open the app again, or run \
                     `bulkhead --profile {name} gateway supervise` there."
                ),
            )
        }
    }

    /// A service that is installed brings its supervisor up.
    async fn bring_up(&self) -> Result<Done, Refusal> {
        if !self.services.installed().await {
            return Err(self.absent().await);
        }
        self.services.start().await?;
        self.supervisor_answers().await?;
        Ok(Done::new("its supervisor was gone: asked the service manager to start its service"))
    }

    async fn supervisor_answers(&self) -> Result<(), Refusal> {
        let answers = async {
            loop {
                if matches!(self.control.status().await, Ok(Some(_))) {
                    return;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        tokio::time::timeout(SUPERVISOR_COMES_UP, answers).await.map_err(|_| {
            let message = format!(
                "its service was started, but no supervisor answered within {} s; see `bulkhead --profile {} gateway \
                 status --deep` on the machine",
                SUPERVISOR_COMES_UP.as_secs(),
                self.place.name()
            );
            Refusal::new(RefusalKind::Failed, message)
        })
    }

    /// Asks the supervisor; brings one up first where a service would run it.
    async fn ask_or_bring_up(&self, request: ControlRequest, what: &str) -> Result<Done, Refusal> {
        if self.ask(request.clone()).await?.is_some() {
            return Ok(Done::new(what));
        }
        let up = self.bring_up().await?;
        // A start is what bringing it up was already.
        if matches!(request, ControlRequest::Start | ControlRequest::Restart) {
            // One that was stopped on purpose earlier is wanted again.
            self.ask(ControlRequest::Start).await?;
            return Ok(up);
        }
        self.ask(request).await?;
        Ok(Done::new(format!("{}, then {what}", up.what)))
    }

    /// The process on its port that is proven to be this profile's gateway and is not the one that its supervisor runs.
    async fn leftover(&self) -> Option<RunRecord> {
        let supervised = self.control.status().await.ok().flatten().and_then(|status| status.pid);
        let path = self.place.run_record_path();
        let record = blocking(move || RunRecord::read_running(&path)).await.flatten()?;
        let ours = record.profile == self.place.name().as_str()
            && bulkhead_profile::files::canonical(&record.state_dir)
                == bulkhead_profile::files::canonical(self.place.state_dir());
        (ours && supervised != Some(record.identity.pid)).then_some(record)
    }

    async fn running(&self) -> Result<RunRecord, Refusal> {
        let path = self.place.run_record_path();
        blocking(move || RunRecord::read_running(&path)).await.flatten().ok_or_else(|| {
            Refusal::new(
                RefusalKind::Failed,
                "It does not run, so there is nothing to take down. Start it first.",
            )
        })
    }
}

/// Work that waits for files, processes or a service manager.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

fn gave_up(what: &str) -> Refusal {
    Refusal::new(RefusalKind::Failed, format!("{what} was interrupted; try again"))
}

#[async_trait]
impl Keeper for BundledKeeper {
    async fn status(&self) -> KeeperReport {
        self.report(self.control.status().await)
    }

    fn watch(&self) -> BoxStream<'static, KeeperReport> {
        let control = self.control.clone();
        let opened = async move { control.watch().await.ok() };
        stream::once(opened)
            .filter_map(std::future::ready)
            .flat_map(|watch| {
                stream::unfold(watch, |mut watch| async move {
                    let status = watch.next().await?;
                    Some((KeeperReport::Present { kept: kept(status) }, watch))
                })
            })
            .boxed()
    }

    async fn abilities(&self) -> BTreeSet<RemedyKind> {
        let mut can: BTreeSet<RemedyKind> = [RemedyKind::Logs, RemedyKind::Doctor].into();
        let supervised = matches!(self.control.status().await, Ok(Some(_)));
        let service = self.services.installed().await;
        if supervised || service {
            can.extend([RemedyKind::Restart, RemedyKind::Start, RemedyKind::SafeMode, RemedyKind::OtherPort]);
            let store = ConfigStore::new(&self.place);
            if blocking(move || store.fallback().is_some()).await == Some(true) {
                can.insert(RemedyKind::Rollback);
            }
        } else if self.services.available().await {
            can.insert(RemedyKind::MoveToService);
        }
        if service && !self.services.enabled().await {
            can.insert(RemedyKind::EnableService);
        }
        if self.leftover().await.is_some() {
            can.insert(RemedyKind::EndHolder);
        }
        can
    }

    async fn restart(&self) -> Result<Done, Refusal> {
        self.ask_or_bring_up(ControlRequest::Restart, "asked its supervisor to restart it").await
    }

    async fn start(&self) -> Result<Done, Refusal> {
        // One that stands still counts as running for its supervisor: only a restart brings it back.
        if self.suspended.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            return self.restart().await;
        }
        self.ask_or_bring_up(ControlRequest::Start, "asked its supervisor to start it").await
    }

    async fn safe_mode(&self) -> Result<Done, Refusal> {
        self.ask_or_bring_up(ControlRequest::SafeMode, "asked its supervisor to restart it in safe mode")
            .await
    }

    async fn rollback(&self, version: Option<&str>, expected: Option<&str>) -> Result<Done, Refusal> {
        let ask = || self.control.rollback(version.map(str::to_owned), expected.map(str::to_owned));
        let done = match ask().await {
            Err(SupervisorError::NotSupervised { .. }) => {
                self.bring_up().await?;
                ask().await
            }
            outcome => outcome,
        };
        let done = done.map_err(|error| refusal(&error))?;
        if !done.changed() {
            return Ok(Done::new(
                "the configuration is that version already; asked its supervisor to run it",
            ));
        }
        let kept = done.rejected.as_ref().map_or_else(String::new, |path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            format!("; the former file is kept as {name}")
        });
        let short = done.to.get(..12).unwrap_or(&done.to);
        Ok(Done::new(format!("put version {short} of its configuration in place{kept}, and restarted it")))
    }

    async fn move_to_service(&self) -> Result<Done, Refusal> {
        if let Ok(Some(status)) = self.control.status().await {
            let message =
                format!("It is supervised ({}), so it is not moved; restart it instead.", status.owner);
            return Err(Refusal::new(RefusalKind::Conflict, message).or(RemedyKind::Restart));
        }
        let port = self.base_port().await;
        self.services.install(port).await?;
        let (env, place) = (Arc::clone(&self.env), self.place.clone());
        let recorded =
            blocking(move || Register::open(&env).update(&place, |entry| entry.owner = Owner::Service));
        if !matches!(recorded.await, Some(Ok(true))) {
            tracing::warn!(profile = %self.place.name(), "that a service owns this profile now could not be recorded");
        }
        self.services.start().await?;
        self.supervisor_answers().await?;
        self.ask(ControlRequest::Start).await?;
        Ok(Done::new("installed a service for it and started it; it runs from now on without the app"))
    }

    async fn enable_service(&self) -> Result<Done, Refusal> {
        if !self.services.installed().await {
            return Err(self.absent().await);
        }
        let port = self.base_port().await;
        self.services.install(port).await?;
        self.services.start().await?;
        Ok(Done::new("enabled its service again and started it"))
    }

    async fn other_port(&self) -> Result<Done, Refusal> {
        let (env, place) = (Arc::clone(&self.env), self.place.clone());
        let base = blocking(move || look::take_other_base(&place, &env)).await;
        let base = base.unwrap_or_else(|| Err("looking for a free port was interrupted".to_owned()));
        let base = base.map_err(|why| Refusal::new(RefusalKind::Failed, why))?;
        self.restart().await?;
        Ok(Done::new(format!(
            "gave it the free ports {base} to {} and restarted it",
            base.saturating_add(110)
        )))
    }

    async fn end_holder(&self) -> Result<Done, Refusal> {
        let port = self.base_port().await;
        let Some(record) = self.leftover().await else {
            let holder = blocking(move || port::holder(port)).await.flatten();
            let who =
                holder.as_ref().map_or_else(|| format!("nobody listens on port {port}"), Holder::to_string);
            let message = format!(
                "Port {port}: {who}. That is not proven to be this profile's own gateway, so it is left alone: end that \
                 program yourself, or give this gateway another port."
            );
            return Err(Refusal::new(RefusalKind::Stranger, message).or(RemedyKind::OtherPort));
        };
        let pid = record.identity.pid;
        match blocking(move || record.identity.terminate(END_GRACE)).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(Refusal::new(RefusalKind::Stranger, error.to_string())),
            None => return Err(gave_up("ending it")),
        }
        self.start().await?;
        Ok(Done::new(format!(
            "ended process {pid}, which was this gateway left from an earlier run, and started it"
        )))
    }

    async fn logs(&self, lines: usize) -> Result<Vec<String>, Refusal> {
        let (place, redactor) = (self.place.clone(), self.redactor.clone());
        let found = blocking(move || look::log_lines(&place, lines, &redactor)).await;
        match found {
            Some(Ok(lines)) => Ok(lines),
            Some(Err(error)) => Err(Refusal::new(
                RefusalKind::Failed,
                format!("its log {} cannot be read: {error}", self.place.log_path().display()),
            )),
            None => Err(gave_up("reading its log")),
        }
    }

    async fn doctor(&self) -> Result<Vec<String>, Refusal> {
        look::doctor(&self.place, &self.env, &self.redactor)
            .await
            .map_err(|why| Refusal::new(RefusalKind::Failed, why))
    }

    async fn kill_for_drill(&self) -> Result<Done, Refusal> {
        let record = self.running().await?;
        let pid = record.identity.pid;
        match blocking(move || record.identity.kill()).await {
            Some(Ok(_)) => Ok(Done::new(format!("killed process {pid}"))),
            Some(Err(error)) => Err(Refusal::new(RefusalKind::Stranger, error.to_string())),
            None => Err(gave_up("killing it")),
        }
    }

    /// A stopped supervisor would be a planned stop, and a killed gateway comes back at once: it is made to stand still,
    /// as one that hangs.
    async fn stop_for_drill(&self) -> Result<Done, Refusal> {
        let record = self.running().await?;
        let pid = record.identity.pid;
        match blocking(move || record.identity.suspend()).await {
            Some(Ok(true)) => {
                *self.suspended.lock().unwrap_or_else(PoisonError::into_inner) = Some(pid);
                Ok(Done::new(format!("made process {pid} stand still, as one that hangs")))
            }
            Some(Ok(false)) => Err(Refusal::new(RefusalKind::Failed, "It ended just now. Try again.")),
            Some(Err(error)) => Err(Refusal::new(RefusalKind::Unsupported, error.to_string())),
            None => Err(gave_up("stopping it")),
        }
    }

    async fn config_change(&self) -> Vec<String> {
        let place = self.place.clone();
        blocking(move || look::config_change(&place)).await.unwrap_or_default()
    }
}

impl BundledKeeper {
    /// Its base port: as it runs, as configured, as claimed, or by rule.
    async fn base_port(&self) -> u16 {
        let (place, env) = (self.place.clone(), Arc::clone(&self.env));
        let found = blocking(move || look::base_port(&place, &env)).await;
        found.unwrap_or_else(|| bulkhead_profile::preferred_base(self.place.name()))
    }
}
