//! Processes that stand still: stopped by `SIGSTOP`, a terminal or a debugger. They live and answer nothing.

/// Whether a process stands still. False where the system does not say.
pub fn stands_still(pid: u32) -> bool {
    #[cfg(target_os = "linux")]
    {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The program's name before it may hold anything, also a closing bracket.
        let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
        matches!(state, Some('T' | 't'))
    }
    #[cfg(not(target_os = "linux"))]
    {
        use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};
        let mut system = System::new();
        let pid = Pid::from_u32(pid);
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[pid]),
            true,
            ProcessRefreshKind::nothing(),
        );
        system.process(pid).is_some_and(|process| process.status() == ProcessStatus::Stop)
    }
}

/// Lets a child that stands still go on. Only for children of this process that were not waited for yet: their pids
/// cannot be somebody else's.
pub fn go_on(child: u32) {
    #[cfg(unix)]
    if let Some(pid) = i32::try_from(child).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::CONT);
    }
    #[cfg(windows)]
    let _ = child;
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_child_stands_still_until_it_goes_on() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        assert!(!stands_still(child.id()));
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        while !stands_still(child.id()) {
            std::thread::yield_now();
        }
        go_on(child.id());
        while stands_still(child.id()) {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!stands_still(child.id()), "a process that is gone");
    }
}
