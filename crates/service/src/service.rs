//! One profile's service on this system.

use std::path::{Path, PathBuf};

use bulkhead_profile::{Environment, Place, files};
use serde::Serialize;

use crate::drift::{Drift, DriftKind};
use crate::error::ServiceError;
use crate::linger;
use crate::platform;
use crate::program;
use crate::scope::Scope;
use crate::spec::ServiceSpec;
use crate::status::ServiceStatus;

/// What an installation did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Installed {
    /// The file.
    pub path: PathBuf,
    /// Whether there was none before.
    pub created: bool,
    /// What was put right.
    pub repaired: Vec<Drift>,
    /// Where the text went that somebody had edited.
    pub kept: Option<PathBuf>,
}

impl Installed {
    /// Whether anything was written.
    pub fn changed(&self) -> bool {
        self.created || !self.repaired.is_empty()
    }
}

/// What a removal did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Uninstalled {
    /// Whether there was something.
    pub removed: bool,
    /// The file that was there.
    pub path: PathBuf,
    /// What is left and is not ours to remove (drop-ins).
    pub left: Vec<PathBuf>,
}

/// One profile's service on this system. Every call asks the service manager and may take seconds: not for an async
/// thread.
#[derive(Debug, Clone)]
pub struct Service {
    pub(crate) place: Place,
    pub(crate) env: Environment,
    pub(crate) scope: Scope,
}

impl Service {
    /// The service of a place, of one scope.
    pub fn new(place: &Place, env: &Environment, scope: Scope) -> Self {
        Self { place: place.clone(), env: env.clone(), scope }
    }

    /// The service as it is installed: the user's, else the system's; the user's where there is none.
    pub fn find(place: &Place, env: &Environment) -> Self {
        let user = Self::new(place, env, Scope::User);
        let system = Self::new(place, env, Scope::System { user: String::new() });
        if !user.is_installed() && system.is_installed() { system } else { user }
    }

    /// Whose it is.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whose place it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its name for the service manager.
    pub fn name(&self) -> String {
        platform::name(&self.place)
    }

    /// Its file, whether it is there or not.
    pub fn path(&self) -> PathBuf {
        platform::path(self)
    }

    /// Whether its file is there.
    pub fn is_installed(&self) -> bool {
        platform::is_installed(self)
    }

    /// Whether services work here; the error names what is missing and the next step.
    pub fn available(&self) -> Result<(), ServiceError> {
        platform::available(self)
    }

    /// What would be installed now: this profile, started by the program that runs as `running`, on this base port.
    pub fn spec(&self, running: &Path, port: u16) -> Result<ServiceSpec, ServiceError> {
        let program = program::lasting(running, &self.env)?;
        let spec = ServiceSpec::new(&self.place, &self.env, &program, port, self.scope.clone())?;
        Ok(spec.with_setuid_programs(cfg!(target_os = "linux") && program::only_snap_browser()))
    }

    /// The same, with the program put where it will stay.
    pub fn spec_in_place(&self, running: &Path, port: u16) -> Result<ServiceSpec, ServiceError> {
        program::put_in_place(running, &self.env)?;
        self.spec(running, port)
    }

    /// How it stands, compared with what would be installed now.
    pub fn status(&self, expected: Option<&ServiceSpec>) -> ServiceStatus {
        let mut status = ServiceStatus {
            name: self.name(),
            kind: platform::FORMAT.word(),
            scope: self.scope.word(),
            path: self.path(),
            state: "not-installed".to_owned(),
            linger: if self.scope.is_system() { None } else { linger::status(&self.env) },
            ..ServiceStatus::default()
        };
        let Some((format, text)) = platform::read(self) else { return status };
        status.installed = true;
        "unknown".clone_into(&mut status.state);
        status.metadata = format.metadata(&text);
        if let Some(expected) = expected {
            status.drift = expected.drift(&text, format);
        }
        if let Some(missing) = status.metadata.as_ref().map(|found| &found.program)
            && !missing.is_empty()
            && !Path::new(missing).exists()
            && !status.drift.iter().any(|drift| drift.kind == DriftKind::ProgramMissing)
        {
            status.drift.push(Drift::new(DriftKind::ProgramMissing, missing.clone(), ""));
        }
        match self.available().and_then(|()| platform::shown(self)) {
            Ok(shown) => {
                status.enabled = shown.enabled;
                status.active = Some(matches!(shown.active.as_str(), "active" | "activating" | "reloading"));
                status.state = shown.active;
                status.result = shown.result;
                status.text = shown.text;
                status.pid = shown.pid;
                status.last_exit = shown.last_exit;
                status.restarts = shown.restarts;
            }
            Err(error) => status.trouble = Some(error.to_string()),
        }
        status
    }

