//! What an agent leaves behind when it goes.

use rusqlite::Connection;

use crate::messages::message;
use crate::{Message, Sessions, StoreError, branches};

impl Sessions {
    /// The transcripts of an agent: those of its conversations, and those that a new beginning put aside.
    pub async fn transcripts_of(&self, agent_id: &str) -> Result<Vec<String>, StoreError> {
        let agent = agent_id.to_owned();
        self.store.jobs.call(move |db| transcripts(db, &agent)).await
    }

    /// All of one transcript, oldest first.
    pub async fn transcript(&self, session_id: &str) -> Result<Vec<Message>, StoreError> {
        let id = session_id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let mut statement = db.prepare("SELECT * FROM message WHERE session_id = ?1 ORDER BY seq")?;
                let messages = statement.query_map([id], message)?.collect::<Result<_, _>>()?;
                Ok(messages)
            })
            .await
    }

    /// Removes the conversations of an agent with their transcripts, pictures, summaries and runs, all or none. What was
    /// used stays on record. Answers how many conversations there were.
    pub async fn purge_agent(&self, agent_id: &str) -> Result<usize, StoreError> {
        let agent = agent_id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                for id in transcripts(&tx, &agent)? {
                    branches::forget(&tx, &id)?;
                    for table in ["message", "picture", "compaction"] {
                        tx.execute(&format!("DELETE FROM {table} WHERE session_id = ?1"), [&id])?;
                    }
                }
                tx.execute(
                    "DELETE FROM run WHERE substr(session_key, 1, length(?1)) = ?1 AND status <> 'running'",
                    [prefix(&agent)],
                )?;
                let gone = tx.execute("DELETE FROM session WHERE agent_id = ?1", [&agent])?;
                tx.commit().map_err(StoreError::query("remove an agent's conversations"))?;
                Ok(gone)
            })
            .await
    }
}

/// How the keys of an agent's conversations begin.
fn prefix(agent_id: &str) -> String {
    format!("agent:{agent_id}:")
}

fn transcripts(db: &Connection, agent_id: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = db.prepare(
        "SELECT session_id FROM session WHERE agent_id = ?1
         UNION SELECT session_id FROM run WHERE substr(session_key, 1, length(?2)) = ?2",
    )?;
    let ids =
        statement.query_map((agent_id, prefix(agent_id)), |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(ids)
}
