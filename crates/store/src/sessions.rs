//! Conversations. A key is stable (`agent:main:telegram:direct:42`); the session id behind it changes on a reset.

use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{Store, StoreError, branches, rows};

/// One conversation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Stable name, such as `agent:main:main`.
    pub key: String,
    /// Names the present transcript; a reset makes a new one.
    pub session_id: String,
    /// The agent that answers.
    pub agent_id: String,
    /// `direct`, `group`, `global` or another word of the protocol.
    pub kind: String,
    /// Channel that it belongs to, if any.
    pub channel: Option<String>,
    /// Account (bot) on that channel.
    pub account: Option<String>,
    /// Chat on that channel.
    pub peer: Option<String>,
    /// What a person called it.
    pub label: Option<String>,
    /// Provider of the last run.
    pub model_provider: Option<String>,
    /// Model of the last run.
    pub model: Option<String>,
    /// Tokens read by models, over the session's life.
    pub input_tokens: u64,
    /// Tokens written by models, over the session's life.
    pub output_tokens: u64,
    /// Size of the last prompt.
    pub context_tokens: u64,
    /// When it began, in milliseconds since 1970.
    pub created_at: i64,
    /// Last change, in milliseconds since 1970.
    pub updated_at: i64,
    /// When it was put away, if it is.
    pub archived_at: Option<i64>,
    /// When it was pinned, if it is.
    pub pinned_at: Option<i64>,
    /// When somebody last read it.
    pub read_at: Option<i64>,
    /// When somebody marked it as not read.
    pub marked_unread_at: Option<i64>,
    /// When a person last said something in it.
    pub spoken_at: Option<i64>,
    /// The group that it is sorted under.
    pub category: Option<String>,
    /// The session that it was begun from.
    pub parent: Option<String>,
    /// What people chose for it: an object (`model`, `verboseLevel`, …).
    pub choices: Value,
    /// Whatever else belongs to it.
    pub meta: Value,
}

impl Session {
    /// What was chosen under this name, if it is a text.
    pub fn choice(&self, name: &str) -> Option<&str> {
        self.choices.get(name).and_then(Value::as_str)
    }
}

/// What a new conversation begins with.
#[derive(Debug, Clone, Default)]
pub struct NewSession {
    /// Stable name.
    pub key: String,
    /// The agent that answers.
    pub agent_id: String,
    /// Kind; `direct` when left out.
    pub kind: Option<String>,
    /// A session id of the caller's; random when left out.
    pub session_id: Option<String>,
    /// Channel, if any.
    pub channel: Option<String>,
    /// Account on that channel.
    pub account: Option<String>,
    /// Chat on that channel.
    pub peer: Option<String>,
    /// Label.
    pub label: Option<String>,
    /// The session that it is begun from.
    pub parent: Option<String>,
}

impl NewSession {
    /// A direct conversation of no channel.
    pub fn new(key: impl Into<String>, agent_id: impl Into<String>) -> Self {
        Self { key: key.into(), agent_id: agent_id.into(), ..Self::default() }
    }

    /// Names the chat on a channel that it belongs to.
    #[must_use]
    pub fn on_channel(mut self, channel: &str, account: &str, peer: &str) -> Self {
        self.channel = Some(channel.to_owned());
        self.account = Some(account.to_owned());
        self.peer = Some(peer.to_owned());
        self
    }
}

/// What a run adds to its session.
#[derive(Debug, Clone, Default)]
pub struct SessionTotals {
    /// Provider that answered.
    pub model_provider: Option<String>,
    /// Model that answered.
    pub model: Option<String>,
    /// Tokens read in this run.
    pub input_tokens: u64,
    /// Tokens written in this run.
    pub output_tokens: u64,
    /// Size of the last prompt.
    pub context_tokens: u64,
}

/// Repository of conversations and their messages.
#[derive(Debug, Clone)]
pub struct Sessions {
    pub(crate) store: Store,
}

