//! What arrived on channels. An update and the offset behind it are recorded together, so none is lost or doubled.

use bulkhead_killpoint::{Point, reached};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
use serde_json::Value;

use crate::{Store, StoreError, rows};

/// How an update stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InboxState {
    /// Still to be answered.
    Pending,
    /// Answered, or needs no answer.
    Done,
}

/// One update.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InboxRow {
    /// Grows in the order of arrival.
    pub id: i64,
    /// Channel, such as `telegram`.
    pub channel: String,
    /// Account (bot) on it.
    pub account: String,
    /// The channel's own number of the update.
    pub update_id: i64,
    /// The update as it came.
    pub payload: Value,
    /// How it stands.
    pub state: InboxState,
    /// How often an answer was begun.
    pub attempts: i64,
    /// When it arrived, in milliseconds since 1970.
    pub received_at: i64,
    /// When it was done with.
    pub done_at: Option<i64>,
}

/// An update to record.
#[derive(Debug, Clone)]
pub struct NewUpdate {
    /// The channel's own number of the update.
    pub update_id: i64,
    /// The update as it came.
    pub payload: Value,
    /// Record it as done at once: it moves the offset and needs no answer.
    pub ignore: bool,
}

/// Repository of what arrived.
#[derive(Debug, Clone)]
pub struct Inbox {
    pub(crate) store: Store,
}

impl Inbox {
    /// Records one update and moves the offset behind it. `None` if it was recorded before.
    pub async fn record(
        &self,
        channel: &str,
        account: &str,
        update_id: i64,
        payload: Value,
    ) -> Result<Option<InboxRow>, StoreError> {
        let update = NewUpdate { update_id, payload, ignore: false };
        Ok(self.record_all(channel, account, vec![update]).await?.pop())
    }

    /// Records updates and moves the offset behind the last, in one transaction. Returns those that are new and need
    /// an answer.
    pub async fn record_all(
        &self,
        channel: &str,
        account: &str,
        updates: Vec<NewUpdate>,
    ) -> Result<Vec<InboxRow>, StoreError> {
        let (channel, account, now) = (channel.to_owned(), account.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let Some(last) = updates.iter().map(|update| update.update_id).max() else {
                    return Ok(Vec::new());
                };
                let tx = db.transaction()?;
                let mut fresh = Vec::new();
                let mut any_new = false;
                for update in updates {
                    let state = if update.ignore { "done" } else { "pending" };
                    let inserted = tx.execute(
                        "INSERT INTO inbox (channel, account, update_id, payload, state, received_at, done_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE ?5 WHEN 'done' THEN ?6 END)
                         ON CONFLICT (channel, account, update_id) DO NOTHING",
                        (&channel, &account, update.update_id, update.payload.to_string(), state, now),
                    )?;
                    any_new |= inserted > 0;
                    if inserted > 0 && !update.ignore {
                        fresh.push(require(&tx, tx.last_insert_rowid())?);
                    }
                }
                move_offset(&tx, &channel, &account, last.saturating_add(1), any_new)?;
                reached(Point::BeforeInboxCommit);
                tx.commit().map_err(StoreError::query("record updates"))?;
                reached(Point::AfterInboxCommit);
                Ok(fresh)
            })
            .await
    }

    /// The number to ask the channel for next; `None` before the first update.
    pub async fn offset(&self, channel: &str, account: &str) -> Result<Option<i64>, StoreError> {
        let at = (channel.to_owned(), account.to_owned());
        self.store.jobs.call(move |db| read_offset(db, &at.0, &at.1)).await
    }

    /// Updates still to be answered, in order of arrival.
    pub async fn pending(&self, channel: &str, account: &str) -> Result<Vec<InboxRow>, StoreError> {
        let at = (channel.to_owned(), account.to_owned());
        self.store
            .jobs
            .call(move |db| {
                let mut statement = db.prepare(
                    "SELECT * FROM inbox WHERE channel = ?1 AND account = ?2 AND state = 'pending' ORDER BY id",
                )?;
                let rows = statement.query_map(at, inbox_row)?.collect::<Result<_, _>>()?;
                Ok(rows)
            })
            .await
    }

    /// One update by its id here.
    pub async fn get(&self, id: i64) -> Result<Option<InboxRow>, StoreError> {
        self.store
            .jobs
            .call(move |db| {
                Ok(db.query_row("SELECT * FROM inbox WHERE id = ?1", [id], inbox_row).optional()?)
            })
            .await
    }

    /// Counts the beginning of an answer and returns how many there were, this one included.
    pub async fn begin_attempt(&self, id: i64) -> Result<i64, StoreError> {
        self.store
            .jobs
            .call(move |db| {
                db.query_row(
                    "UPDATE inbox SET attempts = attempts + 1 WHERE id = ?1 RETURNING attempts",
                    [id],
                    |row| row.get(0),
                )
                .optional()?
                .ok_or_else(|| StoreError::NotFound { what: "update", id: id.to_string() })
            })
            .await
    }

    /// Marks an update as done with.
    pub async fn mark_done(&self, id: i64) -> Result<(), StoreError> {
        let now = self.store.now();
        self.store.jobs.call(move |db| mark_done(db, id, now)).await
    }

    /// Forgets updates that were done with before `done_before`, but keeps the newest `keep` of each account, by which
    /// repeated deliveries are recognised. Returns how many went.
    pub async fn prune(&self, done_before: i64, keep: usize) -> Result<usize, StoreError> {
        let keep = i64::try_from(keep).unwrap_or(i64::MAX);
        self.store
            .jobs
            .call(move |db| {
                db.execute(
                    "DELETE FROM inbox WHERE id IN (
                       SELECT id FROM (
                         SELECT id, state, done_at, row_number() OVER (PARTITION BY channel, account ORDER BY id DESC) AS place FROM inbox
                       ) WHERE state = 'done' AND done_at < ?1 AND place > ?2)",
                    (done_before, keep),
                )
                .map_err(StoreError::query("forget old updates"))
            })
            .await
    }
}

