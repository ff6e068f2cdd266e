//! Why a backup could not be made, read or restored.

use std::path::{Path, PathBuf};

use bulkhead_config::ConfigError;
use bulkhead_profile::{PlaceError, RegisterError};
use bulkhead_store::StoreError;

/// What went wrong. Every message names the place, what was found, what was expected and the next step.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Nothing to back up.
    #[error(
        "no profile {profile} here: found nothing at {}, expected its state directory. See `bulkhead profiles list`.",
        state_dir.display()
    )]
    NoProfile {
        /// The profile.
        profile: String,
        /// Where it would be.
        state_dir: PathBuf,
    },
    /// The output is there already.
    #[error("{}: found a file, expected none: a backup never replaces one. Name another with --output.", path.display())]
    OutputExists {
        /// The output.
        path: PathBuf,
    },
    /// A file or folder refused.
    #[error("{}: cannot {action}: {source}. Check that it is yours and that the disk has room, and try again.", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no backup, or not a whole one.
    #[error("{}: found {found}, expected a backup as it was made. {next_step}", path.display())]
    NotWhole {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
        /// What to do.
        next_step: &'static str,
    },
    /// Something in the archive that could do harm.
    #[error("{}: found {found}, expected only files inside of the profile. Do not restore it: it was not made by Bulkhead.", path.display())]
    Hostile {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// From a newer program.
    #[error(
        "{}: found {what} {found}, expected at most {supported}. Restore it with the version of Bulkhead that made it ({version}), or a newer one.",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Of what.
        what: &'static str,
        /// Its number.
        found: usize,
        /// Ours.
        supported: usize,
        /// Who made it.
        version: String,
    },
    /// A gateway runs where it should go.
    #[error(
        "profile {profile}: found its gateway running ({who}), expected it to be stopped. Stop it with `bulkhead --profile {profile} gateway stop`, and try again."
    )]
    Running {
        /// The profile.
        profile: String,
        /// Which process.
        who: String,
    },
    /// Something is there already.
    #[error(
        "profile {profile}: found {found} in {}, expected an empty profile. Restore beside it with --profile NEW, or in its place with --force: what is there now is then kept in {kept}.",
        state_dir.display()
    )]
    NotEmpty {
        /// The profile.
        profile: String,
        /// Where.
        state_dir: PathBuf,
        /// What is there.
        found: String,
        /// Where it would be kept.
        kept: String,
    },
    /// The database could not be copied.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The configuration of the backup could not be used.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The place is not ours.
    #[error("{0}")]
    Place(#[from] PlaceError),
    /// Ports could not be claimed.
    #[error("{0}")]
    Register(#[from] RegisterError),
}

impl BackupError {
    /// A stable word for programs.
    pub fn code(&self) -> &str {
        match self {
            Self::NoProfile { .. } => "backup.no-profile",
            Self::OutputExists { .. } => "backup.output-exists",
            Self::Io { .. } => "backup.io",
            Self::NotWhole { .. } => "backup.damaged",
            Self::Hostile { .. } => "backup.hostile",
            Self::Newer { .. } => "backup.newer",
            Self::Running { .. } => "backup.running",
            Self::NotEmpty { .. } => "backup.not-empty",
            Self::Store(error) => error.code(),
            Self::Config(error) => error.code(),
            Self::Place(error) => error.code(),
            Self::Register(error) => error.code(),
        }
    }

    /// What the system refused, in one call.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn not_whole(path: &Path, found: impl Into<String>) -> Self {
        Self::NotWhole {
            path: path.to_owned(),
            found: found.into(),
            next_step: "Take another copy of it, or an older backup.",
        }
    }
}
