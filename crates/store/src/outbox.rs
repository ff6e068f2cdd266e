//! What must still go out on channels.
//!
//! A message goes out in four steps, each recorded: the row is made, an empty placeholder is sent, its id is recorded,
//! and the text is put into it by an edit, after which the row goes. An edit can be repeated without harm, a sending
//! can not; so a crash costs at most one placeholder, and never a second answer.

use bulkhead_killpoint::{Point, reached};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
use serde_json::Value;

use crate::{Store, StoreError, inbox, rows};

/// How a message to send stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OutboxState {
    /// Part of an answer that is still being written.
    Open,
    /// Its text is final; it goes out as soon as the channel takes it.
    Ready,
}

/// One message to send.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxRow {
    /// Grows in the order of making.
    pub id: i64,
    /// Channel, such as `telegram`.
    pub channel: String,
    /// Account (bot) on it.
    pub account: String,
    /// Chat on it.
    pub target: String,
    /// The update that it answers.
    pub inbox_id: Option<i64>,
    /// Place among the messages of one answer, from 0.
    pub part: i64,
    /// How it stands.
    pub state: OutboxState,
    /// Its text (Markdown). A ready row without text asks for the removal of what was placed.
    pub text: String,
    /// What the channel needs besides: reply, buttons.
    pub options: Value,
    /// The channel's id of the message, once it was placed.
    pub message_id: Option<i64>,
    /// How often sending failed.
    pub attempts: i64,
    /// Not to be tried before this time.
    pub not_before: i64,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Channel, such as `telegram`.
    pub channel: String,
    /// Account (bot) on it.
    pub account: String,
    /// Chat on it.
    pub target: String,
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct NewOutbox {
    /// Where it goes.
    pub to: Delivery,
    /// Its text (Markdown).
    pub text: String,
    /// What the channel needs besides; an object or null.
    pub options: Value,
}

/// Repository of what must go out.
#[derive(Debug, Clone)]
pub struct Outbox {
    pub(crate) store: Store,
}

impl Outbox {
    /// Records a message with final text, which answers nothing.
    pub async fn enqueue(&self, new: NewOutbox) -> Result<OutboxRow, StoreError> {
        let now = self.store.now();
        self.store.jobs.call(move |db| insert(db, &new, None, 0, OutboxState::Ready, now)).await
    }

    /// The row for one part of an unfinished answer: the one from before a crash, or a new one.
    pub async fn open_part(&self, to: Delivery, inbox_id: i64, part: i64) -> Result<OutboxRow, StoreError> {
        let now = self.store.now();
        self.store.jobs.call(move |db| part_or_new(db, &to, inbox_id, part, now)).await
    }

