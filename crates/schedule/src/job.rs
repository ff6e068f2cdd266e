//! Making and changing a job: what was asked for becomes a job, or it is said which field is wrong. Pure.

use bulkhead_protocol::methods::cron::{
    CronAddParams, CronDelivery, CronFailureAlert, CronJob, CronJobState, CronPayload, CronSchedule,
    DeliveryMode, ScheduledToolPolicy, SessionTarget,
};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::rhythm::{Rhythm, normal};
use crate::{ScheduleError, life};

/// Bytes of a name or a label.
const NAME: usize = 200;
/// Bytes of what an agent is asked, or told.
const TEXT: usize = 64 * 1024;
/// Bytes of an address that outcomes are posted to.
const URL: usize = 2048;

/// A new job.
pub fn create(
    params: CronAddParams,
    id: String,
    policy: ScheduledToolPolicy,
    now: i64,
    local: &TimeZone,
) -> Result<CronJob, ScheduleError> {
    for (path, given) in [("pacing", &params.pacing), ("trigger", &params.trigger)] {
        if given.is_some() {
            return Err(ScheduleError::field(path, "this gateway has no such thing; leave it out"));
        }
    }
    let schedule = normal(params.schedule, now)?;
    let once = matches!(schedule, CronSchedule::At { .. });
    let session_target = settle_target(params.session_target, params.session_key.as_deref());
    let mut payload = params.payload;
    if let CronPayload::AgentTurn { tools_allow, .. } = &mut payload {
        tools_allow.get_or_insert_with(|| vec!["*".to_owned()]);
    }
    let agent_turn = matches!(payload, CronPayload::AgentTurn { .. });
    let delivery = params.delivery.or_else(|| {
        agent_turn.then(|| CronDelivery { mode: DeliveryMode::Announce, ..CronDelivery::default() })
    });
    let mut job = CronJob {
        id,
        declaration_key: params.declaration_key,
        display_name: params.display_name,
        owner: params.owner,
        agent_id: params.agent_id,
        session_key: params.session_key,
        name: params.name.trim().to_owned(),
        description: params.description,
        enabled: params.enabled.unwrap_or(true),
        delete_after_run: params.delete_after_run.or(once.then_some(true)),
        created_at_ms: now,
        updated_at_ms: now,
        schedule,
        session_target,
        wake_mode: params.wake_mode,
        payload,
        delivery,
        failure_alert: params.failure_alert,
        scheduled_tool_policy: agent_turn.then_some(policy),
        state: CronJobState::default(),
    };
    check(&job)?;
    let rhythm = Rhythm::read(&job.schedule, &job.id, local)?;
    let next = rhythm.next_after(now)?;
    if next.is_none() && job.enabled {
        return Err(in_the_past(&job.schedule, now));
    }
    job.state.next_run_at_ms = next.filter(|_| job.enabled);
    Ok(job)
}

