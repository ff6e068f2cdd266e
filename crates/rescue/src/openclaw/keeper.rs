//! What can be done to an OpenClaw: through its own service, through its own command line, and the audited rollback.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_config::{ConfigDocument, changed_paths, hash_bytes};
use bulkhead_process::{ProcessIdentity, port};
use bulkhead_profile::files;
use futures::stream::BoxStream;
use secrecy::ExposeSecret as _;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::log;
use super::mask::mask;
use super::program::{Program, is_gateway, look_at_program};
use super::rollback::{RollbackError, replace_config};
use super::vault::Vault;
use crate::alert::text::shorten;
use crate::observation::{BinarySeen, ServiceActivity, ServiceSeen};
use crate::probe::{SystemClock, Target, answers, command_line, look_at_service};
use crate::remedy::{Refusal, RefusalKind, RemedyKind};
use crate::seams::{Clock as _, Done, Keeper, KeeperReport};
use crate::timeline::Shade;
use crate::watcher::WatchHandle;

const LIMIT: u64 = 8 * 1024 * 1024;
const SYSTEMCTL_PATIENCE: Duration = Duration::from_mins(1);
const CLI_PATIENCE: Duration = Duration::from_secs(80);
/// One that does not answer has so long to heed the request to end. Its service would wait five and a half minutes.
const HEED: Duration = Duration::from_secs(10);
/// A configuration that ran well for so long is a good one.
const GOOD_AFTER: Duration = Duration::from_mins(1);

/// The keeper of an OpenClaw on this machine.
#[derive(Debug)]
pub struct OpenClawKeeper {
    target: Target,
    vault: Option<Vault>,
}

impl OpenClawKeeper {
    /// With a vault for the copies of its configuration; without one (no keychain) there is no rollback.
    pub fn new(target: Target, vault: Option<Vault>) -> Self {
        Self { target, vault }
    }

    fn config_path(&self) -> Option<&PathBuf> {
        self.target.config.as_ref().map(|config| &config.path)
    }

    fn config_bytes(&self) -> Option<Vec<u8>> {
        files::read_limited(self.config_path()?, LIMIT).ok()
    }

    async fn service(&self) -> Option<ServiceSeen> {
        look_at_service(self.target.unit.as_deref()?)
            .await
            .filter(|service| service.installed || service.masked)
    }

    async fn systemctl(&self, words: &[&str]) -> Result<(), Refusal> {
        let unit = self.target.unit.as_deref().unwrap_or_default();
        let mut command = Command::new("systemctl");
        command.arg("--user").args(words).arg("--").arg(unit);
        run(command, SYSTEMCTL_PATIENCE, &format!("systemctl --user {} {unit}", words.join(" "))).await
    }

