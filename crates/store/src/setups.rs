//! Setup codes: each admits one device once, within a short time.

use rusqlite::{OptionalExtension, Row};

use crate::{Store, StoreError};

/// Outcomes are kept for this long after a code's end, in milliseconds, so that whoever showed it can ask.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// A setup code that may still be used, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Names it without giving anything away.
    pub id: String,
    /// `full`, `limited` or `node`.
    pub access: String,
    /// Milliseconds since 1970.
    pub expires_at: i64,
    /// What came of it.
    pub outcome: Option<SetupOutcome>,
}

/// What came of a setup code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupOutcome {
    /// The device that used it.
    pub device_id: String,
    /// What that calls itself.
    pub device_name: Option<String>,
    /// Whether it is known that the device got its token.
    pub delivered: bool,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// Repository of setup codes.
#[derive(Debug, Clone)]
pub struct Setups {
    pub(crate) store: Store,
}

impl Setups {
    /// Records a new code by the hash of its token; long gone ones are cleared away.
    pub async fn add(
        &self,
        id: &str,
        token_hash: &str,
        access: &str,
        lifetime_ms: i64,
    ) -> Result<Setup, StoreError> {
        let now = self.store.now();
        let setup = Setup {
            id: id.to_owned(),
            access: access.to_owned(),
            expires_at: now + lifetime_ms,
            outcome: None,
        };
        let hash = token_hash.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                tx.execute("DELETE FROM device_setup WHERE expires_at < ?1", [now - KEPT_MS])?;
                tx.execute(
                    "INSERT INTO device_setup (id, token_hash, access, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                    (&setup.id, hash, &setup.access, now, setup.expires_at),
                )?;
                tx.commit().map_err(StoreError::query("record a setup code"))?;
                Ok(setup)
            })
            .await
    }

    /// The code whose token has this hash, if it may still be used: unused, or used by a device that may not have
    /// heard of it.
    pub async fn open(&self, token_hash: &str) -> Result<Option<Setup>, StoreError> {
        let at = (token_hash.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                Ok(db
                    .query_row(
                        "SELECT * FROM device_setup WHERE token_hash = ?1 AND expires_at > ?2
                         AND (outcome IS NULL OR outcome = 'uncertain')",
                        at,
                        setup,
                    )
                    .optional()?)
            })
            .await
    }

    /// Uses a code up for a device. `false`: another device was faster, or it is over. The same device may do it
    /// again until it is known to have its token.
    pub async fn redeem(
        &self,
        id: &str,
        device_id: &str,
        device_name: Option<&str>,
    ) -> Result<bool, StoreError> {
        let row = (id.to_owned(), device_id.to_owned(), device_name.map(str::to_owned), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let changed = db
                    .execute(
                        "UPDATE device_setup SET device_id = ?2, device_name = ?3, outcome = 'uncertain', outcome_at = ?4
                         WHERE id = ?1 AND expires_at > ?4
                         AND (outcome IS NULL OR (outcome = 'uncertain' AND device_id = ?2))",
                        row,
                    )
                    .map_err(StoreError::query("use a setup code"))?;
                Ok(changed > 0)
            })
            .await
    }

    /// The device has its token: the code is worth nothing any more. Says whether that is news.
    pub async fn delivered(&self, id: &str) -> Result<bool, StoreError> {
        let row = (id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let changed = db
                    .execute(
                        "UPDATE device_setup SET outcome = 'completed', outcome_at = ?2
                         WHERE id = ?1 AND outcome = 'uncertain'",
                        row,
                    )
                    .map_err(StoreError::query("complete a setup"))?;
                Ok(changed > 0)
            })
            .await
    }

    /// A device came by a token of its own, so it has them: its code is worth nothing any more. Returns the code that
    /// this ends, if there is one.
    pub async fn came(&self, device_id: &str) -> Result<Option<Setup>, StoreError> {
        let row = (device_id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                Ok(db
                    .query_row(
                        "UPDATE device_setup SET outcome = 'completed', outcome_at = ?2
                         WHERE device_id = ?1 AND outcome = 'uncertain' RETURNING *",
                        row,
                        setup,
                    )
                    .optional()?)
            })
            .await
    }

    /// A code by its id, however it ended.
    pub async fn get(&self, id: &str) -> Result<Option<Setup>, StoreError> {
        let id = id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                Ok(db.query_row("SELECT * FROM device_setup WHERE id = ?1", [id], setup).optional()?)
            })
            .await
    }
}

fn setup(row: &Row<'_>) -> rusqlite::Result<Setup> {
    let outcome: Option<String> = row.get("outcome")?;
    let (device_id, at): (Option<String>, Option<i64>) = (row.get("device_id")?, row.get("outcome_at")?);
    let device_name = row.get("device_name")?;
    Ok(Setup {
        id: row.get("id")?,
        access: row.get("access")?,
        expires_at: row.get("expires_at")?,
        outcome: outcome.zip(device_id).map(|(outcome, device_id)| SetupOutcome {
            device_id,
            device_name,
            delivered: outcome == "completed",
            at: at.unwrap_or(0),
        }),
    })
}
