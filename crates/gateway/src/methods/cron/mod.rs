//! `cron.*`: jobs that run by themselves.

mod list;
mod view;

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::cron::{
    CRON_JOB_NOT_FOUND, CronAddParams, CronIdParams, CronRunParams, CronScratchSetParams, CronUpdateParams,
    SCRATCH_BYTES, ScheduledToolPolicy,
};
use bulkhead_schedule::{RunNow, ScheduleError};
use bulkhead_server::Reply;
use bulkhead_store::CronScratch;
use serde_json::{Value, json};

use super::{Call, store_failed};
use crate::gateway::Gateway;
pub(crate) use list::{history, page};
pub(crate) use view::{compact, full};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "cron.list" => list,
    "cron.get" => get,
    "cron.status" => status,
    "cron.runs" => runs,
    "cron.scratch.get" => scratch_get,
    "cron.scratch.set" => scratch_set,
    "cron.add" => add,
    "cron.update" => update,
    "cron.remove" => remove,
    "cron.run" => run,
};

/// What is wrong, on its way to a client.
pub(crate) fn refused(method: &str, error: ScheduleError) -> ErrorShape {
    match error {
        ScheduleError::Field { path, problem } => ErrorShape::invalid_params(method, &path, problem),
        ScheduleError::NotFound(id) => ErrorShape::invalid_request(format!(
            "cron job not found: {id}. List the jobs and take an id of theirs."
        ))
        .with_details(json!({"code": CRON_JOB_NOT_FOUND, "jobId": id})),
        ScheduleError::Store(error) => store_failed(error),
        other => ErrorShape::invalid_request(format!("{method}: {other}")),
    }
}

pub(super) async fn list(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&page(gateway, call.params()?).await?)
}

pub(super) async fn runs(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&history(gateway, call.params()?).await?)
}

pub(super) async fn get(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CronIdParams = call.params()?;
    let job = gateway.schedule.engine()?.get(&params.id).await.map_err(|error| refused("cron.get", error))?;
    Reply::json(&full(&job))
}

/// Whether jobs run by themselves, and when the next one does.
pub(super) async fn status(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let engine = gateway.schedule.engine()?;
    let settings = gateway.settings.now();
    let path = gateway.place.database_path().display().to_string();
    let jobs = gateway.store.cron().count().await.map_err(store_failed)?;
    let next = engine.next_due().await.map_err(|error| refused("cron.status", error))?;
    let enabled = settings.config.cron.enabled.unwrap_or(true) && !gateway.safe_mode;
    Reply::json(&json!({
        "enabled": enabled,
        "triggersEnabled": false,
        "storePath": path,
        "storage": "sqlite",
        "sqlitePath": path,
        "jobs": jobs,
        "nextWakeAtMs": next.filter(|_| enabled),
    }))
}

pub(super) async fn add(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CronAddParams = call.params()?;
    check_agent(gateway, "cron.add", params.agent_id.as_deref())?;
    let declared = params.declaration_key.is_some();
    let engine = gateway.schedule.engine()?;
    let (job, new) = engine
        .add(params, ScheduledToolPolicy::trusted())
        .await
        .map_err(|error| refused("cron.add", error))?;
    let mut shown = full(&job);
    shown["deliveryPreview"] = list::preview(gateway, &job).await;
    if declared {
        return Reply::json(&json!({"ok": true, "created": new, "updated": !new, "job": shown}));
    }
    Reply::json(&shown)
}

pub(super) async fn update(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CronUpdateParams = call.params()?;
    check_agent(gateway, "cron.update", params.patch.get("agentId").and_then(Value::as_str))?;
    let job = gateway
        .schedule
        .engine()?
        .update(&params.id, params.patch, params.expected_config_revision)
        .await
        .map_err(|error| refused("cron.update", error))?;
    Reply::json(&full(&job))
}

pub(super) async fn remove(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CronIdParams = call.params()?;
    let engine = gateway.schedule.engine()?;
    engine.remove(&params.id).await.map_err(|error| refused("cron.remove", error))?;
    Reply::json(&json!({"ok": true, "removed": true}))
}

/// Records the wish for a run; it begins when there is room.
pub(super) async fn run(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CronRunParams = call.params()?;
    let instance = gateway.presence.instance_id();
    if let Some(expected) = params.expected_process_instance_id.filter(|expected| *expected != instance) {
        let problem = format!("found {expected:?}, but this process of the gateway is {instance:?}");
        return Err(ErrorShape::invalid_params("cron.run", "expectedProcessInstanceId", problem));
    }
    gateway.may_run()?;
    let engine = gateway.schedule.engine()?;
    let asked = engine.run_now(&params.id, params.mode).await.map_err(|error| refused("cron.run", error))?;
    let not =
        |reason: &str| json!({"ok": true, "ran": false, "reason": reason, "processInstanceId": instance});
    Reply::json(&match asked {
        RunNow::Enqueued(run_id) => {
            json!({"ok": true, "enqueued": true, "runId": run_id, "processInstanceId": instance})
        }
        RunNow::Running => not("already-running"),
        RunNow::NotDue => not("not-due"),
        RunNow::Disabled => not("disabled"),
    })
}

pub(super) async fn scratch_get(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CronIdParams = call.params()?;
    gateway.schedule.engine()?.get(&params.id).await.map_err(|error| refused("cron.scratch.get", error))?;
    let scratch = gateway.store.cron().scratch(&params.id).await.map_err(store_failed)?;
    Reply::json(&shown(&scratch))
}

pub(super) async fn scratch_set(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CronScratchSetParams = call.params()?;
    if let Some(size) = params.content.as_ref().map(String::len).filter(|size| *size > SCRATCH_BYTES) {
        let problem = format!("found {size} bytes, expected at most {SCRATCH_BYTES}");
        return Err(ErrorShape::invalid_params("cron.scratch.set", "content", problem));
    }
    gateway.schedule.engine()?.get(&params.id).await.map_err(|error| refused("cron.scratch.set", error))?;
    let (now, replaced) = gateway
        .store
        .cron()
        .set_scratch(&params.id, params.content, params.expected_revision)
        .await
        .map_err(store_failed)?;
    if !replaced {
        return Reply::json(
            &json!({"ok": false, "reason": "revision-conflict", "currentRevision": now.revision}),
        );
    }
    let mut reply = shown(&now);
    reply["ok"] = true.into();
    Reply::json(&reply)
}

fn shown(scratch: &CronScratch) -> Value {
    let note = scratch.content.as_ref().map(|content| {
        json!({"content": content, "revision": scratch.revision, "updatedAtMs": scratch.updated_at})
    });
    json!({"scratch": note, "currentRevision": scratch.revision, "maxBytes": SCRATCH_BYTES})
}

fn check_agent(gateway: &Gateway, method: &str, agent: Option<&str>) -> Result<(), ErrorShape> {
    match agent {
        Some(id) if gateway.settings.now().agent(id).is_none() => {
            let problem = format!("found {id:?}, expected one of those that agents.list names");
            Err(ErrorShape::invalid_params(method, "agentId", problem))
        }
        _ => Ok(()),
    }
}
