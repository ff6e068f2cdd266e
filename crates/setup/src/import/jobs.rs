//! Timed jobs: kept in a file until Bulkhead has a schedule of its own.

use std::path::Path;

use bulkhead_profile::files;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::database::has_table;
use super::secrecy_of::may_be_secret;

const LIMIT: u64 = 16 * 1024 * 1024;

/// A job in words and as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) when: String,
    pub(super) kept: Value,
}

/// The jobs that a person made; OpenClaw's own housekeeping is only counted.
pub(super) fn gather(state: Option<&Connection>, state_dir: &Path) -> (Vec<Job>, usize) {
    let mut jobs = Vec::new();
    let mut own = 0;
    if let Some(state) = state.filter(|state| has_table(state, "cron_jobs")) {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement =
                state.prepare("SELECT job_json FROM cron_jobs ORDER BY sort_order, job_id")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect()
        };
        for text in read().unwrap_or_default() {
            add(&serde_json::from_str(&text).unwrap_or_default(), &mut jobs, &mut own);
        }
    }
    let content: Value = files::read_limited(&state_dir.join("cron").join("jobs.json"), LIMIT)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    for job in content.get("jobs").and_then(Value::as_array).into_iter().flatten() {
        add(job, &mut jobs, &mut own);
    }
    (jobs, own)
}

fn add(job: &Value, jobs: &mut Vec<Job>, own: &mut usize) {
    if job.get("declarationKey").is_some_and(|key| !key.is_null()) {
        *own += 1;
        return;
    }
    let text = |pointer: &str| job.pointer(pointer).and_then(Value::as_str);
    let Some(name) = text("/name").or_else(|| text("/id")) else { return };
    let when = match text("/schedule/kind") {
        Some("cron") => format!("cron {}", text("/schedule/expr").unwrap_or_default()),
        Some("every") => {
            let every = job.pointer("/schedule/everyMs").and_then(Value::as_u64).unwrap_or_default();
            format!("every {} min", every / 60_000)
        }
        Some("at") => format!("once at {}", text("/schedule/at").unwrap_or("a set time")),
        _ => "at times of its own".to_owned(),
    };
    let mut kept = serde_json::Map::new();
    // Nothing but what is needed to make the job again: deliveries may hold addresses with secrets in them.
    for key in ["name", "description", "enabled", "agentId", "schedule", "sessionTarget"] {
        if let Some(value) = job.get(key) {
            kept.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(message) = text("/payload/message").or_else(|| text("/payload/text")) {
        let message = if may_be_secret(message) { "[left out: it may hold a secret]" } else { message };
        kept.insert("message".to_owned(), json!(message));
    }
    if jobs.iter().all(|known| known.kept != Value::Object(kept.clone())) {
        jobs.push(Job { name: name.to_owned(), when, kept: Value::Object(kept) });
    }
}

/// How many devices were paired.
pub(super) fn devices(state: Option<&Connection>) -> i64 {
    state
        .filter(|state| has_table(state, "device_pairing_paired"))
        .and_then(|state| {
            state.query_row("SELECT count(*) FROM device_pairing_paired", [], |row| row.get(0)).ok()
        })
        .unwrap_or_default()
}
