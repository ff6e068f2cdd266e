//! Windows: a process is asked to end by the caller (its stdin closes); here it is ended through its handle.

use std::io;
use std::ops::RangeInclusive;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sysinfo::Pid;

use super::AFTER_KILL;
use super::portable::look_at;
use crate::error::ProcessError;
use crate::identity::{Ended, ProcessIdentity};
use crate::port::parse_excluded_ranges;

/// A process is not suspended here as a whole, only its threads one by one: refused.
pub(crate) fn suspend(who: &ProcessIdentity) -> Result<bool, ProcessError> {
    Err(ProcessError::Refused {
        pid: who.pid,
        action: "suspend it",
        source: std::io::ErrorKind::Unsupported.into(),
    })
}

pub(crate) fn end(who: &ProcessIdentity, grace: Option<Duration>) -> Result<Ended, ProcessError> {
    let gone_within = |limit: Duration| {
        let until = Instant::now() + limit;
        while who.is_alive() {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    };
    if !super::is_running(who.pid) {
        return Ok(Ended::AlreadyGone);
    }
    if !who.is_alive() {
        return Err(ProcessError::Stranger { pid: who.pid, program: who.program() });
    }
    if gone_within(grace.unwrap_or_default().min(Duration::from_millis(100))) {
        return Ok(Ended::Terminated);
    }
    let system = look_at(who.pid);
    let killed = system.process(Pid::from_u32(who.pid)).is_none_or(sysinfo::Process::kill);
    if !killed && who.is_alive() {
        let source = io::Error::from(io::ErrorKind::PermissionDenied);
        return Err(ProcessError::Refused { pid: who.pid, action: "end it", source });
    }
    if gone_within(AFTER_KILL) {
        return Ok(Ended::Killed);
    }
    Err(ProcessError::Stuck { pid: who.pid, program: who.program(), waited_s: AFTER_KILL.as_secs() })
}

pub(crate) fn ephemeral_range() -> RangeInclusive<u16> {
    49152..=65535
}

pub(crate) fn excluded_ranges() -> Vec<RangeInclusive<u16>> {
    let output = Command::new("netsh")
        .args(["interface", "ipv4", "show", "excludedportrange", "protocol=tcp"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    output.map(|output| parse_excluded_ranges(&String::from_utf8_lossy(&output.stdout))).unwrap_or_default()
}
