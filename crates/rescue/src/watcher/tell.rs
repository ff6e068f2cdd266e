//! Telling: what the desk wants sent is written, given buttons, and handed to its teller.

use std::time::Duration;

use tokio::time::timeout;

use super::act::Happened;
use super::{Entry, Watcher};
use crate::alert::{Button, Errand, Message, MessageKind, MessageRef, Recipient, text};
use crate::incident::{Incident, Phase};
use crate::observation::Observation;
use crate::remedy::{RemedyKind, offer};
use crate::seams::TellError;
use crate::state::Now;

/// A teller that says nothing for so long has failed.
const LONGEST: Duration = Duration::from_secs(20);
/// Buttons in one row.
const ROW: usize = 2;

impl Watcher {
    pub(super) fn recipients(&self) -> Vec<Recipient> {
        self.seams.tellers.iter().flat_map(|teller| teller.recipients()).collect()
    }

    pub(super) fn send_errands(&mut self, now: Now) {
        if self.context_until.is_some_and(|until| now.monotonic < until) {
            return;
        }
        let recipients = self.recipients();
        let untold = std::mem::take(&mut self.untold);
        let (told, mut untold): (Vec<_>, Vec<_>) =
            untold.into_iter().partition(|incident| self.desk.is_settled(incident, &recipients));
        for incident in told {
            self.ledger.write(Entry::Incident(Box::new(incident)));
        }
        let last = self.book.last().cloned();
        let mut incidents: Vec<&Incident> = untold.iter().collect();
        incidents.extend(last.as_ref().filter(|last| untold.iter().all(|incident| incident.id != last.id)));
        let current = self.book.current().cloned();
        incidents.extend(current.as_ref());
        let errands = self.desk.errands(now, &incidents, &recipients);
        let messages: Vec<(Errand, Message)> = errands
            .into_iter()
            .filter_map(|errand| {
                let incident = incidents.iter().find(|incident| incident.id == errand.incident)?;
                let message = self.compose(now, incident, &errand);
                Some((errand, message))
            })
            .collect();
        self.untold.append(&mut untold);
        for (errand, message) in messages {
            self.send(errand, message);
        }
    }

    fn compose(&mut self, now: Now, incident: &Incident, errand: &Errand) -> Message {
        let zone = self.settings.zone.clone();
        let offered = offer(&incident.cause, &self.able);
        let (title, text) = match errand.kind {
            MessageKind::FollowUp => text::follow_up(incident, &zone),
            _ => text::incident(incident, &offered, &zone),
        };
        let with_buttons = errand.kind == MessageKind::Incident && incident.is_open();
        let buttons = if with_buttons {
            let repairing = matches!(incident.phase, Phase::Repairing { .. });
            let remedies = offered.remedies.iter().copied().filter(|kind| !repairing || kind.is_reading());
            self.buttons(now, &remedies.collect::<Vec<_>>(), &errand.to.operator, false)
        } else {
            Vec::new()
        };
        Message {
            incident: incident.id.clone(),
            kind: errand.kind,
            severity: incident.severity,
            title,
            text,
            buttons,
            silent: errand.silent,
        }
    }

    /// Buttons with fresh nonces for one operator.
    pub(super) fn buttons(
        &mut self,
        now: Now,
        remedies: &[RemedyKind],
        operator: &str,
        confirmed: bool,
    ) -> Vec<Vec<Button>> {
        let hash = self.watch.facts().config.as_ref().and_then(|config| config.hash.clone());
        let mut gate = std::mem::take(&mut self.gate);
        let mut buttons = Vec::new();
        for remedy in remedies {
            let at = self.circumstances(hash.as_deref(), now);
            let Some(issued) = gate.issue(*remedy, operator, confirmed, &at) else { continue };
            let label =
                if confirmed { format!("Yes: {}", remedy.label()) } else { remedy.label().to_owned() };
            buttons.push(Button { label, remedy: *remedy, nonce: issued.nonce.clone() });
            self.ledger.write(Entry::Nonce(issued));
        }
        self.gate = gate;
        buttons.chunks(ROW).map(<[Button]>::to_vec).collect()
    }

    fn send(&self, errand: Errand, message: Message) {
        let teller = self.seams.tellers.iter().find(|teller| teller.name() == errand.to.teller).cloned();
        let happened = self.happened.clone();
        self.tasks.spawn(async move {
            let result = match teller {
                Some(teller) => {
                    let sent = teller.tell(&errand.to, &message, errand.existing.as_ref());
                    timeout(LONGEST, sent).await.unwrap_or_else(|_| {
                        Err(TellError::Later { why: "no answer in time".to_owned(), after: None })
                    })
                }
                None => Err(TellError::Never { why: "there is no such way to anybody".to_owned() }),
            };
            let _ = happened.send(Happened::Told { errand, result }).await;
        });
    }

    pub(super) fn told(&mut self, now: Now, errand: &Errand, result: &Result<MessageRef, TellError>) {
        // The messenger's own silence is what excuses the other gateway's. Notifications say nothing about networks.
        if errand.to.teller == "telegram" && !matches!(result, Err(TellError::Gone | TellError::Never { .. }))
        {
            let reachable = result.is_ok();
            let began = now.monotonic;
            self.watch.see(
                now,
                crate::observation::Sighting { began, what: Observation::OwnNetwork { reachable } },
            );
        }
        if let Err(error) = result {
            tracing::warn!(teller = %errand.to.teller, %error, "an alert did not get through");
        }
        let Some(told) = self.desk.delivered(now, errand, result) else { return };
        if let Some((drill, _)) = &mut self.drill {
            drill.told(now.monotonic);
        }
        let note = |incident: &mut Incident| {
            incident.told_ms.get_or_insert(told.at_ms);
            match incident.told.iter_mut().find(|before| before.to == told.to) {
                Some(before) => {
                    before.message.clone_from(&told.message);
                    before.follow_up = told.follow_up;
                }
                None => incident.told.push(told.clone()),
            }
        };
        let mut changed = None;
        if let Some(current) = self.book.current_mut().filter(|incident| incident.id == errand.incident) {
            note(current);
            changed = Some(current.clone());
        } else if let Some(last) = self.book.last_mut().filter(|incident| incident.id == errand.incident) {
            note(last);
            changed = Some(last.clone());
        }
        for kept in self.untold.iter_mut().chain(&mut self.past) {
            if kept.id == errand.incident {
                note(kept);
                changed.get_or_insert_with(|| kept.clone());
            }
        }
        if let Some(incident) = changed {
            self.ledger.write(Entry::Incident(Box::new(incident)));
        }
    }

    /// The message of a drill whose gateway was back before anybody had to be told.
    pub(super) fn send_drill_message(&self, text: &str) {
        for to in self.recipients() {
            let Some(teller) = self.seams.tellers.iter().find(|teller| teller.name() == to.teller).cloned()
            else {
                continue;
            };
            let message = Message {
                incident: crate::incident::IncidentId::generate(),
                kind: MessageKind::Drill,
                severity: crate::cause::Severity::Degraded,
                title: format!("Drill: {}", self.settings.watched),
                text: format!("Drill: {}\n{text}", self.settings.watched),
                buttons: Vec::new(),
                silent: false,
            };
            let happened = self.happened.clone();
            self.tasks.spawn(async move {
                if let Ok(Ok(_)) = timeout(LONGEST, teller.tell(&to, &message, None)).await {
                    let _ = happened.send(Happened::DrillTold).await;
                }
            });
        }
    }
}
