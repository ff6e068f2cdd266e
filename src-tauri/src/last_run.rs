//! What became of the app the last time: a small file is there while it runs and goes when it ends as asked. One that is
//! still there at a start tells that the end was another one, and where that was noticed, why.

use crate::announcements;
use crate::words;
use bulkhead_process::ProcessIdentity;
use bulkhead_profile::files;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use tauri::{AppHandle, Manager as _};

const LIMIT: u64 = 64 * 1024;

/// What the file says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    /// The process that is, or was, the app.
    process: ProcessIdentity,
    /// The end that was noticed.
    #[serde(default)]
    end: Option<End>,
}

/// An end that nobody had asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Why.
    pub cause: Cause,
}

/// Why the app ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The screen that it shows itself on is gone.
    Display,
}

/// Says what became of the last run, and begins this one.
pub fn begin(app: &AppHandle) {
    let Some(file) = file(app) else { return };
    let last =
        files::read_limited(&file, LIMIT).ok().and_then(|bytes| serde_json::from_slice::<Run>(&bytes).ok());
    if let Some(last) = last {
        match last.end {
            Some(end) => announcements::say(app, words::ended_before(Some(end))),
            None if last.process.is_alive() => {}
            None => announcements::say(app, words::ended_before(None)),
        }
    }
    keep(app, None);
}

/// It ended for a reason that the next start shall tell.
pub fn ended(app: &AppHandle, cause: Cause) {
    keep(app, Some(End { at_ms: now_ms(), cause }));
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// It ended as asked.
pub fn over(app: &AppHandle) {
    if let Some(file) = file(app) {
        let _ = std::fs::remove_file(file);
    }
}

fn keep(app: &AppHandle, end: Option<End>) {
    let (Some(file), Ok(process)) = (file(app), ProcessIdentity::of(std::process::id())) else { return };
    let bytes = serde_json::to_vec(&Run { process, end }).unwrap_or_default();
    if let Err(error) = files::atomic_write_in_new_dir(&file, &bytes, 0o600) {
        tracing::warn!(%error, file = %file.display(), "the next start won't know how this one ended");
    }
}

fn file(app: &AppHandle) -> Option<PathBuf> {
    Some(app.path().app_config_dir().ok()?.join("running.json"))
}
