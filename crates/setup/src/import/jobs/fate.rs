//! What becomes of a timed job: it is taken over, taken over with something left out, or left, with the reason. Pure.
//!
//! While OpenClaw may go on with it, a job comes switched off: nothing runs twice. Where its bots were taken over, its
//! gateway does not run, and its jobs come as they were.

use aho_corasick::AhoCorasick;
use bulkhead_protocol::methods::cron::{CronAddParams, CronJob, ScheduledToolPolicy};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::Job;
use crate::import::bring::holds_secret;
use crate::import::secrecy_of::may_be_secret;

/// Fields of a job that are read. What OpenClaw knows of its runs stays there.
const FIELDS: &[&str] = &[
    "name",
    "displayName",
    "agentId",
    "sessionKey",
    "description",
    "deleteAfterRun",
    "schedule",
    "pacing",
    "trigger",
    "sessionTarget",
    "wakeMode",
    "payload",
    "delivery",
    "failureAlert",
];

/// What a decision stands on.
pub(in crate::import) struct Ground<'g> {
    /// The agents that come along.
    pub(in crate::import) agents: &'g [String],
    /// Finds the secrets of the source.
    pub(in crate::import) finder: Option<&'g AhoCorasick>,
    /// Whether OpenClaw does not run any more.
    pub(in crate::import) take_over: bool,
    /// Milliseconds since 1970.
    pub(in crate::import) now: i64,
    /// The zone of schedules that name none.
    pub(in crate::import) zone: &'g TimeZone,
}

/// What becomes of a job.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::import) enum Fate {
    /// It comes along, without what is named here.
    Taken { job: Box<CronJob>, was_on: bool, without: Vec<&'static str> },
    /// It does not, for this reason.
    Left(String),
}

/// Decides.
pub(in crate::import) fn fate(job: &Job, ground: &Ground<'_>) -> Fate {
    match decide(job, ground) {
        Ok(fate) => fate,
        Err(reason) => Fate::Left(reason),
    }
}

fn decide(job: &Job, ground: &Ground<'_>) -> Result<Fate, String> {
    let mut fields: Map<String, Value> = FIELDS
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), job.raw.get(*key)?.clone())))
        .filter(|(_, value)| !value.is_null())
        .collect();
    let secret =
        job.said().is_some_and(may_be_secret) || holds_secret(&Value::Object(fields.clone()), ground.finder);
    if secret {
        return Err("a secret stands in what it says".to_owned());
    }
    let kind = fields.get("payload").and_then(|payload| payload["kind"].as_str()).unwrap_or_default();
    let target = match kind {
        "agentTurn" => "isolated",
        "systemEvent" => "main",
        other => {
            return Err(format!(
                "it is of the kind {other:?}: expected one that asks an agent or tells it something"
            ));
        }
    };
    if let Some(agent) = fields.get("agentId").and_then(Value::as_str)
        && !ground.agents.iter().any(|known| known == agent)
    {
        return Err(format!("its agent {agent:?} does not come along"));
    }
    fields.entry("name").or_insert_with(|| job.name.as_str().into());
    fields.entry("sessionTarget").or_insert_with(|| target.into());
    fields.entry("wakeMode").or_insert_with(|| "now".into());
    let without = leave_out(&mut fields);
    // Made as one that is on, so that one that can never run again is found out.
    fields.insert("enabled".to_owned(), true.into());
    let params: CronAddParams = serde_json::from_value(Value::Object(fields))
        .map_err(|error| format!("it cannot be read: {error}"))?;
    let was_on = job.raw.get("enabled").and_then(Value::as_bool) != Some(false);
    let mut made = bulkhead_schedule::create(
        params,
        job.id.clone(),
        ScheduledToolPolicy::trusted(),
        ground.now,
        ground.zone,
    )
    .map_err(|error| error.to_string())?;
    if let Some(created) = job.raw.get("createdAtMs").and_then(Value::as_i64) {
        made.created_at_ms = created;
    }
    made.enabled = was_on && ground.take_over;
    if !made.enabled {
        made.state.next_run_at_ms = None;
    }
    Ok(Fate::Taken { job: Box::new(made), was_on, without })
}

