//! Making and changing jobs.

use std::sync::atomic::Ordering;

use bulkhead_protocol::methods::cron::{CronAddParams, ScheduledToolPolicy, SessionTarget};
use bulkhead_schedule::{ScheduleError, create, revision};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::world::{NOON, World, at, every, turn};

#[allow(clippy::needless_pass_by_value, reason = "it is made for the call")]
fn change(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn an_edit_while_it_runs_decides_when_it_runs_next() {
    let world = World::new();
    world.host.0.hold.store(true, Ordering::SeqCst);
    let life = world.start().await;
    let job = life.add(turn("often", every(60_000))).await;
    world.clock.forward(60_000);
    life.until("it runs", |script| script.held.load(Ordering::SeqCst) == 1).await;
    let edited = change(
        json!({"schedule": {"kind": "every", "everyMs": 600_000}, "payload": {"kind": "agentTurn", "message": "other"}}),
    );
    let job = life.engine.update(&job.id, edited, None).await.unwrap();
    assert_eq!(job.state.next_run_at_ms, Some(NOON + 660_000));
    assert!(job.state.running_at_ms.is_some());
    world.host.0.gate.notify_one();
    life.finished(1).await;
    let job = life.engine.get(&job.id).await.unwrap();
    assert_eq!(job.state.next_run_at_ms, Some(NOON + 660_000));
    assert_eq!(job.state.running_at_ms, None);
}

#[tokio::test]
async fn a_job_that_is_removed_while_it_runs_ends_and_is_recorded() {
    let world = World::new();
    world.host.0.hold.store(true, Ordering::SeqCst);
    let life = world.start().await;
    let job = life.add(turn("often", every(60_000))).await;
    world.clock.forward(60_000);
    life.until("it runs", |script| script.held.load(Ordering::SeqCst) == 1).await;
    life.engine.remove(&job.id).await.unwrap();
    world.host.0.gate.notify_one();
    for _ in 0..1000 {
        if !life.runs().await.is_empty() {
            break;
        }
    }
    assert_eq!(
        life.runs().await[0].status.map(bulkhead_protocol::methods::cron::RunStatusWord::as_str),
        Some("ok")
    );
    assert!(life.engine.jobs().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_declared_job_is_made_once() {
    let world = World::new();
    let life = world.start().await;
    let mut job = turn("brief", every(60_000));
    job["declarationKey"] = "daily:brief".into();
    let first = life.add(job.clone()).await;
    job["payload"]["message"] = "again".into();
    let params: CronAddParams = serde_json::from_value(job).unwrap();
    let (second, new) = life.engine.add(params, ScheduledToolPolicy::trusted()).await.unwrap();
    assert!(!new && second.id == first.id && revision(&second) != revision(&first));
    let error = life.engine.update(&first.id, Map::new(), Some(revision(&first))).await.unwrap_err();
    assert!(matches!(error, ScheduleError::Changed { .. }), "{error}");
}

#[test]
fn what_is_wrong_is_named_by_its_field() {
    let make = |job: Value| {
        let params: CronAddParams = serde_json::from_value(job).unwrap();
        create(params, "id".into(), ScheduledToolPolicy::trusted(), NOON, &TimeZone::UTC)
    };
    let with = |path: &str, value: Value| {
        let mut job = turn("x", every(60_000));
        let mut slot = &mut job;
        for part in path.split('.') {
            slot = &mut slot[part];
        }
        *slot = value;
        job
    };
    for (job, field) in [
        (with("name", json!(" ")), "name: "),
        (with("schedule", json!({"kind": "every", "everyMs": 10})), "schedule.everyMs: "),
        (with("schedule", json!({"kind": "cron", "expr": "0 7 * * *", "tz": "Mars/Base"})), "schedule.tz: "),
        (with("schedule", json!({"kind": "cron", "expr": "foo"})), "schedule.expr: "),
        (with("schedule", at(NOON - 1000)), "schedule.at: is in the past"),
        (with("payload.message", json!("")), "payload.message: "),
        (with("sessionTarget", json!("main")), "payload.kind: "),
        (with("payload", json!({"kind": "heartbeat"})), "payload.kind: "),
        (with("trigger", json!({"script": "x"})), "trigger: "),
        (with("delivery", json!({"mode": "webhook"})), "delivery.to: "),
        (with("delivery", json!({"mode": "webhook", "to": "ftp://x/"})), "delivery.to: "),
        (with("delivery", json!({"mode": "webhook", "to": "https://u:p@x/"})), "delivery.to: "),
    ] {
        let error = make(job.clone()).unwrap_err().to_string();
        assert!(error.starts_with(field), "{field}: {error} for {job}");
    }
    let mut current = turn("x", every(60_000));
    current["sessionTarget"] = "current".into();
    assert_eq!(make(current.clone()).unwrap().session_target, SessionTarget::Isolated);
    current["sessionKey"] = "agent:main:main".into();
    assert_eq!(make(current).unwrap().session_target, SessionTarget::Session("agent:main:main".into()));
}

#[tokio::test]
async fn null_takes_a_field_away_and_turning_on_forgets_failures() {
    let world = World::new();
    let life = world.start().await;
    let mut job = turn("x", every(60_000));
    job["payload"]["model"] = "fake/other".into();
    job["delivery"] = json!({"mode": "announce", "channel": "telegram", "to": "42"});
    job["agentId"] = "main".into();
    let id = life.add(job).await.id;
    let update = |value: Value| {
        let engine = life.engine.clone();
        let id = id.clone();
        async move { engine.update(&id, change(value), None).await }
    };
    let job = update(
        json!({"agentId": null, "payload": {"kind": "agentTurn", "model": null}, "delivery": {"to": null}}),
    )
    .await
    .unwrap();
    let value = serde_json::to_value(&job).unwrap();
    assert!(value.get("agentId").is_none() && value["payload"].get("model").is_none());
    assert_eq!(value["payload"]["message"], "go");
    assert_eq!(value["delivery"], json!({"mode": "announce", "channel": "telegram"}));
    let off = update(json!({"enabled": false})).await.unwrap();
    assert_eq!(off.state.next_run_at_ms, None);
    let on = update(json!({"enabled": true})).await.unwrap();
    assert_eq!(on.state.next_run_at_ms, Some(NOON + 60_000));
    let error = update(json!({"state": {"nextRunAtMs": 1}})).await.unwrap_err().to_string();
    assert!(error.starts_with("patch.state: "), "{error}");
}
