//! What is known of an installed service.

use std::path::PathBuf;

use serde::Serialize;

use crate::drift::Drift;
use crate::metadata::Metadata;

/// The state of one profile's service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// Its name for the service manager.
    pub name: String,
    /// `systemd`, `launchd` or `task`.
    pub kind: &'static str,
    /// `user` or `system`.
    pub scope: &'static str,
    /// Its file, also when it is not there (yet).
    pub path: PathBuf,
    /// Whether it is there.
    pub installed: bool,
    /// Whether it starts by itself; `None` where that could not be asked.
    pub enabled: Option<bool>,
    /// Whether it runs; `None` where that could not be asked.
    pub active: Option<bool>,
    /// The service manager's own word for its state (`active`, `failed`, `activating`…).
    pub state: String,
    /// Why it failed, in the service manager's word (`exit-code`, `watchdog`, `start-limit-hit`…).
    pub result: Option<String>,
    /// What the supervisor says about itself.
    pub text: Option<String>,
    /// Its main process.
    pub pid: Option<u32>,
    /// How its last process ended: the exit code.
    pub last_exit: Option<i32>,
    /// How often the service manager started it again.
    pub restarts: Option<u32>,
    /// What it says about itself.
    pub metadata: Option<Metadata>,
    /// In what it differs from what would be installed now.
    pub drift: Vec<Drift>,
    /// Whether it runs without a log-in; `None` where there is no such thing, or it could not be asked.
    pub linger: Option<bool>,
    /// Why the service manager could not be asked.
    pub trouble: Option<String>,
}

impl ServiceStatus {
    /// Whether it failed and stays down.
    pub fn failed(&self) -> bool {
        self.state == "failed"
    }
}

/// What `systemctl show` says about a unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Shown {
    pub(crate) load: String,
    pub(crate) active: String,
    pub(crate) result: Option<String>,
    pub(crate) pid: Option<u32>,
    pub(crate) last_exit: Option<i32>,
    pub(crate) restarts: Option<u32>,
    pub(crate) enabled: Option<bool>,
    pub(crate) text: Option<String>,
}

/// The properties that are asked for.
pub(crate) const PROPERTIES: &str =
    "LoadState,ActiveState,Result,MainPID,ExecMainCode,ExecMainStatus,NRestarts,UnitFileState,StatusText";

/// Reads `systemctl show --property=…`.
pub(crate) fn parse_show(text: &str) -> Shown {
    let value = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default()
    };
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    // ExecMainCode: 0 never ran or still runs, 1 ended by itself, 2 and more by a signal.
    let last_exit = match value("ExecMainCode") {
        "1" => value("ExecMainStatus").parse().ok(),
        "2" | "3" => value("ExecMainStatus").parse::<i32>().ok().map(|signal| 128 + signal),
        _ => None,
    };
    Shown {
        load: value("LoadState").to_owned(),
        active: value("ActiveState").to_owned(),
        result: some(value("Result")).filter(|result| result != "success"),
        pid: value("MainPID").parse().ok().filter(|pid| *pid != 0),
        last_exit,
        restarts: value("NRestarts").parse().ok(),
        enabled: some(value("UnitFileState")).map(|state| state.starts_with("enabled")),
        text: some(value("StatusText")),
    }
}

/// Reads `launchctl print`.
pub(crate) fn parse_print(text: &str) -> Shown {
    let value = |key: &str| {
        text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(" = ")).unwrap_or_default()
    };
    let state = value("state");
    Shown {
        load: "loaded".to_owned(),
        active: if state == "running" { "active".to_owned() } else { state.replace(' ', "-") },
        pid: value("pid").parse().ok(),
        last_exit: value("last exit code").split([':', ' ']).next().and_then(|code| code.parse().ok()),
        restarts: value("runs").parse::<u32>().ok().map(|runs| runs.saturating_sub(1)),
        ..Shown::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_says() {
        let shown = parse_show(
            "LoadState=loaded\nActiveState=failed\nResult=exit-code\nMainPID=0\nExecMainCode=1\nExecMainStatus=78\nNRestarts=2\nUnitFileState=enabled\nStatusText=the configuration is refused\n",
        );
        assert_eq!((shown.active.as_str(), shown.result.as_deref()), ("failed", Some("exit-code")));
        assert_eq!((shown.pid, shown.last_exit, shown.restarts), (None, Some(78), Some(2)));
        assert_eq!(
            (shown.enabled, shown.text.as_deref()),
            (Some(true), Some("the configuration is refused"))
        );
        let shown = parse_show(
            "LoadState=not-found\nActiveState=inactive\nResult=success\nMainPID=0\nExecMainCode=0\nNRestarts=0\nUnitFileState=\n",
        );
        assert_eq!(
            (shown.load.as_str(), shown.enabled, shown.last_exit, shown.result),
            ("not-found", None, None, None)
        );
        assert_eq!(parse_show("ExecMainCode=2\nExecMainStatus=9\n").last_exit, Some(137));
    }

    #[test]
    fn what_launchd_says() {
        let shown = parse_print(
            "gui/501/ai.bulkhead.gateway = {\n\tactive count = 1\n\tpath = /Users/ada/Library/LaunchAgents/ai.bulkhead.gateway.plist\n\tstate = running\n\n\tprogram = /usr/local/bin/bulkhead\n\tpid = 4711\n\truns = 3\n\tlast exit code = 1\n}\n",
        );
        assert_eq!((shown.active.as_str(), shown.pid, shown.restarts), ("active", Some(4711), Some(2)));
        let shown = parse_print("\tstate = not running\n\tlast exit code = 78: EX_CONFIG\n");
        assert_eq!((shown.active.as_str(), shown.last_exit), ("not-running", Some(78)));
    }
}