    /// Installs it, or puts right what differs; it starts by itself from now on, but is not started. The same twice is
    /// the same once. A file that is not ours is replaced only with `force`.
    pub fn install(&self, spec: &ServiceSpec, force: bool) -> Result<Installed, ServiceError> {
        self.available()?;
        self.refuse_duplicate()?;
        let path = self.path();
        let found = platform::read(self);
        let repaired = found.as_ref().map(|(format, text)| spec.drift(text, *format)).unwrap_or_default();
        let is = |kind| repaired.iter().any(|drift: &Drift| drift.kind == kind);
        if is(DriftKind::Foreign) && !force {
            return Err(ServiceError::Foreign { path, profile: self.place.name().to_string() });
        }
        let kept = match &found {
            Some((_, text)) if is(DriftKind::Edited) || is(DriftKind::Foreign) => Some(self.keep(text)?),
            _ => None,
        };
        let created = found.is_none();
        if created || !repaired.is_empty() || force {
            platform::write(self, spec)?;
        }
        platform::enable(self)?;
        Ok(Installed { path, created, repaired, kept })
    }

    /// What somebody wrote by hand is not thrown away.
    fn keep(&self, text: &str) -> Result<PathBuf, ServiceError> {
        let path = self.place.state_dir().join(format!("{}.edited", self.name()));
        files::atomic_write_in_new_dir(&path, text.as_bytes(), 0o600)
            .map_err(|error| ServiceError::io("keep the edited text in", &path, error))?;
        Ok(path)
    }

    /// Two services of one profile would both want its gateway.
    fn refuse_duplicate(&self) -> Result<(), ServiceError> {
        let scope = if self.scope.is_system() { Scope::User } else { Scope::System { user: String::new() } };
        let other = Self::new(&self.place, &self.env, scope);
        if !other.is_installed() || platform::names_another_user(&other) {
            return Ok(());
        }
        let name = self.place.name();
        let next = if other.scope.is_system() {
            format!("sudo bulkhead --profile {name} gateway uninstall --system")
        } else {
            format!("bulkhead --profile {name} gateway uninstall")
        };
        Err(ServiceError::Duplicate { path: other.path(), scope: other.scope.word(), next })
    }

    /// Stops it, removes it, and leaves nothing of it behind. Works as far as it can where no service manager answers.
    pub fn uninstall(&self) -> Result<Uninstalled, ServiceError> {
        let path = self.path();
        if !self.is_installed() {
            return Ok(Uninstalled { removed: false, path, left: Vec::new() });
        }
        platform::remove(self, self.available().is_ok())?;
        Ok(Uninstalled { removed: true, path, left: platform::left_behind(self) })
    }

    fn installed(&self) -> Result<(), ServiceError> {
        if self.is_installed() {
            return self.available();
        }
        Err(ServiceError::NotInstalled { name: self.name(), profile: self.place.name().to_string() })
    }

    /// Starts it; answers when the service manager says that it is up, or why it is not.
    pub fn start(&self) -> Result<(), ServiceError> {
        self.installed()?;
        platform::start(self)
    }

    /// Stops it; answers when it is down.
    pub fn stop(&self) -> Result<(), ServiceError> {
        self.installed()?;
        platform::stop(self)
    }

    /// Stops and starts it, with the file as it is now.
    pub fn restart(&self) -> Result<(), ServiceError> {
        self.installed()?;
        platform::restart(self)
    }

    /// Keeps it from starting by itself; it stays installed.
    pub fn disable(&self) -> Result<(), ServiceError> {
        self.installed()?;
        platform::disable(self)
    }
}
