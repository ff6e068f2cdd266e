//! What a start finds: runs that a crash cut off, times that passed, times that a wrong clock made. Pure.

use bulkhead_protocol::methods::cron::{CronJob, CronPayload, CronSchedule, WakeMode};
use jiff::tz::TimeZone;

use crate::rhythm::Rhythm;

/// What was missed and would ask a model waits so long after a start, in milliseconds.
pub const AFTER_START: i64 = 120_000;
/// And one after another.
pub const BETWEEN: i64 = 5_000;
/// A time may lie so far behind the natural one: the longest pause after failures, and a little.
const PAUSED: i64 = 3_600_000 + 60_000;

/// How a start takes what was missed.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_field_names, reason = "it is a time after the start")]
pub(crate) struct Start {
    pub(crate) now: i64,
    pub(crate) skip_missed: bool,
    pub(crate) after_start: i64,
    /// How many wait already.
    pub(crate) waiting: i64,
}

/// The time of a job that was due while nobody was there. `None`: it was not due, or it stays due.
pub(crate) fn missed(job: &CronJob, start: Start, local: &TimeZone) -> Option<i64> {
    job.state.next_run_at_ms.filter(|due| job.enabled && *due <= start.now)?;
    let recurs = !matches!(job.schedule, CronSchedule::At { .. });
    let natural = || {
        let rhythm = Rhythm::read(&job.schedule, &job.id, local).ok()?;
        rhythm.next_after(start.now).ok().flatten()
    };
    if job.is_heartbeat() || (recurs && start.skip_missed) {
        return natural();
    }
    let asks_a_model = match &job.payload {
        CronPayload::SystemEvent { .. } => job.wake_mode == WakeMode::Now,
        _ => true,
    };
    if !asks_a_model {
        return None;
    }
    Some(start.now + start.after_start + start.waiting * BETWEEN)
}

/// A recurring job whose time lies further ahead than its schedule can explain: the clock was wrong when it was computed.
pub(crate) fn too_far(job: &CronJob, now: i64, local: &TimeZone) -> Option<i64> {
    let next = job.state.next_run_at_ms.filter(|_| job.enabled)?;
    let rhythm = Rhythm::read(&job.schedule, &job.id, local).ok().filter(Rhythm::recurs)?;
    let natural = rhythm.next_after(now).ok().flatten()?;
    (next > natural.saturating_add(PAUSED)).then_some(natural)
}
