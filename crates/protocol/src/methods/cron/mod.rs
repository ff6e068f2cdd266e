//! `cron.*`: jobs that run by themselves, and the history of their runs.

mod job;
mod params;
mod run;

pub use job::{
    AutoDisabled, CompletionDestination, CronDelivery, CronFailureAlert, CronJob, CronJobState, CronOwner,
    CronPayload, CronSchedule, DeliveryMode, DeliveryStatus, FailureAlertRule, FailureDestination,
    RunStatusWord, ScheduledToolPolicy, SessionTarget, WakeMode,
};
pub use params::{
    CronAddParams, CronIdParams, CronListParams, CronRunMode, CronRunParams, CronRunsParams,
    CronScratchSetParams, CronUpdateParams,
};
pub use run::{CompletionWord, CronRunEntry, DeliveryRoute, DeliveryTrace, ResolvedRoute};

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("cron.list", Scope::OperatorRead, "The jobs, by page and filter."),
    MethodSpec::new("cron.get", Scope::OperatorRead, "One job."),
    MethodSpec::new("cron.status", Scope::OperatorRead, "Whether jobs run, and when the next one does."),
    MethodSpec::new("cron.runs", Scope::OperatorRead, "What jobs did, the newest first."),
    MethodSpec::new("cron.scratch.get", Scope::OperatorAdmin, "A job's private note.").since("2026.7"),
    MethodSpec::new("cron.scratch.set", Scope::OperatorAdmin, "Replaces a job's private note.")
        .since("2026.7")
        .once(),
    MethodSpec::new("cron.add", Scope::OperatorAdmin, "Adds a job.").once(),
    MethodSpec::new("cron.update", Scope::OperatorAdmin, "Changes fields of a job."),
    MethodSpec::new("cron.remove", Scope::OperatorAdmin, "Removes a job; its history stays."),
    MethodSpec::new("cron.run", Scope::OperatorAdmin, "Runs a job now, or if it is due.").once(),
    MethodSpec::new(
        "wake",
        Scope::OperatorWrite,
        "Tells the agent something, now or with the next heartbeat.",
    )
    .once(),
    MethodSpec::new("last-heartbeat", Scope::OperatorRead, "How the last heartbeat went."),
    MethodSpec::new("set-heartbeats", Scope::OperatorAdmin, "Turns heartbeats of this gateway on or off."),
    MethodSpec::new(
        "system-event",
        Scope::OperatorAdmin,
        "Something happened: told with the next heartbeat.",
    )
    .once(),
];

/// Most jobs of one gateway.
pub const JOBS: usize = 1000;
/// Most jobs or runs in one answer.
pub const PAGE: usize = 200;
/// Bytes of a job's private note.
pub const SCRATCH_BYTES: usize = 262_144;
/// `details.code` where there is no such job.
pub const CRON_JOB_NOT_FOUND: &str = "CRON_JOB_NOT_FOUND";
