//! What was done, by whom: append-only.

use rusqlite::Row;
use serde::Serialize;
use serde_json::Value;

use crate::{Store, StoreError, rows};

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Grows by one per entry.
    pub id: i64,
    /// When, in milliseconds since 1970.
    pub ts: i64,
    /// Who, such as `cli`, `device:<id>`, `telegram:<user id>`, `supervisor`.
    pub actor: String,
    /// What, such as `pairing.approve`.
    pub action: String,
    /// Particulars without secrets.
    pub detail: Value,
}

/// Repository of the audit log.
#[derive(Debug, Clone)]
pub struct AuditLog {
    pub(crate) store: Store,
}

impl AuditLog {
    /// Adds an entry and returns its number.
    pub async fn append(&self, actor: &str, action: &str, detail: &Value) -> Result<i64, StoreError> {
        let (actor, action, detail, now) =
            (actor.to_owned(), action.to_owned(), detail.to_string(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                db.execute(
                    "INSERT INTO audit (ts, actor, action, detail) VALUES (?1, ?2, ?3, ?4)",
                    (now, actor, action, detail),
                )
                .map_err(StoreError::query("write the audit log"))?;
                Ok(db.last_insert_rowid())
            })
            .await
    }

    /// The newest entries first, older than `before` if given.
    pub async fn list(&self, limit: usize, before: Option<i64>) -> Result<Vec<AuditEntry>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.store
            .jobs
            .call(move |db| {
                let mut statement =
                    db.prepare("SELECT * FROM audit WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2")?;
                let entries = statement.query_map((before, limit), entry)?.collect::<Result<_, _>>()?;
                Ok(entries)
            })
            .await
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        id: row.get("id")?,
        ts: row.get("ts")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        detail: rows::json(row, "detail")?,
    })
}
