//! The seam between systems: `identify`, `is_running`, `end`, `suspend`, `memory_of`; `port_holders`, `listening_ports`,
//! `ephemeral_range`, `excluded_ranges`.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::{
    end, ephemeral_range, excluded_ranges, identify, is_running, listening_ports, memory_of, port_holders,
    suspend,
};
#[cfg(target_os = "macos")]
pub(crate) use macos::{end, ephemeral_range, excluded_ranges, suspend};
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{identify, is_running, listening_ports, memory_of, port_holders};
#[cfg(windows)]
pub(crate) use windows::{end, ephemeral_range, excluded_ranges, suspend};

/// One process that listens on a port, as the system tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listening {
    /// `None` if the process belongs to another user.
    pub(crate) pid: Option<u32>,
    /// The program's name.
    pub(crate) program: Option<String>,
}

/// How long a killed process may take to go.
pub(crate) const AFTER_KILL: std::time::Duration = std::time::Duration::from_secs(5);
