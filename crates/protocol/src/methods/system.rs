//! `system.info`, `update.status`, `gateway.restart.*`: the machine, the program's version, and a fresh start.

use serde::{Deserialize, Serialize};

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("system.info", Scope::OperatorRead, "The machine: processor, memory, disk, load."),
    MethodSpec::new(
        "update.status",
        Scope::OperatorAdmin,
        "Which version runs, and whether there is a newer one.",
    ),
    MethodSpec::new(
        "gateway.restart.preflight",
        Scope::OperatorRead,
        "What a restart would interrupt now. Changes nothing.",
    ),
    MethodSpec::new(
        "gateway.restart.request",
        Scope::OperatorAdmin,
        "Asks this gateway's supervisor to restart it, once its work is done.",
    )
    .once(),
];

/// Result of `system.info`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SystemInfo {
    /// What people call the machine.
    pub machine_name: String,
    /// Its name on the network.
    pub hostname: String,
    /// `linux`, `darwin` or `win32`.
    pub platform: String,
    /// Version of the kernel or system.
    pub release: String,
    /// `x64`, `arm64`, …
    pub arch: String,
    /// System and version in one line.
    pub os_label: String,
    /// The gateway's base port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Always `none`: this gateway needs no Node. Clients want the field.
    pub node_version: String,
    /// The gateway's process.
    pub pid: u32,
    /// New for every start of the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_instance_id: Option<String>,
    /// Milliseconds since the gateway began to start.
    pub uptime_ms: u64,
    /// Processors.
    pub cpu_count: usize,
    /// What the processor is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_model: Option<String>,
    /// Load over 1, 5 and 15 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_average: Option<[f64; 3]>,
    /// Bytes of memory in all.
    pub memory_total_bytes: u64,
    /// Bytes that programs may still take.
    pub memory_free_bytes: u64,
    /// Size of the disk that holds the state directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_total_bytes: Option<u64>,
    /// Bytes that may still be written there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_available_bytes: Option<u64>,
    /// The state directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_path: Option<String>,
    /// What the gateway's own process takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_memory: Option<ProcessMemory>,
}

/// What a process takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessMemory {
    /// Bytes that are in memory.
    pub rss_bytes: u64,
}

/// Parameters of `gateway.restart.request`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RestartRequestParams {
    /// Why, for the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Do not wait for work that goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_deferral: Option<bool>,
}

/// Result of `gateway.restart.preflight`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestartPreflight {
    /// Whether nothing goes on that a restart would hold up.
    pub safe: bool,
    /// What goes on, counted.
    pub counts: RestartCounts,
    /// The same in words.
    pub blockers: Vec<RestartBlocker>,
    /// In one line.
    pub summary: String,
}

/// What goes on, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestartCounts {
    /// Messages that wait for their turn.
    pub queue_size: usize,
    /// Answers that are done and not yet delivered.
    pub pending_replies: usize,
    /// Answers that are being written.
    pub embedded_runs: usize,
    /// Scheduled work that goes on.
    pub cron_runs: usize,
    /// Commands that agents left running.
    pub background_exec_sessions: usize,
    /// Requests that are being answered.
    pub root_requests: usize,
    /// Other work.
    pub active_tasks: usize,
    /// All of them.
    pub total_active: usize,
}

/// One kind of work that holds a restart up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestartBlocker {
    /// The name of its count.
    pub kind: String,
    /// How much of it.
    pub count: usize,
    /// In words.
    pub message: String,
}