    /// Restarts its service. A process that is stuck is not waited for: it would never end by itself.
    async fn restart_service(&self) -> Result<&'static str, Refusal> {
        // A start limit that was hit would refuse the start.
        let _ = self.systemctl(&["reset-failed"]).await;
        let before = self.service().await.and_then(|service| service.pid);
        let stuck = before.is_some() && !answers(&self.target.url).await;
        let restart = self.systemctl(&["restart"]);
        tokio::pin!(restart);
        if stuck {
            if let Ok(done) = tokio::time::timeout(HEED, &mut restart).await {
                return done.map(|()| "restarted its service");
            }
            if self.service().await.and_then(|service| service.pid) == before {
                self.systemctl(&["kill", "--signal=SIGKILL"]).await?;
                return restart
                    .await
                    .map(|()| "killed the process, which did not heed, and restarted its service");
            }
        }
        restart.await.map(|()| "restarted its service")
    }

    /// `openclaw gateway <words>`, its own command line.
    async fn command_line(&self, words: &[&str]) -> Result<(), Refusal> {
        let program = Program::found(&self.target.env).ok_or_else(|| {
            Refusal::new(RefusalKind::Unsupported, "No `openclaw` is on the search path of this gateway.")
        })?;
        let mut command = Command::new(&program.node);
        command.arg(&program.script).arg("gateway").args(words).env("HOME", &self.target.env.home);
        if let Some(dir) = &self.target.state_dir {
            command.env("OPENCLAW_STATE_DIR", dir);
        }
        if let Some(path) = self.config_path() {
            command.env("OPENCLAW_CONFIG_PATH", path);
        }
        run(command, CLI_PATIENCE, &format!("openclaw gateway {}", words.join(" "))).await
    }

    /// Its process, proven by the port that it holds and the program that it is.
    async fn process(&self) -> Option<ProcessIdentity> {
        let port = self.target.url.port();
        let service_pid = self.service().await.and_then(|service| service.pid);
        tokio::task::spawn_blocking(move || {
            let pid = service_pid.or_else(|| port::holder(port)?.pid)?;
            let identity = ProcessIdentity::of(pid).ok()?;
            is_gateway(&identity, &command_line(pid)).then_some(identity)
        })
        .await
        .ok()
        .flatten()
    }

    /// The newest good copy that is not what is there.
    fn best_version(&self, current: Option<&[u8]>) -> Option<String> {
        let current = current.map(hash_bytes);
        let versions = self.vault.as_ref()?.versions().ok()?;
        versions.into_iter().map(|version| version.hash).find(|hash| Some(hash) != current.as_ref())
    }

    /// Keeps a copy of the present configuration as one that it ran well on, if it is still the one named.
    pub fn keep_good(&self, hash: &str, at_ms: u64) {
        let (Some(vault), Some(bytes)) = (&self.vault, self.config_bytes()) else { return };
        let known =
            vault.versions().is_ok_and(|versions| versions.first().is_some_and(|newest| newest.hash == hash));
        if known || hash_bytes(&bytes) != hash {
            return;
        }
        if let Err(error) = vault.keep(&bytes, at_ms) {
            tracing::warn!(%error, "the good configuration of OpenClaw could not be kept");
        }
    }
}

/// Runs a program of the system to its end.
async fn run(mut command: Command, patience: Duration, name: &str) -> Result<(), Refusal> {
    command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let failed = |why: String| {
        Refusal::new(
            RefusalKind::Failed,
            format!("`{name}` failed: {why}. Look at the machine, or at the logs."),
        )
    };
    let output = tokio::time::timeout(patience, command.output())
        .await
        .map_err(|_| failed(format!("no answer within {} s", patience.as_secs())))?
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    Err(failed(mask(&shorten(line.trim(), 200))))
}

#[async_trait]
impl Keeper for OpenClawKeeper {
    async fn status(&self) -> KeeperReport {
        KeeperReport::None
    }