/// A job with some fields changed; `null` takes a field away, `payload`, `delivery` and `failureAlert` are merged.
pub fn patch(
    job: &CronJob,
    patch: &Map<String, Value>,
    now: i64,
    local: &TimeZone,
) -> Result<CronJob, ScheduleError> {
    const FIELDS: &[&str] = &[
        "name",
        "displayName",
        "agentId",
        "sessionKey",
        "description",
        "enabled",
        "deleteAfterRun",
        "schedule",
        "sessionTarget",
        "wakeMode",
        "payload",
        "delivery",
        "failureAlert",
    ];
    let as_value = |job: &CronJob| {
        serde_json::to_value(job).map_err(|error| ScheduleError::field("patch", error.to_string()))
    };
    let Value::Object(mut fields) = as_value(job)? else { return Ok(job.clone()) };
    for (name, value) in patch {
        if matches!(name.as_str(), "pacing" | "trigger") && value.is_null() {
            continue;
        }
        if !FIELDS.contains(&name.as_str()) {
            return Err(ScheduleError::field(
                format!("patch.{name}"),
                format!("not a field that can be changed; expected one of {}", FIELDS.join(", ")),
            ));
        }
        match (value, fields.get_mut(name)) {
            (Value::Null, _) => drop(fields.remove(name)),
            (Value::Object(change), Some(Value::Object(present)))
                if name != "schedule" && (name != "payload" || change.get("kind") == present.get("kind")) =>
            {
                merge(present, change);
            }
            (Value::Object(change), _) if name != "schedule" => {
                let mut fresh = Map::new();
                merge(&mut fresh, change);
                fields.insert(name.clone(), Value::Object(fresh));
            }
            _ => drop(fields.insert(name.clone(), value.clone())),
        }
    }
    let mut next: CronJob = read("patch", Value::Object(fields))?;
    next.schedule = if next.schedule == job.schedule { next.schedule } else { normal(next.schedule, now)? };
    next.session_target = settle_target(next.session_target, next.session_key.as_deref());
    if let CronPayload::AgentTurn { tools_allow, .. } = &mut next.payload {
        tools_allow.get_or_insert_with(|| vec!["*".to_owned()]);
        next.scheduled_tool_policy.get_or_insert_with(ScheduledToolPolicy::trusted);
    }
    check(&next)?;
    next.updated_at_ms = now;
    let rescheduled = next.schedule != job.schedule;
    let turned_on = next.enabled && !job.enabled;
    if turned_on {
        next.state.auto_disabled = None;
        next.state.consecutive_errors = None;
        next.state.consecutive_skipped = None;
    }
    if rescheduled || turned_on || next.enabled != job.enabled {
        next.state.schedule_activated_at_ms = Some(now);
        let upcoming = Rhythm::read(&next.schedule, &next.id, local)?.next_after(now)?;
        if upcoming.is_none() && next.enabled && next.state.running_at_ms.is_none() {
            return Err(in_the_past(&next.schedule, now));
        }
        next.state.next_run_at_ms = upcoming.filter(|_| next.enabled);
    }
    Ok(next)
}

/// `current` is the session that it is made in; without one it is a session of its own.
fn settle_target(target: SessionTarget, session_key: Option<&str>) -> SessionTarget {
    match (target, session_key) {
        (SessionTarget::Current, Some(key)) => SessionTarget::Session(key.to_owned()),
        (SessionTarget::Current, None) => SessionTarget::Isolated,
        (target, _) => target,
    }
}

fn in_the_past(schedule: &CronSchedule, now: i64) -> ScheduleError {
    let now = life::in_words(now);
    match schedule {
        CronSchedule::At { at } => {
            ScheduleError::field("schedule.at", format!("is in the past: {at}; the time is {now}"))
        }
        _ => ScheduleError::field("schedule", format!("has no time after {now}")),
    }
}

