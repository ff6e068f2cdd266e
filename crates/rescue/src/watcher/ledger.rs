//! Writing down what happened, in order, without ever holding up the watch. What cannot be written (a full disk) stays
//! in memory and is written as soon as that works.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::incident::{Incident, IncidentId};
use crate::remedy::{IssuedNonce, Nonce};
use crate::seams::{AuditLine, Journal, JournalError};
use crate::timeline::SavedTimeline;

/// How long until a failed write is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// Audit lines, nonces and incidents that wait at most.
const MOST_WAITING: usize = 2000;

/// Something to write down.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Incident(Box<Incident>),
    Nonce(IssuedNonce),
    Audit(AuditLine),
    Timeline(Box<SavedTimeline>),
}

/// What waits to be written. Only the newest of each incident, nonce and timeline counts.
#[derive(Debug, Default)]
struct Waiting {
    audit: VecDeque<AuditLine>,
    nonces: BTreeMap<Nonce, IssuedNonce>,
    incidents: BTreeMap<IncidentId, Incident>,
    timeline: Option<SavedTimeline>,
}

impl Waiting {
    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Incident(incident) => {
                self.incidents.insert(incident.id.clone(), *incident);
                while self.incidents.len() > MOST_WAITING {
                    self.incidents.pop_first();
                }
            }
            Entry::Nonce(nonce) => {
                self.nonces.insert(nonce.nonce.clone(), nonce);
                while self.nonces.len() > MOST_WAITING {
                    self.nonces.pop_first();
                }
            }
            Entry::Audit(line) => {
                self.audit.push_back(line);
                let extra = self.audit.len().saturating_sub(MOST_WAITING);
                self.audit.drain(..extra);
            }
            Entry::Timeline(timeline) => self.timeline = Some(*timeline),
        }
    }

    /// Adds what came later.
    fn join(&mut self, newer: Self) {
        newer.audit.into_iter().map(Entry::Audit).for_each(|entry| self.add(entry));
        newer.nonces.into_values().map(Entry::Nonce).for_each(|entry| self.add(entry));
        newer
            .incidents
            .into_values()
            .map(|one| Entry::Incident(Box::new(one)))
            .for_each(|entry| self.add(entry));
        newer
            .timeline
            .map(|one| Entry::Timeline(Box::new(one)))
            .into_iter()
            .for_each(|entry| self.add(entry));
    }

    /// Writes until something fails. Used nonces and audit lines first: they are what must not be lost.
    async fn write(&mut self, journal: &dyn Journal) -> Result<(), JournalError> {
        while let Some(nonce) = self.nonces.values().find(|nonce| nonce.used_ms.is_some()).cloned() {
            journal.put_nonce(&nonce).await?;
            self.nonces.remove(&nonce.nonce);
        }
        while let Some(line) = self.audit.front() {
            journal.audit(line).await?;
            self.audit.pop_front();
        }
        while let Some((id, incident)) = self.incidents.first_key_value() {
            let id = id.clone();
            journal.put_incident(incident).await?;
            self.incidents.remove(&id);
        }
        while let Some((nonce, issued)) = self.nonces.first_key_value() {
            let nonce = nonce.clone();
            journal.put_nonce(issued).await?;
            self.nonces.remove(&nonce);
        }
        if let Some(timeline) = &self.timeline {
            journal.put_timeline(timeline).await?;
            self.timeline = None;
        }
        Ok(())
    }
}

/// The desk where entries are handed in. Handing in never waits: what comes while the writer is busy is put together.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    waiting: Arc<Mutex<Waiting>>,
    /// One notice that something waits is enough; that all of these are gone is the end.
    wake: mpsc::Sender<()>,
}

impl Ledger {
    /// Starts the writer; it ends, with everything written that can be, when the last ledger is gone.
    pub(super) fn start(journal: Arc<dyn Journal>) -> (Self, tokio::task::JoinHandle<()>) {
        let (wake, woken) = mpsc::channel(1);
        let waiting = Arc::<Mutex<Waiting>>::default();
        let writer = tokio::spawn(write_all(journal, Arc::clone(&waiting), woken));
        (Self { waiting, wake }, writer)
    }

    pub(super) fn write(&self, entry: Entry) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).add(entry);
        // Full: the writer is woken already.
        let _ = self.wake.try_send(());
    }
}

async fn write_all(journal: Arc<dyn Journal>, handed_in: Arc<Mutex<Waiting>>, mut woken: mpsc::Receiver<()>) {
    let mut waiting = Waiting::default();
    let mut failing = false;
    loop {
        // Between two attempts entries are only collected.
        let more = if failing { pause(&mut woken).await } else { woken.recv().await.is_some() };
        waiting.join(std::mem::take(&mut *handed_in.lock().unwrap_or_else(PoisonError::into_inner)));
        let result = waiting.write(journal.as_ref()).await;
        match &result {
            Err(error) if !failing => tracing::warn!(%error, "the watch goes on in memory"),
            Ok(()) if failing => tracing::info!("the journal of the rescue gateway can be written again"),
            _ => {}
        }
        failing = result.is_err();
        if !more {
            return;
        }
    }
}

/// Waits until the next attempt is due; `false` when nobody writes any more.
async fn pause(woken: &mut mpsc::Receiver<()>) -> bool {
    let due = tokio::time::Instant::now() + AGAIN;
    loop {
        match tokio::time::timeout_at(due, woken.recv()).await {
            Ok(Some(())) => {}
            Ok(None) => return false,
            Err(_) => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: usize) -> Entry {
        Entry::Audit(AuditLine {
            at_ms: 0,
            actor: String::new(),
            action: n.to_string(),
            result: String::new(),
            detail: serde_json::Value::Null,
        })
    }

    #[test]
    fn what_waits_is_bounded_and_keeps_its_order() {
        let mut old = Waiting::default();
        (0..MOST_WAITING).for_each(|n| old.add(line(n)));
        let mut newer = Waiting::default();
        (0..10).for_each(|n| newer.add(line(MOST_WAITING + n)));
        old.join(newer);
        assert_eq!(old.audit.len(), MOST_WAITING);
        assert_eq!(old.audit.front().map(|line| line.action.as_str()), Some("10"));
        assert_eq!(old.audit.back().map(|line| line.action.clone()), Some((MOST_WAITING + 9).to_string()));
    }
}
