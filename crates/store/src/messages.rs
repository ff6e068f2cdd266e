//! What was said in a conversation, in order.

use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{Sessions, StoreError, StoredPicture, pictures, rows, sessions};

/// One message of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Random id (UUID).
    pub id: String,
    /// The transcript that it is in.
    pub session_id: String,
    /// Place in the transcript, from 1, without gaps.
    pub seq: i64,
    /// `user`, `assistant`, `toolResult` or another word of the protocol.
    pub role: String,
    /// Text or blocks.
    pub content: Value,
    /// The run that made it.
    pub run_id: Option<String>,
    /// A second message with the same key in the same transcript is not added.
    pub idempotency_key: Option<String>,
    /// Whatever else belongs to it: model, usage, stop reason, sender.
    pub meta: Value,
    /// When, in milliseconds since 1970.
    pub ts: i64,
}

impl Message {
    /// Its words, without tool calls and pictures.
    pub fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Array(blocks) => blocks
                .iter()
                .filter(|block| block.get("type").and_then(Value::as_str) == Some("text"))
                .filter_map(|block| block.get("text").and_then(Value::as_str))
                .collect::<Vec<_>>()
                .join("\n"),
            _ => String::new(),
        }
    }
}

/// A message to add.
#[derive(Debug, Clone, Default)]
pub struct NewMessage {
    /// Session that it goes into.
    pub session_key: String,
    /// Who speaks.
    pub role: String,
    /// Text or blocks.
    pub content: Value,
    /// The run that made it.
    pub run_id: Option<String>,
    /// Adds it once only.
    pub idempotency_key: Option<String>,
    /// Whatever else belongs to it; an object or null.
    pub meta: Value,
    /// When; now if left out.
    pub ts: Option<i64>,
    /// Pictures that its blocks name.
    pub pictures: Vec<StoredPicture>,
}

impl NewMessage {
    /// A message without run, key or particulars.
    pub fn new(session_key: impl Into<String>, role: impl Into<String>, content: Value) -> Self {
        Self { session_key: session_key.into(), role: role.into(), content, ..Self::default() }
    }

    /// Names the run that makes it.
    #[must_use]
    pub fn in_run(mut self, run_id: impl Into<String>) -> Self {
        self.run_id = Some(run_id.into());
        self
    }

    /// Makes a second try with the same key return the first message.
    #[must_use]
    pub fn once(mut self, idempotency_key: impl Into<String>) -> Self {
        self.idempotency_key = Some(idempotency_key.into());
        self
    }

    /// Attaches particulars.
    #[must_use]
    pub fn with_meta(mut self, meta: Value) -> Self {
        self.meta = meta;
        self
    }
}

