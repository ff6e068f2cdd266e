//! Agent runs: each happens at most once per id, and what a crash cut off is told apart from what ended.

use bulkhead_killpoint::{Point, reached};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Message, NewMessage, NewUsage, OutgoingOnce, SessionTotals, Store, StoreError, messages, outbox_once,
    rows, sessions, tool_calls, usage,
};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// At work.
    Running,
    /// Ended with an answer.
    Ok,
    /// Ended with an error.
    Error,
    /// Ended because somebody asked.
    Aborted,
    /// Cut off when the gateway ended.
    Interrupted,
}

impl RunStatus {
    /// The word in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Aborted => "aborted",
            Self::Interrupted => "interrupted",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Running, Self::Ok, Self::Error, Self::Aborted, Self::Interrupted]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// One agent run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Run id; clients choose it by their idempotency key.
    pub id: String,
    /// Session that it belongs to.
    pub session_key: String,
    /// Transcript that it belongs to.
    pub session_id: String,
    /// What asked for it: `webchat`, `telegram`, `cli`, `http`, …
    pub source: String,
    /// How it stands.
    pub status: RunStatus,
    /// The answer, once it ended.
    pub text: Option<String>,
    /// The error, if it ended with one.
    pub error: Option<String>,
    /// Tokens and the like.
    pub usage: Option<Value>,
    /// When it began, in milliseconds since 1970.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
}

/// A run to begin.
#[derive(Debug, Clone, Default)]
pub struct NewRun {
    /// Run id.
    pub id: String,
    /// Session that it belongs to; must exist.
    pub session_key: String,
    /// What asked for it.
    pub source: String,
    /// The message that it answers, appended in the same transaction.
    pub user_message: Option<NewMessage>,
}

