//! Work that goes on beside conversations: runs that a program or the schedule asked for.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::{Store, StoreError};

/// How long a task that ended is kept, in milliseconds: a week.
const KEPT_MS: i64 = 7 * 24 * 3600 * 1000;

/// One task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Names it everywhere.
    pub id: String,
    /// `cli` or `cron`.
    pub runtime: String,
    /// `queued`, `running`, `completed`, `failed`, `cancelled` or `timed_out`.
    pub status: String,
    /// One line for people.
    pub title: String,
    /// The agent that works.
    pub agent_id: String,
    /// The session that it works in.
    pub session_key: String,
    /// The run that does the work.
    pub run_id: String,
    /// What brought it about, such as a cron job.
    pub source_id: Option<String>,
    /// When it was asked for, in milliseconds since 1970.
    pub created_at: i64,
    /// When it changed last.
    pub updated_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// What was asked.
    pub prompt: String,
    /// What came of it.
    pub result: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
}

/// Which tasks are asked for.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// Only with one of these; none means all.
    pub statuses: Vec<String>,
    /// Only of this agent.
    pub agent_id: Option<String>,
    /// Only of this session.
    pub session_key: Option<String>,
    /// By the time of their end instead of their last change.
    pub by_end: bool,
    /// Skipped, counted from the newest.
    pub offset: usize,
    /// At most so many.
    pub limit: usize,
}

/// Repository of tasks.
#[derive(Debug, Clone)]
pub struct Tasks {
    pub(crate) store: Store,
}

impl Tasks {
    /// Adds one that begins; the same run again makes it begin again. Old ones are forgotten.
    pub async fn begin(&self, mut task: Task) -> Result<Task, StoreError> {
        let now = self.store.now();
        (task.created_at, task.updated_at) = (now, now);
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                tx.execute(
                    "INSERT INTO task (id, runtime, status, title, agent_id, session_key, run_id, source_id, created_at,
                       updated_at, prompt)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)
                     ON CONFLICT (run_id) DO UPDATE SET status = excluded.status, updated_at = excluded.updated_at,
                       ended_at = NULL, result = NULL, error = NULL",
                    (
                        &task.id,
                        &task.runtime,
                        &task.status,
                        &task.title,
                        &task.agent_id,
                        &task.session_key,
                        &task.run_id,
                        &task.source_id,
                        now,
                        &task.prompt,
                    ),
                )
                .map_err(StoreError::query("record a task"))?;
                tx.execute("DELETE FROM task WHERE ended_at < ?1", [now.saturating_sub(KEPT_MS)])?;
                let found = by_run(&tx, &task.run_id)?;
                tx.commit().map_err(StoreError::query("record a task"))?;
                found.ok_or(StoreError::NotFound { what: "task", id: task.id })
            })
            .await
    }

    /// Ends the task of a run; `None` if the run is none.
    pub async fn end(
        &self,
        run_id: &str,
        status: &str,
        result: Option<String>,
        error: Option<String>,
    ) -> Result<Option<Task>, StoreError> {
        let (run_id, status, now) = (run_id.to_owned(), status.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let changed = tx
                    .execute(
                        "UPDATE task SET status = ?2, result = ?3, error = ?4, ended_at = ?5, updated_at = ?5
                         WHERE run_id = ?1 AND ended_at IS NULL",
                        (&run_id, &status, &result, &error, now),
                    )
                    .map_err(StoreError::query("end a task"))?;
                let found = if changed == 1 { by_run(&tx, &run_id)? } else { None };
                tx.commit().map_err(StoreError::query("end a task"))?;
                Ok(found)
            })
            .await
    }

    /// Ends what an earlier process left: nobody works on it any more.
    pub async fn fail_on_start(&self) -> Result<usize, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                db.execute(
                    "UPDATE task SET status = 'failed', error = 'the gateway ended before this was done', ended_at = ?1,
                       updated_at = ?1 WHERE ended_at IS NULL",
                    [now],
                )
                .map_err(StoreError::query("end tasks of an earlier run"))
            })
            .await
    }

    /// One by its id or its run's.
    pub async fn get(&self, id: &str) -> Result<Option<Task>, StoreError> {
        let id = id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                Ok(db.query_row("SELECT * FROM task WHERE id = ?1 OR run_id = ?1", [id], task).optional()?)
            })
            .await
    }

    /// The newest first.
    pub async fn list(&self, filter: TaskFilter) -> Result<Vec<Task>, StoreError> {
        self.store
            .jobs
            .call(move |db| {
                let order = if filter.by_end { "coalesce(ended_at, updated_at)" } else { "updated_at" };
                let mut statement = db.prepare(&format!(
                    "SELECT * FROM task
                     WHERE (?1 IS NULL OR agent_id = ?1) AND (?2 IS NULL OR session_key = ?2)
                       AND (?3 = '[]' OR status IN (SELECT value FROM json_each(?3)))
                     ORDER BY {order} DESC, id DESC LIMIT ?4 OFFSET ?5"
                ))?;
                let statuses = serde_json::Value::from(filter.statuses).to_string();
                let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
                let offset = i64::try_from(filter.offset).unwrap_or(i64::MAX);
                let found = statement
                    .query_map((filter.agent_id, filter.session_key, statuses, limit, offset), task)?
                    .collect::<Result<_, _>>()?;
                Ok(found)
            })
            .await
    }
}

fn by_run(db: &Connection, run_id: &str) -> Result<Option<Task>, StoreError> {
    Ok(db.query_row("SELECT * FROM task WHERE run_id = ?1", [run_id], task).optional()?)
}

fn task(row: &Row<'_>) -> rusqlite::Result<Task> {
    Ok(Task {
        id: row.get("id")?,
        runtime: row.get("runtime")?,
        status: row.get("status")?,
        title: row.get("title")?,
        agent_id: row.get("agent_id")?,
        session_key: row.get("session_key")?,
        run_id: row.get("run_id")?,
        source_id: row.get("source_id")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        ended_at: row.get("ended_at")?,
        prompt: row.get("prompt")?,
        result: row.get("result")?,
        error: row.get("error")?,
    })
}
