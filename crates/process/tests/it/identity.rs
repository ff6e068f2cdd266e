//! Identity, and ending only what matches.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bulkhead_process::{Ended, ProcessError, ProcessIdentity, RunRecord};

fn sleeper() -> Child {
    Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap()
}

#[test]
fn the_very_process_is_ended_and_another_under_its_pid_is_not() {
    let mut child = sleeper();
    let identity = ProcessIdentity::of(child.id()).unwrap();
    assert!(identity.is_alive());
    assert_eq!(
        identity.program(),
        std::fs::canonicalize("/usr/bin/sleep").map_or("sleep".into(), |p| p
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned())
    );
    let fakes = [
        ProcessIdentity { start_time: identity.start_time + 1, ..identity.clone() },
        ProcessIdentity { exe_inode: identity.exe_inode + 1, ..identity.clone() },
        ProcessIdentity { boot_id: "another boot".into(), ..identity.clone() },
    ];
    for fake in fakes {
        assert!(!fake.is_alive());
        assert!(matches!(fake.kill(), Err(ProcessError::Stranger { .. })));
    }
    assert!(identity.is_alive(), "left alone");
    let waiting = std::thread::spawn(move || child.wait());
    assert_eq!(identity.terminate(Duration::from_secs(5)).unwrap(), Ended::Terminated);
    waiting.join().unwrap().unwrap();
    assert!(!identity.is_alive());
    assert_eq!(identity.kill().unwrap(), Ended::AlreadyGone);
}

#[test]
fn a_zombie_is_not_alive() {
    let mut child = sleeper();
    let identity = ProcessIdentity::of(child.id()).unwrap();
    child.kill().unwrap();
    // Not waited for: it stays a zombie. The pidfd's end, not time, is what `kill` waits for.
    assert!(matches!(identity.kill(), Ok(Ended::AlreadyGone | Ended::Killed)));
    assert!(!identity.is_alive());
    child.wait().unwrap();
}

#[test]
fn one_that_ignores_the_asking_is_killed() {
    let mut child = Command::new("sh")
        .args(["-c", "trap '' TERM; echo ready; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 6];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let identity = ProcessIdentity::of(child.id()).unwrap();
    assert_eq!(identity.terminate(Duration::from_millis(50)).unwrap(), Ended::Killed);
    child.wait().unwrap();
}

#[test]
fn a_record_proves_only_a_running_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/run.json");
    let record = RunRecord {
        identity: ProcessIdentity::of_self().unwrap(),
        profile: "main".into(),
        base_port: 18789,
        state_dir: dir.path().to_owned(),
        version: "0.1.0".into(),
    };
    record.write(&path).unwrap();
    assert_eq!(RunRecord::read_running(&path), Some(record.clone()));
    let stale =
        RunRecord { identity: ProcessIdentity { start_time: 1, ..record.identity.clone() }, ..record };
    stale.write(&path).unwrap();
    assert!(RunRecord::read(&path).is_some() && RunRecord::read_running(&path).is_none());
    std::fs::write(&path, "{").unwrap();
    assert_eq!(RunRecord::read(&path), None);
}

#[cfg(unix)]
#[test]
fn a_suspended_process_stands_still_and_can_be_killed() {
    let mut child = sleeper();
    let identity = ProcessIdentity::of(child.id()).unwrap();
    let other = ProcessIdentity { start_time: identity.start_time + 1, ..identity.clone() };
    assert!(matches!(other.suspend(), Err(ProcessError::Stranger { .. })));
    assert!(identity.suspend().unwrap());
    #[cfg(target_os = "linux")]
    {
        // The signal is on its way when `suspend` returns.
        let stands_still = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", identity.pid)).unwrap();
            stat.contains(") T ")
        };
        assert!((0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            stands_still()
        }));
    }
    assert!(identity.is_alive());
    let waiting = std::thread::spawn(move || child.wait());
    assert_eq!(identity.terminate(Duration::from_millis(50)).unwrap(), Ended::Killed);
    waiting.join().unwrap().unwrap();
    assert!(!identity.suspend().unwrap(), "gone");
}
