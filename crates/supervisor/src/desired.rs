//! What the owner wants of a gateway, kept over restarts of app and machine: planned stops stay silent.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bulkhead_profile::files;
use serde::{Deserialize, Serialize};

use crate::error::SupervisorError;

const LIMIT: u64 = 16 * 1024;

/// The desired state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "desired", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Desired {
    /// It shall run.
    #[default]
    Running,
    /// It shall not.
    Stopped,
    /// It shall not until then.
    PausedUntil {
        /// Milliseconds since 1970.
        until_ms: u64,
    },
}

impl Desired {
    /// Reads it; running if nothing is recorded.
    pub fn read(path: &Path) -> Self {
        let bytes = files::read_limited(path, LIMIT).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Keeps it.
    pub fn write(self, path: &Path) -> Result<(), SupervisorError> {
        let bytes = serde_json::to_vec(&self).unwrap_or_default();
        files::atomic_write_in_new_dir(path, &bytes, 0o600).map_err(|source| SupervisorError::Io {
            action: "keep the desired state",
            path: path.to_owned(),
            source,
        })
    }

    /// How long a pause still lasts; `None` if it is none. A clock that was set back never makes a pause longer than
    /// a week.
    pub fn pause_left(self, now_ms: u64) -> Option<Duration> {
        const LONGEST_MS: u64 = 7 * 24 * 3600 * 1000;
        match self {
            Self::PausedUntil { until_ms } => {
                Some(Duration::from_millis(until_ms.saturating_sub(now_ms).min(LONGEST_MS)))
            }
            _ => None,
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/desired.json");
        assert_eq!(Desired::read(&path), Desired::Running);
        for desired in [Desired::Stopped, Desired::PausedUntil { until_ms: 7 }, Desired::Running] {
            desired.write(&path).unwrap();
            assert_eq!(Desired::read(&path), desired);
        }
        std::fs::write(&path, "{broken").unwrap();
        assert_eq!(Desired::read(&path), Desired::Running);
    }

    #[test]
    fn pauses_end() {
        assert_eq!(Desired::PausedUntil { until_ms: 5000 }.pause_left(2000), Some(Duration::from_secs(3)));
        assert_eq!(Desired::PausedUntil { until_ms: 5000 }.pause_left(9000), Some(Duration::ZERO));
        assert_eq!(Desired::Running.pause_left(0), None);
    }
}
