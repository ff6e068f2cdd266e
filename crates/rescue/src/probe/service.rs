//! What the service manager says. On Linux `systemctl show`; elsewhere nothing is known.

use std::time::Duration;

use tokio::process::Command;

use super::Eye;
use crate::observation::{Observation, ServiceActivity, ServiceSeen};

const EVERY: Duration = Duration::from_secs(3);
/// Without such a unit (or without systemd) it is looked for seldom.
const EVERY_ABSENT: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(5);
const PROPERTIES: &str = "LoadState,ActiveState,SubState,UnitFileState,Result,ExecMainCode,ExecMainStatus,NRestarts,MainPID,InactiveEnterTimestampMonotonic,ExecStart";

pub(super) async fn run(eye: Eye) {
    let Some(unit) = eye.target.unit.clone() else { return };
    loop {
        let began = eye.now();
        let seen = look(&unit).await;
        let every = match &seen {
            Some(seen) if seen.installed || seen.masked => EVERY,
            _ => EVERY_ABSENT,
        };
        if let Some(seen) = seen {
            eye.saw(began, Observation::Service(seen)).await;
        }
        eye.next_look(every).await;
    }
}

/// Asks the user's service manager.
pub(crate) async fn look(unit: &str) -> Option<ServiceSeen> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let mut command = Command::new("systemctl");
    command
        .args(["--user", "show", "--no-pager", &format!("--property={PROPERTIES}"), "--", unit])
        .env("LC_ALL", "C")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    if !output.status.success() {
        return None;
    }
    Some(parse(unit, &String::from_utf8_lossy(&output.stdout)))
}

/// Reads `systemctl show`.
pub(crate) fn parse(unit: &str, text: &str) -> ServiceSeen {
    let value = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default()
    };
    let masked = value("LoadState") == "masked" || value("UnitFileState").starts_with("masked");
    let installed = matches!(value("LoadState"), "loaded" | "bad-setting" | "error");
    let activity = match (value("ActiveState"), value("SubState")) {
        ("active" | "reloading", _) => ServiceActivity::Active,
        ("activating", "auto-restart" | "auto-restart-queued") => ServiceActivity::WaitingToRestart,
        ("activating", _) => ServiceActivity::Starting,
        ("deactivating", _) => ServiceActivity::Stopping,
        ("failed", _) => ServiceActivity::Failed,
        _ => ServiceActivity::Inactive,
    };
    // ExecMainCode: 1 ended by itself, 2 and 3 by a signal.
    let status = value("ExecMainStatus").parse::<i32>().ok();
    let (exit, signal) = match value("ExecMainCode") {
        "1" => (status, None),
        "2" | "3" => (None, status),
        _ => (None, None),
    };
    // A unit that never ran in this boot did not end well; it just is not there.
    let ran = !matches!(value("InactiveEnterTimestampMonotonic"), "" | "0");
    let program = value("ExecStart").split("path=").nth(1).and_then(|rest| rest.split(" ;").next());
    let argv = value("ExecStart").split("argv[]=").nth(1).and_then(|rest| rest.split(" ;").next());
    let script =
        argv.and_then(|argv| argv.split_ascii_whitespace().skip(1).find(|word| word.starts_with('/')));
    ServiceSeen {
        name: unit.to_owned(),
        installed,
        enabled: !matches!(value("UnitFileState"), "disabled" | "masked" | "masked-runtime"),
        masked,
        activity,
        ended_well: ran && value("Result") == "success",
        exit,
        signal,
        restarts: value("NRestarts").parse().unwrap_or(0),
        pid: value("MainPID").parse().ok().filter(|pid| *pid != 0),
        script: script.map(str::to_owned),
        program: program.map(|path| path.trim().to_owned()).filter(|path| !path.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_that_people_meet() {
        let seen = parse(
            "x.service",
            "LoadState=loaded\nActiveState=failed\nSubState=failed\nUnitFileState=enabled\nResult=exit-code\nExecMainCode=1\nExecMainStatus=78\nNRestarts=2\nMainPID=0\nInactiveEnterTimestampMonotonic=5\nExecStart={ path=/usr/bin/node ; argv[]=/usr/bin/node /x/dist/index.js gateway ; ignore_errors=no }\n",
        );
        assert_eq!((seen.activity, seen.exit, seen.signal), (ServiceActivity::Failed, Some(78), None));
        assert!(seen.installed && seen.enabled && !seen.ended_well);
        assert_eq!(seen.program.as_deref(), Some("/usr/bin/node"));
        assert_eq!(seen.script.as_deref(), Some("/x/dist/index.js"));
        let seen = parse(
            "x.service",
            "LoadState=loaded\nActiveState=activating\nSubState=auto-restart\nUnitFileState=enabled\nResult=signal\nExecMainCode=2\nExecMainStatus=9\nInactiveEnterTimestampMonotonic=5\n",
        );
        assert_eq!((seen.activity, seen.signal), (ServiceActivity::WaitingToRestart, Some(9)));
        let seen = parse(
            "x.service",
            "LoadState=masked\nActiveState=inactive\nUnitFileState=masked\nResult=success\n",
        );
        assert!(seen.masked && !seen.enabled && !seen.installed && !seen.ended_well);
        let seen = parse(
            "x.service",
            "LoadState=not-found\nActiveState=inactive\nUnitFileState=\nResult=success\nInactiveEnterTimestampMonotonic=0\n",
        );
        assert!(!seen.installed && !seen.masked && !seen.ended_well);
        let seen = parse(
            "x.service",
            "LoadState=loaded\nActiveState=inactive\nSubState=dead\nUnitFileState=disabled\nResult=success\nInactiveEnterTimestampMonotonic=9\n",
        );
        assert!(seen.installed && !seen.enabled && seen.ended_well);
    }
}
