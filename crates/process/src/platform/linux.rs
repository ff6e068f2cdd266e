//! Linux: everything from `/proc`, signals through a pidfd.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use super::{AFTER_KILL, Listening};
use crate::error::ProcessError;
use crate::identity::{Ended, ProcessIdentity};
use crate::proc_net;

fn proc_path(pid: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}

/// State and start time (fields 3 and 22) of `/proc/PID/stat`; the name in field 2 may hold anything.
fn parse_stat(stat: &str) -> Option<(char, u64)> {
    let rest = &stat[stat.rfind(')')? + 1..];
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let start = fields.nth(18)?.parse().ok()?;
    Some((state, start))
}

fn stat(pid: u32) -> io::Result<(char, u64)> {
    let text = fs::read(proc_path(pid, "stat"))?;
    parse_stat(&String::from_utf8_lossy(&text)).ok_or_else(|| io::Error::other("its stat has no start time"))
}

pub(crate) fn identify(pid: u32) -> io::Result<ProcessIdentity> {
    let (_, start_time) = stat(pid)?;
    let exe = proc_path(pid, "exe");
    let metadata = fs::metadata(&exe)?;
    let exe_path = fs::read_link(&exe)?;
    let (_, again) = stat(pid)?;
    if again != start_time {
        return Err(io::Error::other("it ended while it was looked at"));
    }
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
    Ok(ProcessIdentity {
        pid,
        start_time,
        boot_id,
        exe_dev: metadata.dev(),
        exe_inode: metadata.ino(),
        exe_path,
    })
}

pub(crate) fn is_running(pid: u32) -> bool {
    stat(pid).is_ok_and(|(state, _)| !matches!(state, 'Z' | 'X' | 'x'))
}

/// Proportional memory of a process in bytes, else its resident memory.
pub(crate) fn memory_of(pid: u32) -> Option<u64> {
    let kib = |text: &str, key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key)?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok())
    };
    let rollup = fs::read_to_string(proc_path(pid, "smaps_rollup")).ok();
    let pss = rollup.and_then(|text| kib(&text, "Pss:"));
    let rss = || kib(&fs::read_to_string(proc_path(pid, "status")).ok()?, "VmRSS:");
    pss.or_else(rss).map(|kib| kib * 1024)
}

/// How to signal one process and hear of its end. Without pidfds (kernels before 5.3) by pid, checked just before.
enum Target {
    Pidfd(OwnedFd),
    Pid(Pid),
}

impl Target {
    fn signal(&self, signal: Signal) -> rustix::io::Result<()> {
        match self {
            Self::Pidfd(fd) => pidfd_send_signal(fd, signal),
            Self::Pid(pid) => kill_process(*pid, signal),
        }
    }

    fn wait(&self, who: &ProcessIdentity, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        loop {
            if !who.is_alive() {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            match self {
                Self::Pidfd(fd) => {
                    let timeout = Timespec::try_from(left).ok();
                    let _ =
                        poll(&mut [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)], timeout.as_ref());
                }
                Self::Pid(_) => std::thread::sleep(left.min(Duration::from_millis(20))),
            }
        }
    }
}

fn refused(who: &ProcessIdentity, action: &'static str, error: rustix::io::Errno) -> ProcessError {
    ProcessError::Refused { pid: who.pid, action, source: io::Error::from(error) }
}

/// This very process, if it runs; an error if its pid is somebody else's by now.
fn target_of(who: &ProcessIdentity) -> Result<Option<Target>, ProcessError> {
    let Some(pid) = i32::try_from(who.pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
    // The pidfd first, the identity after: from here on the pid cannot become somebody else's.
    let target = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) => Target::Pidfd(fd),
        Err(rustix::io::Errno::SRCH) => return Ok(None),
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => Target::Pid(pid),
        Err(error) => return Err(refused(who, "open it", error)),
    };
    if !is_running(who.pid) {
        return Ok(None);
    }
    match identify(who.pid) {
        Ok(now) if now.is_same(who) => Ok(Some(target)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => Err(ProcessError::Stranger { pid: who.pid, program: who.program() }),
    }
}