    /// Makes an answer final, in one transaction: its parts become ready, what was placed for parts that it no longer
    /// has becomes a removal (a ready row without text), and the update is done with. From here on the answer goes out
    /// even after a crash, and is never computed again. Returns the rows that now wait.
    pub async fn settle(
        &self,
        to: Delivery,
        inbox_id: i64,
        parts: Vec<String>,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let kept = i64::try_from(parts.len()).unwrap_or(i64::MAX);
                for (part, text) in (0_i64..).zip(parts) {
                    let row = part_or_new(&tx, &to, inbox_id, part, now)?;
                    tx.execute("UPDATE outbox SET state = 'ready', text = ?2 WHERE id = ?1", (row.id, text))?;
                }
                tx.execute(
                    "DELETE FROM outbox WHERE inbox_id = ?1 AND part >= ?2 AND message_id IS NULL",
                    (inbox_id, kept),
                )?;
                tx.execute(
                    "UPDATE outbox SET state = 'ready', text = '' WHERE inbox_id = ?1 AND part >= ?2",
                    (inbox_id, kept),
                )?;
                inbox::mark_done(&tx, inbox_id, now)?;
                let rows = rows_of(&tx, inbox_id)?;
                reached(Point::BeforeAnswerCommit);
                tx.commit().map_err(StoreError::query("record an answer"))?;
                Ok(rows)
            })
            .await
    }

    /// The rows that belong to the answer to an update, by part.
    pub async fn of_update(&self, inbox_id: i64) -> Result<Vec<OutboxRow>, StoreError> {
        self.store.jobs.call(move |db| rows_of(db, inbox_id)).await
    }

    /// Every message with final text that has not gone out, in order, whether it is due or not.
    pub async fn pending(&self, channel: &str, account: &str) -> Result<Vec<OutboxRow>, StoreError> {
        let at = (channel.to_owned(), account.to_owned());
        self.store
            .jobs
            .call(move |db| {
                let mut statement = db.prepare(
                    "SELECT * FROM outbox WHERE channel = ?1 AND account = ?2 AND state = 'ready' ORDER BY id",
                )?;
                let rows = statement.query_map(at, outbox_row)?.collect::<Result<_, _>>()?;
                Ok(rows)
            })
            .await
    }

    /// The next message that may go out now: the oldest ready one of a chat whose older messages are all gone.
    pub async fn claim(&self, channel: &str, account: &str) -> Result<Option<OutboxRow>, StoreError> {
        let at = (channel.to_owned(), account.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                Ok(db
                    .query_row(
                        "SELECT * FROM outbox AS this WHERE channel = ?1 AND account = ?2 AND state = 'ready'
                           AND not_before <= ?3
                           AND NOT EXISTS (SELECT 1 FROM outbox AS older WHERE older.channel = ?1 AND older.account = ?2
                             AND older.target = this.target AND older.state = 'ready' AND older.id < this.id)
                         ORDER BY id LIMIT 1",
                        at,
                        outbox_row,
                    )
                    .optional()?)
            })
            .await
    }

    /// When the next waiting message becomes due; `None` if none waits.
    pub async fn next_due(&self, channel: &str, account: &str) -> Result<Option<i64>, StoreError> {
        let at = (channel.to_owned(), account.to_owned());
        self.store
            .jobs
            .call(move |db| {
                Ok(db.query_row(
                    "SELECT min(not_before) FROM outbox WHERE channel = ?1 AND account = ?2 AND state = 'ready'
                       AND id IN (SELECT min(id) FROM outbox WHERE channel = ?1 AND account = ?2 AND state = 'ready' GROUP BY target)",
                    at,
                    |row| row.get(0),
                )?)
            })
            .await
    }

    /// Records what of an unfinished part is about to be shown, so that a crash leaves a trace of what was said. It is
    /// final only when the answer is settled.
    pub async fn note_shown(&self, id: i64, text: &str) -> Result<(), StoreError> {
        let text = text.to_owned();
        self.change(id, move |db| {
            db.execute("UPDATE outbox SET text = ?2 WHERE id = ?1 AND state = 'open'", (id, text))
        })
        .await
    }

    /// Makes every waiting message due now: for a start, and for a clock that was set back, after which a wait that was
    /// reckoned by the old one might last for days. Answers how many waited.
    pub async fn forget_waits(&self, channel: &str, account: &str) -> Result<usize, StoreError> {
        let at = (channel.to_owned(), account.to_owned());
        self.store
            .jobs
            .call(move |db| {
                db.execute(
                    "UPDATE outbox SET not_before = 0 WHERE channel = ?1 AND account = ?2 AND not_before <> 0",
                    at,
                )
                .map_err(StoreError::query("make waiting messages due"))
            })
            .await
    }

    /// Records the channel's id of the message.
    pub async fn set_message_id(&self, id: i64, message_id: i64) -> Result<(), StoreError> {
        self.change(id, move |db| {
            db.execute("UPDATE outbox SET message_id = ?2, attempts = 0 WHERE id = ?1", (id, message_id))
        })
        .await
    }

    /// Forgets the channel's id: the message is gone there (a person deleted it), so it must be placed anew.
    pub async fn clear_message_id(&self, id: i64) -> Result<(), StoreError> {
        self.change(id, move |db| db.execute("UPDATE outbox SET message_id = NULL WHERE id = ?1", [id])).await
    }

    /// Records a failure and when to try again.
    pub async fn postpone(&self, id: i64, not_before: i64, error: &str) -> Result<(), StoreError> {
        let error = error.to_owned();
        self.change(id, move |db| {
            db.execute(
                "UPDATE outbox SET attempts = attempts + 1, not_before = ?2, last_error = ?3 WHERE id = ?1",
                (id, not_before, error),
            )
        })
        .await
    }

    /// Removes the row: the message is out, or can never go out.
    pub async fn complete(&self, id: i64) -> Result<(), StoreError> {
        self.store
            .jobs
            .call(move |db| {
                db.execute("DELETE FROM outbox WHERE id = ?1", [id])
                    .map_err(StoreError::query("complete a message"))?;
                Ok(())
            })
            .await
    }

    async fn change<F>(&self, id: i64, change: F) -> Result<(), StoreError>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<usize> + Send + 'static,
    {
        self.store
            .jobs
            .call(move |db| match change(db).map_err(StoreError::query("change a message to send"))? {
                0 => Err(StoreError::NotFound { what: "message to send", id: id.to_string() }),
                _ => Ok(()),
            })
            .await
    }
}

