//! The list of work beside conversations: runs that a program or the schedule asked for.

use std::sync::Arc;

use bulkhead_store::Task;
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::runs::TurnRequest;
use crate::runs::registry::{EndStatus, RunEnd};

/// Characters of a title.
const TITLE: usize = 120;
/// Characters of a result that the list keeps.
const RESULT: usize = 4000;

impl Gateway {
    /// Ends what an earlier process left. Called once, before any run.
    pub(crate) async fn fail_old_tasks(&self) {
        if let Err(error) = self.store.tasks().fail_on_start().await {
            tracing::warn!(%error, "tasks of an earlier run could not be ended");
        }
    }

    /// A run began; if it is such work, it is listed.
    pub(crate) async fn task_began(self: &Arc<Self>, request: &TurnRequest) {
        let runtime = request.source.as_str();
        if !matches!(runtime, "cli" | "cron") {
            return;
        }
        let title: String = request.message.lines().next().unwrap_or_default().chars().take(TITLE).collect();
        let task = Task {
            id: uuid::Uuid::new_v4().to_string(),
            runtime: runtime.to_owned(),
            status: "running".to_owned(),
            title,
            agent_id: request.agent_id.clone(),
            session_key: request.session_key.clone(),
            run_id: request.run_id.clone(),
            source_id: None,
            created_at: 0,
            updated_at: 0,
            ended_at: None,
            prompt: request.message.clone(),
            result: None,
            error: None,
        };
        match self.store.tasks().begin(task).await {
            Ok(task) => self.events.task(&summary(&task, false)),
            Err(error) => tracing::warn!(%error, run = %request.run_id, "a task could not be listed"),
        }
    }

    /// A run ended; if it is listed, how is written down.
    pub(crate) async fn task_ended(self: &Arc<Self>, request: &TurnRequest, end: &RunEnd) {
        if !matches!(request.source.as_str(), "cli" | "cron") {
            return;
        }
        let status = match end.status {
            EndStatus::Ok => "completed",
            EndStatus::Aborted => "cancelled",
            EndStatus::Error => "failed",
        };
        let result: String = end.text.chars().take(RESULT).collect();
        let result = Some(result).filter(|text| !text.is_empty());
        match self.store.tasks().end(&request.run_id, status, result, end.error.clone()).await {
            Ok(Some(task)) => self.events.task(&summary(&task, false)),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, run = %request.run_id, "the end of a task could not be listed");
            }
        }
    }
}

/// As the protocol writes it; `whole` with what was asked and what came of it.
pub(crate) fn summary(task: &Task, whole: bool) -> Value {
    let mut summary = json!({
        "id": task.id,
        "taskId": task.id,
        "kind": task.runtime,
        "runtime": task.runtime,
        "status": task.status,
        "title": task.title,
        "agentId": task.agent_id,
        "sessionKey": task.session_key,
        "childSessionKey": task.session_key,
        "ownerKey": task.session_key,
        "runId": task.run_id,
        "sourceId": task.source_id.as_deref().unwrap_or(&task.run_id),
        "createdAt": task.created_at,
        "updatedAt": task.updated_at,
        "startedAt": task.created_at,
        "deliveryStatus": "not_applicable",
    });
    if let Some(ended) = task.ended_at {
        summary["endedAt"] = ended.into();
    }
    if let Some(error) = &task.error {
        summary["error"] = error.clone().into();
    }
    if whole {
        summary["prompt"] = task.prompt.clone().into();
        if let Some(result) = &task.result {
            summary["result"] = result.clone().into();
        }
    }
    summary
}
