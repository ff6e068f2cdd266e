//! `exec.approval.*`, `approval.*`, `exec.approvals.*`: commands that wait for a person's yes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MethodSpec;
use crate::{ErrorShape, Scope};

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new(
        "exec.approvals.get",
        Scope::OperatorAdmin,
        "What may run on this machine, with its hash.",
    ),
    MethodSpec::new("exec.approvals.set", Scope::OperatorAdmin, "Replaces what may run on this machine.")
        .once(),
    MethodSpec::new("exec.approvals.node.get", Scope::OperatorAdmin, "What may run on a node, as it says."),
    MethodSpec::new("exec.approvals.node.set", Scope::OperatorAdmin, "Asks a node to replace that.").once(),
    MethodSpec::new("exec.approval.get", Scope::OperatorApprovals, "One command that waits."),
    MethodSpec::new("exec.approval.list", Scope::OperatorApprovals, "The commands that wait."),
    MethodSpec::new("exec.approval.request", Scope::OperatorApprovals, "Asks a person about a command.")
        .once()
        .two_phase(),
    MethodSpec::new("exec.approval.waitDecision", Scope::OperatorApprovals, "Waits for the answer."),
    MethodSpec::new("exec.approval.resolve", Scope::OperatorApprovals, "Answers; the first answer counts."),
    MethodSpec::new("plugin.approval.list", Scope::OperatorApprovals, "The questions of programs that wait."),
    MethodSpec::new("plugin.approval.request", Scope::OperatorApprovals, "A program asks a person.")
        .once()
        .two_phase(),
    MethodSpec::new("plugin.approval.waitDecision", Scope::OperatorApprovals, "Waits for the answer."),
    MethodSpec::new("plugin.approval.resolve", Scope::OperatorApprovals, "Answers; the first answer counts."),
    MethodSpec::new(
        "openclaw.approval.list",
        Scope::OperatorApprovals,
        "The setup agent's questions; there are none.",
    ),
    MethodSpec::new("approval.get", Scope::OperatorApprovals, "One approval, waiting or over.")
        .since("2026.7"),
    MethodSpec::new("approval.resolve", Scope::OperatorApprovals, "Answers, and tells which answer counts.")
        .since("2026.7"),
    MethodSpec::new("approval.history", Scope::OperatorApprovals, "The approvals that are over.")
        .since("2026.7"),
];

/// Parameters that name one approval.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalIdParams {
    /// The approval.
    pub id: String,
}

/// Parameters of `exec.approval.resolve`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecApprovalResolveParams {
    /// The approval, or the beginning of its id.
    pub id: String,
    /// `allow-once`, `allow-always` or `deny`.
    pub decision: String,
}

/// Parameters of `approval.resolve`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalResolveParams {
    /// The approval.
    pub id: String,
    /// `exec` or `plugin`.
    pub kind: String,
    /// `allow-once`, `allow-always` or `deny`.
    pub decision: String,
}

/// Parameters of `approval.history`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApprovalHistoryParams {
    /// Where the page before ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// At most so many, up to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// Only of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// Parameters of `exec.approval.request`. What is not known here is ignored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecApprovalRequestParams {
    /// The id that it shall have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The command, word by word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_argv: Option<Vec<String>>,
    /// Where it would run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// `gateway` or `node`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Which node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    /// The policy that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<String>,
    /// The policy that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask: Option<String>,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning_text: Option<String>,
    /// Answers that may not be given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unavailable_decisions: Vec<String>,
    /// The agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The program's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_path: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// The transcript.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The tool call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The channel that the conversation is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_source_channel: Option<String>,
    /// The chat there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_source_to: Option<String>,
    /// The account there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_source_account_id: Option<String>,
    /// How long to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Answer `accepted` first.
    pub two_phase: bool,
}

/// Parameters of `exec.approvals.set`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecApprovalsSetParams {
    /// The document.
    pub file: Value,
    /// The hash of what is there now; may be left out only while nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_hash: Option<String>,
}

/// Parameters of `exec.approvals.node.get`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecApprovalsNodeGetParams {
    /// The node.
    pub node_id: String,
}

/// Parameters of `exec.approvals.node.set`: `file`, or `native` with `baseHash`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecApprovalsNodeSetParams {
    /// The node.
    pub node_id: String,
    /// The document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Value>,
    /// Rules in the node's own form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Value>,
    /// The hash of what is there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_hash: Option<String>,
}

impl ExecApprovalsNodeSetParams {
    /// What the node is sent.
    pub fn for_node(self) -> Result<Value, ErrorShape> {
        let wrong =
            |problem: &str| Err(ErrorShape::invalid_params("exec.approvals.node.set", "file", problem));
        let (mut sent, own_form) = match (self.file, self.native) {
            (Some(Value::Object(file)), None) if file.get("version") == Some(&Value::from(1)) => {
                (Value::from_iter([("file".to_owned(), Value::Object(file))]), false)
            }
            (Some(_), None) => return wrong("expected an object with version 1"),
            (None, Some(native @ Value::Object(_))) if native["rules"].is_array() => (native, true),
            (None, Some(_)) => return wrong("native: expected an object with rules"),
            _ => return wrong("expected either file or native"),
        };
        match self.base_hash {
            Some(hash) => sent["baseHash"] = hash.into(),
            None if own_form => return wrong("native is only set with the baseHash of what is there"),
            None => {}
        }
        Ok(sent)
    }
}

/// Parameters of `plugin.approval.request`. What is not known here is ignored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PluginApprovalRequestParams {
    /// The program, as it calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin_id: Option<String>,
    /// What it wants, in one line of up to 80 characters.
    pub title: String,
    /// What that means, in up to 512.
    pub description: String,
    /// More of it, for who looks closely.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How much is at stake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<ApprovalSeverity>,
    /// The tool that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    /// The call of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The answers that it takes; all when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_decisions: Option<Vec<ApprovalDecision>>,
    /// The agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// The channel that the conversation is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_source_channel: Option<String>,
    /// The chat there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_source_to: Option<String>,
    /// The account there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_source_account_id: Option<String>,
    /// How long to wait, up to ten minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Answer `accepted` first.
    pub two_phase: bool,
}

/// How much is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalSeverity {
    /// Little.
    Info,
    /// Something.
    Warning,
    /// Much.
    Critical,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalDecision {
    /// Yes, this time.
    AllowOnce,
    /// Yes, from now on.
    AllowAlways,
    /// No.
    Deny,
}
