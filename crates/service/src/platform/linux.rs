//! systemd: `systemctl`, of the user or of the system.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_profile::Place;

use super::{present, remove_file, text_of, user_id, write_file};
use crate::command::{self, Said};
use crate::drift::Format;
use crate::error::ServiceError;
use crate::linger;
use crate::service::Service;
use crate::spec::ServiceSpec;
use crate::status::{PROPERTIES, Shown, parse_show};
use crate::systemd;

pub(crate) const FORMAT: Format = Format::Systemd;

const SYSTEM_DIR: &str = "/etc/systemd/system";
const BOOTED: &str = "/run/systemd/system";
/// A question is answered at once; a machine under load may take its time.
const ASK: Duration = Duration::from_secs(20);
/// Longer than the unit's own limits for a start and a stop.
const JOB: Duration = Duration::from_secs(150);

pub(crate) fn name(place: &Place) -> String {
    place.service_name()
}

fn dir(service: &Service) -> PathBuf {
    if service.scope.is_system() {
        PathBuf::from(SYSTEM_DIR)
    } else {
        service.env.config_home.join("systemd").join("user")
    }
}

pub(crate) fn path(service: &Service) -> PathBuf {
    dir(service).join(service.name())
}

pub(crate) fn is_installed(service: &Service) -> bool {
    path(service).symlink_metadata().is_ok()
}

pub(crate) fn read(service: &Service) -> Option<(Format, String)> {
    Some((FORMAT, text_of(&path(service))?))
}

/// Whether a system unit of this name runs as somebody else: then it is another profile, of that user.
pub(crate) fn names_another_user(service: &Service) -> bool {
    let Some((_, text)) = read(service) else { return false };
    let own = service.place.state_dir().to_str().unwrap_or_default();
    systemd::metadata(&text).is_some_and(|found| found.state_dir != own)
}

/// Where the user's manager listens; found also where the log-in did not say so (`su`, `cron`).
fn runtime_dir(service: &Service) -> PathBuf {
    service.env.runtime_dir.clone().unwrap_or_else(|| PathBuf::from(format!("/run/user/{}", user_id())))
}

pub(crate) fn available(service: &Service) -> Result<(), ServiceError> {
    let name = service.place.name();
    let instead =
        format!("run it here with `bulkhead --profile {name} gateway supervise`, or let the app run it");
    if !Path::new(BOOTED).is_dir() {
        return Err(ServiceError::Unavailable {
            why: "not-booted",
            found: "this machine was not started with systemd".to_owned(),
            expected: "systemd as the init system",
            next: format!(
                "{instead}; under WSL2 put `systemd=true` under `[boot]` into /etc/wsl.conf and run `wsl --shutdown`"
            ),
        });
    }
    if service.scope.is_system() {
        return Ok(());
    }
    let runtime = runtime_dir(service);
    let socket = runtime.join("systemd").join("private");
    if socket.exists() {
        return Ok(());
    }
    let user = linger::user_name(&service.env).unwrap_or_else(|| "USER".to_owned());
    Err(ServiceError::Unavailable {
        why: "no-user-manager",
        found: format!("no service manager of user {user} answers at {}", socket.display()),
        expected: "one that came with the log-in",
        next: format!(
            "log in as {user} itself (not by su or sudo), or let it run without a log-in with `sudo loginctl enable-linger {user}`; \
             or {instead}"
        ),
    })
}

fn systemctl(service: &Service, args: &[&str], limit: Duration) -> Result<Said, ServiceError> {
    if service.scope.is_system() {
        return command::run(
            "systemctl",
            &[&["--system", "--no-pager", "--no-ask-password"], args].concat(),
            &[],
            limit,
        );
    }
    let runtime = runtime_dir(service);
    let runtime = runtime.to_string_lossy();
    let variables = [("XDG_RUNTIME_DIR", runtime.as_ref())];
    command::run("systemctl", &[&["--user", "--no-pager"], args].concat(), &variables, limit)
}

/// What to do when the service manager refuses.
fn next(service: &Service) -> String {
    if service.scope.is_system() {
        let name = service.name();
        return format!("only root may do that: sudo systemctl start {name} (or stop, restart)");
    }
    format!(
        "see why with `systemctl --user status {}` and `bulkhead --profile {} logs`",
        service.name(),
        service.place.name()
    )
}

fn must(service: &Service, args: &[&str], limit: Duration) -> Result<Said, ServiceError> {
    systemctl(service, args, limit)?.must(next(service))
}

pub(crate) fn shown(service: &Service) -> Result<Shown, ServiceError> {
    let property = format!("--property={PROPERTIES}");
    let said = must(service, &["show", &property, "--", &service.name()], ASK)?;
    Ok(parse_show(&said.text()))
}

pub(crate) fn write(service: &Service, spec: &ServiceSpec) -> Result<(), ServiceError> {
    write_file(&path(service), systemd::render(spec).as_bytes(), 0o644)?;
    must(service, &["daemon-reload"], ASK).map(drop)
}

pub(crate) fn enable(service: &Service) -> Result<(), ServiceError> {
    let name = service.name();
    let shown = shown(service)?;
    // A manager that was started with other directories would never see the unit.
    if shown.load == "not-found" {
        return Err(ServiceError::Unavailable {
            why: "other-directories",
            found: format!("the service manager does not see {}", path(service).display()),
            expected: "that it reads the directory of this log-in",
            next: "unset XDG_CONFIG_HOME, or log in again, and install it again".to_owned(),
        });
    }
    if shown.enabled == Some(true) {
        return Ok(());
    }
    must(service, &["enable", "--quiet", "--", &name], ASK).map(drop)
}

pub(crate) fn disable(service: &Service) -> Result<(), ServiceError> {
    must(service, &["disable", "--quiet", "--", &service.name()], ASK).map(drop)
}

pub(crate) fn start(service: &Service) -> Result<(), ServiceError> {
    // Starts that failed before no longer count: somebody asked for this one.
    let _ = systemctl(service, &["reset-failed", "--", &service.name()], ASK);
    must(service, &["start", "--", &service.name()], JOB).map(drop)
}

pub(crate) fn stop(service: &Service) -> Result<(), ServiceError> {
    must(service, &["stop", "--", &service.name()], JOB).map(drop)
}

pub(crate) fn restart(service: &Service) -> Result<(), ServiceError> {
    let _ = systemctl(service, &["reset-failed", "--", &service.name()], ASK);
    must(service, &["restart", "--", &service.name()], JOB).map(drop)
}

pub(crate) fn remove(service: &Service, manager_answers: bool) -> Result<(), ServiceError> {
    let name = service.name();
    if manager_answers {
        stop(service)?;
        disable(service)?;
    }
    // What `disable` would have removed.
    for wanted_by in ["default.target.wants", "multi-user.target.wants"] {
        remove_file(&dir(service).join(wanted_by).join(&name))?;
    }
    remove_file(&path(service))?;
    if manager_answers {
        must(service, &["daemon-reload"], ASK)?;
        let _ = systemctl(service, &["reset-failed", "--", &name], ASK);
    }
    Ok(())
}

pub(crate) fn left_behind(service: &Service) -> Vec<PathBuf> {
    present([dir(service).join(format!("{}.d", service.name()))])
}