pub(crate) fn insert(
    db: &Connection,
    new: &NewOutbox,
    inbox_id: Option<i64>,
    part: i64,
    state: OutboxState,
    now: i64,
) -> Result<OutboxRow, StoreError> {
    let options = if new.options.is_null() { "{}".to_owned() } else { new.options.to_string() };
    let state = match state {
        OutboxState::Open => "open",
        OutboxState::Ready => "ready",
    };
    db.execute(
        "INSERT INTO outbox (channel, account, target, inbox_id, part, state, text, options, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (&new.to.channel, &new.to.account, &new.to.target, inbox_id, part, state, &new.text, options, now),
    )
    .map_err(StoreError::query("record a message to send"))?;
    Ok(db.query_row("SELECT * FROM outbox WHERE id = ?1", [db.last_insert_rowid()], outbox_row)?)
}

fn part_or_new(
    db: &Connection,
    to: &Delivery,
    inbox_id: i64,
    part: i64,
    now: i64,
) -> Result<OutboxRow, StoreError> {
    let found = db
        .query_row("SELECT * FROM outbox WHERE inbox_id = ?1 AND part = ?2", (inbox_id, part), outbox_row)
        .optional()?;
    if let Some(row) = found {
        return Ok(row);
    }
    let new = NewOutbox { to: to.clone(), text: String::new(), options: Value::Null };
    insert(db, &new, Some(inbox_id), part, OutboxState::Open, now)
}

fn rows_of(db: &Connection, inbox_id: i64) -> Result<Vec<OutboxRow>, StoreError> {
    let mut statement = db.prepare("SELECT * FROM outbox WHERE inbox_id = ?1 ORDER BY part")?;
    let rows = statement.query_map([inbox_id], outbox_row)?.collect::<Result<_, _>>()?;
    Ok(rows)
}

fn outbox_row(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    Ok(OutboxRow {
        id: row.get("id")?,
        channel: row.get("channel")?,
        account: row.get("account")?,
        target: row.get("target")?,
        inbox_id: row.get("inbox_id")?,
        part: row.get("part")?,
        state: rows::word(row, "state", |word| match word {
            "open" => Some(OutboxState::Open),
            "ready" => Some(OutboxState::Ready),
            _ => None,
        })?,
        text: row.get("text")?,
        options: rows::json(row, "options")?,
        message_id: row.get("message_id")?,
        attempts: row.get("attempts")?,
        not_before: row.get("not_before")?,
        last_error: row.get("last_error")?,
        created_at: row.get("created_at")?,
    })
}
