//! `tasks.*`: work beside conversations.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::tasks::{TaskIdParams, TasksListParams};
use bulkhead_server::Reply;
use bulkhead_store::TaskFilter;
use serde_json::json;

use super::{Call, store_failed};
use crate::gateway::Gateway;
use crate::sessions::resolve;
use crate::task_ledger::summary;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "tasks.list" => list,
    "tasks.get" => get,
    "tasks.cancel" => cancel,
};

/// Rows when nobody says how many.
const USUAL: usize = 100;

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