impl Sessions {
    /// Adds a message at the end. With an idempotency key that is there already, returns that message instead.
    pub async fn append_message(&self, new: NewMessage) -> Result<Message, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let message = append(&tx, new, now)?;
                tx.commit().map_err(StoreError::query("append a message"))?;
                Ok(message)
            })
            .await
    }

    /// Adds messages at the end, all or none.
    pub async fn append_messages(&self, new: Vec<NewMessage>) -> Result<Vec<Message>, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let messages = new.into_iter().map(|new| append(&tx, new, now)).collect::<Result<_, _>>()?;
                tx.commit().map_err(StoreError::query("append messages"))?;
                Ok(messages)
            })
            .await
    }

    /// The last `limit` messages of the session's present transcript, older than `before` (a `seq`) if given,
    /// oldest first. A key without a session has no history.
    pub async fn history(
        &self,
        session_key: &str,
        limit: usize,
        before: Option<i64>,
    ) -> Result<Vec<Message>, StoreError> {
        let key = session_key.to_owned();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.store
            .jobs
            .call(move |db| {
                let mut statement = db.prepare(
                    "SELECT * FROM message WHERE session_id = (SELECT session_id FROM session WHERE key = ?1)
                       AND (?2 IS NULL OR seq < ?2) ORDER BY seq DESC LIMIT ?3",
                )?;
                let mut messages =
                    statement.query_map((key, before, limit), message)?.collect::<Result<Vec<_>, _>>()?;
                messages.reverse();
                Ok(messages)
            })
            .await
    }

    /// Messages of the session's present transcript with a `seq` above `after`, oldest first.
    pub async fn history_after(
        &self,
        session_key: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let key = session_key.to_owned();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.store
            .jobs
            .call(move |db| {
                let mut statement = db.prepare(
                    "SELECT * FROM message WHERE session_id = (SELECT session_id FROM session WHERE key = ?1)
                       AND seq > ?2 ORDER BY seq LIMIT ?3",
                )?;
                let messages =
                    statement.query_map((key, after, limit), message)?.collect::<Result<_, _>>()?;
                Ok(messages)
            })
            .await
    }

    /// How many messages the present transcript has.
    pub async fn message_count(&self, session_key: &str) -> Result<i64, StoreError> {
        let key = session_key.to_owned();
        self.store
            .jobs
            .call(move |db| {
                Ok(db.query_row(
                    "SELECT count(*) FROM message WHERE session_id = (SELECT session_id FROM session WHERE key = ?1)",
                    [key],
                    |row| row.get(0),
                )?)
            })
            .await
    }

    /// The newest message of the present transcript.
    pub async fn last_message(&self, session_key: &str) -> Result<Option<Message>, StoreError> {
        Ok(self.history(session_key, 1, None).await?.pop())
    }

    /// The first message of a role in the present transcript (a title can be derived from it).
    pub async fn first_message(&self, session_key: &str, role: &str) -> Result<Option<Message>, StoreError> {
        let (key, role) = (session_key.to_owned(), role.to_owned());
        self.store
            .jobs
            .call(move |db| {
                Ok(db
                    .query_row(
                        "SELECT * FROM message WHERE session_id = (SELECT session_id FROM session WHERE key = ?1)
                           AND role = ?2 ORDER BY seq LIMIT 1",
                        (key, role),
                        message,
                    )
                    .optional()?)
            })
            .await
    }

    /// One message of the present transcript.
    pub async fn message(&self, session_key: &str, id: &str) -> Result<Option<Message>, StoreError> {
        let (key, id) = (session_key.to_owned(), id.to_owned());
        self.store
            .jobs
            .call(move |db| {
                Ok(db
                    .query_row(
                        "SELECT * FROM message WHERE id = ?2
                           AND session_id = (SELECT session_id FROM session WHERE key = ?1)",
                        (key, id),
                        message,
                    )
                    .optional()?)
            })
            .await
    }

    /// Takes the messages of a run back, as if it had never been asked. Says how many there were.
    pub async fn forget_run(&self, run_id: &str) -> Result<usize, StoreError> {
        let run_id = run_id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                db.execute("DELETE FROM message WHERE run_id = ?1", [run_id])
                    .map_err(StoreError::query("take messages back"))
            })
            .await
    }

    /// The messages that a run made, in order.
    pub async fn messages_of_run(&self, run_id: &str) -> Result<Vec<Message>, StoreError> {
        let run_id = run_id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let mut statement =
                    db.prepare("SELECT * FROM message WHERE run_id = ?1 ORDER BY session_id, seq")?;
                let messages = statement.query_map([run_id], message)?.collect::<Result<_, _>>()?;
                Ok(messages)
            })
            .await
    }
}

/// Adds one message inside the caller's transaction.
pub(crate) fn append(db: &Connection, new: NewMessage, now: i64) -> Result<Message, StoreError> {
    let session = sessions::require(db, &new.session_key)?;
    if let Some(key) = &new.idempotency_key {
        let found = db
            .query_row(
                "SELECT * FROM message WHERE session_id = ?1 AND idempotency_key = ?2",
                (&session.session_id, key),
                message,
            )
            .optional()?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    let id = Uuid::new_v4().to_string();
    let spoken = new.role == "user";
    let meta = if new.meta.is_null() { "{}".to_owned() } else { new.meta.to_string() };
    db.execute(
        "INSERT INTO message (id, session_id, seq, role, content, run_id, idempotency_key, meta, ts)
         VALUES (?1, ?2, (SELECT coalesce(max(seq), 0) + 1 FROM message WHERE session_id = ?2), ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            &id,
            &session.session_id,
            new.role,
            new.content.to_string(),
            new.run_id,
            new.idempotency_key,
            meta,
            new.ts.unwrap_or(now),
        ),
    )
    .map_err(StoreError::query("append a message"))?;
    for picture in &new.pictures {
        pictures::keep(db, &session.session_id, picture)?;
    }
    db.execute(
        "UPDATE session SET updated_at = max(updated_at, ?2), spoken_at = CASE WHEN ?3 THEN ?2 ELSE spoken_at END
         WHERE key = ?1",
        (&session.key, now, spoken),
    )?;
    Ok(db.query_row("SELECT * FROM message WHERE id = ?1", [id], message)?)
}

pub(crate) fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get("id")?,
        session_id: row.get("session_id")?,
        seq: row.get("seq")?,
        role: row.get("role")?,
        content: rows::json(row, "content")?,
        run_id: row.get("run_id")?,
        idempotency_key: row.get("idempotency_key")?,
        meta: rows::json(row, "meta")?,
        ts: row.get("ts")?,
    })
}
