//! A program that ends with us, however we end.
//!
//! A child that was started directly outlives a `kill -9` of its parent. `PR_SET_PDEATHSIG` alone is not enough: it
//! fires when the *thread* that started the child ends, exists on Linux only, and is lost when the program is
//! set-uid on the way (Chromium as a snap). So a guard stands between: this same executable, started once more as
//! `bulkhead __guard`. It holds the other end of a pipe, starts the program in a process group of its own, and when
//! the pipe closes (we stopped, crashed or were killed) it asks the whole group to end, and kills it after a moment.
//! On Linux the program has `PR_SET_PDEATHSIG` on top, set by the guard's only long-lived thread, so that not even
//! a killed guard leaves it behind.
//!
//! What is to be started goes to the guard as one line on its stdin, never by its command line.

mod inside;
mod outside;

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use inside::run;
pub use outside::Guarded;

/// The word on the command line that makes `bulkhead` a guard.
pub const GUARD_ARGUMENT: &str = "__guard";

/// What a guard starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardedProgram {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables taken from its environment.
    #[serde(default)]
    pub without: Vec<String>,
    /// Where its output goes; nowhere if `None`. At most the last start's output is kept.
    #[serde(default)]
    pub log: Option<PathBuf>,
}

/// What the guard answers with one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Answer {
    Started { pid: u32 },
    Failed { why: String },
}

/// How a guard is started: this executable and `__guard`.
pub fn guard_command() -> std::io::Result<Vec<OsString>> {
    Ok(vec![std::env::current_exe()?.into_os_string(), GUARD_ARGUMENT.into()])
}

/// Lets a child die when the thread that starts it ends (Linux; elsewhere it does nothing). Only for threads that
/// live as long as the process.
pub fn pdeathsig(command: &mut std::process::Command) {
    crate::system::die_with_parent(command);
}

/// Gives a child a process group of its own.
pub fn own_process_group(command: &mut std::process::Command) {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        command.process_group(0);
    }
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt as _;
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
        command.creation_flags(CREATE_NEW_PROCESS_GROUP);
    }
}