/// What beginning a run found.
#[derive(Debug, Clone)]
pub enum RunStart {
    /// It is new, and runs.
    Started(Run),
    /// A crash cut it off before; it runs again. Its tool calls without a result are marked interrupted.
    Resumed(Run),
    /// It runs or ended already: no second model turn.
    Existing(Run),
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct RunEnd {
    /// Any status but running.
    pub status: RunStatus,
    /// The answer.
    pub text: Option<String>,
    /// The error.
    pub error: Option<String>,
    /// Tokens and the like.
    pub usage: Option<Value>,
    /// Messages to append in the same transaction.
    pub messages: Vec<NewMessage>,
    /// What the session's totals gain in the same transaction.
    pub totals: Option<SessionTotals>,
    /// What it took, recorded in the same transaction.
    pub spent: Option<NewUsage>,
    /// What goes out to a chat, recorded in the same transaction.
    pub outgoing: Option<OutgoingOnce>,
}

impl RunEnd {
    /// An end without messages, usage or totals.
    pub fn new(status: RunStatus, text: Option<String>) -> Self {
        Self {
            status,
            text,
            error: None,
            usage: None,
            messages: Vec::new(),
            totals: None,
            spent: None,
            outgoing: None,
        }
    }
}

/// Repository of runs.
#[derive(Debug, Clone)]
pub struct Runs {
    pub(crate) store: Store,
}

impl Runs {
    /// Begins a run, unless one with this id runs or ended. An interrupted one begins again.
    pub async fn start(&self, new: NewRun) -> Result<RunStart, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let found = find(&tx, &new.id)?;
                if let Some(run) = &found
                    && run.status != RunStatus::Interrupted
                {
                    return Ok(RunStart::Existing(run.clone()));
                }
                let session = sessions::require(&tx, &new.session_key)?;
                tx.execute(
                    "INSERT INTO run (id, session_key, session_id, source, status, started_at)
                     VALUES (?1, ?2, ?3, ?4, 'running', ?5)
                     ON CONFLICT (id) DO UPDATE SET status = 'running', session_id = excluded.session_id,
                       text = NULL, error = NULL, usage = NULL, ended_at = NULL",
                    (&new.id, &new.session_key, &session.session_id, &new.source, now),
                )?;
                if let Some(message) = new.user_message {
                    messages::append(&tx, message, now)?;
                }
                let run = require(&tx, &new.id)?;
                tx.commit().map_err(StoreError::query("begin a run"))?;
                Ok(if found.is_some() { RunStart::Resumed(run) } else { RunStart::Started(run) })
            })
            .await
    }

    /// Ends a run: status, answer, messages and totals in one transaction. Returns the appended messages.
    pub async fn finish(&self, run_id: &str, end: RunEnd) -> Result<Vec<Message>, StoreError> {
        let (id, now) = (run_id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let run = require(&tx, &id)?;
                let usage = end.usage.map(|usage| usage.to_string());
                tx.execute(
                    "UPDATE run SET status = ?2, text = ?3, error = ?4, usage = ?5, ended_at = ?6 WHERE id = ?1",
                    (&id, end.status.as_str(), end.text, end.error, usage, now),
                )?;
                tool_calls::interrupt(&tx, Some(&id), now)?;
                let messages = end
                    .messages
                    .into_iter()
                    .map(|message| messages::append(&tx, message, now))
                    .collect::<Result<_, _>>()?;
                if let Some(totals) = end.totals {
                    sessions::add_totals(&tx, &run.session_key, &totals, now)?;
                }
                if let Some(spent) = &end.spent {
                    usage::add(&tx, &id, spent, now)?;
                }
                if let Some(outgoing) = &end.outgoing {
                    outbox_once::insert_once(&tx, &outgoing.key, &outgoing.parts, now)?;
                }
                reached(Point::BeforeRunEnd);
                tx.commit().map_err(StoreError::query("end a run"))?;
                reached(Point::AfterRunEnd);
                Ok(messages)
            })
            .await
    }

    /// Marks every run and tool call that a crash cut off; call it once, before any run begins. Returns those runs.
    pub async fn interrupted_on_start(&self) -> Result<Vec<Run>, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let mut runs = {
                    let mut statement = tx.prepare("SELECT * FROM run WHERE status = 'running'")?;
                    statement.query_map([], run)?.collect::<Result<Vec<_>, _>>()?
                };
                tx.execute(
                    "UPDATE run SET status = 'interrupted', ended_at = ?1 WHERE status = 'running'",
                    [now],
                )?;
                tool_calls::interrupt(&tx, None, now)?;
                tx.commit().map_err(StoreError::query("mark interrupted runs"))?;
                for run in &mut runs {
                    run.status = RunStatus::Interrupted;
                    run.ended_at = Some(now);
                }
                Ok(runs)
            })
            .await
    }

    /// The run with this id (an idempotency key is one).
    pub async fn by_key(&self, run_id: &str) -> Result<Option<Run>, StoreError> {
        let id = run_id.to_owned();
        self.store.jobs.call(move |db| find(db, &id)).await
    }

    /// The newest runs of a session first.
    pub async fn of_session(&self, session_key: &str, limit: usize) -> Result<Vec<Run>, StoreError> {
        let key = session_key.to_owned();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.store
            .jobs
            .call(move |db| {
                let mut statement = db.prepare(
                    "SELECT * FROM run WHERE session_key = ?1 ORDER BY started_at DESC, id DESC LIMIT ?2",
                )?;
                let runs = statement.query_map((key, limit), run)?.collect::<Result<_, _>>()?;
                Ok(runs)
            })
            .await
    }

    /// Forgets runs that ended before `ended_before`; transcripts stay. Returns how many.
    pub async fn prune(&self, ended_before: i64) -> Result<usize, StoreError> {
        self.store
            .jobs
            .call(move |db| {
                db.execute("DELETE FROM run WHERE status <> 'running' AND ended_at < ?1", [ended_before])
                    .map_err(StoreError::query("forget old runs"))
            })
            .await
    }
}

fn find(db: &Connection, id: &str) -> Result<Option<Run>, StoreError> {
    Ok(db.query_row("SELECT * FROM run WHERE id = ?1", [id], run).optional()?)
}

fn require(db: &Connection, id: &str) -> Result<Run, StoreError> {
    find(db, id)?.ok_or_else(|| StoreError::NotFound { what: "run", id: id.to_owned() })
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: row.get("id")?,
        session_key: row.get("session_key")?,
        session_id: row.get("session_id")?,
        source: row.get("source")?,
        status: rows::word(row, "status", RunStatus::parse)?,
        text: row.get("text")?,
        error: row.get("error")?,
        usage: rows::optional_json(row, "usage")?,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
    })
}
