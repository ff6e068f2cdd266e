//! The crashes of the last minute, kept over the end of the supervisor: one that is killed together with its gateway,
//! again and again, must not begin at the foot of the ladder each time.
//!
//! Older crashes are forgotten: a supervisor that comes up later (after a log-in, an update) tries the configuration
//! again. A stop that somebody asked for forgets them too.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_profile::{Place, files};
use serde::{Deserialize, Serialize};

use crate::ladder::{Crash, Rung};

const LIMIT: u64 = 64 * 1024;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    at_ms: u64,
    rung: Rung,
}

/// Where they are kept.
#[derive(Debug, Clone)]
pub(crate) struct CrashMemory {
    path: PathBuf,
}

impl CrashMemory {
    pub(crate) fn of(place: &Place) -> Self {
        Self { path: place.state_dir().join("ladder.json") }
    }

    /// The crashes within `window` before `now_ms`, on a clock that shows `now`. A clock that was set back makes none.
    pub(crate) fn recall(&self, now_ms: u64, now: Duration, window: Duration) -> Vec<Crash> {
        let bytes = files::read_limited(&self.path, LIMIT).unwrap_or_default();
        let kept: Vec<Kept> = serde_json::from_slice(&bytes).unwrap_or_default();
        let crash = |kept: Kept| {
            let age = Duration::from_millis(now_ms.checked_sub(kept.at_ms)?);
            (age <= window).then(|| Crash { at: now.saturating_sub(age), rung: kept.rung })
        };
        kept.into_iter().filter_map(crash).collect()
    }

    /// Keeps them. A full disk is no reason not to restart.
    pub(crate) fn keep(&self, crashes: &[Crash], now_ms: u64, now: Duration) {
        let kept: Vec<Kept> = crashes
            .iter()
            .map(|crash| {
                let age = u64::try_from(now.saturating_sub(crash.at).as_millis()).unwrap_or(u64::MAX);
                Kept { at_ms: now_ms.saturating_sub(age), rung: crash.rung }
            })
            .collect();
        if let Err(error) = write(&self.path, &kept) {
            tracing::debug!(path = %self.path.display(), %error, "the crashes could not be kept");
        }
    }

    pub(crate) fn forget(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn write(path: &Path, kept: &[Kept]) -> std::io::Result<()> {
    files::atomic_write(path, &serde_json::to_vec(kept).unwrap_or_default(), 0o600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashes_of_the_last_minute_are_recalled() {
        let dir = tempfile::tempdir().unwrap();
        let memory = CrashMemory { path: dir.path().join("ladder.json") };
        let (secs, window) = (Duration::from_secs, Duration::from_mins(1));
        assert_eq!(memory.recall(0, secs(60), window), []);
        let crashes =
            [(100, Rung::Normal), (140, Rung::LastGood)].map(|(at, rung)| Crash { at: secs(at), rung });
        memory.keep(&crashes, 1_000_000, secs(150));
        let later = [(15, Rung::Normal), (55, Rung::LastGood)].map(|(at, rung)| Crash { at: secs(at), rung });
        // Five seconds later, on the clock of another supervisor.
        assert_eq!(memory.recall(1_005_000, secs(70), window), later);
        assert_eq!(
            memory.recall(1_030_000, secs(60), window),
            [Crash { at: secs(20), rung: Rung::LastGood }]
        );
        assert_eq!(memory.recall(2_000_000, secs(60), window), []);
        assert_eq!(memory.recall(900_000, secs(60), window), [], "the clock was set back");
        std::fs::write(&memory.path, "{torn").unwrap();
        assert_eq!(memory.recall(1_005_000, secs(60), window), []);
        memory.forget();
        assert!(!memory.path.exists());
    }
}
