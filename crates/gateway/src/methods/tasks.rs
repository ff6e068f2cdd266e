//! `tasks.*`: work beside conversations.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::tasks::{
    MOST_TASKS, TaskIdParams, TaskRecovery, TasksHistoryParams, TasksListParams, TasksRecoveryParams,
    TasksRecoveryResult,
};
use bulkhead_server::Reply;
use bulkhead_store::TaskFilter;
use serde_json::{Value, json};

use super::{Call, store_failed};
use crate::gateway::Gateway;
use crate::sessions::resolve;
use crate::task_ledger::summary;
use crate::transcript;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "tasks.list" => list,
    "tasks.get" => get,
    "tasks.history" => history,
    "tasks.cancel" => cancel,
    "tasks.retry" => recover,
    "tasks.dismiss" => recover,
};

/// Rows when nobody says how many.
const USUAL: usize = 100;
/// Messages of one page of a history.
const MOST_MESSAGES: usize = 200;
/// The longest text of a message there, in characters.
const LONGEST: usize = 20_000;

/// The newest first.
pub(super) async fn list(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: TasksListParams = call.params()?;
    let offset = match params.cursor.as_deref() {
        None => 0,
        Some(cursor) => cursor.strip_prefix("1.").and_then(|at| at.parse().ok()).ok_or_else(|| {
            ErrorShape::invalid_request(
                "invalid or expired tasks.list cursor; restart pagination without a cursor",
            )
        })?,
    };
    let session_key = match params.session_key.as_deref() {
        Some(key) => Some(resolve(&gateway.settings.now(), Some(key), params.agent_id.as_deref())?.0),
        None => None,
    };
    let limit = params.limit.map_or(USUAL, |limit| usize::from(limit).clamp(1, 500));
    let filter = TaskFilter {
        statuses: params
            .status
            .map(bulkhead_protocol::methods::tasks::TaskStatuses::into_list)
            .unwrap_or_default(),
        agent_id: params.agent_id.filter(|_| session_key.is_none()),
        session_key,
        by_end: params.sort_by.as_deref() == Some("endedAt"),
        offset,
        limit: limit + 1,
    };
    let mut found = gateway.store.tasks().list(filter).await.map_err(store_failed)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let mut result = json!({"tasks": found.iter().map(|task| summary(task, false)).collect::<Vec<_>>()});
    if more {
        result["nextCursor"] = format!("1.{}", offset + limit).into();
    }
    Reply::json(&result)
}

/// One, with what was asked and what came of it.
pub(super) async fn get(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: TaskIdParams = call.params()?;
    let found = gateway.store.tasks().get(&params.task_id).await.map_err(store_failed)?;
    let found =
        found.ok_or_else(|| ErrorShape::invalid_request(format!("task not found: {}", params.task_id)))?;
    Reply::json(&json!({"task": summary(&found, true)}))
}

/// What was said in one, oldest first; the newest page comes first.
pub(super) async fn history(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: TasksHistoryParams = call.params()?;
    let skip: usize = match params.cursor.as_deref() {
        None => 0,
        Some(cursor) => cursor.parse().map_err(|_| {
            ErrorShape::invalid_params(
                "tasks.history",
                "cursor",
                "expected the nextCursor of the page before",
            )
        })?,
    };
    let found = gateway.store.tasks().get(&params.task_id).await.map_err(store_failed)?;
    let task =
        found.ok_or_else(|| ErrorShape::invalid_request(format!("task not found: {}", params.task_id)))?;
    let said = gateway.store.sessions().messages_of_run(&task.run_id).await.map_err(store_failed)?;
    let limit = params.limit.map_or(USUAL, |limit| usize::from(limit).clamp(1, MOST_MESSAGES));
    let last = said.len().saturating_sub(skip);
    let first = last.saturating_sub(limit);
    let messages: Vec<Value> = said[first..last]
        .iter()
        .map(|message| {
            let mut wire = transcript::to_wire(message);
            if let Some(content) = wire.get_mut("content") {
                transcript::clip(content, LONGEST);
            }
            wire
        })
        .collect();
    let mut result = json!({"messages": messages});
    if first > 0 {
        result["nextCursor"] = (said.len() - first).to_string().into();
    }
    Reply::json(&result)
}

/// Results of helpers that could not be handed on are delivered again, or given up. Nothing here works for another agent,
/// so there is never such a result; jobs tell their outcome by `cron.runs`.
pub(super) async fn recover(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: TasksRecoveryParams = call.params()?;
    if params.task_ids.is_empty() || params.task_ids.len() > MOST_TASKS {
        let found = format!("found {} tasks, expected 1 to {MOST_TASKS}", params.task_ids.len());
        return Err(ErrorShape::invalid_params(call.spec.name, "taskIds", found));
    }
    let mut results = Vec::with_capacity(params.task_ids.len());
    for task_id in params.task_ids {
        let task = gateway.store.tasks().get(&task_id).await.map_err(store_failed)?;
        let reason = match &task {
            Some(task) if task.ended_at.is_none() => "the task still goes on",
            Some(_) => "task has no recoverable completion: its result stands in its session",
            None => "task not found",
        };
        results.push(TaskRecovery {
            task_id,
            ok: false,
            reason: Some(reason.to_owned()),
            task: task.map(|task| summary(&task, true)),
        });
    }
    Reply::json(&TasksRecoveryResult { results })
}

/// Stops one that runs.
pub(super) async fn cancel(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: TaskIdParams = call.params()?;
    let Some(task) = gateway.store.tasks().get(&params.task_id).await.map_err(store_failed)? else {
        return Reply::json(&json!({"found": false, "cancelled": false}));
    };
    let cancelled = !gateway.runs.abort(&task.session_key, Some(&task.run_id)).is_empty();
    let mut result = json!({"found": true, "cancelled": cancelled, "task": summary(&task, false)});
    if !cancelled {
        result["reason"] = "it is over already".into();
    }
    Reply::json(&result)
}
