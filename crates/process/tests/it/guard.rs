//! A guarded program ends with its parent, however that ends. The guard is this test program, started once more.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bulkhead_process::guard::{self, Guarded, GuardedProgram};
use bulkhead_process::{ProcessError, ProcessIdentity};

const ROLE: &str = "BULKHEAD_TEST_GUARD_ROLE";

fn again(test: &str) -> Vec<OsString> {
    let exe = std::env::current_exe().unwrap().into_os_string();
    vec![exe, test.into(), "--exact".into(), "--nocapture".into(), "--test-threads=1".into()]
}

/// Not a test of its own: the guard's process.
#[test]
fn act_as_guard() {
    if std::env::var_os(ROLE).is_some() {
        println!(); // the test harness has begun the line
        let code = guard::run();
        std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
    }
}

/// Not a test of its own: a parent that starts a guarded program and waits to be killed.
#[test]
fn act_as_parent() {
    if std::env::var_os(ROLE).is_some_and(|role| role == "parent") {
        let log = std::env::var_os("BULKHEAD_TEST_LOG").unwrap();
        let guarded = Guarded::spawn(&again("guard::act_as_guard"), &program(Path::new(&log))).unwrap();
        println!("\npid {}", guarded.pid());
        loop {
            std::thread::park();
        }
    }
}

/// A program with a grandchild that ignores being asked.
fn program(log: &Path) -> GuardedProgram {
    GuardedProgram {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), "(trap '' TERM; while :; do sleep 600; done) & echo child $!; wait".into()],
        without: vec![],
        log: Some(log.to_owned()),
    }
}

fn grandchild(log: &Path) -> ProcessIdentity {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        if let Some(pid) = text.strip_prefix("child ").and_then(|rest| rest.strip_suffix('\n')) {
            return ProcessIdentity::of(pid.parse().unwrap()).unwrap();
        }
        assert!(Instant::now() < until, "the program never spoke");
        std::thread::yield_now();
    }
}

fn gone(identity: &ProcessIdentity) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while identity.is_alive() {
        if Instant::now() > until {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

fn guard_through_env() -> Vec<OsString> {
    let mut command: Vec<OsString> = vec!["/usr/bin/env".into(), format!("{ROLE}=guard").into()];
    command.extend(again("guard::act_as_guard"));
    command
}

#[test]
fn dropping_ends_the_program_and_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let mut guarded = Guarded::spawn(&guard_through_env(), &program(&log)).unwrap();
    let child = ProcessIdentity::of(guarded.pid()).unwrap();
    let grandchild = grandchild(&log);
    assert!(guarded.is_running() && child.is_alive());
    drop(guarded);
    assert!(gone(&child) && gone(&grandchild));
}

#[test]
fn a_killed_parent_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let parent = again("guard::act_as_parent");
    let mut parent = Command::new(&parent[0])
        .args(&parent[1..])
        .env(ROLE, "parent")
        .env("BULKHEAD_TEST_LOG", &log)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let pid = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("pid ")?.parse().ok()).unwrap();
    let child = ProcessIdentity::of(pid).unwrap();
    let grandchild = grandchild(&log);
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(gone(&child), "the program outlived its killed parent");
    assert!(gone(&grandchild), "its child did");
}

#[test]
fn a_program_that_cannot_start_is_told() {
    let missing =
        GuardedProgram { program: "/nowhere/chrome".into(), args: vec![], without: vec![], log: None };
    let error = Guarded::spawn(&guard_through_env(), &missing).unwrap_err();
    assert!(matches!(error, ProcessError::Start { .. }));
    assert!(error.to_string().starts_with("/nowhere/chrome: cannot be started: No such file"), "{error}");
}

#[test]
fn a_program_that_ends_is_noticed() {
    let short = GuardedProgram { program: "true".into(), args: vec![], without: vec![], log: None };
    let mut guarded = Guarded::spawn(&guard_through_env(), &short).unwrap();
    assert!(guarded.wait(Duration::from_secs(10)));
}
