//! The thin engine: claims what is due on disk, has it done, records how it went, and sleeps until the next time.

mod change;
mod rows;
mod work;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_protocol::methods::cron::CronJob;
use bulkhead_store::{CronRunState, CronWrite, Store};
use jiff::tz::TimeZone;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use rows::row;

use crate::clock::WallClock;
use crate::life::{Begun, Outcome, Trigger};
use crate::recovery::{Start, missed, too_far};
use crate::seams::Host;
use crate::{ScheduleError, life};
use rows::{from_row, run_row, to_row};

/// After the database failed, it is tried again no sooner.
const TROUBLE: Duration = Duration::from_secs(5);
/// Runs are remembered for so long, in milliseconds.
const KEEP: i64 = 7 * 86_400_000;
/// And of each job so many.
const KEEP_MOST: usize = 2000;

/// What asking for a run brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunNow {
    /// It is recorded and begins when there is room.
    Enqueued(String),
    /// It runs already.
    Running,
    /// Its time has not come.
    NotDue,
    /// It is off.
    Disabled,
}

/// Runs jobs. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Arc<dyn WallClock>,
    host: Arc<dyn Host>,
    local: TimeZone,
    /// Something changed: the loop looks again.
    poke: Notify,
    /// What runs: run to job.
    running: Mutex<HashMap<String, String>>,
    tasks: TaskTracker,
    count: AtomicU64,
}

impl Engine {
    /// An engine that does nothing yet. `local` is the zone of expressions that name none.
    pub fn new(store: Store, clock: Arc<dyn WallClock>, host: Arc<dyn Host>, local: TimeZone) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                clock,
                host,
                local,
                poke: Notify::new(),
                running: Mutex::default(),
                tasks: TaskTracker::new(),
                count: AtomicU64::new(0),
            }),
        }
    }

    /// Something from outside changed (configuration, secrets): it looks again.
    pub fn poke(&self) {
        self.inner.poke.notify_one();
    }

    /// How many runs are going on.
    pub fn running(&self) -> usize {
        self.inner.lock().len()
    }

    /// Takes up what the last process left: what was cut off is recorded as interrupted, what was missed gets another
    /// time. Called once, before [`Engine::run`].
    pub async fn recover(&self) -> Result<usize, ScheduleError> {
        let inner = &self.inner;
        let now = inner.clock.now_ms();
        let mut interrupted = 0;
        for run in inner.store.cron().open_runs().await? {
            if run.state == CronRunState::Queued {
                inner
                    .store
                    .cron()
                    .decide(&run.job_id, move |_| (vec![CronWrite::Forget(run.id)], ()))
                    .await?;
                continue;
            }
            interrupted += 1;
            tracing::warn!(job = %run.job_id, run = %run.id, "a crash cut this run of a job off");
            let begun = rows::begun(&run);
            inner.settle(&run.job_id, &begun, Outcome::cut_off(), now, false).await?;
        }
        let policy = inner.host.policy();
        let mut waiting = 0;
        for row in inner.store.cron().all().await? {
            let Ok(job) = from_row(&row) else { continue };
            let start =
                Start { now, skip_missed: policy.skip_missed, after_start: policy.after_start, waiting };
            let next = match missed(&job, start, &inner.local) {
                Some(next) => {
                    waiting += i64::from(!job.is_heartbeat());
                    Some(next)
                }
                None => too_far(&job, now, &inner.local),
            };
            if let Some(next) = next {
                inner.set_next(&job.id, next).await?;
            }
        }
        inner.store.cron().prune(now - KEEP, KEEP_MOST).await?;
        Ok(interrupted)
    }

    /// Runs jobs until `stop`. What is going on then is stopped and recorded as interrupted.
    pub async fn run(&self, stop: CancellationToken) {
        let inner = &self.inner;
        let mut latest = i64::MIN;
        loop {
            let at = match inner.turn(&stop, &mut latest).await {
                Ok(at) => at,
                Err(error) => {
                    tracing::warn!(%error, "jobs could not be looked at");
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(TROUBLE) => continue,
                    }
                }
            };
            let wait = async {
                match at {
                    Some(at) => inner.clock.until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = inner.poke.notified() => {}
                () = wait => {}
            }
        }
        inner.tasks.close();
        inner.tasks.wait().await;
    }

    /// Forgets old runs. Says how many.
    pub async fn prune(&self) -> Result<usize, ScheduleError> {
        let now = self.inner.clock.now_ms();
        Ok(self.inner.store.cron().prune(now - KEEP, KEEP_MOST).await?)
    }
}

