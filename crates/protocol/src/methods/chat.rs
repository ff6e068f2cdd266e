//! `chat.*`: a person talks with an agent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MethodSpec;
use crate::{ErrorShape, Scope, limits};

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("chat.history", Scope::OperatorRead, "The last messages of a session."),
    MethodSpec::new("chat.startup", Scope::OperatorRead, "All that a chat window needs to begin."),
    MethodSpec::new(
        "chat.metadata",
        Scope::OperatorRead,
        "The models and commands that a chat window offers.",
    ),
    MethodSpec::new("chat.message.get", Scope::OperatorRead, "One message, with more of it."),
    MethodSpec::new("chat.inject", Scope::OperatorAdmin, "Adds a message of the assistant, without a model.")
        .once(),
    MethodSpec::new("commands.list", Scope::OperatorRead, "The commands that are answered without a model."),
    MethodSpec::new("chat.abort", Scope::OperatorWrite, "Stops the runs of a session, or one of them."),
    // Repeating it with the same idempotency key never makes a second turn.
    MethodSpec::new(
        "chat.send",
        Scope::OperatorWrite,
        "Says something to an agent; the answer comes as events.",
    ),
];

/// Parameters of `chat.history` and `chat.startup`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatHistoryParams {
    /// The session.
    pub session_key: String,
    /// Its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Refused when the session was replaced since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Only what came after this cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Most messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Messages to skip, counted from the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
    /// Most characters per message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_chars: Option<u32>,
    /// Most bytes of the whole answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

impl ChatHistoryParams {
    /// Checks the bounds.
    pub fn check(&self, method: &str) -> Result<(), ErrorShape> {
        check_key(method, "sessionKey", &self.session_key)?;
        match self.limit {
            Some(found) if found == 0 || found > limits::HISTORY_MESSAGES => Err(ErrorShape::invalid_params(
                method,
                "limit",
                format!("found {found}, expected 1 to {}", limits::HISTORY_MESSAGES),
            )),
            _ => Ok(()),
        }
    }
}

/// Parameters of `chat.send`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatSendParams {
    /// The session.
    pub session_key: String,
    /// Its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Refused when the session was replaced since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// What is said.
    pub message: String,
    /// How hard to think.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<String>,
    /// Also send the answer to the session's channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliver: Option<bool>,
    /// Files that come with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Value>,
    /// Patience for the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Becomes the run's id; the same key never makes a second turn.
    pub idempotency_key: String,
}

impl ChatSendParams {
    /// Checks the bounds.
    pub fn check(&self) -> Result<(), ErrorShape> {
        const METHOD: &str = "chat.send";
        check_key(METHOD, "sessionKey", &self.session_key)?;
        check_run_id(METHOD, "idempotencyKey", &self.idempotency_key)?;
        if self.message.trim().is_empty() && self.attachments.is_empty() {
            return Err(ErrorShape::invalid_params(METHOD, "message", "expected a text or an attachment"));
        }
        Ok(())
    }
}

/// Result of `chat.send`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatSendResult {
    /// The idempotency key.
    pub run_id: String,
    /// `started`, `in_flight`, or how it ended.
    pub status: String,
    /// Number of the message in the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_seq: Option<u64>,
}

/// Parameters of `chat.abort`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatAbortParams {
    /// The session.
    pub session_key: String,
    /// Its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Only this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Leave runs that were not started by a chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preserve_side_runs: Option<bool>,
}

/// Result of `chat.abort`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatAbortResult {
    /// The request was understood.
    pub ok: bool,
    /// Something was stopped.
    pub aborted: bool,
    /// What was stopped.
    pub run_ids: Vec<String>,
}

/// `state` of a `chat` event, with what belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum ChatState {
    /// The run has not begun to answer yet.
    Status {
        /// What it does.
        phase: String,
    },
    /// More of the answer.
    Delta {
        /// What came.
        delta_text: String,
        /// The whole answer so far.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Value>,
        /// What came takes the place of everything before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replace: Option<bool>,
    },
    /// The whole answer.
    Final {
        /// The answer; absent when there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Value>,
        /// Tokens.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Value>,
        /// Why the model stopped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop_reason: Option<String>,
    },
    /// Somebody stopped it.
    Aborted {
        /// What there was of the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Value>,
        /// What stopped it: `rpc`, `timeout`…
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop_reason: Option<String>,
    },
    /// It failed.
    Error {
        /// Why, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error_message: Option<String>,
        /// `refusal`, `timeout`, `rate_limit`, `context_length` or `unknown`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error_kind: Option<String>,
    },
}

/// Payload of a `chat` event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatEvent {
    /// The run.
    pub run_id: String,
    /// The session.
    pub session_key: String,
    /// The agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Grows per run.
    pub seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub state: ChatState,
}

/// Checks a session key.
pub fn check_key(method: &str, path: &str, key: &str) -> Result<(), ErrorShape> {
    let chars = key.chars().count();
    if key.trim().is_empty() || chars > limits::SESSION_KEY_CHARS {
        let problem = format!("found {chars} characters, expected 1 to {}", limits::SESSION_KEY_CHARS);
        return Err(ErrorShape::invalid_params(method, path, problem));
    }
    Ok(())
}

/// Checks an idempotency key or run id.
pub fn check_run_id(method: &str, path: &str, id: &str) -> Result<(), ErrorShape> {
    let chars = id.chars().count();
    if id.trim().is_empty() || chars > limits::RUN_ID_CHARS {
        let problem = format!("found {chars} characters, expected 1 to {}", limits::RUN_ID_CHARS);
        return Err(ErrorShape::invalid_params(method, path, problem));
    }
    Ok(())
}
