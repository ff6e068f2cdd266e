//! Why a service could not be installed, started or looked at.

use std::path::PathBuf;

/// An error about a service. Every text names the next step.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// There is no service manager that would run it.
    #[error("services do not work here: {found}; expected {expected}; {next}")]
    Unavailable {
        /// A stable word: `not-booted`, `no-user-manager`, `no-program`, `other-system`.
        why: &'static str,
        /// What was found.
        found: String,
        /// What was expected.
        expected: &'static str,
        /// What to do.
        next: String,
    },
    /// A path or a value has characters that no service file can hold.
    #[error(
        "{what}: \"{found}\" cannot stand in a service file ({why}); expected plain Unicode text on one line; use another path"
    )]
    Unwritable {
        /// Which value.
        what: &'static str,
        /// What it is, as far as it can be shown.
        found: String,
        /// Why not.
        why: &'static str,
    },
    /// The program is where it will not stay.
    #[error("{program}: a service cannot start this program, because it {why}; expected one that stays where it is; {next}", program = .program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// Why not.
        why: &'static str,
        /// What to do.
        next: &'static str,
    },
    /// There is no such service.
    #[error(
        "{name} is not installed; expected a service of this profile; install it with: bulkhead --profile {profile} gateway install"
    )]
    NotInstalled {
        /// Its name.
        name: String,
        /// The profile.
        profile: String,
    },
    /// A file of that name is not ours.
    #[error("{path}: this service file was not made by Bulkhead, so it is left alone; expected none, or one of ours; move it away, or replace it with: bulkhead --profile {profile} gateway install --force", path = .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The profile.
        profile: String,
    },
    /// Another scope has a service of this profile already.
    #[error("{path}: this profile is a service already, of the other kind ({scope}); expected one service for each profile, or two would start one gateway; remove that one first with: {next}", path = .path.display())]
    Duplicate {
        /// Where it is.
        path: PathBuf,
        /// Of which kind.
        scope: &'static str,
        /// What to do.
        next: String,
    },
    /// A program of the system failed.
    #[error("`{command}` failed ({how}): {said}; expected it to succeed; {next}")]
    Command {
        /// The command line.
        command: String,
        /// Exit code or signal, or why it could not be started.
        how: String,
        /// What it said.
        said: String,
        /// What to do.
        next: String,
    },
    /// A file could not be read or written.
    #[error("{path}: cannot {action}: {source}; expected a place that you may write to; {next}", path = .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
        /// What to do.
        next: &'static str,
    },
}

impl ServiceError {
    /// The stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "service-unavailable",
            Self::Unwritable { .. } => "service-unwritable",
            Self::Program { .. } => "service-program",
            Self::NotInstalled { .. } => "service-not-installed",
            Self::Foreign { .. } => "service-foreign",
            Self::Duplicate { .. } => "service-duplicate",
            Self::Command { .. } => "service-command",
            Self::Io { .. } => "service-io",
        }
    }

    /// Whether there is simply no service manager here.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        let next = match source.kind() {
            std::io::ErrorKind::PermissionDenied => {
                "for a system service run it with sudo; else correct the permissions of that directory"
            }
            std::io::ErrorKind::StorageFull => "make room on that disk",
            _ => "look at that directory",
        };
        Self::Io { action, path: path.into(), source, next }
    }
}
