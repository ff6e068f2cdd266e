//! What a supervisor says about its gateway.

use bulkhead_profile::Owner;
use serde::{Deserialize, Serialize};

use crate::desired::Desired;
use crate::ladder::Rung;

/// In which state the gateway is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GatewayState {
    /// Not running, as wanted.
    #[default]
    Stopped,
    /// Started, not ready yet.
    Starting,
    /// Ready.
    Running,
    /// Ready, but without secrets: the keychain is locked or missing.
    WaitingForKeychain,
    /// Crashed; it starts again soon.
    BackingOff,
    /// On its way down.
    Stopping,
    /// Given up: too many crashes, or a configuration that it refuses. It waits for somebody.
    Failed,
}

/// What the gateway said when it was ready.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// Its process.
    #[serde(default)]
    pub pid: u32,
    /// Its base port.
    #[serde(default)]
    pub port: u16,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// How long it took from its start.
    #[serde(default)]
    pub ready_ms: u64,
    /// What it has to say all the same.
    #[serde(default)]
    pub warnings: Vec<serde_json::Value>,
}

/// Something that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Stable code for programs.
    pub code: String,
    /// In words, with the next step.
    pub message: String,
}

/// How the gateway ended last, when that was not asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastExit {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The last lines that it said.
    pub last_lines: Vec<String>,
}

/// The whole status.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayStatus {
    /// The profile.
    pub profile: String,
    /// The state.
    pub state: GatewayState,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// On what it runs.
    pub rung: Rung,
    /// What its owner wants.
    pub desired: Desired,
    /// Who runs it.
    pub owner: Owner,
    /// Its process.
    pub pid: Option<u32>,
    /// Whether it was found running and only attached to.
    pub attached: bool,
    /// What it said when it was ready.
    pub ready: Option<Ready>,
    /// How often it was started again after a crash, since the last start that somebody asked for.
    pub restarts: u32,
    /// How it ended last.
    pub last_exit: Option<LastExit>,
    /// What somebody should know.
    pub problem: Option<Problem>,
    /// When it starts again, in milliseconds since 1970.
    pub next_start_ms: Option<u64>,
}

impl GatewayState {
    /// In words, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::WaitingForKeychain => "waiting for the keychain",
            Self::BackingOff => "crashing, with pauses between the starts",
            Self::Stopping => "stopping",
            Self::Failed => "failed",
        }
    }
}

impl GatewayStatus {
    /// Whether it is up (also when it waits for the keychain).
    pub fn is_running(&self) -> bool {
        matches!(self.state, GatewayState::Running | GatewayState::WaitingForKeychain)
    }

    /// Whether it is down and stays so.
    pub fn is_down(&self) -> bool {
        matches!(self.state, GatewayState::Stopped | GatewayState::Failed)
    }
}
