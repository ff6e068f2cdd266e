//! Jobs and runs as rows, and back.

use bulkhead_protocol::methods::cron::CronJob;
use bulkhead_store::{CronJobRow, CronRunRow, CronRunState};
use serde_json::{Value, json};

use crate::ScheduleError;
use crate::life::{Begun, Trigger};

/// A job that does not run, as it is stored.
pub fn row(job: &CronJob) -> CronJobRow {
    to_row(job, None)
}

pub(super) fn to_row(job: &CronJob, running: Option<String>) -> CronJobRow {
    CronJobRow {
        id: job.id.clone(),
        declaration_key: job.declaration_key.clone(),
        enabled: job.enabled,
        next_run_at: job.state.next_run_at_ms,
        running,
        body: serde_json::to_value(job).unwrap_or_default(),
    }
}

pub(super) fn from_row(row: &CronJobRow) -> Result<CronJob, ScheduleError> {
    serde_json::from_value(row.body.clone())
        .map_err(|error| ScheduleError::field("job", format!("{} cannot be read: {error}", row.id)))
}

/// A run that is claimed.
pub(super) fn run_row(job: &CronJob, begun: &Begun, agent_id: Option<String>) -> CronRunRow {
    CronRunRow {
        id: begun.run_id.clone(),
        job_id: job.id.clone(),
        agent_id,
        state: CronRunState::Running,
        at: begun.at,
        status: None,
        delivery: None,
        entry: json!({
            "runAtMs": begun.at,
            "trigger": begun.trigger.as_str(),
            "scheduleActivatedAtMs": begun.schedule_activated,
            "jobName": job.name,
        }),
    }
}

/// What a claimed run was, read back after a crash.
pub(super) fn begun(run: &CronRunRow) -> Begun {
    let number = |name: &str| run.entry.get(name).and_then(Value::as_i64);
    let manual = run.entry.get("trigger").and_then(Value::as_str) == Some(Trigger::Manual.as_str());
    Begun {
        run_id: run.id.clone(),
        at: number("runAtMs").unwrap_or(run.at),
        trigger: if manual { Trigger::Manual } else { Trigger::Schedule },
        schedule_activated: number("scheduleActivatedAtMs"),
    }
}
