//! Conversations and permissions that come from another program, with the times that they had there.

use rusqlite::OptionalExtension as _;
use serde_json::Value;
use uuid::Uuid;

use crate::pairings::allow;
use crate::{AllowedSender, NewSession, Pairings, Sessions, StoreError};

/// A conversation from elsewhere, whole.
#[derive(Debug, Clone)]
pub struct ImportedSession {
    /// Its key, agent and chat.
    pub session: NewSession,
    /// When it began, in milliseconds since 1970.
    pub created_at: i64,
    /// Last change, in milliseconds since 1970.
    pub updated_at: i64,
    /// What was said, oldest first.
    pub messages: Vec<ImportedMessage>,
}

/// A message from elsewhere.
#[derive(Debug, Clone)]
pub struct ImportedMessage {
    /// Who spoke.
    pub role: String,
    /// Text or blocks.
    pub content: Value,
    /// Whatever else belongs to it.
    pub meta: Value,
    /// What it was called there.
    pub idempotency_key: String,
    /// When, in milliseconds since 1970.
    pub ts: i64,
}

impl Sessions {
    /// Adds a conversation with its messages, all or none. One whose key is here already is left as it is; says whether
    /// it was added.
    pub async fn import(&self, new: ImportedSession) -> Result<bool, StoreError> {
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let session = new.session;
                let known = tx
                    .query_row("SELECT 1 FROM session WHERE key = ?1", [&session.key], |_| Ok(()))
                    .optional()?
                    .is_some();
                if known {
                    return Ok(false);
                }
                let free = |id: &String| -> rusqlite::Result<bool> {
                    let taken = tx.query_row("SELECT 1 FROM message WHERE session_id = ?1", [id], |_| Ok(())).optional()?;
                    let named = tx.query_row("SELECT 1 FROM session WHERE session_id = ?1", [id], |_| Ok(())).optional()?;
                    Ok(taken.is_none() && named.is_none())
                };
                let session_id = match session.session_id {
                    Some(id) if free(&id)? => id,
                    _ => Uuid::new_v4().to_string(),
                };
                tx.execute(
                    "INSERT INTO session (key, session_id, agent_id, kind, channel, account, peer, label, created_at, updated_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    (
                        &session.key,
                        &session_id,
                        session.agent_id,
                        session.kind.unwrap_or_else(|| "direct".into()),
                        session.channel,
                        session.account,
                        session.peer,
                        session.label,
                        new.created_at,
                        new.updated_at.max(new.created_at),
                    ),
                )
                .map_err(StoreError::query("import a session"))?;
                {
                    let mut insert = tx.prepare(
                        "INSERT OR IGNORE INTO message (id, session_id, seq, role, content, idempotency_key, meta, ts)
                         VALUES (?1, ?2, (SELECT coalesce(max(seq), 0) + 1 FROM message WHERE session_id = ?2), ?3, ?4, ?5, ?6, ?7)",
                    )?;
                    for message in new.messages {
                        let meta = if message.meta.is_object() { message.meta.to_string() } else { "{}".to_owned() };
                        insert
                            .execute((
                                Uuid::new_v4().to_string(),
                                &session_id,
                                message.role,
                                message.content.to_string(),
                                message.idempotency_key,
                                meta,
                                message.ts,
                            ))
                            .map_err(StoreError::query("import a message"))?;
                    }
                }
                tx.commit().map_err(StoreError::query("import a session"))?;
                Ok(true)
            })
            .await
    }
}

impl Pairings {
    /// Lets somebody in who was let in elsewhere.
    pub async fn allow(&self, allowed: AllowedSender) -> Result<(), StoreError> {
        self.store
            .jobs
            .call(move |db| {
                allow(db, &allowed).map_err(StoreError::query("allow a sender"))?;
                Ok(())
            })
            .await
    }
}