impl Inner {
    /// Begins what is due, as far as there is room. Answers when to look again; `None`: when something changes.
    async fn turn(
        self: &Arc<Self>,
        stop: &CancellationToken,
        latest: &mut i64,
    ) -> Result<Option<i64>, ScheduleError> {
        let now = self.clock.now_ms();
        if now < *latest {
            self.mend_times(now).await?;
        }
        *latest = now;
        if !self.host.ready() {
            return Ok(None);
        }
        let policy = self.host.policy();
        let most = policy.most_runs.max(1);
        let free = |inner: &Self| most.saturating_sub(inner.lock().len());
        for run in self.store.cron().open_runs().await? {
            if run.state == CronRunState::Queued && free(self) > 0 {
                self.begin(&run.job_id, Trigger::Manual, run.id, stop).await?;
            }
        }
        if !policy.enabled {
            return Ok(None);
        }
        let room = free(self);
        if room > 0 {
            for row in self.store.cron().due(now, room).await? {
                let run_id = self.run_id("cron", &row.id, now);
                self.begin(&row.id, Trigger::Schedule, run_id, stop).await?;
            }
        }
        if free(self) == 0 {
            // A run that ends makes room, and pokes.
            return Ok(None);
        }
        Ok(self.store.cron().next_due().await?)
    }

    /// Names a run: `cron:<job>:<time>:<count>`.
    fn run_id(&self, kind: &str, job_id: &str, now: i64) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{kind}:{job_id}:{now}:{count}")
    }

    /// Claims a job on disk, then has it done.
    async fn begin(
        self: &Arc<Self>,
        job_id: &str,
        trigger: Trigger,
        run_id: String,
        stop: &CancellationToken,
    ) -> Result<(), ScheduleError> {
        let now = self.clock.now_ms();
        let (host, claim) = (Arc::clone(&self.host), run_id.clone());
        let claimed = self
            .store
            .cron()
            .decide(job_id, move |row| {
                let forget = |claim: String| (vec![CronWrite::Forget(claim)], None);
                let Some(row) = row else { return forget(claim) };
                let due = row.enabled && row.next_run_at.is_some_and(|next| next <= now);
                if row.running.is_some() {
                    return forget(claim);
                }
                if trigger == Trigger::Schedule && !due {
                    return (Vec::new(), None);
                }
                let mut job = match from_row(&row) {
                    Ok(job) => job,
                    Err(error) => {
                        tracing::error!(job = %row.id, %error, "this job cannot be read; it is turned off");
                        let off = bulkhead_store::CronJobRow { enabled: false, ..row };
                        return (vec![CronWrite::Job(off), CronWrite::Forget(claim)], None);
                    }
                };
                let begun = Begun {
                    run_id: claim.clone(),
                    at: now,
                    trigger,
                    schedule_activated: job.state.schedule_activated_at_ms,
                };
                job.state.running_at_ms = Some(now);
                let run = run_row(&job, &begun, host.agent_of(&job));
                (vec![CronWrite::Job(to_row(&job, Some(claim))), CronWrite::Run(run)], Some((job, begun)))
            })
            .await?;
        if let Some((job, begun)) = claimed {
            self.lock().insert(run_id, job_id.to_owned());
            let (inner, stop) = (Arc::clone(self), stop.clone());
            self.tasks.spawn(async move { inner.work(job, begun, stop).await });
        }
        Ok(())
    }

    /// The clock was set back: times that only a wrong clock explains are computed anew.
    async fn mend_times(&self, now: i64) -> Result<(), ScheduleError> {
        tracing::info!(now = %life::in_words(now), "the clock was set back");
        for row in self.store.cron().all().await? {
            let Ok(job) = from_row(&row) else { continue };
            if let Some(next) = too_far(&job, now, &self.local) {
                self.set_next(&job.id, next).await?;
            }
        }
        Ok(())
    }

    async fn set_next(&self, job_id: &str, next: i64) -> Result<(), ScheduleError> {
        let moved = move |row: Option<bulkhead_store::CronJobRow>| {
            let Some((row, mut job)) = row.and_then(|row| from_row(&row).ok().map(|job| (row, job))) else {
                return (Vec::new(), ());
            };
            job.state.next_run_at_ms = Some(next);
            (vec![CronWrite::Job(to_row(&job, row.running))], ())
        };
        Ok(self.store.cron().decide(job_id, moved).await?)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self, action: &'static str, job: CronJob) {
        self.host.tell(crate::Told { job_id: job.id.clone(), action, job, entry: None, run_at: None });
    }
}
