//! What is to be installed: everything that the rendered texts need, and nothing secret.

use std::path::{Path, PathBuf};

use bulkhead_profile::{Environment, Place};

use crate::drift::{Drift, Format, drift};
use crate::error::ServiceError;
use crate::metadata::Metadata;
use crate::scope::Scope;

/// Variables that a service manager may hand on from a log-in, and that would lead a service to another place, or give it
/// the secrets of an OpenClaw. Our own secrets stay: who keeps them in the environment sets them in a drop-in.
pub(crate) const CLEARED: [&str; 10] = [
    "BULKHEAD_PROFILE",
    "BULKHEAD_STATE_DIR",
    "BULKHEAD_CONFIG_PATH",
    "BULKHEAD_GATEWAY_PORT",
    "OPENCLAW_PROFILE",
    "OPENCLAW_STATE_DIR",
    "OPENCLAW_CONFIG_PATH",
    "OPENCLAW_GATEWAY_PORT",
    "OPENCLAW_GATEWAY_TOKEN",
    "OPENCLAW_GATEWAY_PASSWORD",
];

/// What is to be installed for one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    pub(crate) place: Place,
    pub(crate) scope: Scope,
    pub(crate) program: String,
    pub(crate) home: String,
    /// Only where it is not the rule's.
    pub(crate) config_home: Option<String>,
    pub(crate) state_dir: String,
    pub(crate) config: String,
    pub(crate) port: u16,
    pub(crate) version: String,
    /// Whether programs that it starts may gain rights: a browser in a snap cannot start otherwise.
    pub(crate) setuid_programs: bool,
}

impl ServiceSpec {
    /// The service of a place, starting `program` (an absolute path). Refuses what no service file can hold.
    pub fn new(
        place: &Place,
        env: &Environment,
        program: &Path,
        port: u16,
        scope: Scope,
    ) -> Result<Self, ServiceError> {
        let rule =
            if cfg!(windows) { env.home.join("AppData").join("Roaming") } else { env.home.join(".config") };
        let config_home = (env.config_home != rule).then_some(&env.config_home);
        if !program.is_absolute() {
            return Err(ServiceError::Program {
                program: program.to_owned(),
                why: "is named without its whole path",
                next: "start bulkhead by its whole path",
            });
        }
        Ok(Self {
            scope,
            program: writable("the program", program)?,
            home: writable("the home directory", &env.home)?,
            config_home: config_home
                .map(|path| writable("the directory of configurations", path))
                .transpose()?,
            state_dir: writable("the state directory", place.state_dir())?,
            config: writable("the configuration file", place.config_path())?,
            port,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            place: place.clone(),
            setuid_programs: false,
        })
    }

    /// The same for a machine whose only browser is one that needs to gain rights when it starts (a snap).
    #[must_use]
    pub fn with_setuid_programs(mut self, needed: bool) -> Self {
        self.setuid_programs = needed;
        self
    }

    /// The same made by another version.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Whose place it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whose service it is.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The program that it starts.
    pub fn program(&self) -> PathBuf {
        PathBuf::from(&self.program)
    }

    /// `--profile P [--state-dir D] [--config F] gateway supervise --service KIND`.
    pub fn arguments(&self, kind: Format) -> Vec<String> {
        let mut args = vec!["--profile".to_owned(), self.place.name().to_string()];
        if self.place.overridden() {
            args.extend(["--state-dir".to_owned(), self.state_dir.clone()]);
        }
        if self.place.config_overridden() {
            args.extend(["--config".to_owned(), self.config.clone()]);
        }
        args.extend(["gateway", "supervise", "--service", kind.word()].map(str::to_owned));
        args
    }

    /// Variables of the service: never a secret.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![("HOME", self.home.clone())];
        if let Some(dir) = &self.config_home {
            variables.push(("XDG_CONFIG_HOME", dir.clone()));
        }
        variables
    }

    /// What the service says about itself.
    pub fn metadata(&self) -> Metadata {
        Metadata {
            version: self.version.clone(),
            profile: self.place.name().to_string(),
            port: self.port,
            config: self.config.clone(),
            state_dir: self.state_dir.clone(),
            program: self.program.clone(),
            digest: String::new(),
        }
    }

    /// In what an installed file differs from what this would write.
    pub fn drift(&self, found: &str, format: Format) -> Vec<Drift> {
        drift(self, found, format)
    }
}

/// A path as text for a service file.
fn writable(what: &'static str, path: &Path) -> Result<String, ServiceError> {
    let refused = |why| ServiceError::Unwritable { what, found: path.to_string_lossy().into_owned(), why };
    let text = path.to_str().ok_or_else(|| refused("it is no valid Unicode"))?;
    if text.chars().any(char::is_control) {
        return Err(refused("it has a control character"));
    }
    if text.ends_with('\\') && !cfg!(windows) {
        return Err(refused("a backslash at the end would join it with the next line"));
    }
    Ok(text.to_owned())
}