fn read_offset(db: &Connection, channel: &str, account: &str) -> Result<Option<i64>, StoreError> {
    Ok(db
        .query_row(
            "SELECT next FROM channel_offset WHERE channel = ?1 AND account = ?2",
            (channel, account),
            |row| row.get(0),
        )
        .optional()?)
}

/// The offset follows the last batch. It goes back only for updates that are new: a channel may begin counting
/// anew after a long silence, while a mere repetition must not make it ask for old updates again.
fn move_offset(
    db: &Connection,
    channel: &str,
    account: &str,
    next: i64,
    any_new: bool,
) -> Result<(), StoreError> {
    let next = match read_offset(db, channel, account)? {
        Some(present) if !any_new => present.max(next),
        _ => next,
    };
    db.execute(
        "INSERT INTO channel_offset (channel, account, next) VALUES (?1, ?2, ?3)
         ON CONFLICT (channel, account) DO UPDATE SET next = excluded.next",
        (channel, account, next),
    )?;
    Ok(())
}

pub(crate) fn mark_done(db: &Connection, id: i64, now: i64) -> Result<(), StoreError> {
    db.execute(
        "UPDATE inbox SET state = 'done', done_at = ?2 WHERE id = ?1 AND state = 'pending'",
        (id, now),
    )
    .map_err(StoreError::query("mark an update as done"))?;
    Ok(())
}

fn require(db: &Connection, id: i64) -> Result<InboxRow, StoreError> {
    Ok(db.query_row("SELECT * FROM inbox WHERE id = ?1", [id], inbox_row)?)
}

fn inbox_row(row: &Row<'_>) -> rusqlite::Result<InboxRow> {
    Ok(InboxRow {
        id: row.get("id")?,
        channel: row.get("channel")?,
        account: row.get("account")?,
        update_id: row.get("update_id")?,
        payload: rows::json(row, "payload")?,
        state: rows::word(row, "state", |word| match word {
            "pending" => Some(InboxState::Pending),
            "done" => Some(InboxState::Done),
            _ => None,
        })?,
        attempts: row.get("attempts")?,
        received_at: row.get("received_at")?,
        done_at: row.get("done_at")?,
    })
}
