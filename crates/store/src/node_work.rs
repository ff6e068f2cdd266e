//! What a node is to do when it is there again: a bounded queue that survives a restart.

use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

use crate::{Nodes, StoreError};

/// No node has more than this waiting.
pub(crate) const MOST: i64 = 64;

/// How soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkPriority {
    /// When there is time.
    Default,
    /// Soon.
    Normal,
    /// First.
    High,
}

impl WorkPriority {
    /// As the protocol writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    /// Reads it.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Default, Self::Normal, Self::High].into_iter().find(|one| one.as_str() == text)
    }
}

/// One piece of work.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeWork {
    /// Its id.
    pub id: String,
    /// What is to be done, such as `status.request`.
    pub kind: String,
    /// How soon.
    pub priority: WorkPriority,
    /// With what.
    pub payload: Option<Value>,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// After which it is worth nothing.
    pub expires_at: Option<i64>,
}

/// What a queue answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Queued {
    /// What waits now: the new piece, or one like it that waited before.
    pub work: NodeWork,
    /// It waited before.
    pub again: bool,
    /// Grows with every change of the node's queue.
    pub revision: i64,
}

impl Nodes {
    /// Adds work for a node. A piece of the same kind that waits already is returned instead. `None`: the queue is
    /// full.
    pub async fn add_work(&self, node_id: &str, work: NodeWork) -> Result<Option<Queued>, StoreError> {
        let (node_id, now) = (node_id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                expire(&tx, &node_id, now)?;
                let same = tx
                    .query_row(
                        "SELECT * FROM node_work WHERE node_id = ?1 AND kind = ?2 AND payload IS ?3",
                        (&node_id, &work.kind, work.payload.as_ref().map(Value::to_string)),
                        read,
                    )
                    .optional()?;
                if let Some(same) = same {
                    let revision = revision(&tx, &node_id, 0)?;
                    tx.commit()?;
                    return Ok(Some(Queued { work: same, again: true, revision }));
                }
                let waiting: i64 =
                    tx.query_row("SELECT count(*) FROM node_work WHERE node_id = ?1", [&node_id], |row| {
                        row.get(0)
                    })?;
                if waiting >= MOST {
                    return Ok(None);
                }
                tx.execute(
                    "INSERT INTO node_work (id, node_id, kind, priority, payload, created_at, expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    (
                        &work.id,
                        &node_id,
                        &work.kind,
                        work.priority as i64,
                        work.payload.as_ref().map(Value::to_string),
                        work.created_at,
                        work.expires_at,
                    ),
                )?;
                let revision = revision(&tx, &node_id, 1)?;
                tx.commit().map_err(StoreError::query("queue work for a node"))?;
                Ok(Some(Queued { work, again: false, revision }))
            })
            .await
    }

    /// What waits for a node, the most urgent first.
    pub async fn work(&self, node_id: &str) -> Result<(Vec<NodeWork>, i64), StoreError> {
        let (node_id, now) = (node_id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                expire(db, &node_id, now)?;
                Ok((list(db, &node_id, MOST)?, revision(db, &node_id, 0)?))
            })
            .await
    }

    /// Takes the most urgent work out of a node's queue: the work, the queue's revision, whether more waits.
    pub async fn take_work(
        &self,
        node_id: &str,
        most: i64,
    ) -> Result<(Vec<NodeWork>, i64, bool), StoreError> {
        let (node_id, now) = (node_id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                expire(&tx, &node_id, now)?;
                let mut taken = list(&tx, &node_id, most.saturating_add(1))?;
                let more = i64::try_from(taken.len()).unwrap_or(i64::MAX) > most;
                taken.truncate(usize::try_from(most).unwrap_or(usize::MAX));
                for work in &taken {
                    tx.execute("DELETE FROM node_work WHERE id = ?1", [&work.id])?;
                }
                let revision = revision(&tx, &node_id, i64::from(!taken.is_empty()))?;
                tx.commit().map_err(StoreError::query("take a node's work"))?;
                Ok((taken, revision, more))
            })
            .await
    }

    /// Takes pieces out of a node's queue by their ids; says how many still wait.
    pub async fn done_work(&self, node_id: &str, ids: &[String]) -> Result<i64, StoreError> {
        let (node_id, ids, now) = (node_id.to_owned(), ids.to_vec(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                expire(&tx, &node_id, now)?;
                let mut gone = 0;
                for id in &ids {
                    gone +=
                        tx.execute("DELETE FROM node_work WHERE id = ?1 AND node_id = ?2", (id, &node_id))?;
                }
                revision(&tx, &node_id, i64::from(gone > 0))?;
                let left =
                    tx.query_row("SELECT count(*) FROM node_work WHERE node_id = ?1", [&node_id], |row| {
                        row.get(0)
                    })?;
                tx.commit().map_err(StoreError::query("end a node's work"))?;
                Ok(left)
            })
            .await
    }
}

fn expire(db: &Connection, node_id: &str, now: i64) -> Result<(), StoreError> {
    db.execute("DELETE FROM node_work WHERE node_id = ?1 AND expires_at <= ?2", (node_id, now))
        .map_err(StoreError::query("clear a node's queue"))?;
    Ok(())
}

fn revision(db: &Connection, node_id: &str, by: i64) -> Result<i64, StoreError> {
    db.execute("UPDATE node SET work_revision = work_revision + ?2 WHERE id = ?1 AND ?2 > 0", (node_id, by))
        .map_err(StoreError::query("count a node's queue"))?;
    let found = db
        .query_row("SELECT work_revision FROM node WHERE id = ?1", [node_id], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

fn list(db: &Connection, node_id: &str, most: i64) -> Result<Vec<NodeWork>, StoreError> {
    let mut statement = db.prepare(
        "SELECT * FROM node_work WHERE node_id = ?1 ORDER BY priority DESC, created_at, id LIMIT ?2",
    )?;
    let work = statement.query_map((node_id, most), read)?.collect::<Result<_, _>>()?;
    Ok(work)
}

fn read(row: &Row<'_>) -> rusqlite::Result<NodeWork> {
    let payload: Option<String> = row.get("payload")?;
    Ok(NodeWork {
        id: row.get("id")?,
        kind: row.get("kind")?,
        priority: match row.get::<_, i64>("priority")? {
            2 => WorkPriority::High,
            1 => WorkPriority::Normal,
            _ => WorkPriority::Default,
        },
        payload: payload.and_then(|text| serde_json::from_str(&text).ok()),
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
    })
}
