//! macOS: signals by pid, right after the identity was checked (there is no pidfd).

use std::io;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::AFTER_KILL;
use crate::error::ProcessError;
use crate::identity::{Ended, ProcessIdentity};

pub(crate) fn suspend(who: &ProcessIdentity) -> Result<bool, ProcessError> {
    let Some(pid) = i32::try_from(who.pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
    if !super::is_running(who.pid) {
        return Ok(false);
    }
    if !who.is_alive() {
        return Err(ProcessError::Stranger { pid: who.pid, program: who.program() });
    }
    match kill_process(pid, Signal::STOP) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => {
            Err(ProcessError::Refused { pid: who.pid, action: "suspend it", source: io::Error::from(error) })
        }
    }
}

pub(crate) fn end(who: &ProcessIdentity, grace: Option<Duration>) -> Result<Ended, ProcessError> {
    let Some(pid) = i32::try_from(who.pid).ok().and_then(Pid::from_raw) else {
        return Ok(Ended::AlreadyGone);
    };
    let send = |signal, action| {
        if !super::is_running(who.pid) {
            return Ok(false);
        }
        if !who.is_alive() {
            return Err(ProcessError::Stranger { pid: who.pid, program: who.program() });
        }
        match kill_process(pid, signal) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(error) => Err(ProcessError::Refused { pid: who.pid, action, source: io::Error::from(error) }),
        }
    };
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
    if let Some(grace) = grace {
        if !send(Signal::TERM, "ask it to end")? {
            return Ok(Ended::AlreadyGone);
        }
        if gone_within(grace) {
            return Ok(Ended::Terminated);
        }
    }
    if !send(Signal::KILL, "kill it")? {
        return Ok(if grace.is_some() { Ended::Terminated } else { Ended::AlreadyGone });
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
    Vec::new()
}