pub(crate) fn suspend(who: &ProcessIdentity) -> Result<bool, ProcessError> {
    let Some(target) = target_of(who)? else { return Ok(false) };
    match target.signal(Signal::STOP) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => Err(refused(who, "suspend it", error)),
    }
}

pub(crate) fn end(who: &ProcessIdentity, grace: Option<Duration>) -> Result<Ended, ProcessError> {
    let Some(target) = target_of(who)? else { return Ok(Ended::AlreadyGone) };
    let send = |signal, action| match target.signal(signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(refused(who, action, error)),
    };
    if let Some(grace) = grace {
        send(Signal::TERM, "ask it to end")?;
        if target.wait(who, grace) {
            return Ok(Ended::Terminated);
        }
    }
    send(Signal::KILL, "kill it")?;
    if target.wait(who, AFTER_KILL) {
        return Ok(Ended::Killed);
    }
    Err(ProcessError::Stuck { pid: who.pid, program: who.program(), waited_s: AFTER_KILL.as_secs() })
}

fn tables() -> Vec<proc_net::Socket> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let mut sockets = proc_net::parse(&read("/proc/net/tcp"));
    sockets.extend(proc_net::parse(&read("/proc/net/tcp6")));
    sockets
}

pub(crate) fn listening_ports() -> BTreeSet<u16> {
    tables().into_iter().map(|socket| socket.port).collect()
}

pub(crate) fn port_holders(port: u16) -> Vec<Listening> {
    let inodes: BTreeSet<u64> =
        tables().into_iter().filter(|socket| socket.port == port).map(|socket| socket.inode).collect();
    if inodes.is_empty() {
        return Vec::new();
    }
    let mut pids: Vec<u32> = processes().filter(|pid| holds_any(*pid, &inodes)).collect();
    pids.sort_unstable();
    if pids.is_empty() {
        return vec![Listening { pid: None, program: None }];
    }
    pids.into_iter().map(|pid| Listening { pid: Some(pid), program: program_of(pid) }).collect()
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn holds_any(pid: u32, inodes: &BTreeSet<u64>) -> bool {
    let Ok(fds) = fs::read_dir(proc_path(pid, "fd")) else { return false };
    fds.flatten().any(|fd| {
        let Ok(link) = fs::read_link(fd.path()) else { return false };
        let inode =
            link.to_str().and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
        inode.is_some_and(|inode: u64| inodes.contains(&inode))
    })
}

fn program_of(pid: u32) -> Option<String> {
    let exe = fs::read_link(proc_path(pid, "exe")).ok();
    let name = exe
        .and_then(|path| Some(path.file_name()?.to_string_lossy().trim_end_matches(" (deleted)").to_owned()));
    name.or_else(|| Some(fs::read_to_string(proc_path(pid, "comm")).ok()?.trim().to_owned()))
}

pub(crate) fn ephemeral_range() -> RangeInclusive<u16> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    parse_port_range(&text).unwrap_or(32768..=60999)
}

fn parse_port_range(text: &str) -> Option<RangeInclusive<u16>> {
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    let (first, last) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (first <= last).then_some(first..=last)
}

pub(crate) fn excluded_ranges() -> Vec<RangeInclusive<u16>> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_with_a_hostile_name() {
        let fields = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(parse_stat(&format!("77 (a) b) ( {fields}) {fields}")), Some(('S', 4242)));
        assert_eq!(parse_stat("77 (x) S 1 2"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn port_range() {
        assert_eq!(parse_port_range("32768\t60999\n"), Some(32768..=60999));
        assert_eq!(parse_port_range("x"), None);
        assert_eq!(parse_port_range("5 1"), None);
    }

    #[test]
    fn own_memory_is_known() {
        assert!(memory_of(std::process::id()).is_some_and(|bytes| bytes > 100_000));
    }
}
