//! Summaries that stand for the beginning of a transcript in what models read.

use rusqlite::{OptionalExtension as _, Row};
use serde::Serialize;
use uuid::Uuid;

use crate::{Sessions, StoreError};

/// One summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compaction {
    /// Random id.
    pub id: String,
    /// The transcript.
    pub session_id: String,
    /// Messages from this place on are read as they are; those before it are summarised.
    pub kept_from: i64,
    /// What was said before.
    pub summary: String,
    /// `manual` or `auto-threshold`.
    pub reason: String,
    /// About how many tokens it was.
    pub tokens_before: u64,
    /// About how many it is now.
    pub tokens_after: u64,
    /// When, in milliseconds since 1970.
    pub created_at: i64,
}

/// A summary to keep.
#[derive(Debug, Clone, Default)]
pub struct NewCompaction {
    /// The transcript.
    pub session_id: String,
    /// The first message that is read as it is.
    pub kept_from: i64,
    /// What was said before.
    pub summary: String,
    /// `manual` or `auto-threshold`.
    pub reason: String,
    /// About how many tokens it was.
    pub tokens_before: u64,
    /// About how many it is now.
    pub tokens_after: u64,
}

impl Sessions {
    /// Keeps a summary, and what the transcript is worth from now on.
    pub async fn compact(&self, new: NewCompaction) -> Result<Compaction, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let number = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
                let id = Uuid::new_v4().to_string();
                let tx = db.transaction()?;
                tx.execute(
                    "INSERT INTO compaction (id, session_id, kept_from, summary, reason, tokens_before, tokens_after, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    (
                        &id,
                        &new.session_id,
                        new.kept_from,
                        &new.summary,
                        &new.reason,
                        number(new.tokens_before),
                        number(new.tokens_after),
                        now,
                    ),
                )
                .map_err(StoreError::query("keep a summary"))?;
                tx.execute(
                    "UPDATE session SET context_tokens = ?2 WHERE session_id = ?1",
                    (&new.session_id, number(new.tokens_after)),
                )?;
                let kept = tx.query_row("SELECT * FROM compaction WHERE id = ?1", [id], compaction)?;
                tx.commit().map_err(StoreError::query("keep a summary"))?;
                Ok(kept)
            })
            .await
    }

    /// The summary that holds for a transcript, and how many there were.
    pub async fn compaction(&self, session_id: &str) -> Result<(Option<Compaction>, usize), StoreError> {
        let id = session_id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let newest = db
                    .query_row(
                        "SELECT * FROM compaction WHERE session_id = ?1 ORDER BY kept_from DESC, created_at DESC LIMIT 1",
                        [&id],
                        compaction,
                    )
                    .optional()?;
                let count: i64 =
                    db.query_row("SELECT count(*) FROM compaction WHERE session_id = ?1", [id], |row| row.get(0))?;
                Ok((newest, usize::try_from(count).unwrap_or_default()))
            })
            .await
    }
}

fn compaction(row: &Row<'_>) -> rusqlite::Result<Compaction> {
    let tokens = |name| row.get::<_, i64>(name).map(|number| u64::try_from(number).unwrap_or_default());
    Ok(Compaction {
        id: row.get("id")?,
        session_id: row.get("session_id")?,
        kept_from: row.get("kept_from")?,
        summary: row.get("summary")?,
        reason: row.get("reason")?,
        tokens_before: tokens("tokens_before")?,
        tokens_after: tokens("tokens_after")?,
        created_at: row.get("created_at")?,
    })
}
