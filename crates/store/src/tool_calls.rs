//! Tool calls inside runs: recorded before they happen, so that a crash leaves a trace and none happens twice.

use rusqlite::{Connection, Row};
use serde::Serialize;
use serde_json::Value;

use crate::{Runs, StoreError, rows};

/// One tool call inside a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolCall {
    /// The run.
    pub run_id: String,
    /// Id that the model gave it.
    pub call_id: String,
    /// The tool.
    pub name: String,
    /// What it was called with.
    pub args: Value,
    /// `running`, `ok`, `error` or `interrupted`.
    pub state: String,
    /// What it gave back.
    pub result: Option<Value>,
    /// When it began.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
}

impl Runs {
    /// Records that a tool is about to be called; do so before calling it.
    pub async fn tool_started(
        &self,
        run_id: &str,
        call_id: &str,
        name: &str,
        args: &Value,
    ) -> Result<(), StoreError> {
        let row =
            (run_id.to_owned(), call_id.to_owned(), name.to_owned(), args.to_string(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                db.execute(
                    "INSERT INTO tool_call (run_id, call_id, name, args, state, started_at)
                     VALUES (?1, ?2, ?3, ?4, 'running', ?5)
                     ON CONFLICT (run_id, call_id) DO UPDATE SET name = excluded.name, args = excluded.args,
                       state = 'running', result = NULL, started_at = excluded.started_at, ended_at = NULL",
                    row,
                )
                .map_err(StoreError::query("record a tool call"))?;
                Ok(())
            })
            .await
    }

    /// Records what a tool gave back.
    pub async fn tool_finished(
        &self,
        run_id: &str,
        call_id: &str,
        result: &Value,
        is_error: bool,
    ) -> Result<(), StoreError> {
        let row = (
            run_id.to_owned(),
            call_id.to_owned(),
            if is_error { "error" } else { "ok" },
            result.to_string(),
            self.store.now(),
        );
        self.store
            .jobs
            .call(move |db| {
                let id = row.1.clone();
                let changed = db
                    .execute(
                        "UPDATE tool_call SET state = ?3, result = ?4, ended_at = ?5 WHERE run_id = ?1 AND call_id = ?2",
                        row,
                    )
                    .map_err(StoreError::query("record a tool result"))?;
                if changed == 0 { Err(StoreError::NotFound { what: "tool call", id }) } else { Ok(()) }
            })
            .await
    }

    /// The tool calls of a run, in the order they began.
    pub async fn tools(&self, run_id: &str) -> Result<Vec<ToolCall>, StoreError> {
        let id = run_id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let mut statement =
                    db.prepare("SELECT * FROM tool_call WHERE run_id = ?1 ORDER BY started_at, call_id")?;
                let calls = statement.query_map([id], tool_call)?.collect::<Result<_, _>>()?;
                Ok(calls)
            })
            .await
    }
}

/// Marks calls without a result, of one run or of all.
pub(crate) fn interrupt(db: &Connection, run_id: Option<&str>, now: i64) -> rusqlite::Result<usize> {
    db.execute(
        "UPDATE tool_call SET state = 'interrupted', ended_at = ?2 WHERE state = 'running' AND (?1 IS NULL OR run_id = ?1)",
        (run_id, now),
    )
}

fn tool_call(row: &Row<'_>) -> rusqlite::Result<ToolCall> {
    Ok(ToolCall {
        run_id: row.get("run_id")?,
        call_id: row.get("call_id")?,
        name: row.get("name")?,
        args: rows::json(row, "args")?,
        state: row.get("state")?,
        result: rows::optional_json(row, "result")?,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
    })
}
