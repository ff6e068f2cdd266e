//! The table in words, as it stands in ARCHITECTURE.md.

use std::fmt::{self, Write as _};

use bulkhead_profile::Owner;

use super::{Action, Decision, Refusal, Runner, decide};

const OWNERS: [Owner; 3] = [Owner::Desktop, Owner::Service, Owner::External];
pub(super) const RUNNERS: [Runner; 7] = [
    Runner::Nobody,
    Runner::App,
    Runner::Service,
    Runner::Terminal,
    Runner::Foreground,
    Runner::Stranger,
    Runner::Elsewhere,
];
pub(super) const ACTIONS: [Action; 6] =
    [Action::Start, Action::Stop, Action::Restart, Action::Install, Action::Uninstall, Action::Attach];

impl fmt::Display for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nobody => "nobody",
            Self::App => "the app",
            Self::Service => "the service",
            Self::Terminal => "a supervisor in a terminal",
            Self::Foreground => "a foreground run",
            Self::Stranger => "a stranger has its port",
            Self::Elsewhere => "somebody elsewhere",
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Install => "install",
            Self::Uninstall => "uninstall",
            Self::Attach => "attach",
        })
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nothing => "nothing",
            Self::Ask => "ask it",
            Self::App => "the app starts it",
            Self::StartService => "start the service",
            Self::StopService => "plan the stop, stop the service",
            Self::End => "end it",
            Self::Install => "install",
            Self::HandOver => "app lets go, install",
            Self::Uninstall => "uninstall",
            Self::Attach => "attach",
            Self::Refuse(Refusal::NoOwner) => "refuse: no owner",
            Self::Refuse(Refusal::InTerminal) => "refuse: end it first",
            Self::Refuse(Refusal::PortTaken) => "refuse: port taken",
            Self::Refuse(Refusal::Elsewhere) => "refuse: not ours",
        })
    }
}

/// The table as Markdown.
pub fn table() -> String {
    let mut out = String::from("| owner | who runs it now |");
    for action in ACTIONS {
        let _ = write!(out, " {action} |");
    }
    out.push_str("\n|---|---|---|---|---|---|---|---|\n");
    for owner in OWNERS {
        for runner in RUNNERS {
            let _ = write!(out, "| {owner} | {runner} |");
            for action in ACTIONS {
                let _ = write!(out, " {} |", decide(owner, runner, action));
            }
            out.push('\n');
        }
    }
    out
}
