//! What is wrong, in one name: from the state of all aspects to exactly one cause with its evidence.

mod diagnose;
mod evidence;

use serde::{Deserialize, Serialize};

pub use diagnose::{Diagnosis, diagnose};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It answers, but something does not work or will not after the next start.
    Degraded,
    /// It does not answer at all.
    Down,
}

/// A process that is in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortHolder {
    /// The port that it took.
    pub port: u16,
    /// Its process; `None` if it belongs to another user.
    pub pid: Option<u32>,
    /// Its program; `None` if it belongs to another user.
    pub program: Option<String>,
    /// Whether it is proven to be a process of the watched gateway itself, left over from an earlier run.
    pub ours: bool,
}

/// Why the watched gateway does not work. One at a time: the one that explains the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Cause {
    /// Its program is not where it was.
    BinaryMissing {
        /// Where it was expected.
        path: String,
    },
    /// OpenClaw's Node or its package is missing or does not start.
    NodeBroken {
        /// What is missing.
        missing: String,
    },
    /// Another program listens on its port.
    PortStolen {
        /// Who.
        holder: PortHolder,
    },
    /// Its configuration is empty or gone.
    ConfigEmptied {
        /// The file.
        path: String,
    },
    /// Its configuration cannot be used.
    ConfigInvalid {
        /// The file.
        path: String,
        /// What is wrong with it, without values.
        problem: String,
    },
    /// Its state directory cannot be written.
    StateReadOnly {
        /// The directory.
        path: String,
    },
    /// No room is left where its state lies.
    DiskFull {
        /// The directory.
        path: String,
        /// Bytes that are left.
        free: u64,
    },
    /// Its service is disabled or masked.
    ServiceDisabled {
        /// The unit, label or task.
        service: String,
        /// Whether it was masked.
        masked: bool,
    },
    /// It ends again and again.
    CrashLoop {
        /// How often within the last minute.
        times: u32,
    },
    /// Its process lives and does not answer.
    Hung {
        /// Whether it was stopped by a signal (SIGSTOP).
        stopped: bool,
    },
    /// It ended and did not come back.
    Killed {
        /// The signal, where it is known.
        signal: Option<i32>,
        /// The exit code, where it is known.
        exit: Option<i32>,
    },
    /// Nobody is there who would start it.
    SupervisorGone,
    /// It does not answer; nothing says why.
    Down,
    /// Something answers on its address that is no gateway.
    NotAGateway {
        /// What answers.
        found: String,
    },
    /// Its bot's token is not accepted any more.
    BotTokenRevoked {
        /// The channel, such as `channels.telegram.default`.
        channel: String,
    },
    /// The model provider does not accept its key.
    ModelKeyRevoked {
        /// The provider, where it is known.
        provider: Option<String>,
    },
    /// The model provider does not answer.
    ProviderDown {
        /// The provider, where it is known.
        provider: Option<String>,
    },
    /// It cannot reach a messenger which this gateway reaches.
    ChannelDown {
        /// The channel.
        channel: String,
    },
    /// It waits for the keychain, or runs in safe mode: control plane only.
    Limited {
        /// Its own word for it: `safe-mode`, `waiting-for-keychain`, `gateway.auth`.
        mode: String,
    },
}

impl Cause {
    /// Stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BinaryMissing { .. } => "binary-missing",
            Self::NodeBroken { .. } => "node-broken",
            Self::PortStolen { .. } => "port-stolen",
            Self::ConfigEmptied { .. } => "config-emptied",
            Self::ConfigInvalid { .. } => "config-invalid",
            Self::StateReadOnly { .. } => "state-read-only",
            Self::DiskFull { .. } => "disk-full",
            Self::ServiceDisabled { .. } => "service-disabled",
            Self::CrashLoop { .. } => "crash-loop",
            Self::Hung { .. } => "hung",
            Self::Killed { .. } => "killed",
            Self::SupervisorGone => "supervisor-gone",
            Self::Down => "down",
            Self::NotAGateway { .. } => "not-a-gateway",
            Self::BotTokenRevoked { .. } => "bot-token-revoked",
            Self::ModelKeyRevoked { .. } => "model-key-revoked",
            Self::ProviderDown { .. } => "provider-down",
            Self::ChannelDown { .. } => "channel-down",
            Self::Limited { .. } => "limited",
        }
    }
}
