//! `sessions.*`: conversations, and who is told of them.

use serde::{Deserialize, Serialize};

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("sessions.list", Scope::OperatorRead, "Sessions, newest first, with filters."),
    MethodSpec::new("sessions.describe", Scope::OperatorRead, "One session."),
    MethodSpec::new("sessions.subscribe", Scope::OperatorRead, "Be told when sessions change."),
    MethodSpec::new("sessions.unsubscribe", Scope::OperatorRead, "Be told no more when sessions change.")
        .since("bulkhead"),
    MethodSpec::new("sessions.messages.subscribe", Scope::OperatorRead, "Be told of a session's messages."),
    MethodSpec::new(
        "sessions.messages.unsubscribe",
        Scope::OperatorRead,
        "Be told no more of a session's messages.",
    ),
    MethodSpec::new(
        "sessions.reset",
        Scope::OperatorAdmin,
        "Begins a session anew; the old transcript is kept.",
    )
    .once(),
    MethodSpec::new("sessions.delete", Scope::OperatorAdmin, "Deletes a session with its transcript.")
        .dynamic()
        .once(),
    MethodSpec::new("sessions.preview", Scope::OperatorRead, "The last words of several sessions."),
    MethodSpec::new("sessions.resolve", Scope::OperatorRead, "Which session a key, id or label means."),
    MethodSpec::new("sessions.search", Scope::OperatorRead, "What was said, found by its words."),
    MethodSpec::new("sessions.branches.list", Scope::OperatorRead, "The ways that a session went."),
    MethodSpec::new(
        "sessions.branches.switch",
        Scope::OperatorAdmin,
        "Makes another of them the present one.",
    ),
    MethodSpec::new(
        "sessions.rewind",
        Scope::OperatorAdmin,
        "Goes back to before a message; what came after stays as a branch.",
    )
    .once(),
    MethodSpec::new(
        "sessions.fork",
        Scope::OperatorWrite,
        "Begins another session with what was said before a message.",
    )
    .once(),
    MethodSpec::new(
        "sessions.files.list",
        Scope::OperatorRead,
        "The files that a session was about, and their folder.",
    ),
    MethodSpec::new("sessions.files.get", Scope::OperatorRead, "One of them, with what is in it."),
    MethodSpec::new(
        "sessions.files.set",
        Scope::OperatorAdmin,
        "Writes one of them, if it is still the one that was read.",
    ),
    MethodSpec::new("sessions.create", Scope::OperatorWrite, "A new session, and its first message.")
        .dynamic()
        .once(),
    MethodSpec::new("sessions.send", Scope::OperatorWrite, "Says something in a session that exists.").once(),
    MethodSpec::new("sessions.steer", Scope::OperatorWrite, "The same, and stops what is being answered.")
        .once(),
    MethodSpec::new("sessions.abort", Scope::OperatorWrite, "Stops the runs of a session, or one of them."),
    MethodSpec::new(
        "sessions.patch",
        Scope::OperatorWrite,
        "Sets what is set about a session: label, model, pin, archive.",
    )
    .dynamic(),
    MethodSpec::new("sessions.patchMany", Scope::OperatorWrite, "The same change of several sessions.")
        .dynamic()
        .since("2026.8"),
    MethodSpec::new(
        "sessions.recover",
        Scope::OperatorWrite,
        "Begins the answer again that the end of the gateway cut off.",
    )
    .since("2026.8"),
    MethodSpec::new(
        "sessions.compact",
        Scope::OperatorAdmin,
        "Summarises the beginning of a session for the model.",
    )
    .once(),
    MethodSpec::new(
        "sessions.groups.list",
        Scope::OperatorRead,
        "The groups that sessions are sorted under.",
    ),
    MethodSpec::new(
        "sessions.groups.defaults",
        Scope::OperatorWrite,
        "What a group sets for its sessions: nothing here.",
    )
    .since("2026.8"),
    MethodSpec::new("sessions.groups.put", Scope::OperatorWrite, "Replaces the groups and their order."),
    MethodSpec::new("sessions.groups.rename", Scope::OperatorWrite, "Gives a group another name.").once(),
    MethodSpec::new("sessions.groups.delete", Scope::OperatorWrite, "Removes a group; its sessions stay."),
];

/// Parameters of `sessions.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionsListParams {
    /// Most rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Rows to skip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
    /// Only those that changed within so many minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_minutes: Option<u32>,
    /// `updatedAt` or `lastInteractionAt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_by: Option<SessionSort>,
    /// With `derivedTitle`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_derived_titles: Option<bool>,
    /// With `lastMessagePreview`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_last_message: Option<bool>,
    /// Only with this label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Only of this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Only those whose key, label or title has this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Only archived ones, only others, or all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<Archived>,
}

/// How to sort sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SessionSort {
    /// By the last change.
    UpdatedAt,
    /// By the last thing a person said.
    LastInteractionAt,
}

/// Which sessions, by archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Archived {
    /// Only archived ones, or only others.
    Only(bool),
    /// All of them.
    All(AllOfThem),
}

/// The text `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AllOfThem {
    /// `all`
    All,
}

/// Parameters of `sessions.rewind` and `sessions.fork`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionsRewindParams {
    /// The session.
    pub session_key: String,
    /// Its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The message of a person that the cut is before.
    pub entry_id: String,
}

/// Parameters of `sessions.branches.switch`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionsBranchesSwitchParams {
    /// The session.
    pub session_key: String,
    /// Its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The last message of the branch.
    pub leaf_entry_id: String,
}

/// Parameters of `sessions.files.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionsFilesListParams {
    /// The session.
    pub session_key: String,
    /// Its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// A folder of the workspace; the workspace itself when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only what has this in its path, at any depth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
}

/// Parameters of `sessions.files.get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionsFilesGetParams {
    /// The session.
    pub session_key: String,
    /// Its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The file, within the workspace.
    pub path: String,
}

/// Parameters of `sessions.files.set`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionsFilesSetParams {
    /// The session.
    pub session_key: String,
    /// Its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The file, within the workspace.
    pub path: String,
    /// Its new text.
    pub content: String,
    /// SHA-256 of what was read, in hex.
    pub expected_hash: String,
}

/// Parameters of `sessions.describe`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionsDescribeParams {
    /// The session.
    pub key: String,
    /// With `derivedTitle`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_derived_titles: Option<bool>,
    /// With `lastMessagePreview`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_last_message: Option<bool>,
}

/// Parameters of `sessions.messages.subscribe` and its twin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionsMessagesParams {
    /// The session.
    pub key: String,
    /// Its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// With the approvals that wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_approvals: Option<bool>,
}

/// Result of the subscribing methods and their twins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscribeResult {
    /// Whether this connection is told now.
    pub subscribed: bool,
    /// The session, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}
