//! What probes see: facts without judgement.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::cause::PortHolder;
use crate::seams::KeeperReport;

/// One look: when it began, and what was seen.
///
/// The beginning counts, not the end: a look that waited three seconds for an answer saw a silence that began three
/// seconds ago, and a look that began before this program itself was held up says nothing about the other one.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// When the look began, on the monotonic clock.
    pub began: Duration,
    /// What was seen.
    pub what: Observation,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// The process.
    Process(ProcessSeen),
    /// `GET /healthz`.
    Http(Answer),
    /// `GET /readyz`.
    Ready(ReadySeen),
    /// The beginning of the protocol, without any credential.
    Hello(Answer),
    /// What the supervisor says.
    Keeper(KeeperReport),
    /// What the service manager says.
    Service(ServiceSeen),
    /// Where the state lies.
    Disk(DiskSeen),
    /// The configuration file.
    Config(ConfigSeen),
    /// Who listens on its port.
    Port(PortSeen),
    /// Its program.
    Binary(BinarySeen),
    /// Its bot, asked with its own token.
    Bot(CredentialSeen),
    /// Its model provider, asked for its list of models with its own key.
    Model(CredentialSeen),
    /// Whether this gateway reaches its own messenger.
    OwnNetwork {
        /// Whether it does.
        reachable: bool,
    },
}

/// The process of the watched gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ProcessSeen {
    /// Nothing says which process it is (a remote one; or it never ran).
    Unknown,
    /// It runs.
    Running {
        /// Its pid.
        pid: u32,
        /// Whether it spent most of the last seconds waiting for a processor.
        starved: bool,
    },
    /// It was stopped by a signal and does nothing.
    Stopped {
        /// Its pid.
        pid: u32,
    },
    /// It ended.
    Gone {
        /// The pid that it had.
        pid: u32,
        /// Whether it was asked to end, as far as its own log or its service manager tell.
        asked: bool,
    },
}

impl ProcessSeen {
    /// Whether there is a process.
    pub fn is_there(&self) -> bool {
        matches!(self, Self::Running { .. } | Self::Stopped { .. })
    }
}

/// How it answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// As a gateway does.
    Good,
    /// It says that it starts, or has no room for another connection.
    Busy,
    /// Nobody listens.
    Refused,
    /// No answer in time.
    Silent,
    /// The way there does not work (name, route, TLS).
    Unreachable {
        /// Why, in words.
        why: String,
    },
    /// Something answers that is no gateway.
    Wrong {
        /// What.
        found: String,
    },
}

/// Why `/readyz` says that something fails.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// Stable code.
    pub code: String,
    /// In words.
    pub message: String,
}

/// What `/readyz` said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadySeen {
    /// What fails, with a reason where one was given.
    pub failing: BTreeMap<String, Reason>,
}

/// What the service manager says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSeen {
    /// The unit, label or task; empty if there is none.
    pub name: String,
    /// Whether it is installed.
    pub installed: bool,
    /// Whether it starts by itself.
    pub enabled: bool,
    /// Whether it was masked.
    pub masked: bool,
    /// Its activity.
    pub activity: ServiceActivity,
    /// Whether its last run ended as asked (systemd: `Result=success`).
    pub ended_well: bool,
    /// The exit code of its last run.
    pub exit: Option<i32>,
    /// The signal that ended its last run.
    pub signal: Option<i32>,
    /// How often the manager started it again by itself.
    pub restarts: u32,
    /// Its process.
    pub pid: Option<u32>,
    /// The program that it starts.
    pub program: Option<String>,
    /// The script that it gives that program, if it is one with an absolute path.
    pub script: Option<String>,
}

/// What a service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceActivity {
    /// Nothing.
    #[default]
    Inactive,
    /// It starts.
    Starting,
    /// It runs.
    Active,
    /// It stops.
    Stopping,
    /// It ended badly; the manager starts it again soon.
    WaitingToRestart,
    /// The manager has given up.
    Failed,
}

/// Where the state lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskSeen {
    /// The directory.
    pub path: String,
    /// Bytes that are free for this user; `None` if that is unknown.
    pub free: Option<u64>,
    /// Bytes of the whole file system.
    pub total: u64,
    /// Whether it can be written; `None` if that cannot be told from here (it belongs to another user).
    pub writable: Option<bool>,
}

impl DiskSeen {
    /// With less free than this a gateway cannot go on: 64 MiB, or a twentieth of a small file system.
    pub fn limit(&self) -> u64 {
        (64 * 1024 * 1024).min(self.total / 20)
    }

    /// Whether no room is left.
    pub fn is_full(&self) -> bool {
        self.free.is_some_and(|free| free < self.limit().max(1))
    }
}

/// The configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigSeen {
    /// The file.
    pub path: String,
    /// Its hash; `None` if there is none or it cannot be read.
    pub hash: Option<String>,
    /// What is wrong with it.
    pub trouble: Option<ConfigTrouble>,
}

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ConfigTrouble {
    /// It is not there.
    Missing,
    /// Nothing is in it: no byte, or only `{}` where there was more.
    Empty,
    /// It cannot be used.
    Invalid {
        /// Why, without values.
        problem: String,
    },
}

/// Who listens on its port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PortSeen {
    /// Nobody.
    Free,
    /// The watched gateway.
    Own,
    /// Somebody else, or a proven left-over of an earlier run.
    Taken(PortHolder),
}

/// Its program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum BinarySeen {
    /// It is there.
    Present {
        /// Its version or a mark that changes with it.
        version: Option<String>,
    },
    /// It is being replaced just now.
    Updating,
    /// It is not there.
    Missing {
        /// What is missing.
        what: String,
        /// Whether it is Node or a package, not a program of ours.
        node: bool,
    },
}

/// How a credential of the watched gateway was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialSeen {
    /// Whose: `channels.telegram.default`, or the id of a provider.
    pub of: String,
    /// How.
    pub how: Reception,
}

/// How a credential was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reception {
    /// It is good.
    Accepted,
    /// It is not accepted any more.
    Rejected,
    /// The other side did not answer, or answered with an error of its own.
    Failed,
    /// The other side asked to wait, or it cannot be tried from here.
    Unknown,
}
