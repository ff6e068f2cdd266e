//! Small values by name, for what needs no table of its own.

use rusqlite::OptionalExtension;
use serde_json::Value;

use crate::{Store, StoreError};

/// Repository of named values.
#[derive(Debug, Clone)]
pub struct Kv {
    pub(crate) store: Store,
}

impl Kv {
    /// The value under `name`.
    pub async fn get(&self, name: &str) -> Result<Option<Value>, StoreError> {
        let name = name.to_owned();
        let text = self
            .store
            .jobs
            .call(move |db| {
                Ok(db
                    .query_row("SELECT value FROM kv WHERE name = ?1", [name], |row| row.get::<_, String>(0))
                    .optional()?)
            })
            .await?;
        text.map(|text| {
            serde_json::from_str(&text)
                .map_err(|error| StoreError::BadValue { what: "named value", reason: error.to_string() })
        })
        .transpose()
    }

    /// Sets the value under `name`.
    pub async fn set(&self, name: &str, value: &Value) -> Result<(), StoreError> {
        let (name, value, now) = (name.to_owned(), value.to_string(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                db.execute(
                    "INSERT INTO kv (name, value, updated_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
                    (name, value, now),
                )
                .map_err(StoreError::query("set a named value"))?;
                Ok(())
            })
            .await
    }

    /// Removes the value under `name`; says whether there was one.
    pub async fn delete(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.store.jobs.call(move |db| Ok(db.execute("DELETE FROM kv WHERE name = ?1", [name])? > 0)).await
    }

    /// Names that begin with `prefix`, in order.
    pub async fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let prefix = prefix.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let mut statement =
                    db.prepare("SELECT name FROM kv WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name")?;
                let names = statement.query_map([prefix], |row| row.get(0))?.collect::<Result<_, _>>()?;
                Ok(names)
            })
            .await
    }
}
