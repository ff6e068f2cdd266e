//! Questions that an agent asks a person, and their answers.

use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

use crate::{Store, StoreError, rows};

/// How long a question that is over is kept, in milliseconds: a week.
const KEPT_MS: i64 = 7 * 24 * 3600 * 1000;

/// One record: up to three questions that are answered together.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Names it everywhere.
    pub id: String,
    /// The questions as clients are shown them.
    pub questions: Value,
    /// The agent that asks.
    pub agent_id: Option<String>,
    /// The session that asks.
    pub session_key: Option<String>,
    /// The run that asks.
    pub run_id: Option<String>,
    /// When it was asked, in milliseconds since 1970.
    pub created_at: i64,
    /// Until when it can be answered.
    pub expires_at: i64,
    /// `pending`, `answered`, `cancelled` or `expired`.
    pub status: String,
    /// The answers by question.
    pub answers: Option<Value>,
    /// Who answered.
    pub resolved_by: Option<String>,
    /// When it was over.
    pub resolved_at: Option<i64>,
}

/// How a question ends.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionEnd {
    /// `answered`, `cancelled` or `expired`.
    pub status: &'static str,
    /// The answers by question.
    pub answers: Option<Value>,
    /// Who answered.
    pub resolved_by: Option<String>,
}

/// Repository of questions.
#[derive(Debug, Clone)]
pub struct Questions {
    pub(crate) store: Store,
}

impl Questions {
    /// Files one; an id is taken once. `created_at` is set here.
    pub async fn add(&self, mut new: Question) -> Result<Question, StoreError> {
        new.created_at = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                tx.execute(
                    "INSERT INTO question (id, questions, agent_id, session_key, run_id, created_at, expires_at, status)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending')",
                    (
                        &new.id,
                        new.questions.to_string(),
                        &new.agent_id,
                        &new.session_key,
                        &new.run_id,
                        new.created_at,
                        new.expires_at,
                    ),
                )
                .map_err(StoreError::query("file a question"))?;
                let old = new.created_at.saturating_sub(KEPT_MS);
                tx.execute("DELETE FROM question WHERE resolved_at < ?1", [old])?;
                tx.commit().map_err(StoreError::query("file a question"))?;
                Ok(new)
            })
            .await
    }

    /// One by its id.
    pub async fn get(&self, id: &str) -> Result<Option<Question>, StoreError> {
        let id = id.to_owned();
        self.store.jobs.call(move |db| find(db, &id)).await
    }

    /// Those that nobody answered yet, oldest first.
    pub async fn pending(&self) -> Result<Vec<Question>, StoreError> {
        self.store
            .jobs
            .call(|db| {
                let mut statement =
                    db.prepare("SELECT * FROM question WHERE status = 'pending' ORDER BY created_at, id")?;
                let found = statement.query_map([], question)?.collect::<Result<_, _>>()?;
                Ok(found)
            })
            .await
    }

    /// Ends one that is pending. Answers how it stands now, and whether this call ended it; `None` for an unknown id.
    pub async fn resolve(&self, id: &str, end: QuestionEnd) -> Result<Option<(Question, bool)>, StoreError> {
        let (id, now) = (id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let in_time = end.status == "answered";
                let changed = tx
                    .execute(
                        "UPDATE question SET status = ?2, answers = ?3, resolved_by = ?4, resolved_at = ?5
                         WHERE id = ?1 AND status = 'pending' AND (NOT ?6 OR expires_at > ?5)",
                        (
                            &id,
                            end.status,
                            end.answers.as_ref().map(ToString::to_string),
                            &end.resolved_by,
                            now,
                            in_time,
                        ),
                    )
                    .map_err(StoreError::query("resolve a question"))?;
                let found = find(&tx, &id)?;
                tx.commit().map_err(StoreError::query("resolve a question"))?;
                Ok(found.map(|question| (question, changed == 1)))
            })
            .await
    }

    /// Ends everything that waits: whoever waited is gone with an earlier process.
    pub async fn cancel_on_start(&self) -> Result<Vec<Question>, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let found: Vec<Question> = {
                    let mut statement = tx.prepare("SELECT * FROM question WHERE status = 'pending'")?;
                    statement.query_map([], question)?.collect::<Result<_, _>>()?
                };
                tx.execute(
                    "UPDATE question SET status = 'cancelled', resolved_at = ?1 WHERE status = 'pending'",
                    [now],
                )?;
                tx.commit().map_err(StoreError::query("end questions of an earlier run"))?;
                Ok(found)
            })
            .await
    }
}

fn find(db: &Connection, id: &str) -> Result<Option<Question>, StoreError> {
    Ok(db.query_row("SELECT * FROM question WHERE id = ?1", [id], question).optional()?)
}

fn question(row: &Row<'_>) -> rusqlite::Result<Question> {
    Ok(Question {
        id: row.get("id")?,
        questions: rows::json(row, "questions")?,
        agent_id: row.get("agent_id")?,
        session_key: row.get("session_key")?,
        run_id: row.get("run_id")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        status: row.get("status")?,
        answers: rows::optional_json(row, "answers")?,
        resolved_by: row.get("resolved_by")?,
        resolved_at: row.get("resolved_at")?,
    })
}
