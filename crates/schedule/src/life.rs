//! What a run leads to. Pure.

use bulkhead_protocol::methods::cron::{
    AutoDisabled, CompletionWord, CronJob, CronRunEntry, DeliveryStatus, DeliveryTrace, RunStatusWord,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::rhythm::Rhythm;

/// Pauses after failures one after another, in milliseconds; the last one holds for all further ones.
const PAUSES: [i64; 5] = [30_000, 60_000, 300_000, 900_000, 3_600_000];
/// A one-shot is tried again so often, where the cause may pass.
const TRIES: u32 = 3;
/// A recurring job is turned off after so many failures one after another.
const GIVE_UP: u32 = 10;
/// A job whose schedule has no time any more is turned off at once and says so.
const NO_TIME: &str = "schedule-errors";
/// Bytes of a summary that are kept.
const SUMMARY: usize = 8 * 1024;

/// Who began a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Its time had come.
    Schedule,
    /// Somebody asked for it: the job's next time stays what it was.
    Manual,
}

impl Trigger {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Manual => "manual",
        }
    }
}

/// How a run went.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// `None`: the end of the gateway cut it off.
    pub status: Option<RunStatusWord>,
    /// Why it failed, or was skipped.
    pub error: Option<String>,
    /// The same may succeed later.
    pub may_pass: bool,
    /// What was said.
    pub summary: Option<String>,
    /// What became of that.
    pub delivery: Option<DeliveryStatus>,
    /// Why it did not go out.
    pub delivery_error: Option<String>,
    /// Why nothing was to go out: `silent`, `empty` or `heartbeat`.
    pub suppressed: Option<&'static str>,
    /// A delivery that fails does not count.
    pub best_effort: bool,
    /// Its way.
    pub trace: Option<DeliveryTrace>,
    /// Session of the run.
    pub session_key: Option<String>,
    /// Transcript of the run.
    pub session_id: Option<String>,
    /// Provider and model that answered.
    pub model: Option<(String, String)>,
    /// Tokens.
    pub usage: Option<Value>,
}

impl Outcome {
    /// It went well and said nothing.
    pub fn ok() -> Self {
        Self { status: Some(RunStatusWord::Ok), ..Self::default() }
    }

    /// It was not done.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self { status: Some(RunStatusWord::Skipped), error: Some(why.into()), ..Self::default() }
    }

    /// It failed.
    pub fn failed(why: impl Into<String>) -> Self {
        let why = why.into();
        Self {
            status: Some(RunStatusWord::Error),
            may_pass: may_pass(&why),
            error: Some(why),
            ..Self::default()
        }
    }

    /// The gateway ended in the middle of it.
    pub fn cut_off() -> Self {
        Self::default()
    }

    /// Whether all was done that was asked for.
    pub fn completion(&self) -> CompletionWord {
        match (self.status, self.delivery) {
            (Some(RunStatusWord::Ok), Some(DeliveryStatus::NotDelivered))
                if self.suppressed.is_none() && !self.best_effort =>
            {
                CompletionWord::Failed
            }
            (Some(RunStatusWord::Ok), Some(DeliveryStatus::Unknown)) if !self.best_effort => {
                CompletionWord::Unknown
            }
            (Some(RunStatusWord::Ok), _) => CompletionWord::Succeeded,
            _ => CompletionWord::Failed,
        }
    }
}

/// What interrupted runs say.
pub(crate) const INTERRUPTED: &str =
    "the gateway ended in the middle of this run; it was not begun again, since part of it may be done";

/// A run, as it began.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Begun {
    pub(crate) run_id: String,
    pub(crate) at: i64,
    pub(crate) trigger: Trigger,
    /// The schedule that the run belongs to: an edit meanwhile decides on its own when the next run is.
    pub(crate) schedule_activated: Option<i64>,
}

/// What becomes of the job; `None`: it goes.
pub(crate) fn after(
    mut job: CronJob,
    begun: &Begun,
    outcome: &Outcome,
    now: i64,
    local: &TimeZone,
) -> Option<CronJob> {
    let status = outcome.status.unwrap_or(RunStatusWord::Error);
    let state = &mut job.state;
    state.running_at_ms = None;
    state.last_run_at_ms = Some(begun.at);
    state.last_run_status = Some(status);
    state.last_status = Some(status);
    state.last_duration_ms = Some(now.saturating_sub(begun.at).max(0));
    state.last_error = match outcome.status {
        None => Some(INTERRUPTED.to_owned()),
        Some(_) => outcome.error.clone(),
    };
    state.last_delivery_status = outcome.delivery;
    state.last_delivered = outcome.delivery.and_then(|status| match status {
        DeliveryStatus::Delivered => Some(true),
        DeliveryStatus::NotDelivered => Some(false),
        _ => None,
    });
    state.last_delivery_error.clone_from(&outcome.delivery_error);
    state.delivery_suppression_reason = outcome.suppressed.map(str::to_owned);
    match status {
        RunStatusWord::Ok => {
            state.consecutive_errors = Some(0);
            state.consecutive_skipped = Some(0);
        }
        RunStatusWord::Error => {
            state.consecutive_errors = Some(state.consecutive_errors.unwrap_or(0) + 1);
        }
        RunStatusWord::Skipped => {
            state.consecutive_skipped = Some(state.consecutive_skipped.unwrap_or(0) + 1);
        }
    }
    let rhythm = Rhythm::read(&job.schedule, &job.id, local);
    let recurs = rhythm.as_ref().is_ok_and(Rhythm::recurs);
    let edited = job.state.schedule_activated_at_ms != begun.schedule_activated;
    if begun.trigger == Trigger::Manual || edited {
        // The next time stays, but never in the past: a run by hand that took long is no reason for another one.
        if job.enabled && recurs && job.state.next_run_at_ms.is_none_or(|next| next <= now) {
            job.state.next_run_at_ms = rhythm.ok().and_then(|rhythm| rhythm.next_after(now).ok().flatten());
        }
    } else if recurs {
        reschedule(&mut job, status, now, rhythm.ok());
    } else {
        return after_once(job, outcome, status, now);
    }
    Some(job)
}

