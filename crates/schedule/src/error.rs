//! What can be wrong with a job.

use bulkhead_store::StoreError;

/// Why a job cannot be as it was asked for, or could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// A field is wrong.
    #[error("{path}: {problem}")]
    Field {
        /// Which, such as `schedule.expr`.
        path: String,
        /// What was found, what was expected, what to do.
        problem: String,
    },
    /// There is no such job.
    #[error("there is no job {0:?}; `cron list --all` names those that are there")]
    NotFound(String),
    /// The job is another one by now.
    #[error(
        "the job was changed meanwhile (found {found}, expected {expected}); read it again, then change it"
    )]
    Changed {
        /// Its present revision.
        found: String,
        /// The one that was asked for.
        expected: String,
    },
    /// The gateway keeps it.
    #[error("{0:?} is kept by the gateway; change agents.defaults.heartbeat instead")]
    Kept(String),
    /// There are too many.
    #[error("there are {0} jobs already; remove one first")]
    TooMany(usize),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ScheduleError {
    /// A field that is wrong.
    pub fn field(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field { path: path.into(), problem: problem.into() }
    }

    /// Stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Field { .. } => "schedule_field",
            Self::NotFound(_) => "schedule_not_found",
            Self::Changed { .. } => "schedule_changed",
            Self::Kept(_) => "schedule_kept",
            Self::TooMany(_) => "schedule_too_many",
            Self::Store(error) => error.code(),
        }
    }
}
