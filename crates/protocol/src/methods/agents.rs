//! `agents.*`: which agents there are.

use serde::{Deserialize, Serialize};

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("agents.list", Scope::OperatorRead, "The agents and which one is the default."),
    MethodSpec::new("agent.identity.get", Scope::OperatorRead, "Name of the agent of a session."),
    MethodSpec::new("agents.create", Scope::OperatorAdmin, "Adds an agent with a workspace of its own.")
        .once(),
    MethodSpec::new("agents.update", Scope::OperatorAdmin, "Changes an agent."),
    MethodSpec::new("agents.delete", Scope::OperatorAdmin, "Removes an agent and its bindings.").once(),
    MethodSpec::new("agents.files.list", Scope::OperatorRead, "The files that describe an agent."),
    MethodSpec::new("agents.files.get", Scope::OperatorRead, "One of these files with its text."),
    MethodSpec::new("agents.files.set", Scope::OperatorAdmin, "Writes one of these files."),
    MethodSpec::new("agents.workspace.list", Scope::OperatorRead, "What is in a folder of a workspace.")
        .since("2026.7"),
    MethodSpec::new("agents.workspace.get", Scope::OperatorRead, "A text or picture of a workspace.")
        .since("2026.7"),
];

/// Parameters of `agents.create`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentsCreateParams {
    /// Its name; the id is made of it.
    pub name: String,
    /// Its folder; without one it gets a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// `provider/model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its emoji.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// Its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
}

/// Result of `agents.create`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentsCreateResult {
    /// `true`.
    pub ok: bool,
    /// Its id.
    pub agent_id: String,
    /// Its name.
    pub name: String,
    /// Its folder.
    pub workspace: String,
    /// Its model, if it was given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// Parameters of `agents.update`. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentsUpdateParams {
    /// Which agent.
    pub agent_id: String,
    /// Another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Another model; `null` for the one of all agents.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub model: Option<Option<String>>,
    /// Another emoji; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// Another picture; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
}

/// Tells `null` from nothing.
#[allow(clippy::option_option, reason = "left out, null and a text are three different wishes")]
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Result of `agents.update`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentsUpdateResult {
    /// `true`.
    pub ok: bool,
    /// Which agent.
    pub agent_id: String,
}

/// Parameters of `agents.delete`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentsDeleteParams {
    /// Which agent.
    pub agent_id: String,
    /// Also put its folder away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_files: Option<bool>,
}

/// Result of `agents.delete`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentsDeleteResult {
    /// `true`.
    pub ok: bool,
    /// Which agent.
    pub agent_id: String,
    /// How many bindings went with it.
    pub removed_bindings: u64,
    /// Folders that were put away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Vec<Removed>>,
    /// Folders that stay, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Vec<NotRemoved>>,
    /// `true`: what it left behind could not be removed, so its folder stays; ask again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge_failed: Option<bool>,
}

/// A folder that was put away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    /// Where it was.
    pub path: String,
    /// `trash`, or `missing` when there was none.
    pub method: String,
}

/// A folder that stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotRemoved {
    /// Where it is.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// Parameters of `agents.files.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentsFilesListParams {
    /// Which agent.
    pub agent_id: String,
}

/// Parameters of `agents.files.get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentsFilesGetParams {
    /// Which agent.
    pub agent_id: String,
    /// Such as `SOUL.md`.
    pub name: String,
}

/// Parameters of `agents.files.set`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentsFilesSetParams {
    /// Which agent.
    pub agent_id: String,
    /// Such as `SOUL.md`.
    pub name: String,
    /// The whole text.
    pub content: String,
    /// Hash of the text that it replaces; refused if it is another one by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_hash: Option<String>,
}

/// A file of a workspace that describes an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentFile {
    /// Such as `SOUL.md`.
    pub name: String,
    /// Where it is.
    pub path: String,
    /// Whether it is not there.
    pub missing: bool,
    /// Nobody misses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_absent: Option<bool>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When it changed, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at_ms: Option<u64>,
    /// SHA-256 of its bytes in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// Parameters of `agents.workspace.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentsWorkspaceListParams {
    /// Which agent.
    pub agent_id: String,
    /// A folder of its workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Entries to pass over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Entries at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Parameters of `agents.workspace.get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentsWorkspaceGetParams {
    /// Which agent.
    pub agent_id: String,
    /// A file of its workspace.
    pub path: String,
}

/// Something in a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceEntry {
    /// Where in the workspace.
    pub path: String,
    /// Its name.
    pub name: String,
    /// `file` or `directory`.
    pub kind: String,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When it changed, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at_ms: Option<u64>,
}

/// Result of `agents.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentsListResult {
    /// Answers when nobody says which agent.
    pub default_id: String,
    /// Short name of the main session.
    pub main_key: String,
    /// `per-sender` or `global`.
    pub scope: String,
    /// The agents.
    pub agents: Vec<AgentSummary>,
}

/// An agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentSummary {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it presents itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<AgentIdentity>,
    /// Its folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Its models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<AgentModel>,
}

/// How an agent presents itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentIdentity {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its emoji.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// Its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
}

/// An agent's models.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentModel {
    /// Asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<String>,
    /// Asked when the ones before fail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<String>,
}
