//! Writing down what happened, in order, without ever holding up the watch. What cannot be written (a full disk) stays
//! in memory and is written as soon as that works.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::incident::{Incident, IncidentId};
use crate::remedy::{IssuedNonce, Nonce};
use crate::seams::{AuditLine, Journal, JournalError};
use crate::timeline::SavedTimeline;

/// How long until a failed write is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// Audit lines and nonces that wait at most.
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

/// The desk where entries are handed in.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    entries: mpsc::UnboundedSender<Entry>,
}

impl Ledger {
    /// Starts the writer; it ends, with everything written that can be, when the last ledger is gone.
    pub(super) fn start(journal: Arc<dyn Journal>) -> (Self, tokio::task::JoinHandle<()>) {
        let (entries, inbox) = mpsc::unbounded_channel();
        (Self { entries }, tokio::spawn(write_all(journal, inbox)))
    }

    pub(super) fn write(&self, entry: Entry) {
        // The writer outlives every ledger.
        let _ = self.entries.send(entry);
    }
}

async fn write_all(journal: Arc<dyn Journal>, mut inbox: mpsc::UnboundedReceiver<Entry>) {
    let mut waiting = Waiting::default();
    let mut failing = false;
    loop {
        let next = if failing {
            // Between two attempts entries are only collected.
            match tokio::time::timeout(AGAIN, inbox.recv()).await {
                Ok(Some(entry)) => {
                    waiting.add(entry);
                    continue_collecting(&mut inbox, &mut waiting).await
                }
                Ok(None) => false,
                Err(_) => true,
            }
        } else if let Some(entry) = inbox.recv().await {
            waiting.add(entry);
            while let Ok(entry) = inbox.try_recv() {
                waiting.add(entry);
            }
            true
        } else {
            false
        };
        let result = waiting.write(journal.as_ref()).await;
        match &result {
            Err(error) if !failing => tracing::warn!(%error, "the watch goes on in memory"),
            Ok(()) if failing => tracing::info!("the journal of the rescue gateway can be written again"),
            _ => {}
        }
        failing = result.is_err();
        if !next {
            return;
        }
    }
}

/// Collects until the next attempt is due; `false` when nobody writes any more.
async fn continue_collecting(inbox: &mut mpsc::UnboundedReceiver<Entry>, waiting: &mut Waiting) -> bool {
    let due = tokio::time::Instant::now() + AGAIN;
    loop {
        match tokio::time::timeout_at(due, inbox.recv()).await {
            Ok(Some(entry)) => waiting.add(entry),
            Ok(None) => return false,
            Err(_) => return true,
        }
    }
}
