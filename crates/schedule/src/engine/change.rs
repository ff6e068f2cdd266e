//! What is asked of jobs from outside: add, change, remove, run now.

use bulkhead_protocol::methods::cron::{CronAddParams, CronJob, CronRunMode, JOBS, ScheduledToolPolicy};
use bulkhead_store::{CronJobRow, CronRunRow, CronRunState, CronWrite};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::rows::{from_row, to_row};
use super::{Engine, RunNow};
use crate::job::{create, patch, revision};
use crate::{ScheduleError, life};

impl Engine {
    /// Every job that can be read.
    pub async fn jobs(&self) -> Result<Vec<CronJob>, ScheduleError> {
        let rows = self.inner.store.cron().all().await?;
        Ok(rows.iter().filter_map(|row| from_row(row).ok()).collect())
    }

    /// One job.
    pub async fn get(&self, id: &str) -> Result<CronJob, ScheduleError> {
        let row = self.inner.store.cron().get(id).await?;
        from_row(&row.ok_or_else(|| ScheduleError::NotFound(id.to_owned()))?)
    }

    /// Adds a job. One that was declared before under the same key is changed instead; says whether it is new.
    pub async fn add(
        &self,
        params: CronAddParams,
        policy: ScheduledToolPolicy,
    ) -> Result<(CronJob, bool), ScheduleError> {
        if let Some(key) = &params.declaration_key
            && let Some(row) = self.inner.store.cron().declared(key).await?
        {
            let mut change = serde_json::to_value(&params)
                .map_err(|error| ScheduleError::field("params", error.to_string()))?;
            if let Value::Object(map) = &mut change {
                for name in ["declarationKey", "owner", "pacing", "trigger"] {
                    map.remove(name);
                }
                return Ok((self.update(&row.id, std::mem::take(map), None).await?, false));
            }
        }
        if self.inner.store.cron().count().await? >= JOBS {
            return Err(ScheduleError::TooMany(JOBS));
        }
        let job =
            create(params, Uuid::new_v4().to_string(), policy, self.inner.clock.now_ms(), &self.inner.local)?;
        self.put(job.clone()).await?;
        self.inner.told("added", job.clone());
        self.poke();
        Ok((job, true))
    }

    /// Keeps a job as the gateway itself wants it (heartbeats). What is known of it stays.
    pub async fn keep(&self, job: CronJob) -> Result<CronJob, ScheduleError> {
        let local = self.inner.local.clone();
        let now = self.inner.clock.now_ms();
        let kept = self
            .inner
            .store
            .cron()
            .decide(&job.id.clone(), move |row| {
                let running = row.as_ref().and_then(|row| row.running.clone());
                let before = row.and_then(|row| from_row(&row).ok());
                let mut next = job;
                if let Some(before) = &before {
                    next.created_at_ms = before.created_at_ms;
                    next.updated_at_ms = before.updated_at_ms;
                    next.state = before.state.clone();
                    if revision(before) == revision(&next) {
                        return (Vec::new(), (next, None));
                    }
                    next.updated_at_ms = now;
                    next.state.schedule_activated_at_ms = Some(now);
                }
                let rhythm = crate::Rhythm::read(&next.schedule, &next.id, &local);
                let upcoming = rhythm.and_then(|rhythm| rhythm.next_after(now)).ok().flatten();
                next.state.next_run_at_ms = upcoming.filter(|_| next.enabled);
                let action = if before.is_some() { "updated" } else { "added" };
                (vec![CronWrite::Job(to_row(&next, running))], (next, Some(action)))
            })
            .await?;
        let (job, action) = kept;
        if let Some(action) = action {
            self.inner.told(action, job.clone());
            self.poke();
        }
        Ok(job)
    }

    async fn put(&self, job: CronJob) -> Result<(), ScheduleError> {
        let id = job.id.clone();
        self.inner
            .store
            .cron()
            .decide(&id, move |_| (vec![CronWrite::Job(to_row(&job, None))], ()))
            .await
            .map_err(Into::into)
    }

    /// Changes fields of a job, if it is still the one of `expected`.
    pub async fn update(
        &self,
        id: &str,
        change: Map<String, Value>,
        expected: Option<String>,
    ) -> Result<CronJob, ScheduleError> {
        let (now, local) = (self.inner.clock.now_ms(), self.inner.local.clone());
        let job = self
            .inner
            .store
            .cron()
            .decide(id, {
                let id = id.to_owned();
                move |row: Option<CronJobRow>| {
                    let Some(row) = row else { return (Vec::new(), Err(ScheduleError::NotFound(id))) };
                    let changed = from_row(&row).and_then(|job| {
                        if job.is_heartbeat() {
                            return Err(ScheduleError::Kept(job.name));
                        }
                        let found = revision(&job);
                        match expected {
                            Some(expected) if expected != found => {
                                Err(ScheduleError::Changed { found, expected })
                            }
                            _ => patch(&job, &change, now, &local),
                        }
                    });
                    match changed {
                        Ok(job) => (vec![CronWrite::Job(to_row(&job, row.running))], Ok(job)),
                        Err(error) => (Vec::new(), Err(error)),
                    }
                }
            })
            .await??;
        self.inner.told("updated", job.clone());
        self.poke();
        Ok(job)
    }

    /// Removes a job; a run that is going on ends and is recorded. Answers the job as it was.
    pub async fn remove(&self, id: &str) -> Result<CronJob, ScheduleError> {
        let job = self.get(id).await?;
        if job.is_heartbeat() {
            return Err(ScheduleError::Kept(job.name));
        }
        self.forget(job).await
    }

    /// Removes a job of the gateway's own.
    pub async fn forget(&self, job: CronJob) -> Result<CronJob, ScheduleError> {
        let id = job.id.clone();
        self.inner.store.cron().decide(&job.id, move |_| (vec![CronWrite::Remove(id)], ())).await?;
        self.inner.told("removed", job.clone());
        self.poke();
        Ok(job)
    }

    /// Asks for a run now.
    pub async fn run_now(&self, id: &str, mode: CronRunMode) -> Result<RunNow, ScheduleError> {
        let now = self.inner.clock.now_ms();
        let run_id = self.inner.run_id("manual", id, now);
        let asked = self
            .inner
            .store
            .cron()
            .decide(id, {
                let id = id.to_owned();
                move |row: Option<CronJobRow>| {
                    let Some(row) = row else { return (Vec::new(), Err(ScheduleError::NotFound(id))) };
                    let refused = match mode {
                        _ if row.running.is_some() => Some(RunNow::Running),
                        CronRunMode::IfEnabled if !row.enabled => Some(RunNow::Disabled),
                        CronRunMode::Due if !row.enabled || row.next_run_at.is_none_or(|next| next > now) => {
                            Some(RunNow::NotDue)
                        }
                        _ => None,
                    };
                    if let Some(refused) = refused {
                        return (Vec::new(), Ok(refused));
                    }
                    let queued = CronRunRow {
                        id: run_id.clone(),
                        job_id: id,
                        agent_id: None,
                        state: CronRunState::Queued,
                        at: now,
                        status: None,
                        delivery: None,
                        entry: json!({"askedAt": life::in_words(now)}),
                    };
                    (vec![CronWrite::Run(queued)], Ok(RunNow::Enqueued(run_id)))
                }
            })
            .await??;
        self.poke();
        Ok(asked)
    }

    /// When the next job is due.
    pub async fn next_due(&self) -> Result<Option<i64>, ScheduleError> {
        Ok(self.inner.store.cron().next_due().await?)
    }
}