/// The next time of a recurring job.
fn reschedule(job: &mut CronJob, status: RunStatusWord, now: i64, rhythm: Option<Rhythm>) {
    let next = rhythm.and_then(|rhythm| rhythm.next_after(now).ok().flatten());
    let errors = job.state.consecutive_errors.unwrap_or(0);
    let off = |reason: &str| AutoDisabled {
        reason: reason.to_owned(),
        at_ms: now,
        consecutive_errors: errors.max(1),
    };
    let Some(next) = next else {
        job.enabled = false;
        job.state.next_run_at_ms = None;
        job.state.auto_disabled = Some(off(NO_TIME));
        return;
    };
    if status == RunStatusWord::Error && !job.is_heartbeat() {
        if errors >= GIVE_UP {
            job.enabled = false;
            job.state.next_run_at_ms = None;
            job.state.auto_disabled = Some(off("consecutive-failures"));
            return;
        }
        job.state.next_run_at_ms = Some(next.max(now.saturating_add(pause(errors))));
        return;
    }
    job.state.next_run_at_ms = Some(next);
}

/// A one-shot had its time.
fn after_once(mut job: CronJob, outcome: &Outcome, status: RunStatusWord, now: i64) -> Option<CronJob> {
    let tried = match status {
        RunStatusWord::Skipped => job.state.consecutive_skipped.unwrap_or(1),
        _ => job.state.consecutive_errors.unwrap_or(1),
    };
    // What a crash cut off may be half done.
    let again = outcome.status.is_some() && status != RunStatusWord::Ok && outcome.may_pass && tried <= TRIES;
    if again && job.enabled {
        job.state.next_run_at_ms = Some(now.saturating_add(pause(tried)));
        return Some(job);
    }
    if gone(&job, outcome) {
        return None;
    }
    job.enabled = false;
    job.state.next_run_at_ms = None;
    Some(job)
}

/// It was to go once it succeeded, and it did.
fn gone(job: &CronJob, outcome: &Outcome) -> bool {
    job.delete_after_run == Some(true) && outcome.completion() == CompletionWord::Succeeded
}

fn pause(failures: u32) -> i64 {
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    PAUSES[index]
}

/// What is remembered of a run.
pub(crate) fn entry(
    job: &CronJob,
    begun: &Begun,
    outcome: &Outcome,
    now: i64,
    next: Option<i64>,
) -> CronRunEntry {
    let cut = |text: &String| {
        let mut end = text.len().min(SUMMARY);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text[..end].to_owned()
    };
    CronRunEntry {
        ts: now,
        job_id: job.id.clone(),
        action: "finished".to_owned(),
        status: Some(outcome.status.unwrap_or(RunStatusWord::Error)),
        completion_status: Some(outcome.completion()),
        error: match outcome.status {
            None => Some(INTERRUPTED.to_owned()),
            Some(_) => outcome.error.as_ref().map(cut),
        },
        summary: outcome.summary.as_ref().filter(|text| !text.is_empty()).map(cut),
        delivered: outcome.delivery.and_then(|status| match status {
            DeliveryStatus::Delivered => Some(true),
            DeliveryStatus::NotDelivered => Some(false),
            _ => outcome.trace.as_ref()?.delivered,
        }),
        delivery_status: Some(outcome.delivery.unwrap_or(DeliveryStatus::NotRequested)),
        delivery_error: outcome.delivery_error.clone(),
        delivery_suppression_reason: outcome.suppressed.map(str::to_owned),
        delivery: outcome.trace.clone(),
        session_id: outcome.session_id.clone(),
        session_key: outcome.session_key.clone(),
        run_id: Some(begun.run_id.clone()),
        run_at_ms: Some(begun.at),
        duration_ms: Some(now.saturating_sub(begun.at).max(0)),
        next_run_at_ms: next,
        model: outcome.model.as_ref().map(|(_, model)| model.clone()),
        provider: outcome.model.as_ref().map(|(provider, _)| provider.clone()),
        usage: outcome.usage.clone(),
        job_name: Some(job.name.clone()),
    }
}

/// Whether a cause may be gone later, by what it says: limits, overload, network, time.
fn may_pass(why: &str) -> bool {
    const WORDS: &[&str] = &[
        "rate limit",
        "429",
        "overload",
        "timed out",
        "timeout",
        "longer than",
        "connect",
        "network",
        "unreachable",
        "500",
        "502",
        "503",
        "504",
        "529",
        "temporar",
        "try again",
        "reset by peer",
        "waits for the keychain",
    ];
    let why = why.to_lowercase();
    WORDS.iter().any(|word| why.contains(word))
}

/// A time as people read it.
pub(crate) fn in_words(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| format!("{at:.0}"))
}
