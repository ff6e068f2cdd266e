//! Timed jobs: which there are. What becomes of each is decided in [`fate`].

mod fate;

use std::path::Path;

use bulkhead_profile::files;
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

pub(super) use self::fate::{Fate, Ground, fate};
use super::database::has_table;
use super::secrecy_of::may_be_secret;

const LIMIT: u64 = 16 * 1024 * 1024;

/// A job as OpenClaw wrote it down.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    /// Its own id, which it keeps: an import that is taken up again doubles nothing.
    pub(super) id: String,
    pub(super) name: String,
    /// When it runs, in words.
    pub(super) when: String,
    raw: Map<String, Value>,
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
            add(serde_json::from_str(&text).unwrap_or_default(), &mut jobs, &mut own);
        }
    }
    let mut content: Value = files::read_limited(&state_dir.join("cron").join("jobs.json"), LIMIT)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    if let Some(Value::Array(list)) = content.get_mut("jobs").map(Value::take) {
        for job in list {
            add(job, &mut jobs, &mut own);
        }
    }
    (jobs, own)
}

fn add(job: Value, jobs: &mut Vec<Job>, own: &mut usize) {
    if job.get("declarationKey").is_some_and(|key| !key.is_null()) {
        *own += 1;
        return;
    }
    let text = |pointer: &str| job.pointer(pointer).and_then(Value::as_str);
    let Some(name) = text("/name").or_else(|| text("/id")).map(str::to_owned) else { return };
    let when = match text("/schedule/kind") {
        Some("cron") => match text("/schedule/tz") {
            Some(zone) => format!("cron {} {zone}", text("/schedule/expr").unwrap_or_default()),
            None => format!("cron {}", text("/schedule/expr").unwrap_or_default()),
        },
        Some("every") => {
            let every = job.pointer("/schedule/everyMs").and_then(Value::as_u64).unwrap_or_default();
            format!("every {} min", every / 60_000)
        }
        Some("at") => format!("once at {}", text("/schedule/at").unwrap_or("a set time")),
        _ => "at times of its own".to_owned(),
    };
    let plain = |id: &&str| !id.is_empty() && id.len() <= 128 && !id.chars().any(char::is_control);
    let id = text("/id").filter(plain).map_or_else(
        // The same job has the same name whenever it is read.
        || format!("openclaw-{}", &hex::encode(Sha256::digest(job.to_string()))[..16]),
        str::to_owned,
    );
    if jobs.iter().any(|known| known.id == id) {
        return;
    }
    let Value::Object(raw) = job else { return };
    jobs.push(Job { id, name, when, raw });
}

impl Job {
    /// What is needed to make it anew by hand. Deliveries may hold addresses with secrets in them, so they stay out.
    pub(super) fn kept(&self) -> Value {
        let mut kept = Map::new();
        for key in ["id", "name", "description", "enabled", "agentId", "schedule", "sessionTarget"] {
            if let Some(value) = self.raw.get(key) {
                kept.insert(key.to_owned(), value.clone());
            }
        }
        if let Some(said) = self.said() {
            let said = if may_be_secret(said) { "[left out: it may hold a secret]" } else { said };
            kept.insert("message".to_owned(), json!(said));
        }
        Value::Object(kept)
    }

    /// What an agent is asked or told.
    fn said(&self) -> Option<&str> {
        let payload = self.raw.get("payload")?;
        payload.get("message").or_else(|| payload.get("text")).and_then(Value::as_str)
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
