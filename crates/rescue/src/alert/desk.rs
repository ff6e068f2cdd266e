//! The desk: who is told what, when. One message per incident and recipient, updated in place; limits against storms;
//! quiet hours; tries again what did not get through. Pure: it says what to send, and is told what came of it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::message::{MessageKind, MessageRef, Recipient};
use super::quiet::QuietHours;
use crate::cause::Severity;
use crate::incident::{Incident, IncidentId, Told};
use crate::remedy::LIFETIME_MS;
use crate::seams::TellError;
use crate::state::Now;

/// New messages (not updates) per recipient and hour.
const NEW_PER_HOUR: usize = 8;
/// Between two updates that only refine particulars, and between two that tell a change.
const MINOR_GAP: Duration = Duration::from_secs(10);
const MAJOR_GAP: Duration = Duration::from_secs(1);
/// After so many updates of one message they come more slowly.
const MANY_UPDATES: u32 = 30;
const SLOW_GAP: Duration = Duration::from_mins(1);
/// Incidents that came back this often are only updated in place.
const LOUD_RETURNS: u32 = 2;
/// A recipient that cannot be reached at all is tried again so much later.
const AFTER_NEVER: Duration = Duration::from_mins(10);
const LONGEST_WAIT: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// One message to send now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// The incident.
    pub incident: IncidentId,
    /// To whom.
    pub to: Recipient,
    /// Which message.
    pub kind: MessageKind,
    /// The message to update; `None` for a new one.
    pub existing: Option<MessageRef>,
    /// Without a sound.
    pub silent: bool,
    /// The revision of the incident that is told.
    revision: u64,
    /// The incident is over, and this message says so itself: no follow-up.
    says_all: bool,
}

/// What is remembered of one recipient and one incident.
#[derive(Debug, Clone, Default)]
struct Line {
    message: Option<MessageRef>,
    /// The revision that the recipient sees, and when it was sent.
    shown: u64,
    sent_at: Option<Duration>,
    updates: u32,
    /// How often it had come back when the present message was sent.
    returns: u32,
    /// How bad it was when the present message was sent.
    severity: Option<Severity>,
    follow_up: bool,
    failures: u32,
    not_before: Duration,
    in_flight: bool,
}

/// What the desk knows of an incident.
#[derive(Debug, Clone, Default)]
struct File {
    /// Grows with every change that is worth an update.
    revision: u64,
    /// The last revision that was a major one.
    major: u64,
    lines: BTreeMap<Recipient, Line>,
}

/// The desk.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    files: BTreeMap<IncidentId, File>,
    new: BTreeMap<Recipient, VecDeque<Duration>>,
    quiet: Option<QuietHours>,
    muted_until: Option<Duration>,
}

impl Desk {
    /// Sets the quiet hours.
    pub fn set_quiet_hours(&mut self, quiet: Option<QuietHours>) {
        self.quiet = quiet;
    }

    /// No new messages until then, on the monotonic clock.
    pub fn mute(&mut self, until: Duration) {
        self.muted_until = Some(until);
    }

    /// Until when nothing new is told.
    pub fn muted_until(&self, now: Now) -> Option<Duration> {
        self.muted_until.filter(|until| now.monotonic < *until)
    }

    /// Takes up an incident of an earlier run: what was told is not told again.
    pub fn resume(&mut self, incident: &Incident) {
        let file = self.files.entry(incident.id.clone()).or_default();
        // Its buttons may have expired meanwhile: the old message is updated, no new one is sent.
        file.revision = 2;
        file.major = 2;
        for told in &incident.told {
            let line = Line {
                message: told.message.clone(),
                shown: 1,
                returns: incident.returns,
                severity: Some(incident.severity),
                follow_up: told.follow_up,
                ..Line::default()
            };
            file.lines.insert(told.to.clone(), line);
        }
    }

    /// Notes that an incident changed in a way that is worth an update.
    pub fn changed(&mut self, incident: &IncidentId, major: bool) {
        let file = self.files.entry(incident.clone()).or_default();
        file.revision += 1;
        if major {
            file.major = file.revision;
        }
    }

    /// What to send now about these incidents. Everything that is returned counts as on its way until
    /// [`delivered`](Self::delivered) is told.
    pub fn errands(&mut self, now: Now, incidents: &[&Incident], recipients: &[Recipient]) -> Vec<Errand> {
        self.files.retain(|id, _| incidents.iter().any(|incident| incident.id == *id));
        for sent in self.new.values_mut() {
            sent.retain(|at| now.monotonic.saturating_sub(*at) < HOUR);
        }
        let mut errands = Vec::new();
        for incident in incidents {
            for to in recipients {
                errands.extend(self.errand(now, incident, to));
            }
        }
        errands
    }

