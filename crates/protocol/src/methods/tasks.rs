//! `tasks.*`: work beside conversations.

use serde::{Deserialize, Serialize};

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("tasks.list", Scope::OperatorRead, "Work beside conversations, the newest first."),
    MethodSpec::new("tasks.get", Scope::OperatorRead, "One piece of work."),
    MethodSpec::new("tasks.history", Scope::OperatorRead, "What was said in a piece of work.")
        .since("2026.9"),
    MethodSpec::new("tasks.cancel", Scope::OperatorWrite, "Stops work that goes on."),
    MethodSpec::new(
        "tasks.retry",
        Scope::OperatorWrite,
        "Delivers results again that could not be delivered; work here hands on none.",
    )
    .since("2026.7"),
    MethodSpec::new("tasks.dismiss", Scope::OperatorWrite, "Gives such results up; work here hands on none.")
        .since("2026.7"),
];

/// Tasks that one `tasks.retry` or `tasks.dismiss` may name.
pub const MOST_TASKS: usize = 10;

/// One status, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TaskStatuses {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl TaskStatuses {
    /// As a list.
    pub fn into_list(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

/// Parameters of `tasks.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TasksListParams {
    /// `queued`, `running`, `completed`, `failed`, `cancelled`, `timed_out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskStatuses>,
    /// Only of this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Only of this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// At most so many, up to 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// Where the page before ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// `updatedAt` or `endedAt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_by: Option<String>,
}

/// Parameters that name one task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskIdParams {
    /// The task.
    pub task_id: String,
    /// Why, for `tasks.cancel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Parameters of `tasks.history`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TasksHistoryParams {
    /// The task.
    pub task_id: String,
    /// Where the page before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// At most so many messages, up to 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
}

/// Parameters of `tasks.retry` and `tasks.dismiss`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TasksRecoveryParams {
    /// The tasks, up to [`MOST_TASKS`].
    pub task_ids: Vec<String>,
}

/// Result of `tasks.retry` and `tasks.dismiss`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TasksRecoveryResult {
    /// In the order of the request.
    pub results: Vec<TaskRecovery>,
}

/// What came of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskRecovery {
    /// The task.
    pub task_id: String,
    /// Whether something was done.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The task as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<serde_json::Value>,
}
