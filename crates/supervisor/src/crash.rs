//! What is kept of a crash: one small file each, the newest twenty.

use std::path::{Path, PathBuf};

use bulkhead_profile::{Place, files};
use serde::{Deserialize, Serialize};

use crate::ladder::Rung;

const KEPT: usize = 20;
const LIMIT: u64 = 1024 * 1024;

/// One crash as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CrashReport {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The exit code.
    pub code: Option<i32>,
    /// The signal.
    pub signal: Option<i32>,
    /// How long it had run.
    pub ran_ms: u64,
    /// Whether it had been ready.
    pub was_ready: bool,
    /// On what it ran.
    pub rung: Rung,
    /// Its version, if it had said it.
    pub version: Option<String>,
    /// The first lines that it said.
    pub first_lines: Vec<String>,
    /// How many are left out.
    pub omitted: u64,
    /// The last lines.
    pub last_lines: Vec<String>,
}

fn files_in(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with("crash-") && path.extension().is_some_and(|extension| extension == "json")
        })
        .collect();
    paths.sort();
    paths
}

impl CrashReport {
    /// Keeps it and drops the oldest ones. A full disk is no reason not to restart: failure is only logged.
    pub(crate) fn keep(&self, place: &Place) {
        let dir = place.crash_dir();
        let bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        let named = |again: u32| dir.join(format!("crash-{:015}-{again:02}.json", self.at_ms));
        let path = (0..100).map(named).find(|path| !path.exists()).unwrap_or_else(|| named(99));
        if let Err(error) = files::atomic_write_in_new_dir(&path, &bytes, 0o600) {
            tracing::warn!(path = %path.display(), %error, "the crash could not be kept");
        }
        let kept = files_in(&dir);
        for old in kept.iter().take(kept.len().saturating_sub(KEPT)) {
            let _ = std::fs::remove_file(old);
        }
    }
}

/// The crashes that are kept, newest first.
pub fn recent_crashes(place: &Place) -> Vec<CrashReport> {
    let paths = files_in(&place.crash_dir());
    let read = |path: &PathBuf| serde_json::from_slice(&files::read_limited(path, LIMIT).ok()?).ok();
    paths.iter().rev().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bulkhead_profile::Environment;

    #[test]
    fn the_newest_twenty_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::resolve(None, &Environment::for_test(dir.path())).unwrap();
        for n in 0..30 {
            let report = CrashReport {
                at_ms: 1000 + n / 2,
                code: Some(1),
                signal: None,
                ran_ms: n,
                was_ready: false,
                rung: Rung::Normal,
                version: None,
                first_lines: vec![],
                omitted: 0,
                last_lines: vec![],
            };
            report.keep(&place);
        }
        let kept = recent_crashes(&place);
        assert_eq!((kept.len(), kept[0].ran_ms, kept[19].ran_ms), (20, 29, 10));
    }
}
