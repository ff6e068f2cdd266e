//! How an installed service file differs from what it should be. Pure.

use serde::Serialize;

use crate::metadata::Metadata;
use crate::spec::ServiceSpec;
use crate::{launchd, systemd, task};

/// The kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A systemd unit.
    Systemd,
    /// A launchd property list.
    Launchd,
    /// XML of the Windows Task Scheduler.
    Task,
    /// A script in the Windows Startup folder.
    Startup,
}

impl Format {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
            Self::Task | Self::Startup => "task",
        }
    }

    /// Writes a service file.
    pub fn render(self, spec: &ServiceSpec) -> String {
        match self {
            Self::Systemd => systemd::render(spec),
            Self::Launchd => launchd::render(spec),
            Self::Task => task::render(spec),
            Self::Startup => task::render_startup(spec),
        }
    }

    /// What a service file says about itself; `None` if it is not ours.
    pub fn metadata(self, text: &str) -> Option<Metadata> {
        match self {
            Self::Systemd => systemd::metadata(text),
            Self::Launchd => launchd::metadata(text),
            Self::Task => task::metadata(text),
            Self::Startup => task::startup_metadata(text),
        }
    }

    /// The digest that the text should have, computed anew.
    fn digest(self, text: &str) -> Option<String> {
        match self {
            Self::Systemd => Some(systemd::digest(text)),
            Self::Launchd => Some(launchd::digest(text)),
            Self::Startup => Some(task::startup_digest(text)),
            // The Task Scheduler writes its own text for what it was given.
            Self::Task => None,
        }
    }
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftKind {
    /// The file is not ours at all.
    Foreign,
    /// Another version wrote it.
    Version,
    /// It starts another program.
    Program,
    /// The program that it starts is not there.
    ProgramMissing,
    /// The profile has another base port now.
    Port,
    /// The configuration is elsewhere now.
    Config,
    /// The state directory is elsewhere now.
    StateDir,
    /// Somebody edited it.
    Edited,
    /// It is written in an older way.
    Outdated,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// Which.
    pub kind: DriftKind,
    /// What the file says.
    pub found: String,
    /// What it should say.
    pub expected: String,
}

impl Drift {
    pub(crate) fn new(kind: DriftKind, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { kind, found: found.into(), expected: expected.into() }
    }

    /// In a sentence.
    pub fn sentence(&self) -> String {
        let Self { found, expected, .. } = self;
        match self.kind {
            DriftKind::Foreign => "the service file was not made by Bulkhead".to_owned(),
            DriftKind::Version => format!("it was installed by version {found}, this is {expected}"),
            DriftKind::Program => format!("it starts {found}, this program is {expected}"),
            DriftKind::ProgramMissing => format!("the program that it starts, {found}, is not there"),
            DriftKind::Port => {
                format!("it was installed for port {found}, the profile has {expected} now")
            }
            DriftKind::Config => format!("it was installed for {found}, the configuration is {expected} now"),
            DriftKind::StateDir => {
                format!("it was installed for {found}, the state directory is {expected} now")
            }
            DriftKind::Edited => "somebody edited the file; own changes belong in a drop-in".to_owned(),
            DriftKind::Outdated => "it is written in an older way".to_owned(),
        }
    }
}

/// What differs between a file and what `spec` would write.
pub(crate) fn drift(spec: &ServiceSpec, found: &str, format: Format) -> Vec<Drift> {
    let Some(theirs) = format.metadata(found) else {
        return vec![Drift::new(DriftKind::Foreign, "", "")];
    };
    let ours = spec.metadata();
    let rendered = format.render(spec);
    let mut list = Vec::new();
    let mut compare = |kind, found: &str, expected: &str| {
        if found != expected {
            list.push(Drift::new(kind, found, expected));
        }
    };
    compare(DriftKind::Version, &theirs.version, &ours.version);
    compare(DriftKind::Program, &theirs.program, &ours.program);
    compare(DriftKind::Port, &theirs.port.to_string(), &ours.port.to_string());
    compare(DriftKind::Config, &theirs.config, &ours.config);
    compare(DriftKind::StateDir, &theirs.state_dir, &ours.state_dir);
    match format.digest(found) {
        Some(digest) if digest != theirs.digest => {
            list.push(Drift::new(DriftKind::Edited, theirs.digest.clone(), digest));
        }
        None if list.is_empty() && !task::does_the_same(found, &rendered) => {
            list.push(Drift::new(DriftKind::Edited, "", ""));
        }
        Some(_) if list.is_empty() && found != rendered => {
            list.push(Drift::new(DriftKind::Outdated, "", ""));
        }
        _ => {}
    }
    list
}
