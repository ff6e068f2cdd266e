//! Why a supervisor could not do what it was asked.

use std::path::PathBuf;

/// An error of the supervisor or of its control socket.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// Another supervisor has this profile.
    #[error("profile '{profile}': another supervisor runs its gateway already ({lock} is locked); expected only one; ask that one (bulkhead --profile {profile} gateway status), or stop the app or service that runs it", lock = .lock.display())]
    AlreadySupervised {
        /// The profile.
        profile: String,
        /// The lock.
        lock: PathBuf,
    },
    /// Nobody listens on the control socket.
    #[error("profile '{profile}': no supervisor answers on {socket}; expected the app or a service to run this gateway; start it with: bulkhead --profile {profile} gateway supervise", socket = .socket.display())]
    NotSupervised {
        /// The profile.
        profile: String,
        /// The socket.
        socket: PathBuf,
    },
    /// The peer's answer could not be understood, or it refused.
    #[error("profile '{profile}': the supervisor refused: {message}")]
    Refused {
        /// The profile.
        profile: String,
        /// Its stable code.
        code: String,
        /// What it said.
        message: String,
    },
    /// The peer did not answer in time.
    #[error(
        "profile '{profile}': the supervisor did not answer within {waited_s} s; expected an answer; look at its log, or restart the app or service that runs it"
    )]
    Silent {
        /// The profile.
        profile: String,
        /// How long was waited.
        waited_s: u64,
    },
    /// The supervisor answers, and its gateway comes neither up nor to rest.
    #[error(
        "profile '{profile}': after {waited_s} s its gateway is still {state}; expected it to run or to be stopped; its supervisor goes on trying, see: bulkhead --profile {profile} gateway status, and its log"
    )]
    Unsettled {
        /// The profile.
        profile: String,
        /// What it does instead.
        state: &'static str,
        /// How long was waited.
        waited_s: u64,
    },
    /// A profile that somebody else runs is only attached to.
    #[error(
        "profile '{profile}' is run by somebody else and only watched here, so it is not {action}; expected it to be done where it is run: by that program or its service manager"
    )]
    NotOwner {
        /// The profile.
        profile: String,
        /// What was asked.
        action: &'static str,
    },
    /// The supervisor has ended.
    #[error(
        "profile '{profile}': its supervisor is shutting down; expected it to run; start the app or service again"
    )]
    Gone {
        /// The profile.
        profile: String,
    },
    /// A file could not be read or written.
    #[error("{path}: cannot {action}: {source}; expected a place that you may read and write; check the permissions of that directory and the free space", path = .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The place may not be used.
    #[error(transparent)]
    Place(#[from] bulkhead_profile::PlaceError),
    /// The configuration could not be rolled back.
    #[error(transparent)]
    Config(#[from] bulkhead_config::ConfigError),
    /// A process could not be ended.
    #[error(transparent)]
    Process(#[from] bulkhead_process::ProcessError),
}

impl SupervisorError {
    /// The stable code for programs.
    pub fn code(&self) -> &str {
        match self {
            Self::AlreadySupervised { .. } => "already-supervised",
            Self::NotSupervised { .. } => "not-supervised",
            Self::Refused { code, .. } => code,
            Self::Silent { .. } => "supervisor-silent",
            Self::Unsettled { .. } => "gateway-unsettled",
            Self::NotOwner { .. } => "not-owner",
            Self::Gone { .. } => "supervisor-gone",
            Self::Io { .. } => "supervisor-io",
            Self::Place(error) => error.code(),
            Self::Config(error) => error.code(),
            Self::Process(error) => error.code(),
        }
    }
}
