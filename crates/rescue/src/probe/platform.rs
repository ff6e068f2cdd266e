//! The seam between systems: `monotonic`, `boottime`, `life_of`, `ended`, `waited`, `room_at`, `command_line`.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;

#[cfg(target_os = "linux")]
pub(crate) use linux::command_line;
#[cfg(target_os = "linux")]
pub(super) use linux::{boottime, ended, life_of, monotonic, room_at, waited};
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::command_line;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::{boottime, ended, life_of, monotonic, room_at, waited};

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It runs or waits.
    Runs,
    /// A signal stopped it.
    Stopped,
    /// It is gone, or nothing but its exit code is left.
    Gone,
}

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) free: u64,
    pub(super) total: u64,
    pub(super) writable: Option<bool>,
}