fn merge(into: &mut Map<String, Value>, change: &Map<String, Value>) {
    for (name, value) in change {
        match (value, into.get_mut(name)) {
            (Value::Null, _) => drop(into.remove(name)),
            (Value::Object(change), Some(Value::Object(present))) => merge(present, change),
            _ => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

fn read(what: &str, value: Value) -> Result<CronJob, ScheduleError> {
    serde_json::from_value(value).map_err(|error| ScheduleError::field(what, error.to_string()))
}

/// What no schema says.
fn check(job: &CronJob) -> Result<(), ScheduleError> {
    for (path, text) in [
        ("name", Some(&job.name)),
        ("displayName", job.display_name.as_ref()),
        ("declarationKey", job.declaration_key.as_ref()),
    ] {
        let Some(text) = text else { continue };
        if text.trim().is_empty() || text.len() > NAME || text.chars().any(char::is_control) {
            return Err(ScheduleError::field(
                path,
                format!("found {} bytes, expected 1 to {NAME} printable ones", text.len()),
            ));
        }
    }
    let (path, text) = match &job.payload {
        CronPayload::SystemEvent { text } => ("payload.text", text),
        CronPayload::AgentTurn { message, timeout_seconds, .. } => {
            if timeout_seconds
                .is_some_and(|seconds| !seconds.is_finite() || !(0.0..=604_800.0).contains(&seconds))
            {
                return Err(ScheduleError::field("payload.timeoutSeconds", "expected 0 to 604800 seconds"));
            }
            ("payload.message", message)
        }
        CronPayload::Heartbeat {} => {
            return Err(ScheduleError::field(
                "payload.kind",
                "\"heartbeat\" is made by the gateway alone; expected agentTurn or systemEvent",
            ));
        }
    };
    if text.trim().is_empty() || text.len() > TEXT {
        return Err(ScheduleError::field(
            path,
            format!("found {} bytes, expected 1 to {TEXT}", text.trim().len()),
        ));
    }
    match (&job.payload, &job.session_target) {
        (CronPayload::AgentTurn { .. }, SessionTarget::Main) => {
            return Err(ScheduleError::field(
                "payload.kind",
                "jobs of the main session take \"systemEvent\"; use sessionTarget \"isolated\" for an agentTurn",
            ));
        }
        (CronPayload::SystemEvent { .. }, target) if *target != SessionTarget::Main => {
            return Err(ScheduleError::field(
                "payload.kind",
                "a \"systemEvent\" goes to the main session; use sessionTarget \"main\", or an agentTurn",
            ));
        }
        _ => {}
    }
    if let Some(delivery) = &job.delivery {
        check_delivery(delivery, &job.session_target)?;
    }
    match &job.failure_alert {
        Some(CronFailureAlert::Off(true)) => {
            return Err(ScheduleError::field("failureAlert", "found true, expected false or an object"));
        }
        Some(CronFailureAlert::Rule(rule)) if rule.mode == Some(DeliveryMode::Webhook) => {
            return Err(ScheduleError::field(
                "failureAlert.mode",
                "failures are told in a chat; use \"announce\", or delivery.mode \"webhook\" for every outcome",
            ));
        }
        _ => {}
    }
    Ok(())
}

fn check_delivery(delivery: &CronDelivery, target: &SessionTarget) -> Result<(), ScheduleError> {
    if delivery.mode == DeliveryMode::Webhook {
        check_receiver(delivery.to.as_deref())?;
    }
    if delivery.completion_destination.is_some() {
        return Err(ScheduleError::field(
            "delivery.completionDestination",
            "an outcome goes to one place; use delivery.mode \"webhook\" with its URL as delivery.to",
        ));
    }
    if delivery.failure_destination.as_ref().is_some_and(|place| place.mode == Some(DeliveryMode::Webhook)) {
        return Err(ScheduleError::field(
            "delivery.failureDestination.mode",
            "failures are told in a chat; use \"announce\", or delivery.mode \"webhook\" for every outcome",
        ));
    }
    if delivery.thread_id.is_some() {
        return Err(ScheduleError::field("delivery.threadId", "topics are not served; leave it out"));
    }
    if delivery.mode == DeliveryMode::Announce && *target == SessionTarget::Main {
        return Err(ScheduleError::field(
            "delivery.mode",
            "jobs of the main session are told by its heartbeat; leave delivery out",
        ));
    }
    Ok(())
}

/// Where an outcome is posted: the address itself, without a name and a password.
fn check_receiver(to: Option<&str>) -> Result<(), ScheduleError> {
    let wrong = |problem: &str| Err(ScheduleError::field("delivery.to", problem));
    let Some(to) = to.map(str::trim).filter(|to| !to.is_empty()) else {
        return wrong("found nothing, expected the URL that outcomes are posted to");
    };
    let lower = to.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")) else {
        return wrong("expected a URL that begins with https:// or http://");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || to.len() > URL || to.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return wrong("expected a URL with a host, without spaces, of at most 2048 bytes");
    }
    if authority.contains('@') {
        return wrong(
            "found a name or password in the URL; use cron.webhookToken, for receivers that cron.webhookSsrfPolicy.allowedHostnames names",
        );
    }
    Ok(())
}

/// Names what was asked for; another one after every edit that changes it. State is not part of it.
pub fn revision(job: &CronJob) -> String {
    let mut value = serde_json::to_value(job).unwrap_or_default();
    if let Value::Object(map) = &mut value {
        for name in ["state", "updatedAtMs", "createdAtMs"] {
            map.remove(name);
        }
    }
    revision_of(&value)
}

/// Names any JSON value.
pub fn revision_of(value: &Value) -> String {
    // Sorted, so that the same value has the same name.
    let hash = Sha256::digest(sorted(value).to_string().as_bytes());
    format!("sha256:{}", hex::encode(hash))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: std::collections::BTreeMap<_, _> =
                map.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            Value::Object(ordered.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
