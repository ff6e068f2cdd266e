//! Pictures that came with messages.

use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;
use uuid::Uuid;

use crate::{Sessions, StoreError};

/// A picture, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPicture {
    /// Random id; the message's block names it as `pictureId`.
    pub id: String,
    /// Its kind, such as `image/png`.
    pub mime_type: String,
    /// Its bytes.
    pub data: Vec<u8>,
}

impl StoredPicture {
    /// A new one.
    pub fn new(mime_type: impl Into<String>, data: Vec<u8>) -> Self {
        Self { id: Uuid::new_v4().to_string(), mime_type: mime_type.into(), data }
    }
}

impl Sessions {
    /// A picture by its id.
    pub async fn picture(&self, id: &str) -> Result<Option<StoredPicture>, StoreError> {
        let id = id.to_owned();
        self.store.jobs.call(move |db| find(db, &id)).await
    }
}

/// A picture by its id.
pub(crate) fn find(db: &Connection, id: &str) -> Result<Option<StoredPicture>, StoreError> {
    Ok(db
        .query_row("SELECT id, mime_type, data FROM picture WHERE id = ?1", [id], |row| {
            Ok(StoredPicture { id: row.get(0)?, mime_type: row.get(1)?, data: row.get(2)? })
        })
        .optional()?)
}

/// The pictures that a message's content names, in its order.
pub(crate) fn named(content: &Value) -> impl Iterator<Item = &str> {
    content.as_array().into_iter().flatten().filter_map(|block| block.get("pictureId")?.as_str())
}

/// Keeps a picture inside the caller's transaction.
pub(crate) fn keep(db: &Connection, session_id: &str, picture: &StoredPicture) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO picture (id, session_id, mime_type, data) VALUES (?1, ?2, ?3, ?4)",
        (&picture.id, session_id, &picture.mime_type, &picture.data),
    )
    .map_err(StoreError::query("keep a picture"))?;
    Ok(())
}
