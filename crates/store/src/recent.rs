//! What lately ran, read beside the gateway, without a word of what was said.

use std::path::Path;

use serde::Serialize;

use crate::StoreError;
use crate::examine::{is_at_rest, open_beside};

/// An agent run from outside: no session, no text, no error message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunFacts {
    /// What asked for it: `webchat`, `telegram`, `cli`, `http`, …
    pub source: String,
    /// `running`, `ok`, `error`, `aborted` or `interrupted`.
    pub status: String,
    /// When it began, in milliseconds since 1970.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
}

/// The newest runs first. Blocks; changes nothing, and no writer waits.
pub fn recent_runs(path: &Path, limit: u16) -> Result<Vec<RunFacts>, StoreError> {
    let connection = open_beside(path, is_at_rest(path))?;
    let mut statement = connection
        .prepare("SELECT source, status, started_at, ended_at FROM run ORDER BY started_at DESC LIMIT ?1")?;
    let rows = statement.query_map([limit], |row| {
        Ok(RunFacts {
            source: row.get(0)?,
            status: row.get(1)?,
            started_at: row.get(2)?,
            ended_at: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
