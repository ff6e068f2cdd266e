//! The journal of the watch in this profile's database. A write that fails is the engine's to repeat: it goes on in
//! memory.

use async_trait::async_trait;
use bulkhead_rescue::{AuditLine, Incident, IssuedNonce, Journal, JournalError, Phase, SavedTimeline};
use bulkhead_store::{RescueIncident, RescueNonce, Store, StoreError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The database as a journal.
#[derive(Debug)]
pub(super) struct StoreJournal {
    store: Store,
}

impl StoreJournal {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn failed(error: StoreError) -> JournalError {
    JournalError { why: error.to_string() }
}

fn written(value: &impl serde::Serialize) -> Result<Value, JournalError> {
    serde_json::to_value(value).map_err(|error| JournalError { why: error.to_string() })
}

/// One that a newer version wrote in another form is left out: what cannot be read must not end the watch.
fn read<T: DeserializeOwned>(what: &str, body: Value) -> Option<T> {
    serde_json::from_value(body)
        .inspect_err(|error| tracing::warn!(%error, what, "an entry of the rescue journal is not understood"))
        .ok()
}

fn ms(at: u64) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

#[async_trait]
impl Journal for StoreJournal {
    async fn incidents(&self, limit: usize) -> Result<Vec<Incident>, JournalError> {
        let rows = self.store.rescue().incidents(limit).await.map_err(failed)?;
        Ok(rows.into_iter().filter_map(|row| read("incident", row.body)).collect())
    }

    async fn put_incident(&self, incident: &Incident) -> Result<(), JournalError> {
        let over_at = match incident.phase {
            Phase::Over { at_ms } => Some(ms(at_ms)),
            _ => None,
        };
        let row = RescueIncident {
            id: incident.id.0.clone(),
            began_at: ms(incident.began_ms),
            over_at,
            body: written(incident)?,
        };
        self.store.rescue().put_incident(row).await.map_err(failed)
    }

    async fn nonces(&self) -> Result<Vec<IssuedNonce>, JournalError> {
        let rows = self.store.rescue().nonces().await.map_err(failed)?;
        let with_use = rows.into_iter().filter_map(|row| {
            let mut nonce: IssuedNonce = read("button", row.body)?;
            // The column is the truth: a use is never taken back there.
            nonce.used_ms = row.used_at.and_then(|at| u64::try_from(at).ok());
            Some(nonce)
        });
        Ok(with_use.collect())
    }

    async fn put_nonce(&self, nonce: &IssuedNonce) -> Result<(), JournalError> {
        let row = RescueNonce {
            nonce: nonce.nonce.as_str().to_owned(),
            expires_at: ms(nonce.expires_ms),
            used_at: nonce.used_ms.map(ms),
            body: written(nonce)?,
        };
        self.store.rescue().put_nonce(row).await.map_err(failed)
    }

    async fn audit(&self, line: &AuditLine) -> Result<(), JournalError> {
        let detail = json!({"atMs": line.at_ms, "result": line.result, "detail": line.detail});
        self.store.audit().append(&line.actor, &line.action, &detail).await.map(drop).map_err(failed)
    }

    async fn timeline(&self) -> Result<Option<SavedTimeline>, JournalError> {
        let body = self.store.rescue().timeline().await.map_err(failed)?;
        Ok(body.and_then(|body| read("timeline", body)))
    }

    async fn put_timeline(&self, timeline: &SavedTimeline) -> Result<(), JournalError> {
        let body = written(timeline)?;
        self.store.rescue().put_timeline(&body).await.map_err(failed)
    }
}