/// Takes out where an outcome went, if that was an address or a channel that is not here: addresses may hold secrets, and a
/// job is worth more than the place where it was told.
fn leave_out(fields: &mut Map<String, Value>) -> Vec<&'static str> {
    let mut without = Vec::new();
    let webhook = |value: &Value| value["mode"] == "webhook";
    let main = fields.get("sessionTarget").is_some_and(|target| target == "main");
    if let Some(delivery) = fields.get_mut("delivery").and_then(Value::as_object_mut) {
        let foreign = delivery
            .get("channel")
            .and_then(Value::as_str)
            .is_some_and(|name| !["last", "telegram"].contains(&name));
        if foreign || webhook(&Value::Object(delivery.clone())) {
            *delivery = Map::from_iter([("mode".to_owned(), json!("none"))]);
            without.push("where its outcome went");
        }
        if delivery.remove("completionDestination").is_some() {
            without.push("the address that heard of its end");
        }
        if delivery.get("failureDestination").is_some_and(webhook) {
            delivery.remove("failureDestination");
            without.push("the address that heard of failures");
        }
        if delivery.remove("threadId").is_some() {
            without.push("the topic of its chat");
        }
        if main && delivery.get("mode").is_some_and(|mode| mode == "announce") {
            fields.remove("delivery");
        }
    }
    if fields.get("failureAlert").is_some_and(webhook) {
        fields.remove("failureAlert");
        without.push("the address that heard of failures");
    }
    without.dedup();
    without
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20T12:00:00Z
    const NOW: i64 = 1_795_176_000_000;

    #[expect(clippy::needless_pass_by_value, reason = "reads as the thing itself")]
    fn job(changes: Value) -> Job {
        let mut raw = json!({
            "id": "f6b01983", "name": "nightly", "enabled": true, "createdAtMs": 1_795_170_000_000_i64,
            "schedule": {"kind": "cron", "expr": "0 3 * * *", "tz": "Europe/Berlin"}, "sessionTarget": "isolated",
            "wakeMode": "now", "payload": {"kind": "agentTurn", "message": "say hi", "toolsAllow": ["*"]},
            "delivery": {"mode": "announce", "channel": "last"},
            "scheduledToolPolicy": {"version": 1, "mode": "trusted"}, "state": {},
        });
        for (key, value) in changes.as_object().unwrap() {
            raw[key] = value.clone();
        }
        let (mut jobs, mut own) = (Vec::new(), 0);
        crate::import::jobs::add(raw, &mut jobs, &mut own);
        jobs.remove(0)
    }

    fn decided(changes: Value, take_over: bool) -> Fate {
        let ground =
            Ground { agents: &["main".to_owned()], finder: None, take_over, now: NOW, zone: &TimeZone::UTC };
        fate(&job(changes), &ground)
    }

    fn taken(changes: Value, take_over: bool) -> (CronJob, bool, Vec<&'static str>) {
        match decided(changes, take_over) {
            Fate::Taken { job, was_on, without } => (*job, was_on, without),
            Fate::Left(reason) => panic!("{reason}"),
        }
    }

    fn left(changes: Value) -> String {
        match decided(changes, true) {
            Fate::Left(reason) => reason,
            Fate::Taken { job, .. } => panic!("{job:?}"),
        }
    }

    #[test]
    fn a_job_keeps_its_id_and_runs_only_where_openclaw_does_not() {
        let (job, was_on, without) = taken(json!({}), true);
        assert_eq!((job.id.as_str(), job.enabled, was_on), ("f6b01983", true, true));
        assert_eq!((job.created_at_ms, without.len()), (1_795_170_000_000, 0));
        assert!(job.state.next_run_at_ms.is_some_and(|next| next > NOW));
        let (job, was_on, _) = taken(json!({}), false);
        assert_eq!((job.enabled, job.state.next_run_at_ms, was_on), (false, None, true));
        let (job, was_on, _) = taken(json!({"enabled": false}), true);
        assert_eq!((job.enabled, was_on), (false, false));
    }

    #[test]
    fn what_an_outcome_cannot_do_here_is_left_out() {
        let hook = json!({"mode": "webhook", "to": "https://x.example/?token=abc"});
        let (job, _, without) = taken(json!({"delivery": hook, "failureAlert": hook}), false);
        assert_eq!(without, ["where its outcome went", "the address that heard of failures"]);
        assert!(!serde_json::to_string(&job).unwrap().contains("x.example"));
        let (_, _, without) =
            taken(json!({"delivery": {"mode": "announce", "channel": "slack", "to": "#ops"}}), false);
        assert_eq!(without, ["where its outcome went"]);
        // Older files have neither a target nor a wake mode.
        let old = json!({"payload": {"kind": "systemEvent", "text": "Water"}, "sessionTarget": null, "wakeMode": null, "delivery": null});
        assert!(taken(old, false).2.is_empty());
    }

    #[test]
    fn what_cannot_run_is_left_with_the_reason() {
        assert!(left(json!({"payload": {"kind": "command", "command": "ls"}})).contains("\"command\""));
        assert!(left(json!({"agentId": "gone"})).contains("\"gone\""));
        assert!(left(json!({"schedule": {"kind": "at", "at": "2026-01-01T00:00:00Z"}})).contains("past"));
        assert!(left(json!({"trigger": {"kind": "file"}})).contains("trigger"));
        assert!(left(json!({"schedule": {"kind": "cron", "expr": "often"}})).contains("schedule"));
        let key = json!({"kind": "agentTurn", "message": "sk-0123456789abcdefghij"});
        assert!(left(json!({"payload": key})).contains("secret"));
    }
}
