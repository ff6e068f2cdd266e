//! The book of incidents: at most one is open, and it lives until health was seen long enough. Pure.

use std::time::Duration;

use super::record::{Incident, IncidentId, Phase};
use crate::cause::Diagnosis;
use crate::remedy::{Refusal, RemedyKind, RemedyOutcome, Verdict};
use crate::state::{Hush, Now, Standing};

/// What comes back so soon is the same incident, not another one.
const RETURN_WINDOW: Duration = Duration::from_mins(5);
/// Earlier causes that are kept.
const MOST_EARLIER: usize = 8;
/// Remedies that are kept.
const MOST_REMEDIES: usize = 20;

/// How long a repair may take until it counts as without effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepairTime(pub Duration);

/// What happened to the book.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A new incident.
    Opened,
    /// It came back after it seemed to be over.
    Returned,
    /// Cause, severity or evidence changed.
    Changed {
        /// Whether the cause is another one or it got worse; else only particulars changed.
        major: bool,
    },
    /// A remedy came to its verdict.
    Judged(RemedyOutcome),
    /// It is over.
    Over {
        /// Because it is meant to be down now.
        planned: bool,
    },
}

/// The book.
#[derive(Debug, Clone)]
pub struct Book {
    watched: String,
    repair_time: RepairTime,
    current: Option<Incident>,
    /// When the current one began to be repaired, on the monotonic clock.
    repairing: Option<Duration>,
    /// The last one, and when it ended.
    last: Option<(Incident, Duration)>,
    drill: bool,
}

impl Book {
    /// An empty book about a gateway that people call `watched`.
    pub fn new(watched: impl Into<String>, repair_time: RepairTime) -> Self {
        Self {
            watched: watched.into(),
            repair_time,
            current: None,
            repairing: None,
            last: None,
            drill: false,
        }
    }

    /// The open incident.
    pub fn current(&self) -> Option<&Incident> {
        self.current.as_ref()
    }

    /// The open incident, to note in it what was told.
    pub fn current_mut(&mut self) -> Option<&mut Incident> {
        self.current.as_mut()
    }

    /// The one that ended last, to note in it what was told.
    pub fn last_mut(&mut self) -> Option<&mut Incident> {
        self.last.as_mut().map(|(incident, _)| incident)
    }

    /// The one that ended last.
    pub fn last(&self) -> Option<&Incident> {
        self.last.as_ref().map(|(incident, _)| incident)
    }

    /// Marks incidents that begin from now on as part of a drill, or no longer.
    pub fn set_drill(&mut self, drill: bool) {
        self.drill = drill;
    }

    /// Goes on with an incident of an earlier run of this gateway: never a second alert for it.
    pub fn resume(&mut self, mut incident: Incident) {
        if !incident.is_open() {
            return;
        }
        // Whoever judged the remedy is gone; the probes say soon enough how it is.
        incident.phase = Phase::Open;
        for remedy in &mut incident.remedies {
            if remedy.verdict == Verdict::Running {
                remedy.verdict =
                    Verdict::NoEffect { seen: "this gateway was restarted meanwhile".to_owned() };
            }
        }
        self.current = Some(incident);
    }

    /// How long health has to last before an incident is over: longer, the more often it came back.
    pub fn needed_health(&self) -> Duration {
        let returns = self.current.as_ref().map_or(0, |incident| incident.returns);
        let seconds = match returns {
            0 => 2,
            1 => 15,
            2 | 3 => 60,
            _ => 300,
        };
        Duration::from_secs(seconds)
    }

    /// One step: how it stands now, and (only asked for when it is bad) why.
    pub fn step(
        &mut self,
        now: Now,
        standing: &Standing,
        diagnose: impl FnOnce() -> Diagnosis,
        config_hash: Option<&str>,
    ) -> Vec<Change> {
        match standing {
            Standing::Bad { since, .. } => self.bad(now, *since, diagnose(), config_hash),
            Standing::Healthy { since } => {
                let lasted = now.monotonic.saturating_sub(*since);
                if self.current.is_some() && lasted >= self.needed_health() {
                    return self.over(now, false);
                }
                Vec::new()
            }
            Standing::Hushed(Hush::Planned) if self.current.is_some() && self.repairing.is_none() => {
                self.over(now, true)
            }
            Standing::Hushed(_) | Standing::Suspect(_) => Vec::new(),
        }
    }

