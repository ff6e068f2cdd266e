//! What follows from a change of the incident, and from a remedy that is judged.

use std::time::Duration;

use super::handle::RescueEvent;
use super::ledger::Entry;
use super::{CONTEXT_PATIENCE, Loose, MOST_PAST, Watcher};
use crate::incident::Change;
use crate::remedy::{RemedyOutcome, Verdict};
use crate::state::{Now, Standing};

/// Incidents that are over and not yet told.
const MOST_UNTOLD: usize = 8;

impl Watcher {
    pub(super) fn changed(&mut self, now: Now, change: Change) {
        match change {
            Change::Opened => {
                self.opened_at = now.monotonic;
                self.context_until = Some(now.monotonic + CONTEXT_PATIENCE);
                self.able_at = None;
                self.gather_context();
                self.note("incident", now);
                self.current_changed(true);
            }
            Change::Returned => {
                self.opened_at = now.monotonic;
                self.able_at = None;
                if let Some(incident) = self.book.current() {
                    self.desk.changed(&incident.id, true);
                    let id = incident.id.clone();
                    self.untold.retain(|untold| untold.id != id);
                    self.past.retain(|past| past.id != id);
                }
                self.gather_context();
                self.note("incident", now);
                self.current_changed(true);
            }
            Change::Changed { major } => self.current_changed(major),
            Change::Judged(outcome) => {
                self.judged(now, outcome);
                self.current_changed(true);
            }
            Change::Over { planned } => self.over(now, planned),
        }
    }

    fn note(&mut self, kind: &str, now: Now) {
        if let Some(incident) = self.book.current() {
            let text = crate::alert::text::headline(&incident.watched, &incident.cause);
            self.timeline.mark(now.wall_ms, kind, text);
        }
    }

    /// The open incident changed: told, written down, published.
    pub(super) fn current_changed(&mut self, major: bool) {
        let Some(incident) = self.book.current() else { return };
        self.desk.changed(&incident.id, major);
        self.ledger.write(Entry::Incident(Box::new(incident.clone())));
        let _ = self.events.send(RescueEvent::Incident { incident: Box::new(incident.clone()) });
    }

    fn over(&mut self, now: Now, planned: bool) {
        let Some(incident) = self.book.last().cloned() else { return };
        self.context_until = None;
        let text = if planned { "stopped on purpose" } else { "well again" };
        self.timeline.mark(now.wall_ms, "over", text);
        self.desk.changed(&incident.id, true);
        self.ledger.write(Entry::Incident(Box::new(incident.clone())));
        let _ = self.events.send(RescueEvent::Incident { incident: Box::new(incident.clone()) });
        self.untold.push(incident.clone());
        let extra = self.untold.len().saturating_sub(MOST_UNTOLD);
        self.untold.drain(..extra);
        self.past.insert(0, incident);
        self.past.truncate(MOST_PAST);
    }

    pub(super) fn judged(&mut self, now: Now, outcome: RemedyOutcome) {
        let result = match &outcome.verdict {
            Verdict::Running => "running",
            Verdict::Repaired => "repaired",
            Verdict::Done => "done",
            Verdict::NoEffect { .. } => "no-effect",
            Verdict::Failed { .. } => "failed",
        };
        self.timeline.mark(
            now.wall_ms,
            "remedy",
            format!("{} by {}: {result}", outcome.remedy.label(), outcome.by),
        );
        self.audit(
            now,
            &outcome.by,
            outcome.remedy,
            result,
            serde_json::json!({ "request": outcome.request, "incident": outcome.incident }),
        );
        let _ = self.events.send(RescueEvent::Remedy { outcome });
    }

    /// A remedy outside of an incident is done when health is seen after it.
    pub(super) fn judge_loose(&mut self, now: Now, standing: &Standing) {
        let Some(Loose { outcome, done_at: Some(done) }) = &self.loose else { return };
        let healthy = matches!(standing, Standing::Healthy { since }
            if now.monotonic.saturating_sub(*since) >= Duration::from_secs(2)
                && now.monotonic.saturating_sub(*done) >= Duration::from_secs(2));
        let late = now.monotonic.saturating_sub(*done) >= self.settings.repair_time;
        if !healthy && !late {
            return;
        }
        let mut outcome = outcome.clone();
        outcome.ended_ms = Some(now.wall_ms);
        outcome.verdict = if healthy {
            Verdict::Done
        } else {
            Verdict::NoEffect { seen: "It does not answer after it.".to_owned() }
        };
        self.loose = None;
        self.judged(now, outcome);
    }
}
