//! The Windows Task Scheduler, and the Startup folder where tasks are not allowed.

use std::path::PathBuf;
use std::time::Duration;

use bulkhead_profile::Place;

use super::{present, remove_file, text_of, write_file};
use crate::command::{self, Said};
use crate::drift::Format;
use crate::error::ServiceError;
use crate::service::Service;
use crate::spec::ServiceSpec;
use crate::status::Shown;
use crate::task;

pub(crate) const FORMAT: Format = Format::Task;

const ASK: Duration = Duration::from_secs(30);

pub(crate) fn name(place: &Place) -> String {
    place.task_name()
}

/// Our copy of the task as it was given to the scheduler, which keeps its own elsewhere.
pub(crate) fn path(service: &Service) -> PathBuf {
    service.place.state_dir().join("service-task.xml")
}

fn startup_path(service: &Service) -> PathBuf {
    service
        .env
        .config_home
        .join("Microsoft")
        .join("Windows")
        .join("Start Menu")
        .join("Programs")
        .join("Startup")
        .join(format!("{}.vbs", service.name()))
}

pub(crate) fn is_installed(service: &Service) -> bool {
    path(service).exists() || startup_path(service).exists()
}

pub(crate) fn read(service: &Service) -> Option<(Format, String)> {
    let registered = schtasks(&["/Query", "/TN", &service.name(), "/XML"]).ok().filter(Said::ok);
    if let Some(said) = registered {
        return Some((Format::Task, said.text()));
    }
    Some((Format::Startup, text_of(&startup_path(service))?))
}

/// There is no other scope here.
pub(crate) fn names_another_user(_service: &Service) -> bool {
    true
}

pub(crate) fn available(service: &Service) -> Result<(), ServiceError> {
    if !service.scope.is_system() {
        return Ok(());
    }
    let name = service.place.name();
    Err(ServiceError::Unavailable {
        why: "other-system",
        found: "a service of the system was asked for".to_owned(),
        expected: "a task at log-on, which is what Windows gets",
        next: format!(
            "leave --system out; for a gateway without a log-on run it in WSL2: `bulkhead --profile {name} gateway install --system` there"
        ),
    })
}

fn schtasks(args: &[&str]) -> Result<Said, ServiceError> {
    command::run("schtasks.exe", args, &[], ASK)
}

fn next(service: &Service) -> String {
    format!("see the Task Scheduler, and `bulkhead --profile {} logs`", service.place.name())
}

/// Words of `schtasks` are in the user's language; numbers are not.
pub(crate) fn shown(service: &Service) -> Result<Shown, ServiceError> {
    let name = service.name().replace('\'', "''");
    let script = format!(
        "$t = Get-ScheduledTask -TaskName '{name}' -ErrorAction Stop; $i = $t | Get-ScheduledTaskInfo; \
         Write-Output ([int]$t.State) ([int64]$i.LastTaskResult)"
    );
    let said =
        command::run("powershell.exe", &["-NoProfile", "-NonInteractive", "-Command", &script], &[], ASK)?;
    let text = said.text();
    let mut numbers = text.split_whitespace().filter_map(|word| word.parse::<i64>().ok());
    let (state, result) = (numbers.next(), numbers.next());
    Ok(match state {
        None => Shown {
            load: "startup".to_owned(),
            active: "startup-folder".to_owned(),
            enabled: Some(startup_path(service).exists()),
            ..Shown::default()
        },
        Some(state) => Shown {
            load: "loaded".to_owned(),
            active: match state {
                4 => "active",
                1 => "disabled",
                _ => "inactive",
            }
            .to_owned(),
            enabled: Some(state != 1),
            last_exit: result.and_then(|code| i32::try_from(code).ok()),
            ..Shown::default()
        },
    })
}

fn utf16(text: &str) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

pub(crate) fn write(service: &Service, spec: &ServiceSpec) -> Result<(), ServiceError> {
    let copy = path(service);
    write_file(&copy, &utf16(&task::render(spec)), 0o600)?;
    let file = copy.to_string_lossy();
    let made = schtasks(&["/Create", "/TN", &service.name(), "/XML", &file, "/F"])?;
    if made.ok() {
        return remove_file(&startup_path(service));
    }
    // Some organisations allow no tasks: the Startup folder does nearly the same.
    tracing::warn!(said = %made.err.trim(), "no scheduled task could be made; the Startup folder is used");
    remove_file(&copy)?;
    write_file(&startup_path(service), &utf16(&task::render_startup(spec)), 0o600)
}

pub(crate) fn enable(service: &Service) -> Result<(), ServiceError> {
    if startup_path(service).exists() {
        return Ok(());
    }
    schtasks(&["/Change", "/TN", &service.name(), "/ENABLE"])?.must(next(service)).map(drop)
}

pub(crate) fn disable(service: &Service) -> Result<(), ServiceError> {
    if startup_path(service).exists() {
        return remove_file(&startup_path(service));
    }
    schtasks(&["/Change", "/TN", &service.name(), "/DISABLE"])?.must(next(service)).map(drop)
}

pub(crate) fn start(service: &Service) -> Result<(), ServiceError> {
    let startup = startup_path(service);
    if startup.exists() {
        let script = startup.to_string_lossy();
        return command::run("wscript.exe", &["//B", "//Nologo", &script], &[], ASK)?
            .must(next(service))
            .map(drop);
    }
    schtasks(&["/Run", "/TN", &service.name()])?.must(next(service)).map(drop)
}

pub(crate) fn stop(service: &Service) -> Result<(), ServiceError> {
    if startup_path(service).exists() {
        return Ok(());
    }
    schtasks(&["/End", "/TN", &service.name()])?.must(next(service)).map(drop)
}

pub(crate) fn restart(service: &Service) -> Result<(), ServiceError> {
    let _ = stop(service);
    start(service)
}

pub(crate) fn remove(service: &Service, _manager_answers: bool) -> Result<(), ServiceError> {
    let name = service.name();
    if schtasks(&["/Query", "/TN", &name])?.ok() {
        let _ = schtasks(&["/End", "/TN", &name]);
        schtasks(&["/Delete", "/TN", &name, "/F"])?.must(next(service))?;
    }
    remove_file(&startup_path(service))?;
    remove_file(&path(service))
}

pub(crate) fn left_behind(service: &Service) -> Vec<PathBuf> {
    present([startup_path(service), path(service)])
}
