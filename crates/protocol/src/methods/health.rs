//! `health`, `status`, `system-presence`: how the gateway is and who is there.

use serde::{Deserialize, Serialize};

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("health", Scope::OperatorRead, "How the gateway is: channels, agents, sessions, models."),
    MethodSpec::new("status", Scope::OperatorRead, "A summary for people: version, sessions, tasks."),
    MethodSpec::new("system-presence", Scope::OperatorRead, "Who is there: the gateway and its clients."),
];

/// Parameters of `health`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HealthParams {
    /// Ask the channels now instead of answering with what is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<bool>,
    /// Patience for the probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// Parameters of `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StatusParams {
    /// With a line per channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_channel_summary: Option<bool>,
    /// With what a command line prints of agents (`cliProjection`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_cli_projection: Option<bool>,
}
