//! Elsewhere: what the standard library and the process crate know. A stopped process, starvation and free space are
//! not seen there; a sleep of the machine is seen by the late tick.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bulkhead_process::ProcessIdentity;

use super::{Life, Room};

pub(in crate::probe) fn monotonic() -> Duration {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed()
}

pub(in crate::probe) fn boottime() -> Duration {
    monotonic()
}

pub(in crate::probe) fn life_of(identity: &ProcessIdentity) -> Life {
    if identity.is_alive() { Life::Runs } else { Life::Gone }
}

pub(in crate::probe) async fn ended(_: &ProcessIdentity) -> bool {
    false
}

pub(in crate::probe) fn waited(_: u32) -> Option<Duration> {
    None
}

pub(in crate::probe) fn room_at(dir: &Path) -> Option<Room> {
    let metadata = std::fs::metadata(dir).ok()?;
    Some(Room { free: u64::MAX, total: u64::MAX, writable: Some(!metadata.permissions().readonly()) })
}

pub(crate) fn command_line(_: u32) -> Vec<String> {
    Vec::new()
}
