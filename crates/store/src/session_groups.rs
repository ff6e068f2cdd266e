//! The groups that conversations are sorted under, in the order people gave them.

use rusqlite::{Connection, OptionalExtension as _};

use crate::{Sessions, StoreError};

impl Sessions {
    /// The groups in their order.
    pub async fn groups(&self) -> Result<Vec<String>, StoreError> {
        self.store.jobs.call(|db| all(db)).await
    }

    /// Replaces the list and its order. `Err` inside names a group that conversations still belong to and that is missing.
    pub async fn put_groups(&self, names: Vec<String>) -> Result<Result<Vec<String>, String>, StoreError> {
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let used = {
                    let mut statement =
                        tx.prepare("SELECT DISTINCT category FROM session WHERE category IS NOT NULL")?;
                    statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?
                };
                if let Some(missing) = used.into_iter().find(|name| !names.contains(name)) {
                    return Ok(Err(missing));
                }
                tx.execute("DELETE FROM session_group", [])?;
                for (position, name) in names.iter().enumerate() {
                    tx.execute(
                        "INSERT OR IGNORE INTO session_group (name, position) VALUES (?1, ?2)",
                        (name, i64::try_from(position).unwrap_or(i64::MAX)),
                    )?;
                }
                let groups = all(&tx)?;
                tx.commit().map_err(StoreError::query("order the groups"))?;
                Ok(Ok(groups))
            })
            .await
    }

    /// Gives a group another name, and its conversations with it. Answers how many those are; `None`: there is no such group.
    pub async fn rename_group(&self, name: &str, to: &str) -> Result<Option<usize>, StoreError> {
        let (name, to) = (name.to_owned(), to.to_owned());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let Some(position) = position(&tx, &name)? else { return Ok(None) };
                tx.execute("DELETE FROM session_group WHERE name = ?1", [&name])?;
                tx.execute(
                    "INSERT OR IGNORE INTO session_group (name, position) VALUES (?1, ?2)",
                    (&to, position),
                )?;
                let moved =
                    tx.execute("UPDATE session SET category = ?2 WHERE category = ?1", (&name, &to))?;
                tx.commit().map_err(StoreError::query("rename a group"))?;
                Ok(Some(moved))
            })
            .await
    }

    /// Removes a group; its conversations stay, in no group. Answers how many those are; `None`: there is no such group.
    pub async fn delete_group(&self, name: &str) -> Result<Option<usize>, StoreError> {
        let name = name.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                if tx.execute("DELETE FROM session_group WHERE name = ?1", [&name])? == 0 {
                    return Ok(None);
                }
                let moved = tx.execute("UPDATE session SET category = NULL WHERE category = ?1", [&name])?;
                tx.commit().map_err(StoreError::query("remove a group"))?;
                Ok(Some(moved))
            })
            .await
    }
}

fn all(db: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = db.prepare("SELECT name FROM session_group ORDER BY position, name")?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(names)
}

fn position(db: &Connection, name: &str) -> Result<Option<i64>, StoreError> {
    Ok(db
        .query_row("SELECT position FROM session_group WHERE name = ?1", [name], |row| row.get(0))
        .optional()?)
}

/// Adds a group behind the others, unless it is there.
pub(crate) fn ensure(db: &Connection, name: &str) -> rusqlite::Result<usize> {
    db.execute(
        "INSERT OR IGNORE INTO session_group (name, position)
         VALUES (?1, (SELECT coalesce(max(position), -1) + 1 FROM session_group))",
        [name],
    )
}
