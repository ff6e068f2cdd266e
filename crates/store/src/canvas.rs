//! Documents that agents made for people to look at.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::{Store, StoreError};

/// A document without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanvasDocument {
    /// Names it everywhere; nobody guesses it.
    pub id: String,
    /// The conversation that it belongs to.
    pub session_key: String,
    /// `html` or `a2ui`.
    pub kind: String,
    /// For people.
    pub title: String,
    /// Goes up by one with every change.
    pub revision: i64,
    /// Its size in bytes.
    pub bytes: i64,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it changed last.
    pub updated_at: i64,
}

/// A document as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanvasDraft {
    /// Its name; an existing document of the same conversation is replaced.
    pub id: String,
    /// The conversation that it belongs to.
    pub session_key: String,
    /// `html` or `a2ui`.
    pub kind: String,
    /// For people.
    pub title: String,
    /// All of it.
    pub content: String,
}

/// How much there may be. What is oldest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanvasBounds {
    /// Documents of one conversation.
    pub per_session: usize,
    /// Documents of the profile.
    pub documents: usize,
    /// Their bytes together.
    pub bytes: usize,
}

/// Repository of documents.
#[derive(Debug, Clone)]
pub struct CanvasDocuments {
    pub(crate) store: Store,
}

const COLUMNS: &str =
    "id, session_key, kind, title, revision, length(CAST(content AS BLOB)) AS bytes, created_at, updated_at";

impl CanvasDocuments {
    /// Writes a document, and lets go of the oldest ones that go beyond the bounds. `None`: another conversation has one of
    /// that name.
    pub async fn put(
        &self,
        draft: CanvasDraft,
        bounds: CanvasBounds,
    ) -> Result<Option<CanvasDocument>, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let written = tx
                    .execute(
                        "INSERT INTO canvas_document
                           (id, session_key, kind, title, content, revision, created_at, updated_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?6)
                         ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, title = excluded.title,
                           content = excluded.content, revision = revision + 1, updated_at = excluded.updated_at
                         WHERE session_key = excluded.session_key",
                        (&draft.id, &draft.session_key, &draft.kind, &draft.title, &draft.content, now),
                    )
                    .map_err(StoreError::query("record a document"))?;
                if written == 0 {
                    return Ok(None);
                }
                forget_oldest(&tx, &draft, bounds)?;
                let found = by_id(&tx, &draft.id)?;
                tx.commit().map_err(StoreError::query("record a document"))?;
                Ok(found)
            })
            .await
    }

    /// A document and its content.
    pub async fn get(&self, id: &str) -> Result<Option<(CanvasDocument, String)>, StoreError> {
        let id = id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let Some(found) = by_id(db, &id)? else { return Ok(None) };
                let content =
                    db.query_row("SELECT content FROM canvas_document WHERE id = ?1", [&id], |row| {
                        row.get(0)
                    })?;
                Ok(Some((found, content)))
            })
            .await
    }

    /// Those of one conversation, or all; what changed last comes first.
    pub async fn list(&self, session_key: Option<&str>) -> Result<Vec<CanvasDocument>, StoreError> {
        let session_key = session_key.map(str::to_owned);
        self.store
            .jobs
            .call(move |db| {
                let mut statement = db.prepare(&format!(
                    "SELECT {COLUMNS} FROM canvas_document WHERE ?1 IS NULL OR session_key = ?1
                     ORDER BY updated_at DESC, rowid DESC"
                ))?;
                let found = statement.query_map([session_key], document)?.collect::<Result<_, _>>()?;
                Ok(found)
            })
            .await
    }

    /// Lets go of one; says whose it was.
    pub async fn remove(&self, id: &str) -> Result<Option<CanvasDocument>, StoreError> {
        let id = id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let found = by_id(db, &id)?;
                db.execute("DELETE FROM canvas_document WHERE id = ?1", [&id])
                    .map_err(StoreError::query("remove a document"))?;
                Ok(found)
            })
            .await
    }
}

fn forget_oldest(db: &Connection, kept: &CanvasDraft, bounds: CanvasBounds) -> Result<(), StoreError> {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    db.execute(
        "DELETE FROM canvas_document WHERE id IN (
           SELECT id FROM canvas_document WHERE session_key = ?1 AND id <> ?2
           ORDER BY updated_at DESC, rowid DESC LIMIT -1 OFFSET ?3)",
        (&kept.session_key, &kept.id, number(bounds.per_session.saturating_sub(1))),
    )?;
    db.execute(
        "DELETE FROM canvas_document WHERE id IN (
           SELECT id FROM (
             SELECT id, row_number() OVER newest AS place,
               sum(length(CAST(content AS BLOB))) OVER newest AS together
             FROM canvas_document
             WINDOW newest AS (ORDER BY id = ?1 DESC, updated_at DESC, rowid DESC))
           WHERE place > ?2 OR (together > ?3 AND id <> ?1))",
        (&kept.id, number(bounds.documents), number(bounds.bytes)),
    )?;
    Ok(())
}

fn by_id(db: &Connection, id: &str) -> Result<Option<CanvasDocument>, StoreError> {
    let query = format!("SELECT {COLUMNS} FROM canvas_document WHERE id = ?1");
    Ok(db.query_row(&query, [id], document).optional()?)
}

fn document(row: &Row<'_>) -> rusqlite::Result<CanvasDocument> {
    Ok(CanvasDocument {
        id: row.get("id")?,
        session_key: row.get("session_key")?,
        kind: row.get("kind")?,
        title: row.get("title")?,
        revision: row.get("revision")?,
        bytes: row.get("bytes")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
