//! The run record: which process is the gateway of a profile. Only what it proves may be ended.

use std::path::{Path, PathBuf};

use bulkhead_profile::files;
use serde::{Deserialize, Serialize};

use crate::error::ProcessError;
use crate::identity::ProcessIdentity;

const LIMIT: u64 = 64 * 1024;

/// Who runs in a state directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// The process.
    #[serde(flatten)]
    pub identity: ProcessIdentity,
    /// Its profile.
    pub profile: String,
    /// The base port that it listens on.
    pub base_port: u16,
    /// Its state directory.
    pub state_dir: PathBuf,
    /// The version of the program.
    pub version: String,
}

impl RunRecord {
    /// Reads a record; `None` if there is none or it cannot be understood (then it proves nothing).
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&files::read_limited(path, LIMIT).ok()?).ok()
    }

    /// Reads the record of a process that runs now.
    pub fn read_running(path: &Path) -> Option<Self> {
        Self::read(path).filter(|record| record.identity.is_alive())
    }

    /// Writes it at once.
    pub fn write(&self, path: &Path) -> Result<(), ProcessError> {
        let bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        files::atomic_write_in_new_dir(path, &bytes, 0o600).map_err(|source| ProcessError::Record {
            action: "write",
            path: path.to_owned(),
            source,
        })
    }

    /// Takes the record away if it is this process's own.
    pub fn remove_own(path: &Path) {
        if Self::read(path).is_some_and(|record| record.identity.pid == std::process::id()) {
            let _ = std::fs::remove_file(path);
        }
    }
}