    fn watch(&self) -> BoxStream<'static, KeeperReport> {
        Box::pin(futures::stream::empty())
    }

    async fn abilities(&self) -> BTreeSet<RemedyKind> {
        let mut able = BTreeSet::from([RemedyKind::Logs, RemedyKind::Doctor]);
        match self.service().await {
            Some(service) if service.masked || !service.enabled => {
                able.insert(RemedyKind::EnableService);
                if !service.masked {
                    able.extend([RemedyKind::Restart, RemedyKind::Start]);
                }
            }
            Some(_) => able.extend([RemedyKind::Restart, RemedyKind::Start]),
            // Somebody ran it by hand: its own command line can make it a service.
            None if Program::found(&self.target.env).is_some() && cfg!(unix) => {
                able.insert(RemedyKind::MoveToService);
            }
            None => {}
        }
        if self.best_version(self.config_bytes().as_deref()).is_some() {
            able.insert(RemedyKind::Rollback);
        }
        able
    }

    async fn restart(&self) -> Result<Done, Refusal> {
        if self.service().await.is_some() {
            return self.restart_service().await.map(Done::new);
        }
        self.command_line(&["restart"]).await?;
        Ok(Done::new("asked `openclaw gateway restart`"))
    }

    async fn start(&self) -> Result<Done, Refusal> {
        if self.service().await.is_some() {
            let _ = self.systemctl(&["reset-failed"]).await;
            self.systemctl(&["start"]).await?;
            return Ok(Done::new("started its service"));
        }
        self.command_line(&["start"]).await?;
        Ok(Done::new("asked `openclaw gateway start`"))
    }

    async fn rollback(&self, version: Option<&str>, expected: Option<&str>) -> Result<Done, Refusal> {
        let nothing = || {
            Refusal::new(
                RefusalKind::NothingToRollBack,
                "There is no other configuration that OpenClaw ran well on for a minute; repair the file at the machine.",
            )
        };
        let (Some(vault), Some(path)) = (&self.vault, self.config_path()) else { return Err(nothing()) };
        let current = self.config_bytes();
        let hash = version
            .map(str::to_owned)
            .or_else(|| self.best_version(current.as_deref()))
            .ok_or_else(nothing)?;
        let good = vault.read(&hash).map_err(|error| Refusal::new(RefusalKind::Failed, error.to_string()))?;
        let kept =
            replace_config(path, expected, good.expose_secret(), SystemClock.wall_ms()).map_err(|error| {
                let kind = match error {
                    RollbackError::Changed { .. } => RefusalKind::Conflict,
                    RollbackError::Io { .. } => RefusalKind::Failed,
                };
                Refusal::new(kind, error.to_string())
            })?;
        let beside =
            kept.map(|path| format!("; the present file is kept as {}", path.display())).unwrap_or_default();
        let mut what = format!("put back the configuration {}{beside}", hash.get(..8).unwrap_or(&hash));
        // It reads a changed file by itself while it runs; one that gave up has to be started.
        match self.service().await {
            Some(service) if !service.masked => {
                what.push_str(", and ");
                what.push_str(self.restart_service().await?);
            }
            _ if self.process().await.is_some() => what.push_str("; it reads it by itself"),
            _ => what.push_str("; start it at the machine"),
        }
        Ok(Done { what })
    }

    async fn enable_service(&self) -> Result<Done, Refusal> {
        if self.service().await.is_some_and(|service| service.masked) {
            self.systemctl(&["unmask"]).await?;
        }
        self.systemctl(&["enable", "--now"]).await?;
        Ok(Done::new("enabled and started its service"))
    }

    async fn move_to_service(&self) -> Result<Done, Refusal> {
        self.command_line(&["install"]).await?;
        self.command_line(&["start"]).await?;
        Ok(Done::new("installed and started its own service"))
    }

    async fn logs(&self, lines: usize) -> Result<Vec<String>, Refusal> {
        let target = self.target.clone();
        tokio::task::spawn_blocking(move || log::last_lines(&target, lines))
            .await
            .map_err(|_| Refusal::new(RefusalKind::Failed, "Its log could not be read."))
    }

    async fn doctor(&self) -> Result<Vec<String>, Refusal> {
        let mut found = Vec::new();
        match look_at_program(&self.target, None, true).await {
            Some(BinarySeen::Present { version }) => {
                found.push(format!("Program: version {}, starts.", version.as_deref().unwrap_or("unknown")));
            }
            Some(BinarySeen::Updating) => found.push("Program: is being updated.".to_owned()),
            Some(BinarySeen::Missing { what, .. }) => found.push(format!("Program: {what}.")),
            None => found.push("Program: no `openclaw` on the search path of this gateway.".to_owned()),
        }
        let unit = self.target.unit.as_deref().unwrap_or("no unit");
        found.push(match self.service().await {
            None => format!("Service: {unit} is not installed."),
            Some(service) if service.masked => format!("Service: {unit} is masked."),
            Some(service) => {
                let activity = match service.activity {
                    ServiceActivity::Inactive => "does not run",
                    ServiceActivity::Starting => "starts",
                    ServiceActivity::Active => "runs",
                    ServiceActivity::Stopping => "stops",
                    ServiceActivity::WaitingToRestart => "waits to be started again",
                    ServiceActivity::Failed => "has failed",
                };
                let enabled = if service.enabled { "enabled" } else { "disabled" };
                format!("Service: {unit} is {enabled} and {activity}.")
            }
        });
        let port = self.target.url.port();
        let holder = tokio::task::spawn_blocking(move || port::holder(port)).await.ok().flatten();
        found.push(match holder {
            Some(holder) => format!("Port {port}: {holder}."),
            None => format!("Port {port}: nobody listens."),
        });
        let text = self.config_bytes().and_then(|bytes| String::from_utf8(bytes).ok());
        found.push(match text.map(|text| ConfigDocument::parse("openclaw.json", &text)) {
            Some(Ok(document)) if document.value().as_object().is_some_and(|map| !map.is_empty()) => {
                "Configuration: can be read.".to_owned()
            }
            Some(Ok(_)) => "Configuration: is empty.".to_owned(),
            Some(Err(error)) => format!("Configuration: {}", mask(&shorten(&error.to_string(), 200))),
            None => "Configuration: is not there, or is no text.".to_owned(),
        });
        let copies = self.vault.as_ref().and_then(|vault| vault.versions().ok()).unwrap_or_default();
        found.push(format!("Good versions to go back to: {}.", copies.len()));
        Ok(found)
    }

    async fn kill_for_drill(&self) -> Result<Done, Refusal> {
        let identity = self.process().await.ok_or_else(|| {
            Refusal::new(RefusalKind::Stranger, "Nothing on its port is proven to be an OpenClaw gateway.")
        })?;
        let killed = tokio::task::spawn_blocking(move || identity.kill()).await;
        match killed {
            Ok(Ok(_)) => Ok(Done::new("killed its process")),
            Ok(Err(error)) => Err(Refusal::new(RefusalKind::Failed, error.to_string())),
            Err(_) => Err(Refusal::new(RefusalKind::Failed, "It could not be killed.")),
        }
    }

    async fn config_change(&self) -> Vec<String> {
        let current = self.config_bytes();
        let (Some(vault), Some(hash)) = (&self.vault, self.best_version(current.as_deref())) else {
            return Vec::new();
        };
        let Ok(good) = vault.read(&hash) else { return Vec::new() };
        let value = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).ok()?;
            ConfigDocument::parse("openclaw.json", text).ok().map(|document| document.value())
        };
        match (value(good.expose_secret()), current.as_deref().and_then(value)) {
            // The names of the fields, never their values: they may be secrets.
            (Some(old), Some(new)) => changed_paths(&old, &new),
            (Some(_), None) => vec!["the whole file (it cannot be read any more)".to_owned()],
            _ => Vec::new(),
        }
    }
}

/// Keeps a copy of every configuration that the watched OpenClaw ran well on for a minute. Runs until `stop`.
pub async fn follow(keeper: Arc<OpenClawKeeper>, handle: WatchHandle, stop: CancellationToken) {
    let mut views = handle.views();
    let mut since: Option<(String, tokio::time::Instant)> = None;
    loop {
        let hash = {
            let view = views.borrow_and_update();
            view.config_hash.clone().filter(|_| view.shade == Shade::Good)
        };
        match (&since, hash) {
            (_, None) => since = None,
            (Some((known, at)), Some(hash)) if *known == hash => {
                if at.elapsed() >= GOOD_AFTER {
                    let (keeper, now) = (Arc::clone(&keeper), SystemClock.wall_ms());
                    let _ = tokio::task::spawn_blocking(move || keeper.keep_good(&hash, now)).await;
                }
            }
            (_, Some(hash)) => since = Some((hash, tokio::time::Instant::now())),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = views.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(GOOD_AFTER / 4) => {}
        }
    }
}
