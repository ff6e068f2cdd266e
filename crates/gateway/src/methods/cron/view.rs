//! Jobs as clients see them. Pure.

use bulkhead_protocol::methods::cron::CronJob;
use bulkhead_schedule::revision;
use serde_json::{Map, Value, json};

use crate::clock;

/// A job with what follows from it.
pub(crate) fn full(job: &CronJob) -> Value {
    let mut value = serde_json::to_value(job).unwrap_or_default();
    let state = value.get("state").cloned().unwrap_or_default();
    if let Value::Object(map) = &mut value {
        map.insert("configRevision".to_owned(), revision(job).into());
        for name in [
            "nextRunAtMs",
            "lastRunAtMs",
            "lastRunStatus",
            "lastDelivered",
            "lastDeliveryStatus",
            "lastDeliveryError",
            "deliverySuppressionReason",
            "lastFailureNotificationDeliveryStatus",
        ] {
            copy(&state, name, map, name);
        }
        copy(&state, "lastError", map, "lastRunError");
    }
    value
}

fn copy(from: &Value, name: &str, into: &mut Map<String, Value>, as_name: &str) {
    if let Some(value) = from.get(name) {
        into.insert(as_name.to_owned(), value.clone());
    }
}

/// A short row.
#[allow(clippy::needless_pass_by_value, reason = "it becomes a part of the row")]
pub(crate) fn compact(job: &CronJob, agent: Option<String>) -> Value {
    let state = &job.state;
    let time = |at: Option<i64>| at.and_then(|at| u64::try_from(at).ok()).map(clock::rfc3339);
    let mut row = json!({
        "id": job.id,
        "name": job.name,
        "updatedAtMs": job.updated_at_ms,
        "enabled": job.enabled,
        "nextRunAt": time(state.next_run_at_ms),
        "nextRunAtMs": state.next_run_at_ms,
        "scheduleKind": job.schedule.kind(),
        "schedule": job.schedule,
        "lastRunAt": time(state.last_run_at_ms),
        "lastRunAtMs": state.last_run_at_ms,
        "lastRunStatus": state.last_run_status,
        "lastRunError": state.last_error,
        "effectiveAgentId": agent,
    });
    for (name, value) in [
        ("agentId", &job.agent_id),
        ("declarationKey", &job.declaration_key),
        ("displayName", &job.display_name),
    ] {
        if let Some(value) = value {
            row[name] = value.clone().into();
        }
    }
    row
}
