//! `hooks.status`: folders with a `HOOK.md`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[MethodSpec::new(
    "hooks.status",
    Scope::OperatorRead,
    "Hooks that lie in an agent's folders; their JavaScript is not run.",
)
.since("2026.7")];

/// Parameters of `hooks.status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HooksStatusParams {
    /// Of this agent; else of the one that answers by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
}

/// Result of `hooks.status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HooksStatusResult {
    /// The agent's workspace.
    pub workspace_dir: String,
    /// Where the profile's own would lie.
    pub managed_hooks_dir: String,
    /// What was found.
    pub hooks: Vec<HookStatus>,
}

/// A hook that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookStatus {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// `openclaw-workspace` or `openclaw-managed`.
    pub source: String,
    /// Its `HOOK.md`.
    pub file_path: String,
    /// Its folder.
    pub base_dir: String,
    /// The code that would run.
    pub handler_path: String,
    /// Its key in the configuration.
    pub hook_key: String,
    /// A picture in one sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// Where to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// What it wants to be called for.
    pub events: Vec<String>,
    /// Events that nobody knows.
    pub unknown_events: Vec<String>,
    /// Whether nothing is asked of the machine.
    pub always: bool,
    /// Whether it is switched on; none is.
    pub enabled_by_config: bool,
    /// Whether what it needs is there; it is not looked for.
    pub requirements_satisfied: bool,
    /// Whether it runs; none does.
    pub loadable: bool,
    /// Why it does not run.
    pub blocked_reason: String,
    /// Whether a plugin brought it.
    pub managed_by_plugin: bool,
    /// What it needs.
    pub requirements: Value,
    /// What of that is missing.
    pub missing: Value,
    /// Settings that it asks for.
    pub config_checks: Vec<Value>,
    /// How to install what it needs.
    pub install: Vec<Value>,
}
