//! What a gateway that watches another one remembers: incidents, what buttons carry, the strip of the last hours. The
//! particulars are the watcher's; here they are JSON.

use rusqlite::Row;
use serde_json::Value;

use crate::{Store, StoreError, rows};

/// Incidents that are kept.
const INCIDENTS_KEPT: i64 = 500;
/// How long what a button carried is kept after it was used or ended: a second tap is known as such.
const NONCES_KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// One incident.
#[derive(Debug, Clone, PartialEq)]
pub struct RescueIncident {
    /// Its name; later ones sort after earlier ones.
    pub id: String,
    /// When it began, in milliseconds since 1970.
    pub began_at: i64,
    /// When it was over.
    pub over_at: Option<i64>,
    /// The particulars.
    pub body: Value,
}

/// What one button carries.
#[derive(Debug, Clone, PartialEq)]
pub struct RescueNonce {
    /// What comes back when it is pressed.
    pub nonce: String,
    /// When it ends, in milliseconds since 1970.
    pub expires_at: i64,
    /// When it was used.
    pub used_at: Option<i64>,
    /// What it is bound to.
    pub body: Value,
}

/// Repository of what the watch remembers.
#[derive(Debug, Clone)]
pub struct RescueLog {
    pub(crate) store: Store,
}

impl RescueLog {
    /// The newest incidents first.
    pub async fn incidents(&self, limit: usize) -> Result<Vec<RescueIncident>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.store
            .jobs
            .call(move |db| {
                let mut statement =
                    db.prepare("SELECT * FROM rescue_incident ORDER BY began_at DESC, id DESC LIMIT ?1")?;
                let found = statement.query_map([limit], incident)?.collect::<Result<_, _>>()?;
                Ok(found)
            })
            .await
    }

    /// Adds or replaces an incident, and forgets the oldest when there are many.
    pub async fn put_incident(&self, incident: RescueIncident) -> Result<(), StoreError> {
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                tx.execute(
                    "INSERT INTO rescue_incident (id, began_at, over_at, body) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (id) DO UPDATE SET began_at = excluded.began_at, over_at = excluded.over_at,
                       body = excluded.body",
                    (&incident.id, incident.began_at, incident.over_at, incident.body.to_string()),
                )
                .map_err(StoreError::query("record an incident"))?;
                tx.execute(
                    "DELETE FROM rescue_incident WHERE over_at IS NOT NULL AND id NOT IN (
                       SELECT id FROM rescue_incident ORDER BY began_at DESC, id DESC LIMIT ?1)",
                    [INCIDENTS_KEPT],
                )?;
                tx.commit().map_err(StoreError::query("record an incident"))
            })
            .await
    }

    /// What buttons carry that can still be pressed, or were used within the last day.
    pub async fn nonces(&self) -> Result<Vec<RescueNonce>, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let mut statement = db.prepare(
                    "SELECT * FROM rescue_nonce WHERE used_at > ?1 OR (used_at IS NULL AND expires_at > ?2)
                     ORDER BY expires_at, nonce",
                )?;
                let since = now.saturating_sub(NONCES_KEPT_MS);
                let found = statement.query_map((since, now), nonce)?.collect::<Result<_, _>>()?;
                Ok(found)
            })
            .await
    }

    /// Adds or replaces one, and forgets those that ended long ago. A use is never taken back.
    pub async fn put_nonce(&self, nonce: RescueNonce) -> Result<(), StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                tx.execute(
                    "INSERT INTO rescue_nonce (nonce, expires_at, used_at, body) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (nonce) DO UPDATE SET expires_at = excluded.expires_at, body = excluded.body,
                       used_at = coalesce(rescue_nonce.used_at, excluded.used_at)",
                    (&nonce.nonce, nonce.expires_at, nonce.used_at, nonce.body.to_string()),
                )
                .map_err(StoreError::query("record what a button carries"))?;
                tx.execute(
                    "DELETE FROM rescue_nonce WHERE max(expires_at, coalesce(used_at, 0)) < ?1",
                    [now.saturating_sub(NONCES_KEPT_MS)],
                )?;
                tx.commit().map_err(StoreError::query("record what a button carries"))
            })
            .await
    }

    /// The strip of the last hours.
    pub async fn timeline(&self) -> Result<Option<Value>, StoreError> {
        use rusqlite::OptionalExtension as _;
        self.store
            .jobs
            .call(|db| {
                Ok(db
                    .query_row("SELECT body FROM rescue_timeline", [], |row| rows::json(row, "body"))
                    .optional()?)
            })
            .await
    }

    /// Replaces the strip of the last hours.
    pub async fn put_timeline(&self, timeline: &Value) -> Result<(), StoreError> {
        let (body, now) = (timeline.to_string(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                db.execute(
                    "INSERT INTO rescue_timeline (only, body, updated_at) VALUES (1, ?1, ?2)
                     ON CONFLICT (only) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
                    (body, now),
                )
                .map_err(StoreError::query("record the strip of the last hours"))?;
                Ok(())
            })
            .await
    }
}

fn incident(row: &Row<'_>) -> rusqlite::Result<RescueIncident> {
    Ok(RescueIncident {
        id: row.get("id")?,
        began_at: row.get("began_at")?,
        over_at: row.get("over_at")?,
        body: rows::json(row, "body")?,
    })
}

fn nonce(row: &Row<'_>) -> rusqlite::Result<RescueNonce> {
    Ok(RescueNonce {
        nonce: row.get("nonce")?,
        expires_at: row.get("expires_at")?,
        used_at: row.get("used_at")?,
        body: rows::json(row, "body")?,
    })
}
