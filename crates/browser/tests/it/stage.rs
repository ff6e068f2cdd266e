//! What every test stands on: a home of its own, a seat, a guard that is this test program.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bulkhead_browser::{BrowserSeat, Reach, SeatSettings, System, find_executable};
use bulkhead_process::guard;
use bulkhead_profile::{Environment, Place, Ports, ProfileName};

pub const ROLE: &str = "BULKHEAD_TEST_BROWSER_ROLE";
pub const TOKEN: &str = "control-token-of-this-test";

/// This program again, as one of its tests.
pub fn again(test: &str) -> Vec<OsString> {
    let exe = std::env::current_exe().unwrap().into_os_string();
    vec![exe, test.into(), "--exact".into(), "--nocapture".into(), "--test-threads=1".into()]
}

/// Not a test of its own: the guard's process.
#[test]
fn act_as_guard() {
    if std::env::var_os(ROLE).is_some_and(|role| role == "guard") {
        println!(); // the test harness has begun the line
        let code = guard::run();
        std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
    }
}

pub fn guard_command() -> Vec<OsString> {
    let mut command: Vec<OsString> = vec!["/usr/bin/env".into(), format!("{ROLE}=guard").into()];
    command.extend(again("stage::act_as_guard"));
    command
}

/// The browser of this machine; a printed word and `None` without one.
pub fn browser() -> Option<PathBuf> {
    let found = find_executable(None, System::current(), &Environment::from_process(), Path::is_file).ok();
    if found.is_none() {
        println!("skipped: no Chrome or Chromium is installed here");
    }
    found
}

/// The settings of a profile under `home`, headless.
pub fn settings(home: &Path, profile: &str, base: u16, reach: Reach) -> SeatSettings {
    let path = std::env::var("PATH").unwrap_or_default();
    let env = Environment::for_test(home).with_var("PATH", &path);
    let place = Place::resolve(Some(&ProfileName::parse(profile).unwrap()), &env).unwrap();
    let mut settings = SeatSettings::new(place, Ports::new(base).unwrap(), env, TOKEN.into(), reach);
    settings.headless = Some(true);
    settings.guard = Some(guard_command());
    settings.control_port = 0;
    settings
}

pub fn seat(settings: SeatSettings) -> BrowserSeat {
    BrowserSeat::new(settings).unwrap()
}

/// Living processes (zombies have no command line) that name this directory.
pub fn processes_of(dir: &Path) -> Vec<u32> {
    let wanted = dir.to_str().unwrap();
    let all =
        std::fs::read_dir("/proc").map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let pids = all.iter().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        *pid != std::process::id() && String::from_utf8_lossy(&line).contains(wanted)
    })
    .collect()
}

/// Waits for something that must come to be.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < until, "never: {what}");
        std::thread::yield_now();
    }
}
