//! When a job is due, and what follows: cron, heartbeat, misses, crashes, clocks that are set.
//!
//! **For:** the gateway, which composes an [`Engine`] from a [`Store`](bulkhead_store::Store), a [`WallClock`] and a
//! [`Host`] that does what jobs ask for. Everything that is decided (the next run, what a miss, a failure, a crash or an
//! edit leads to, whether somebody is told, whether a heartbeat takes place) is a function of values, with the time
//! passed in.
//!
//! **Never:** runs a model, knows a channel, or begins a run that is not on disk as claimed. A run that a crash cut off
//! is recorded as interrupted and not begun again.
//!
//! ```
//! use bulkhead_protocol::methods::cron::CronSchedule;
//! use bulkhead_schedule::Rhythm;
//! use jiff::tz::TimeZone;
//!
//! let schedule = CronSchedule::Every { every_ms: 60_000, anchor_ms: Some(5_000) };
//! let rhythm = Rhythm::read(&schedule, "job", &TimeZone::UTC)?;
//! assert_eq!(rhythm.next_after(65_000)?, Some(125_000));
//! # Ok::<(), bulkhead_schedule::ScheduleError>(())
//! ```

mod ailment;
mod alert;
mod clock;
mod duration;
mod engine;
mod error;
pub mod heartbeat;
mod job;
mod life;
mod recovery;
mod rhythm;
mod seams;

pub use ailment::{Ailment, ailment};
pub use alert::{Alert, AlertKind, AlertPolicy};
pub use clock::{SystemClock, WallClock};
pub use duration::parse_duration;
pub use engine::{Engine, RunNow, row};
pub use error::ScheduleError;
pub use job::{create, patch, revision, revision_of};
pub use life::{Outcome, Trigger};
pub use recovery::{AFTER_START, BETWEEN};
pub use rhythm::{Rhythm, normal};
pub use seams::{Host, Policy, Run, Told};