impl Sessions {
    /// The session under the key, made if there is none.
    pub async fn get_or_create(&self, new: NewSession) -> Result<Session, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                if let Some(found) = find(db, &new.key)? {
                    return Ok(found);
                }
                db.execute(
                    "INSERT INTO session (key, session_id, agent_id, kind, channel, account, peer, label, created_at, updated_at, parent)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)",
                    (
                        &new.key,
                        new.session_id.unwrap_or_else(|| Uuid::new_v4().to_string()),
                        new.agent_id,
                        new.kind.unwrap_or_else(|| "direct".into()),
                        new.channel,
                        new.account,
                        new.peer,
                        new.label,
                        now,
                        new.parent,
                    ),
                )
                .map_err(StoreError::query("make a session"))?;
                require(db, &new.key)
            })
            .await
    }

    /// The session under the key.
    pub async fn get(&self, key: &str) -> Result<Option<Session>, StoreError> {
        let key = key.to_owned();
        self.store.jobs.call(move |db| find(db, &key)).await
    }

    /// The session whose present transcript has this id.
    pub async fn by_session_id(&self, session_id: &str) -> Result<Option<Session>, StoreError> {
        let id = session_id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                Ok(db.query_row("SELECT * FROM session WHERE session_id = ?1", [id], session).optional()?)
            })
            .await
    }

    /// Marks the session as just used.
    pub async fn touch(&self, key: &str) -> Result<(), StoreError> {
        let (key, now) = (key.to_owned(), self.store.now());
        self.change(key, move |db, key| {
            db.execute("UPDATE session SET updated_at = max(updated_at, ?2) WHERE key = ?1", (key, now))
        })
        .await
    }

    /// Sets or clears the label.
    pub async fn set_label(&self, key: &str, label: Option<&str>) -> Result<(), StoreError> {
        let (key, label) = (key.to_owned(), label.map(str::to_owned));
        self.change(key, move |db, key| {
            db.execute("UPDATE session SET label = ?2 WHERE key = ?1", (key, label))
        })
        .await
    }

    /// Replaces the free part.
    pub async fn set_meta(&self, key: &str, meta: &Value) -> Result<(), StoreError> {
        let (key, meta) = (key.to_owned(), meta.to_string());
        self.change(key, move |db, key| {
            db.execute("UPDATE session SET meta = ?2 WHERE key = ?1", (key, meta))
        })
        .await
    }

    /// Adds what a run used.
    pub async fn add_totals(&self, key: &str, totals: SessionTotals) -> Result<(), StoreError> {
        let (key, now) = (key.to_owned(), self.store.now());
        self.change(key, move |db, key| add_totals(db, key, &totals, now)).await
    }

    /// Begins a new, empty transcript under the same key. The old one stays under its session id.
    pub async fn reset(&self, key: &str) -> Result<Session, StoreError> {
        let (key, now) = (key.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                db.execute(
                    "UPDATE session SET session_id = ?2, updated_at = ?3, context_tokens = 0,
                       archived_at = NULL WHERE key = ?1",
                    (&key, Uuid::new_v4().to_string(), now),
                )
                .map_err(StoreError::query("reset a session"))?;
                require(db, &key)
            })
            .await
    }

    /// Removes the session and its present transcript; says whether there was one.
    pub async fn delete(&self, key: &str) -> Result<bool, StoreError> {
        let key = key.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                if let Some(session) = find(&tx, &key)? {
                    branches::forget(&tx, &session.session_id)?;
                }
                tx.execute(
                    "DELETE FROM message WHERE session_id = (SELECT session_id FROM session WHERE key = ?1)",
                    [&key],
                )?;
                tx.execute(
                    "DELETE FROM picture WHERE session_id = (SELECT session_id FROM session WHERE key = ?1)",
                    [&key],
                )?;
                tx.execute(
                    "DELETE FROM compaction WHERE session_id = (SELECT session_id FROM session WHERE key = ?1)",
                    [&key],
                )?;
                let gone = tx.execute("DELETE FROM session WHERE key = ?1", [&key])? > 0;
                tx.commit().map_err(StoreError::query("delete a session"))?;
                Ok(gone)
            })
            .await
    }

    async fn change<F>(&self, key: String, change: F) -> Result<(), StoreError>
    where
        F: FnOnce(&Connection, &str) -> rusqlite::Result<usize> + Send + 'static,
    {
        self.store
            .jobs
            .call(move |db| match change(db, &key).map_err(StoreError::query("change a session"))? {
                0 => Err(StoreError::NotFound { what: "session", id: key }),
                _ => Ok(()),
            })
            .await
    }
}

pub(crate) fn add_totals(
    db: &Connection,
    key: &str,
    totals: &SessionTotals,
    now: i64,
) -> rusqlite::Result<usize> {
    let number = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    db.execute(
        "UPDATE session SET model_provider = coalesce(?2, model_provider), model = coalesce(?3, model),
           input_tokens = input_tokens + ?4, output_tokens = output_tokens + ?5,
           context_tokens = CASE WHEN ?6 > 0 THEN ?6 ELSE context_tokens END, updated_at = max(updated_at, ?7)
         WHERE key = ?1",
        (
            key,
            &totals.model_provider,
            &totals.model,
            number(totals.input_tokens),
            number(totals.output_tokens),
            number(totals.context_tokens),
            now,
        ),
    )
}

/// Sets one column of a session.
pub(crate) fn set(
    db: &Connection,
    key: &str,
    column: &'static str,
    value: impl rusqlite::ToSql,
) -> Result<(), StoreError> {
    db.execute(&format!("UPDATE session SET {column} = ?2 WHERE key = ?1"), (key, value))
        .map_err(StoreError::query("change a session"))?;
    Ok(())
}

pub(crate) fn find(db: &Connection, key: &str) -> Result<Option<Session>, StoreError> {
    Ok(db.query_row("SELECT * FROM session WHERE key = ?1", [key], session).optional()?)
}

pub(crate) fn require(db: &Connection, key: &str) -> Result<Session, StoreError> {
    find(db, key)?.ok_or_else(|| StoreError::NotFound { what: "session", id: key.to_owned() })
}

pub(crate) fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    let tokens = |name| row.get::<_, i64>(name).map(|number| u64::try_from(number).unwrap_or_default());
    Ok(Session {
        key: row.get("key")?,
        session_id: row.get("session_id")?,
        agent_id: row.get("agent_id")?,
        kind: row.get("kind")?,
        channel: row.get("channel")?,
        account: row.get("account")?,
        peer: row.get("peer")?,
        label: row.get("label")?,
        model_provider: row.get("model_provider")?,
        model: row.get("model")?,
        input_tokens: tokens("input_tokens")?,
        output_tokens: tokens("output_tokens")?,
        context_tokens: tokens("context_tokens")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        archived_at: row.get("archived_at")?,
        pinned_at: row.get("pinned_at")?,
        read_at: row.get("read_at")?,
        marked_unread_at: row.get("marked_unread_at")?,
        spoken_at: row.get("spoken_at")?,
        category: row.get("category")?,
        parent: row.get("parent")?,
        choices: rows::json(row, "choices")?,
        meta: rows::json(row, "meta")?,
    })
}
