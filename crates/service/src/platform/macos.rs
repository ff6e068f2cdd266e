//! launchd: `launchctl`, for the log-in (an agent) or for the system (a daemon).

use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_profile::Place;

use super::{remove_file, text_of, user_id, write_file};
use crate::command::{self, Said};
use crate::drift::Format;
use crate::error::ServiceError;
use crate::launchd;
use crate::service::Service;
use crate::spec::ServiceSpec;
use crate::status::{Shown, parse_print};

pub(crate) const FORMAT: Format = Format::Launchd;

const ASK: Duration = Duration::from_secs(20);
/// Longer than `ExitTimeOut`.
const JOB: Duration = Duration::from_mins(1);
/// `launchctl` answers so when the service is not loaded.
const NOT_LOADED: [i32; 3] = [3, 113, 36];

pub(crate) fn name(place: &Place) -> String {
    place.launchd_label()
}

pub(crate) fn path(service: &Service) -> PathBuf {
    let dir = if service.scope.is_system() {
        PathBuf::from("/Library/LaunchDaemons")
    } else {
        service.env.home.join("Library").join("LaunchAgents")
    };
    dir.join(format!("{}.plist", service.name()))
}

pub(crate) fn is_installed(service: &Service) -> bool {
    path(service).symlink_metadata().is_ok()
}

pub(crate) fn read(service: &Service) -> Option<(Format, String)> {
    Some((FORMAT, text_of(&path(service))?))
}

/// Whether a daemon of this label is for somebody else's profile.
pub(crate) fn names_another_user(service: &Service) -> bool {
    let own = service.place.state_dir().to_str().unwrap_or_default();
    let found = read(service).and_then(|(_, text)| launchd::metadata(&text));
    // One label is one service: a daemon that is not ours stands in the way, too.
    found.is_some_and(|found| found.state_dir != own)
}

fn domain(service: &Service) -> String {
    if service.scope.is_system() {
        return "system".to_owned();
    }
    let uid = user_id();
    // Without a window session (ssh) the agents' domain is another one.
    let gui = format!("gui/{uid}");
    let there = command::run("launchctl", &["print", &gui], &[], ASK).is_ok_and(|said| said.ok());
    if there { gui } else { format!("user/{uid}") }
}

fn target(service: &Service) -> String {
    format!("{}/{}", domain(service), service.name())
}

pub(crate) fn available(service: &Service) -> Result<(), ServiceError> {
    if Path::new("/bin/launchctl").exists() {
        return Ok(());
    }
    let name = service.place.name();
    Err(ServiceError::Unavailable {
        why: "no-program",
        found: "there is no /bin/launchctl".to_owned(),
        expected: "launchd",
        next: format!("run it here with `bulkhead --profile {name} gateway supervise`"),
    })
}

fn launchctl(args: &[&str], limit: Duration) -> Result<Said, ServiceError> {
    command::run("launchctl", args, &[], limit)
}

fn next(service: &Service) -> String {
    if service.scope.is_system() {
        "run it with sudo".to_owned()
    } else {
        format!("see why with `bulkhead --profile {} logs`", service.place.name())
    }
}

fn is_loaded(service: &Service) -> Result<bool, ServiceError> {
    Ok(launchctl(&["print", &target(service)], ASK)?.ok())
}

pub(crate) fn shown(service: &Service) -> Result<Shown, ServiceError> {
    let said = launchctl(&["print", &target(service)], ASK)?;
    let mut shown = if said.ok() {
        parse_print(&said.text())
    } else {
        Shown { load: "not-found".to_owned(), active: "inactive".to_owned(), ..Shown::default() }
    };
    let disabled = launchctl(&["print-disabled", &domain(service)], ASK)?.text();
    let quoted = format!("\"{}\"", service.name());
    let line = disabled.lines().find(|line| line.contains(&quoted));
    shown.enabled = Some(!line.is_some_and(|line| line.contains("disabled") || line.contains("true")));
    Ok(shown)
}

pub(crate) fn write(service: &Service, spec: &ServiceSpec) -> Result<(), ServiceError> {
    let logs = service.place.state_dir().join("logs");
    bulkhead_profile::files::create_private_dir(&logs)
        .map_err(|error| ServiceError::io("make the directory", &logs, error))?;
    let text = launchd::render(spec);
    // launchd keeps what it loaded: the old one has to go first.
    unload(service)?;
    write_file(&path(service), text.as_bytes(), 0o644)
}

pub(crate) fn enable(service: &Service) -> Result<(), ServiceError> {
    launchctl(&["enable", &target(service)], ASK)?.must(next(service)).map(drop)
}

pub(crate) fn disable(service: &Service) -> Result<(), ServiceError> {
    launchctl(&["disable", &target(service)], ASK)?.must(next(service))?;
    unload(service)
}

pub(crate) fn start(service: &Service) -> Result<(), ServiceError> {
    if is_loaded(service)? {
        return launchctl(&["kickstart", &target(service)], JOB)?.must(next(service)).map(drop);
    }
    enable(service)?;
    let path = path(service);
    let path = path.to_string_lossy();
    launchctl(&["bootstrap", &domain(service), &path], JOB)?.must(next(service)).map(drop)
}

/// A supervisor that was asked ends well, so launchd leaves it at that (`SuccessfulExit`) until the next log-in.
pub(crate) fn stop(service: &Service) -> Result<(), ServiceError> {
    unload(service)
}

pub(crate) fn restart(service: &Service) -> Result<(), ServiceError> {
    unload(service)?;
    start(service)
}

fn unload(service: &Service) -> Result<(), ServiceError> {
    let said = launchctl(&["bootout", &target(service)], JOB)?;
    if said.code.is_some_and(|code| NOT_LOADED.contains(&code)) {
        return Ok(());
    }
    said.must(next(service)).map(drop)
}

pub(crate) fn remove(service: &Service, manager_answers: bool) -> Result<(), ServiceError> {
    if manager_answers {
        unload(service)?;
    }
    remove_file(&path(service))
}

pub(crate) fn left_behind(_service: &Service) -> Vec<PathBuf> {
    Vec::new()
}
