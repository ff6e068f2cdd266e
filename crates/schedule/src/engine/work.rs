//! One run from its claim to its record.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bulkhead_protocol::methods::cron::{CronJob, CronRunEntry};
use bulkhead_store::{CronRunRow, CronRunState, CronWrite};
use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::rows::{from_row, to_row};
use super::{Inner, TROUBLE};
use crate::ScheduleError;
use crate::alert::{self, Alert, AlertKind};
use crate::life::{self, Begun, Outcome};
use crate::seams::{Run, Told};

/// What a settled run left.
pub(super) struct Settled {
    /// The job afterwards; as it was last, if it is gone.
    job: CronJob,
    gone: bool,
    entry: CronRunEntry,
    alert: Option<Alert>,
}

impl Inner {
    pub(super) async fn work(self: Arc<Self>, job: CronJob, begun: Begun, stop: CancellationToken) {
        self.host.tell(Told {
            job_id: job.id.clone(),
            action: "started",
            job: job.clone(),
            entry: None,
            run_at: Some(begun.at),
        });
        let run = Run { id: begun.run_id.clone(), trigger: begun.trigger, at: begun.at };
        let outcome =
            AssertUnwindSafe(self.host.run(&job, &run, &stop)).catch_unwind().await.unwrap_or_else(|_| {
                Outcome::failed("an internal error stopped this run; the gateway's log has the place")
            });
        let routed = self.host.can_alert(&job).await;
        let settled = loop {
            match self.settle(&job.id, &begun, outcome.clone(), self.clock.now_ms(), routed).await {
                Ok(settled) => break settled,
                Err(error) if stop.is_cancelled() => {
                    tracing::error!(%error, run = %begun.run_id, "the end of a job's run could not be recorded");
                    break None;
                }
                Err(error) => {
                    tracing::warn!(%error, run = %begun.run_id, "the end of a job's run is recorded later");
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(TROUBLE) => {}
                    }
                }
            }
        };
        if let Some(settled) = settled {
            self.tell_end(settled).await;
        }
        self.lock().remove(&begun.run_id);
        self.poke.notify_one();
    }

    /// Records how a run went and what follows, in one transaction. `None`: the job is gone; its run is recorded.
    pub(super) async fn settle(
        &self,
        job_id: &str,
        begun: &Begun,
        outcome: Outcome,
        now: i64,
        routed: bool,
    ) -> Result<Option<Settled>, ScheduleError> {
        let (begun, local, policy) = (begun.clone(), self.local.clone(), self.host.policy());
        let host = Arc::clone(&self.host);
        let id = job_id.to_owned();
        let settled = self
            .store
            .cron()
            .decide(job_id, move |row| {
                let job = row.as_ref().and_then(|row| from_row(row).ok());
                let Some(before) = job else {
                    let mut run = CronRunRow {
                        id: begun.run_id.clone(),
                        job_id: id.clone(),
                        agent_id: None,
                        state: CronRunState::Done,
                        at: now,
                        status: outcome.status.map(|status| status.as_str().to_owned()),
                        delivery: outcome.delivery.map(|status| status.as_str().to_owned()),
                        entry: serde_json::json!({
                            "ts": now, "jobId": id, "action": "finished", "runId": begun.run_id,
                            "runAtMs": begun.at, "durationMs": now.saturating_sub(begun.at).max(0),
                        }),
                    };
                    run.entry["status"] = run.status.clone().unwrap_or_else(|| "error".to_owned()).into();
                    run.status.get_or_insert_with(|| "error".to_owned());
                    if let Some(error) = &outcome.error {
                        run.entry["error"] = error.clone().into();
                    }
                    return (vec![CronWrite::Run(run)], None);
                };
                let after = life::after(before.clone(), &begun, &outcome, now, &local);
                let next = after.as_ref().and_then(|job| job.state.next_run_at_ms);
                let entry = life::entry(&before, &begun, &outcome, now, next);
                let mut shown = after.clone().unwrap_or_else(|| {
                    let mut last = before.clone();
                    last.enabled = false;
                    last.state.running_at_ms = None;
                    last.state.next_run_at_ms = None;
                    last.state.last_run_status = entry.status;
                    last
                });
                let alert = alert::after(&before, &shown, &outcome, &policy.alerts, routed, now);
                match alert.as_ref().map(|alert| alert.kind) {
                    Some(AlertKind::Recovered) => shown.state.last_failure_alert_at_ms = None,
                    Some(_) => shown.state.last_failure_alert_at_ms = Some(now),
                    None => {}
                }
                let run = CronRunRow {
                    id: begun.run_id.clone(),
                    job_id: id,
                    agent_id: host.agent_of(&before),
                    state: CronRunState::Done,
                    at: now,
                    status: entry.status.map(|status| status.as_str().to_owned()),
                    delivery: entry.delivery_status.map(|status| status.as_str().to_owned()),
                    entry: serde_json::to_value(&entry).unwrap_or_default(),
                };
                let write = if after.is_some() {
                    CronWrite::Job(to_row(&shown, None))
                } else {
                    CronWrite::Remove(shown.id.clone())
                };
                let gone = after.is_none();
                (vec![write, CronWrite::Run(run)], Some(Settled { job: shown, gone, entry, alert }))
            })
            .await?;
        Ok(settled)
    }

    async fn tell_end(&self, settled: Settled) {
        let Settled { job, gone, entry, alert } = settled;
        if let Some(alert) = &alert {
            let status = self.host.alert(&job, alert).await;
            tracing::info!(job = %job.id, status = status.as_str(), "told of a job: {}", alert.text);
        }
        self.host.tell(Told {
            job_id: job.id.clone(),
            action: "finished",
            job: job.clone(),
            entry: serde_json::to_value(&entry).ok(),
            run_at: None,
        });
        if gone {
            self.told("removed", job);
        }
    }
}
