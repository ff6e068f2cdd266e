//! Jobs that look as if they ran, and never will: what is wrong with one. Pure.

use bulkhead_protocol::methods::cron::CronJob;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::rhythm::Rhythm;

/// What is wrong with a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ailment {
    /// What is stored is no job; the reason.
    Unreadable(String),
    /// It is on, and its schedule has no time left, or is none; the reason.
    NoTime(String),
    /// Its agent is not configured.
    NoAgent(String),
    /// The gateway switched it off after failures; how many, and what the last one said.
    GivenUp {
        /// Failures one after another.
        failures: u32,
        /// What the last one said; may be empty.
        last: String,
    },
}

/// Looks at a job as it is stored. `is_agent` says whether an agent is configured.
pub fn ailment(body: &Value, is_agent: impl Fn(&str) -> bool, now: i64, local: &TimeZone) -> Option<Ailment> {
    let job: CronJob = match serde_json::from_value(body.clone()) {
        Ok(job) => job,
        Err(error) => return Some(Ailment::Unreadable(error.to_string())),
    };
    if let Some(given_up) = job.state.auto_disabled.as_ref().filter(|_| !job.enabled) {
        return Some(Ailment::GivenUp {
            failures: given_up.consecutive_errors,
            last: job.state.last_error.unwrap_or_default(),
        });
    }
    // One that was switched off is meant not to run; one that runs now does.
    if !job.enabled || job.state.running_at_ms.is_some() {
        return None;
    }
    if let Some(agent) = job.agent_id.as_deref().filter(|agent| !is_agent(agent)) {
        return Some(Ailment::NoAgent(agent.to_owned()));
    }
    // A time that is past is made up for.
    if job.state.next_run_at_ms.is_some() {
        return Rhythm::read(&job.schedule, &job.id, local)
            .err()
            .map(|error| Ailment::NoTime(error.to_string()));
    }
    match Rhythm::read(&job.schedule, &job.id, local).and_then(|rhythm| rhythm.next_after(now)) {
        Ok(Some(_)) => None,
        Ok(None) => Some(Ailment::NoTime("its time is over".to_owned())),
        Err(error) => Some(Ailment::NoTime(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 2026-11-20T12:00:00Z
    const NOW: i64 = 1_795_176_000_000;

    #[expect(clippy::needless_pass_by_value, reason = "reads as the thing itself")]
    fn of(changes: Value) -> Option<Ailment> {
        let mut job = json!({
            "id": "j", "name": "nightly", "enabled": true, "createdAtMs": 1, "updatedAtMs": 1, "agentId": "main",
            "schedule": {"kind": "cron", "expr": "0 3 * * *"}, "sessionTarget": "isolated", "wakeMode": "now",
            "payload": {"kind": "agentTurn", "message": "hi"}, "state": {"nextRunAtMs": NOW + 5},
        });
        for (key, value) in changes.as_object().unwrap() {
            job[key] = value.clone();
        }
        ailment(&job, |id| id == "main", NOW, &TimeZone::UTC)
    }

    #[test]
    fn a_job_that_never_runs_is_found_and_one_that_is_off_is_not() {
        assert_eq!(of(json!({})), None);
        let over = json!({"schedule": {"kind": "at", "at": "2026-01-01T00:00:00Z"}, "state": {}});
        assert_eq!(of(over.clone()), Some(Ailment::NoTime("its time is over".to_owned())));
        let mut off = over;
        off["enabled"] = false.into();
        assert_eq!(of(off), None);
        let zone = json!({"schedule": {"kind": "cron", "expr": "0 3 * * *", "tz": "Europe/Atlantis"}});
        assert!(matches!(of(zone), Some(Ailment::NoTime(why)) if why.contains("Atlantis")));
        assert_eq!(of(json!({"agentId": "gone"})), Some(Ailment::NoAgent("gone".to_owned())));
        assert!(matches!(of(json!({"payload": {"kind": "dance"}})), Some(Ailment::Unreadable(_))));
        let given_up = json!({"enabled": false, "state": {
            "autoDisabled": {"reason": "consecutive-failures", "atMs": 1, "consecutiveErrors": 10}, "lastError": "no model",
        }});
        assert_eq!(of(given_up), Some(Ailment::GivenUp { failures: 10, last: "no model".to_owned() }));
    }
}