    fn errand(&mut self, now: Now, incident: &Incident, to: &Recipient) -> Option<Errand> {
        let muted = self.muted_until(now).is_some();
        let held =
            muted || self.quiet.as_ref().is_some_and(|quiet| quiet.holds(incident.severity, now.wall_ms));
        let quiet_now = self.quiet.as_ref().is_some_and(|quiet| quiet.is_quiet(now.wall_ms));
        let may_be_new = may_send_new(self.new.get(to));
        let file = self.files.entry(incident.id.clone()).or_default();
        let (revision, major) = (file.revision.max(1), file.major);
        let line = file.lines.entry(to.clone()).or_default();
        if line.in_flight || now.monotonic < line.not_before {
            return None;
        }
        let (kind, existing) = match &line.message {
            // What nobody was told while it lasted, and what lasted only in quiet hours, is told once it is over too.
            None if held || !may_be_new || line.shown > 0 && !incident.is_open() => return None,
            None => {
                line.returns = incident.returns;
                line.severity = Some(incident.severity);
                (MessageKind::Incident, None)
            }
            // An update makes no sound, and this is worse than what was told.
            Some(_)
                if incident.is_open() && line.severity < Some(incident.severity) && may_be_new && !held =>
            {
                line.severity = Some(incident.severity);
                (MessageKind::Incident, None)
            }
            Some(_) if incident.is_open() && incident.returns > line.returns => {
                line.returns = incident.returns;
                line.follow_up = false;
                let loud = incident.returns <= LOUD_RETURNS && may_be_new && !held;
                (MessageKind::Incident, line.message.clone().filter(|_| !loud))
            }
            Some(message) if line.shown < revision => {
                let gap = update_gap(line, major);
                if line.sent_at.is_some_and(|at| now.monotonic.saturating_sub(at) < gap) {
                    return None;
                }
                (MessageKind::Incident, Some(message.clone()))
            }
            Some(message) if incident.is_open() && buttons_expire(line, now) => {
                (MessageKind::Incident, Some(message.clone()))
            }
            Some(_) if !incident.is_open() && !line.follow_up && !held && may_be_new => {
                (MessageKind::FollowUp, None)
            }
            Some(_) => return None,
        };
        line.in_flight = true;
        let says_all = line.message.is_none() && !incident.is_open();
        if existing.is_none() {
            self.new.entry(to.clone()).or_default().push_back(now.monotonic);
        }
        let silent = quiet_now || kind == MessageKind::FollowUp && incident.severity == Severity::Degraded;
        let incident = incident.id.clone();
        Some(Errand { incident, to: to.clone(), kind, existing, silent, revision, says_all })
    }

    /// What came of an errand. Returns what is to be noted in the incident, if it got through.
    pub fn delivered(
        &mut self,
        now: Now,
        errand: &Errand,
        result: &Result<MessageRef, TellError>,
    ) -> Option<Told> {
        let file = self.files.get_mut(&errand.incident)?;
        let line = file.lines.get_mut(&errand.to)?;
        line.in_flight = false;
        if result.is_err() && errand.existing.is_none() {
            // Not sent: it does not count.
            self.new.get_mut(&errand.to).and_then(VecDeque::pop_back);
        }
        match result {
            Ok(message) => {
                line.failures = 0;
                line.not_before = Duration::ZERO;
                line.follow_up |= errand.kind == MessageKind::FollowUp || errand.says_all;
                if errand.kind == MessageKind::Incident {
                    line.message = Some(message.clone());
                    line.shown = errand.revision;
                    line.sent_at = Some(now.monotonic);
                    line.updates = if errand.existing.is_some() { line.updates + 1 } else { 0 };
                }
                Some(Told {
                    to: errand.to.clone(),
                    message: line.message.clone(),
                    at_ms: now.wall_ms,
                    follow_up: line.follow_up,
                })
            }
            Err(TellError::Gone) => {
                line.message = None;
                line.shown = 0;
                line.not_before = now.monotonic + MAJOR_GAP;
                None
            }
            Err(TellError::Later { after, .. }) => {
                line.failures += 1;
                let backoff = Duration::from_secs(1 << line.failures.min(6)).min(LONGEST_WAIT);
                line.not_before = now.monotonic + after.unwrap_or(backoff).max(Duration::from_secs(1));
                None
            }
            Err(TellError::Never { .. }) => {
                line.failures += 1;
                line.not_before = now.monotonic + AFTER_NEVER;
                None
            }
        }
    }

    /// Whether everybody who was told of an incident knows that it is over, so that it can be put away.
    pub fn is_settled(&self, incident: &Incident, recipients: &[Recipient]) -> bool {
        let Some(file) = self.files.get(&incident.id) else { return true };
        let done =
            |to: &Recipient| file.lines.get(to).is_some_and(|line| line.follow_up || line.failures > 10);
        !incident.is_open() && recipients.iter().all(done)
    }
}

fn may_send_new(sent: Option<&VecDeque<Duration>>) -> bool {
    sent.map_or(0, VecDeque::len) < NEW_PER_HOUR
}

fn update_gap(line: &Line, major: u64) -> Duration {
    match line {
        Line { updates, .. } if *updates >= MANY_UPDATES => SLOW_GAP,
        Line { shown, .. } if *shown < major => MAJOR_GAP,
        _ => MINOR_GAP,
    }
}

fn buttons_expire(line: &Line, now: Now) -> bool {
    let renew = Duration::from_millis(LIFETIME_MS) / 3 * 2;
    line.sent_at.is_none_or(|at| now.monotonic.saturating_sub(at) >= renew)
}
