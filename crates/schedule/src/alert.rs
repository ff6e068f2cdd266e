//! Whether somebody is told of failures. Pure.

use bulkhead_protocol::methods::cron::{
    CompletionWord, CronFailureAlert, CronJob, FailureAlertRule, RunStatusWord,
};

use crate::life::Outcome;

/// Failures one after another before somebody is told.
const AFTER: u32 = 2;
/// Between two alerts, in milliseconds.
const COOLDOWN: i64 = 3_600_000;

/// `cron.failureAlert`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AlertPolicy {
    /// `false`: only jobs that say so themselves; `true`: all.
    pub enabled: Option<bool>,
    /// The rule for jobs without one.
    pub rule: Option<FailureAlertRule>,
}

/// What is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Why.
    pub kind: AlertKind,
    /// In words.
    pub text: String,
    /// The rule in force, with its way.
    pub rule: FailureAlertRule,
}

/// Why somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertKind {
    /// It fails.
    Failing,
    /// Its outcome does not get out.
    NotDelivered,
    /// It was turned off.
    TurnedOff,
    /// It is well again.
    Recovered,
}

/// What is told after a run; `routed`: there is a way to tell it, though nobody chose one.
pub(crate) fn after(
    before: &CronJob,
    job: &CronJob,
    outcome: &Outcome,
    policy: &AlertPolicy,
    routed: bool,
    now: i64,
) -> Option<Alert> {
    if job.is_heartbeat() {
        return None;
    }
    let rule = rule(job, policy, routed);
    let name = job.display_name.as_deref().unwrap_or(&job.name);
    let told = before.state.last_failure_alert_at_ms;
    if job.state.auto_disabled.is_some() && before.state.auto_disabled.is_none() {
        let errors = job.state.consecutive_errors.unwrap_or(0);
        let text = format!(
            "The automation “{name}” failed {errors} times one after another and is off now. Last cause: {}\nOnce that is \
             mended: bulkhead cron enable {}",
            job.state.last_error.as_deref().unwrap_or("unknown"),
            job.id
        );
        return Some(Alert { kind: AlertKind::TurnedOff, text, rule: rule.unwrap_or_default() });
    }
    let rule = rule?;
    let status = outcome.status.unwrap_or(RunStatusWord::Error);
    if status == RunStatusWord::Ok && outcome.completion() == CompletionWord::Succeeded {
        told?;
        let text = format!("The automation “{name}” is well again.");
        return Some(Alert { kind: AlertKind::Recovered, text, rule });
    }
    let (kind, why, count) = match status {
        RunStatusWord::Error => {
            (AlertKind::Failing, job.state.last_error.as_deref(), job.state.consecutive_errors)
        }
        RunStatusWord::Skipped if rule.include_skipped == Some(true) => {
            (AlertKind::Failing, job.state.last_error.as_deref(), job.state.consecutive_skipped)
        }
        RunStatusWord::Ok if outcome.completion() == CompletionWord::Failed => {
            (AlertKind::NotDelivered, outcome.delivery_error.as_deref(), None)
        }
        _ => return None,
    };
    // A delivery that failed is told only where that does not take the same way.
    if kind == AlertKind::NotDelivered && rule.to.is_none() && rule.channel.is_none() {
        return None;
    }
    if kind == AlertKind::Failing && count.unwrap_or(0) < rule.after.unwrap_or(AFTER).max(1) {
        return None;
    }
    if let Some(at) = told {
        // One incident, one alert; another cause is told after the pause.
        let same = before.state.last_error == job.state.last_error;
        if same || now.saturating_sub(at) < rule.cooldown_ms.unwrap_or(COOLDOWN) {
            return None;
        }
    }
    let why = why.unwrap_or("unknown");
    let text = match kind {
        AlertKind::NotDelivered => {
            format!("The automation “{name}” ran, but its outcome could not be delivered: {why}")
        }
        _ => format!("The automation “{name}” failed {} times one after another: {why}", count.unwrap_or(1)),
    };
    Some(Alert { kind, text, rule })
}

fn rule(job: &CronJob, policy: &AlertPolicy, routed: bool) -> Option<FailureAlertRule> {
    match &job.failure_alert {
        Some(CronFailureAlert::Off(_)) => return None,
        Some(CronFailureAlert::Rule(rule)) => return Some(with_destination(rule.clone(), job)),
        None => {}
    }
    let quiet = job.delivery.as_ref().is_some_and(|delivery| delivery.best_effort == Some(true));
    if policy.enabled == Some(false) || quiet {
        return None;
    }
    match &policy.rule {
        Some(rule) => Some(with_destination(rule.clone(), job)),
        None if routed || policy.enabled == Some(true) => {
            Some(with_destination(FailureAlertRule::default(), job))
        }
        None => None,
    }
}

/// The job's own destination for failures goes before the general one.
fn with_destination(mut rule: FailureAlertRule, job: &CronJob) -> FailureAlertRule {
    let own = matches!(job.failure_alert, Some(CronFailureAlert::Rule(_)));
    if let Some(place) = job.delivery.as_ref().and_then(|delivery| delivery.failure_destination.clone()) {
        let set = |into: &mut Option<String>, from: Option<String>| {
            if from.is_some() && (into.is_none() || !own) {
                *into = from;
            }
        };
        set(&mut rule.channel, place.channel);
        set(&mut rule.to, place.to);
        set(&mut rule.account_id, place.account_id);
        if place.mode.is_some() && (rule.mode.is_none() || !own) {
            rule.mode = place.mode;
        }
    }
    rule
}