    fn bad(&mut self, now: Now, since: Duration, seen: Diagnosis, config_hash: Option<&str>) -> Vec<Change> {
        let Some(incident) = &mut self.current else {
            return vec![self.open(now, since, seen, config_hash)];
        };
        let mut changes = Vec::new();
        if let (Some(from), Phase::Repairing { request, .. }) = (self.repairing, &incident.phase)
            && now.monotonic.saturating_sub(from) >= self.repair_time.0
        {
            let request = request.clone();
            let verdict = Verdict::NoEffect { seen: seen.evidence.first().cloned().unwrap_or_default() };
            changes.extend(self.judge(&request, verdict, now));
        }
        let Some(incident) = &mut self.current else { return changes };
        let other = incident.cause.code() != seen.cause.code();
        let worse = seen.severity > incident.severity;
        let differs = incident.cause != seen.cause
            || incident.evidence != seen.evidence
            || incident.config_hash.as_deref() != config_hash;
        if other {
            let before = std::mem::replace(&mut incident.cause, seen.cause);
            if incident.earlier.iter().all(|earlier| earlier.code() != before.code()) {
                incident.earlier.push(before);
                let extra = incident.earlier.len().saturating_sub(MOST_EARLIER);
                incident.earlier.drain(..extra);
            }
        } else {
            incident.cause = seen.cause;
        }
        incident.severity = incident.severity.max(seen.severity);
        incident.evidence = seen.evidence;
        incident.config_hash = config_hash.map(str::to_owned);
        if differs || worse {
            changes.push(Change::Changed { major: other || worse });
        }
        changes
    }

    fn open(&mut self, now: Now, since: Duration, seen: Diagnosis, config_hash: Option<&str>) -> Change {
        let again = self
            .last
            .take_if(|(_, ended)| now.monotonic.saturating_sub(*ended) <= RETURN_WINDOW)
            .map(|(incident, _)| incident)
            .filter(|incident| incident.drill == self.drill);
        if let Some(mut incident) = again {
            incident.phase = Phase::Open;
            incident.returns += 1;
            for told in &mut incident.told {
                told.follow_up = false;
            }
            incident.severity = incident.severity.max(seen.severity);
            incident.cause = seen.cause;
            incident.evidence = seen.evidence;
            incident.config_hash = config_hash.map(str::to_owned);
            self.current = Some(incident);
            return Change::Returned;
        }
        let ago = u64::try_from(now.monotonic.saturating_sub(since).as_millis()).unwrap_or(u64::MAX);
        self.current = Some(Incident {
            id: IncidentId::generate(),
            watched: self.watched.clone(),
            cause: seen.cause,
            severity: seen.severity,
            earlier: Vec::new(),
            evidence: seen.evidence,
            began_ms: now.wall_ms.saturating_sub(ago),
            noticed_ms: now.wall_ms,
            told_ms: None,
            phase: Phase::Open,
            returns: 0,
            log_lines: Vec::new(),
            config_change: Vec::new(),
            config_hash: config_hash.map(str::to_owned),
            told: Vec::new(),
            remedies: Vec::new(),
            drill: self.drill,
        });
        Change::Opened
    }

    fn over(&mut self, now: Now, planned: bool) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(Phase::Repairing { request, .. }) = self.current.as_ref().map(|incident| &incident.phase)
        {
            let request = request.clone();
            changes.extend(self.judge(&request, Verdict::Repaired, now));
        }
        if let Some(mut incident) = self.current.take() {
            incident.phase = Phase::Over { at_ms: now.wall_ms };
            self.last = Some((incident, now.monotonic));
            changes.push(Change::Over { planned });
        }
        self.repairing = None;
        changes
    }

    /// Notes that a remedy was begun. Without an incident nothing is noted.
    pub fn begin_remedy(&mut self, now: Now, request: &str, remedy: RemedyKind, by: &str) -> RemedyOutcome {
        let outcome = RemedyOutcome {
            request: request.to_owned(),
            incident: self.current.as_ref().map(|incident| incident.id.clone()),
            remedy,
            by: by.to_owned(),
            asked_ms: now.wall_ms,
            ended_ms: None,
            verdict: Verdict::Running,
        };
        if let Some(incident) = &mut self.current {
            incident.remedies.push(outcome.clone());
            let extra = incident.remedies.len().saturating_sub(MOST_REMEDIES);
            incident.remedies.drain(..extra);
            if remedy.is_repair() {
                incident.phase = Phase::Repairing { request: request.to_owned(), since_ms: now.wall_ms };
                self.repairing = Some(now.monotonic);
            }
        }
        outcome
    }

    /// The keeper did it: from now on the probes judge.
    pub fn remedy_done(&mut self, now: Now, request: &str) {
        if self.is_repairing(request) {
            self.repairing = Some(now.monotonic);
        }
    }

    /// The keeper could not do it.
    pub fn remedy_failed(&mut self, now: Now, request: &str, refusal: Refusal) -> Option<Change> {
        self.judge(request, Verdict::Failed { refusal }, now)
    }

    /// Whether this request is the one that is being waited for.
    fn is_repairing(&self, request: &str) -> bool {
        let phase = self.current.as_ref().map(|incident| &incident.phase);
        matches!(phase, Some(Phase::Repairing { request: current, .. }) if current == request)
    }

    fn judge(&mut self, request: &str, verdict: Verdict, now: Now) -> Option<Change> {
        let is_waited_for = self.is_repairing(request);
        let incident = self.current.as_mut()?;
        let remedy = incident.remedies.iter_mut().rev().find(|remedy| remedy.request == request)?;
        remedy.verdict = verdict;
        remedy.ended_ms = Some(now.wall_ms);
        let outcome = remedy.clone();
        if is_waited_for {
            incident.phase = Phase::Open;
            self.repairing = None;
        }
        Some(Change::Judged(outcome))
    }
}
