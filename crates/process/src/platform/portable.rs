//! macOS and Windows: identity by sysinfo (start time in seconds), listeners by the listeners crate.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use super::Listening;
use crate::identity::ProcessIdentity;

pub(super) fn look_at(pid: u32) -> System {
    let mut system = System::new();
    let what = ProcessRefreshKind::nothing().with_exe(UpdateKind::Always).with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[Pid::from_u32(pid)]), true, what);
    system
}

pub(crate) fn identify(pid: u32) -> io::Result<ProcessIdentity> {
    let system = look_at(pid);
    let process = system
        .process(Pid::from_u32(pid))
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such process"))?;
    let exe_path =
        process.exe().map(Path::to_owned).ok_or_else(|| io::Error::other("its program is not told"))?;
    let (exe_dev, exe_inode) = file_identity(&exe_path)?;
    Ok(ProcessIdentity {
        pid,
        start_time: process.start_time(),
        boot_id: System::boot_time().to_string(),
        exe_dev,
        exe_inode,
        exe_path,
    })
}

#[cfg(unix)]
fn file_identity(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Windows tells no inode without unsafe calls: size and creation time stand in for it.
#[cfg(windows)]
fn file_identity(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::windows::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.file_size(), metadata.creation_time()))
}

pub(crate) fn is_running(pid: u32) -> bool {
    look_at(pid)
        .process(Pid::from_u32(pid))
        .is_some_and(|process| !matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead))
}

pub(crate) fn memory_of(pid: u32) -> Option<u64> {
    look_at(pid).process(Pid::from_u32(pid)).map(sysinfo::Process::memory)
}

fn listeners_here() -> Vec<listeners::Listener> {
    let all = listeners::get_all().unwrap_or_default();
    all.into_iter()
        .filter(|l| l.protocol == listeners::Protocol::TCP && l.state == listeners::SocketState::Listen)
        .collect()
}

pub(crate) fn listening_ports() -> BTreeSet<u16> {
    listeners_here().into_iter().map(|listener| listener.socket.port()).collect()
}

pub(crate) fn port_holders(port: u16) -> Vec<Listening> {
    let mut held: Vec<_> = listeners_here()
        .into_iter()
        .filter(|listener| listener.socket.port() == port)
        .map(|listener| Listening { pid: Some(listener.process.pid), program: Some(listener.process.name) })
        .collect();
    held.sort_by_key(|listening| listening.pid);
    held.dedup();
    held
}
