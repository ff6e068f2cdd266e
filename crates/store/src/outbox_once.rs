//! Messages that are recorded once for a key, however often they are asked for.

use rusqlite::{Connection, OptionalExtension};

use crate::outbox::insert;
use crate::{NewOutbox, Outbox, OutboxState, StoreError};

/// Names in `kv` of what was sent under a key, and how long they are kept.
const SENT: &str = "sent:";
const SENT_KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// What came of recording messages under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enqueued {
    /// The rows, in order; those that went out are gone by now.
    pub rows: Vec<i64>,
    /// Whether they were made now.
    pub new: bool,
}

impl Outbox {
    /// Records messages under a key, once: who comes again with it within a day gets the same rows, and nothing is added.
    pub async fn enqueue_once(&self, key: &str, parts: Vec<NewOutbox>) -> Result<Enqueued, StoreError> {
        let (key, now) = (key.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let enqueued = insert_once(&tx, &key, &parts, now)?;
                tx.commit().map_err(StoreError::query("record a message to send"))?;
                Ok(enqueued)
            })
            .await
    }

    /// The rows that were recorded under a key within a day, gone or not; `None`: nothing was.
    pub async fn sent_under(&self, key: &str) -> Result<Option<Vec<i64>>, StoreError> {
        let key = key.to_owned();
        self.store.jobs.call(move |db| known_under(db, &key)).await
    }
}

/// Messages that are recorded together, once for their key.
#[derive(Debug, Clone)]
pub struct OutgoingOnce {
    /// Who comes again with it within a day adds nothing.
    pub key: String,
    /// The messages, in order.
    pub parts: Vec<NewOutbox>,
}

fn known_under(db: &Connection, key: &str) -> Result<Option<Vec<i64>>, StoreError> {
    let known: Option<String> = db
        .query_row("SELECT value FROM kv WHERE name = ?1", [format!("{SENT}{key}")], |row| row.get(0))
        .optional()?;
    Ok(known.map(|known| serde_json::from_str(&known).unwrap_or_default()))
}

/// Records messages under a key, unless it is known; within the caller's transaction.
pub(crate) fn insert_once(
    db: &Connection,
    key: &str,
    parts: &[NewOutbox],
    now: i64,
) -> Result<Enqueued, StoreError> {
    db.execute(
        "DELETE FROM kv WHERE substr(name, 1, length(?1)) = ?1 AND updated_at < ?2",
        (SENT, now.saturating_sub(SENT_KEPT_MS)),
    )?;
    if let Some(rows) = known_under(db, key)? {
        return Ok(Enqueued { rows, new: false });
    }
    let rows = parts
        .iter()
        .map(|new| insert(db, new, None, 0, OutboxState::Ready, now).map(|row| row.id))
        .collect::<Result<Vec<i64>, _>>()?;
    db.execute(
        "INSERT INTO kv (name, value, updated_at) VALUES (?1, ?2, ?3)",
        (format!("{SENT}{key}"), serde_json::json!(rows).to_string(), now),
    )?;
    Ok(Enqueued { rows, new: true })
}
