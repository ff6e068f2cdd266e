//! What the engine needs from outside.

use async_trait::async_trait;
use bulkhead_protocol::methods::cron::{CronJob, DeliveryStatus};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::alert::{Alert, AlertPolicy};
use crate::life::{Outcome, Trigger};

/// What the configuration says, at this moment.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether anything runs by itself.
    pub enabled: bool,
    /// Most runs at the same time.
    pub most_runs: usize,
    /// Recurring jobs do not make up for what they missed while the gateway was down.
    pub skip_missed: bool,
    /// When somebody is told of failures.
    pub alerts: AlertPolicy,
    /// After a start, what was missed waits so long: a start has more urgent things to do. In milliseconds.
    pub after_start: i64,
}

/// One run that is to be done now.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its name.
    pub id: String,
    /// Who began it.
    pub trigger: Trigger,
    /// When.
    pub at: i64,
}

/// What is told to whoever listens.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Which job.
    pub job_id: String,
    /// `added`, `updated`, `removed`, `started` or `finished`.
    pub action: &'static str,
    /// The job as it is now (or was at last).
    pub job: CronJob,
    /// Of `finished`: what is remembered of the run.
    pub entry: Option<Value>,
    /// Of `started`: when.
    pub run_at: Option<i64>,
}

/// Does what jobs ask for.
#[async_trait]
pub trait Host: Send + Sync + 'static {
    /// What the configuration says.
    fn policy(&self) -> Policy;

    /// Whether jobs may run now (not in safe mode, not while secrets are waited for).
    fn ready(&self) -> bool;

    /// The agent that does a job.
    fn agent_of(&self, job: &CronJob) -> Option<String>;

    /// Does it. Ends soon once `stop` is cancelled, then with [`Outcome::cut_off`].
    async fn run(&self, job: &CronJob, run: &Run, stop: &CancellationToken) -> Outcome;

    /// Whether somebody can be told of a job's failures.
    async fn can_alert(&self, job: &CronJob) -> bool;

    /// Tells somebody.
    async fn alert(&self, job: &CronJob, alert: &Alert) -> DeliveryStatus;

    /// A job changed, began or ended.
    fn tell(&self, told: Told);
}
