//! `agent`, `agent.wait`: a program lets an agent work.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MethodSpec;
use super::chat::{check_key, check_run_id};
use crate::{ErrorShape, Scope};

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("agent", Scope::OperatorWrite, "Lets an agent work; answers accepted, then the result.")
        .dynamic()
        .two_phase(),
    MethodSpec::new("agent.wait", Scope::OperatorWrite, "Waits for the end of a run."),
];

/// Parameters of `agent`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentParams {
    /// What to do.
    pub message: String,
    /// Which agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Another provider than the configured one; asks for admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Another model than the configured one; asks for admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The session by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The session by its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// How hard to think.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<String>,
    /// Also send the answer to a chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliver: Option<bool>,
    /// Without a chat to send it to, the answer stays in the session; otherwise that is refused before anything runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_effort_deliver: Option<bool>,
    /// The channel (`last` is the one that was used last); with `to` also the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The chat on it, or a session key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The account of the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Another channel for the answer alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_channel: Option<String>,
    /// Another chat for the answer alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// Another account for the answer alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_account_id: Option<String>,
    /// A topic of the chat; no channel here has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// The session must have this transcript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_existing_session_id: Option<String>,
    /// Names a session that begins here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Files that come with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Value>,
    /// Patience for the whole run, in seconds; 0 is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Goes behind the system prompt; asks for admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_system_prompt: Option<String>,
    /// Becomes the run's id; the same key never makes a second turn.
    pub idempotency_key: String,
}

impl AgentParams {
    /// Checks the bounds.
    pub fn check(&self) -> Result<(), ErrorShape> {
        const METHOD: &str = "agent";
        check_run_id(METHOD, "idempotencyKey", &self.idempotency_key)?;
        if let Some(key) = &self.session_key {
            check_key(METHOD, "sessionKey", key)?;
        }
        if self.message.trim().is_empty() {
            return Err(ErrorShape::invalid_params(METHOD, "message", "expected a text"));
        }
        Ok(())
    }

    /// Whether what is asked for needs admin.
    pub fn needs_admin(&self) -> bool {
        self.provider.is_some() || self.model.is_some() || self.extra_system_prompt.is_some()
    }
}

/// First response to `agent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentAccepted {
    /// The idempotency key.
    pub run_id: String,
    /// The session.
    pub session_key: String,
    /// The agent.
    pub agent_id: String,
    /// `accepted`
    pub status: String,
    /// Milliseconds since 1970.
    pub accepted_at: u64,
}

/// Last response to `agent`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentFinished {
    /// The idempotency key.
    pub run_id: String,
    /// `ok`, `error`, `timeout` or `aborted`.
    pub status: String,
    /// One line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<AgentResult>,
    /// Why not, when not `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// The answer of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentResult {
    /// Its pieces.
    #[serde(default)]
    pub payloads: Vec<AgentPayload>,
    /// About the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Value>,
    /// Whether it reached its chat, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_succeeded: Option<bool>,
    /// How it reached its chat, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_status: Option<DeliveryReport>,
}

/// What became of an answer that was to go to a chat.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryReport {
    /// It was asked for.
    pub requested: bool,
    /// Sending began.
    pub attempted: bool,
    /// `sent`, `suppressed`, `partial_failed` or `failed`.
    pub status: String,
    /// `true`, `false` or `"partial"`.
    pub succeeded: Value,
    /// Why not, as a word for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Messages that were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_count: Option<usize>,
    /// It failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<bool>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

impl DeliveryReport {
    /// It is out, in so many messages.
    pub fn sent(messages: usize) -> Self {
        Self {
            requested: true,
            attempted: true,
            status: "sent".to_owned(),
            succeeded: true.into(),
            result_count: Some(messages),
            ..Self::default()
        }
    }

    /// There is nothing to send.
    pub fn suppressed(reason: &str) -> Self {
        Self {
            requested: true,
            status: "suppressed".to_owned(),
            succeeded: true.into(),
            reason: Some(reason.to_owned()),
            result_count: Some(0),
            ..Self::default()
        }
    }

    /// There is nowhere to send it.
    pub fn unresolved(reason: &str) -> Self {
        Self {
            requested: true,
            status: "failed".to_owned(),
            succeeded: false.into(),
            error: Some(true),
            reason: Some(reason.to_owned()),
            ..Self::default()
        }
    }

    /// The channel did not take it.
    pub fn failed(reason: Option<&str>, message: impl Into<String>) -> Self {
        Self {
            attempted: true,
            reason: reason.map(str::to_owned),
            error_message: Some(message.into()),
            ..Self::unresolved("")
        }
    }
}

/// A piece of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentPayload {
    /// Text.
    #[serde(default)]
    pub text: Option<String>,
    /// A file.
    #[serde(default)]
    pub media_url: Option<String>,
}

/// Parameters of `agent.wait`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentWaitParams {
    /// The run.
    pub run_id: String,
    /// Patience.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// Payload of an `agent` event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentEvent {
    /// The run.
    pub run_id: String,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// The agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// `lifecycle`, `assistant`, `tool`, `usage`, `run_status`…
    pub stream: String,
    /// What happened.
    pub data: Value,
    /// Grows per run.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub ts: u64,
}
