//! The isolation checklist: one line per thing that profiles must not share, with the values side by side.

use std::collections::BTreeMap;

use bulkhead_profile::{Finding, Ports};
use serde_json::{Value, json};

use super::{is_about_bots, is_about_ports};
use crate::event::{ProgressState, Reporter, Step};
use crate::target::Target;

/// One line of the checklist: its code, its label, the value of a profile, and the findings that speak against it.
struct Line {
    code: &'static str,
    label: &'static str,
    value: fn(&Target<'_>) -> String,
    against: fn(&Finding) -> bool,
}

const LINES: [Line; 7] = [
    Line {
        code: "config",
        label: "Configuration file",
        value: |target| target.place.config_path().display().to_string(),
        against: |finding| finding.code.starts_with("config"),
    },
    Line {
        code: "state",
        label: "State directory",
        value: |target| target.place.state_dir().display().to_string(),
        against: |finding| finding.code.starts_with("state"),
    },
    Line {
        code: "workspace",
        label: "Workspace",
        value: |target| target.workspace.display().to_string(),
        against: |finding| finding.code.starts_with("workspace"),
    },
    Line {
        code: "base-port",
        label: "Base port",
        value: |target| target.port.map_or_else(|| "none free".to_owned(), |port| port.to_string()),
        against: |finding| finding.code.starts_with("base-port"),
    },
    Line {
        code: "derived-ports",
        label: "Derived ports (browser control, browsers)",
        value: |target| {
            target.port.and_then(|base| Ports::new(base).ok()).map_or_else(
                || "none free".to_owned(),
                |ports| format!("{}, {}–{}", ports.control(), ports.cdp_first(), ports.cdp_last()),
            )
        },
        against: |finding| is_about_ports(finding) && !finding.code.starts_with("base-port"),
    },
    Line {
        code: "telegram",
        label: "Telegram bot",
        value: |target| target.bot_id.map_or_else(|| "none".to_owned(), |id| id.to_string()),
        against: is_about_bots,
    },
    Line {
        code: "keychain",
        label: "Keychain and service names",
        value: |target| format!("{}, {}", target.place.keychain_service(), target.place.service_name()),
        against: |finding| finding.code.starts_with("keychain") || finding.code.starts_with("service"),
    },
];

pub(super) fn check(targets: &[Target<'_>], findings: &[Finding], report: &Reporter<'_>) {
    let mut worst = ProgressState::Ok;
    let lines: Vec<Value> = LINES
        .iter()
        .map(|line| {
            let values: BTreeMap<&str, String> =
                targets.iter().map(|target| (target.name(), (line.value)(target))).collect();
            let against: Vec<&Finding> = findings.iter().filter(|finding| (line.against)(finding)).collect();
            let state = if against.iter().any(|finding| finding.is_error()) {
                worst = ProgressState::Failed;
                "failed"
            } else if against.is_empty() {
                "ok"
            } else {
                if worst == ProgressState::Ok {
                    worst = ProgressState::Warning;
                }
                "warning"
            };
            json!({ "code": line.code, "label": line.label, "state": state, "values": values })
        })
        .collect();
    for finding in findings {
        report.keep(finding.clone());
    }
    let (code, message) = match worst {
        ProgressState::Failed => {
            ("isolation-broken", "Something is shared that must not be: see the findings.")
        }
        ProgressState::Warning => {
            ("isolation-warning", "Isolated, with something to know: see the findings.")
        }
        _ => ("isolated", "Nothing is shared."),
    };
    report.tell(Step::Isolation, None, worst, code, message, json!({ "lines": lines }));
}
