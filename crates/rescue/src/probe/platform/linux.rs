//! Linux: `/proc`, pidfds, `statvfs`.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use bulkhead_process::ProcessIdentity;
use rustix::fs::{Access, StatVfsMountFlags};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::time::{ClockId, clock_gettime};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::{Life, Room};

fn clock(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanos)
}

pub(in crate::probe) fn monotonic() -> Duration {
    clock(ClockId::Monotonic)
}

pub(in crate::probe) fn boottime() -> Duration {
    clock(ClockId::Boottime)
}

pub(in crate::probe) fn life_of(identity: &ProcessIdentity) -> Life {
    if !identity.is_alive() {
        return Life::Gone;
    }
    let stat = fs::read(format!("/proc/{}/stat", identity.pid)).unwrap_or_default();
    let stat = String::from_utf8_lossy(&stat).into_owned();
    // The name in parentheses may hold anything.
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    match state {
        Some('T' | 't') => Life::Stopped,
        Some('Z' | 'X' | 'x') | None => Life::Gone,
        _ => Life::Runs,
    }
}

/// Waits for the end of this very process; `false` if the kernel cannot tell of it.
pub(in crate::probe) async fn ended(identity: &ProcessIdentity) -> bool {
    let pid = i32::try_from(identity.pid).ok().and_then(Pid::from_raw);
    let Some(fd) = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::NONBLOCK).ok()) else { return false };
    // The pidfd first, the identity after: from here on it cannot become another process.
    if !identity.is_alive() {
        return true;
    }
    // Deprecated for types whose descriptor may change under it; this one owns its own, and the other call is unsafe.
    #[allow(deprecated)]
    let Ok(fd) = AsyncFd::with_interest(fd, Interest::READABLE) else { return false };
    fd.readable().await.is_ok()
}

/// How long all threads of a process have waited for a processor.
pub(in crate::probe) fn waited(pid: u32) -> Option<Duration> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let nanos = tasks.flatten().filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()
    });
    Some(Duration::from_nanos(nanos.sum()))
}

pub(in crate::probe) fn room_at(dir: &Path) -> Option<Room> {
    let vfs = rustix::fs::statvfs(dir).ok()?;
    let exhausted = vfs.f_files > 0 && vfs.f_favail == 0;
    let free = if exhausted { 0 } else { vfs.f_bavail.saturating_mul(vfs.f_frsize) };
    let read_only = vfs.f_flag.contains(StatVfsMountFlags::RDONLY);
    // What another user may write cannot be told from here.
    let owner = fs::metadata(dir).ok()?.uid();
    let own = rustix::process::geteuid();
    let judged = owner == own.as_raw() || own.is_root();
    let writable = match rustix::fs::access(dir, Access::WRITE_OK | Access::EXEC_OK) {
        _ if read_only => Some(false),
        Ok(()) => Some(true),
        Err(_) if judged => Some(false),
        Err(_) => None,
    };
    Some(Room { free, total: vfs.f_blocks.saturating_mul(vfs.f_frsize), writable })
}

/// The words of a process's command line.
pub(crate) fn command_line(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_go_on_and_boottime_is_not_behind() {
        let (first, boot) = (monotonic(), boottime());
        assert!(monotonic() >= first && boot + Duration::from_millis(1) >= first);
    }

    #[test]
    fn room_of_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let room = room_at(dir.path()).unwrap();
        assert!(room.total > 0 && room.free <= room.total);
        assert_eq!(room.writable, Some(true));
        assert!(room_at(&dir.path().join("nowhere")).is_none());
    }
}
