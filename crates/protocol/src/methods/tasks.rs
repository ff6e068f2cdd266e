//! `tasks.*`: work beside conversations.

use serde::{Deserialize, Serialize};

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("tasks.list", Scope::OperatorRead, "Work beside conversations, the newest first."),
    MethodSpec::new("tasks.get", Scope::OperatorRead, "One piece of work."),
    MethodSpec::new("tasks.cancel", Scope::OperatorWrite, "Stops work that goes on."),
];

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
