//! What can go wrong with processes: what, where, what was expected, the next step.

use std::path::PathBuf;

/// An error about a process, a port or a record.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// No such process, or nothing is known of it.
    #[error(
        "process {pid}: it cannot be identified ({why}); expected a running process that you may inspect; it may have ended, or belong to another user"
    )]
    Unknown {
        /// The process id.
        pid: u32,
        /// Why nothing is known.
        why: String,
    },
    /// The process is another one than recorded.
    #[error(
        "process {pid}: it is not the one that was recorded ({program}), so it is left alone; expected our own gateway; end that program yourself, or choose another port"
    )]
    Stranger {
        /// The process id.
        pid: u32,
        /// The program recorded.
        program: String,
    },
    /// It would not end.
    #[error(
        "process {pid} ({program}): it did not end {waited_s} s after SIGKILL; expected it to be gone; look at it with: ps -o stat,wchan -p {pid}"
    )]
    Stuck {
        /// The process id.
        pid: u32,
        /// The program.
        program: String,
        /// How long was waited.
        waited_s: u64,
    },
    /// The system refused.
    #[error(
        "process {pid}: cannot {action}: {source}; expected permission to do so; run it as the user who owns that process"
    )]
    Refused {
        /// The process id.
        pid: u32,
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// A record could not be read or written.
    #[error("{path}: cannot {action} the record of the running gateway: {source}; expected a place that you may read and write; check the permissions of that directory and the free space", path = .path.display())]
    Record {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A guarded program could not be started.
    #[error(
        "{program}: cannot be started: {why}; expected a program that you may run; check that it is installed and executable"
    )]
    Start {
        /// The program.
        program: String,
        /// Why not.
        why: String,
    },
}

impl ProcessError {
    /// The stable code for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "process-unknown",
            Self::Stranger { .. } => "process-stranger",
            Self::Stuck { .. } => "process-stuck",
            Self::Refused { .. } => "process-refused",
            Self::Record { .. } => "run-record",
            Self::Start { .. } => "process-start",
        }
    }
}
