//! Which process a pid is. Pids are used again; pid, start time, boot and executable together are not.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::ProcessError;
use crate::platform;

/// One process and no other, also after a restart of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessIdentity {
    /// The process id.
    pub pid: u32,
    /// When it started: clock ticks since boot (Linux: field 22 of `/proc/PID/stat`), seconds elsewhere.
    pub start_time: u64,
    /// Which boot of the machine.
    pub boot_id: String,
    /// The device that its executable lies on.
    pub exe_dev: u64,
    /// The inode of its executable.
    pub exe_inode: u64,
    /// Where its executable lay.
    pub exe_path: PathBuf,
}

/// How a process came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// It was gone before.
    AlreadyGone,
    /// It went when asked.
    Terminated,
    /// It had to be killed.
    Killed,
}

impl ProcessIdentity {
    /// The identity of a running process.
    pub fn of(pid: u32) -> Result<Self, ProcessError> {
        platform::identify(pid).map_err(|source| ProcessError::Unknown { pid, why: source.to_string() })
    }

    /// The identity of this process.
    pub fn of_self() -> Result<Self, ProcessError> {
        Self::of(std::process::id())
    }

    /// Whether this very process runs (a zombie does not).
    pub fn is_alive(&self) -> bool {
        platform::is_running(self.pid) && platform::identify(self.pid).is_ok_and(|now| self.is_same(&now))
    }

    /// Whether two identities are one process. The path may change (an executable that was replaced by an update).
    pub fn is_same(&self, other: &Self) -> bool {
        self.pid == other.pid
            && self.start_time == other.start_time
            && self.boot_id == other.boot_id
            && self.exe_dev == other.exe_dev
            && self.exe_inode == other.exe_inode
    }

    /// Its program's file name.
    pub fn program(&self) -> String {
        let name = self.exe_path.file_name().map(|name| name.to_string_lossy().into_owned());
        name.map_or_else(|| "unknown".to_owned(), |name| name.trim_end_matches(" (deleted)").to_owned())
    }

    /// Asks this very process to end, and kills it after `grace`. Anything else under its pid is left alone.
    /// Blocks until it is gone: call it off the async threads.
    pub fn terminate(&self, grace: Duration) -> Result<Ended, ProcessError> {
        platform::end(self, Some(grace))
    }

    /// Lets this very process stand still (`SIGSTOP`): it lives and does nothing, until it is told to go on or is
    /// killed. False if it is gone; refused where the system has no such thing. For drills.
    pub fn suspend(&self) -> Result<bool, ProcessError> {
        platform::suspend(self)
    }

    /// Kills this very process at once. Blocks until it is gone.
    pub fn kill(&self) -> Result<Ended, ProcessError> {
        platform::end(self, None)
    }
}
