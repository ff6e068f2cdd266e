//! Who may do what: owner × who runs the gateway now × action → decision. Pure; ARCHITECTURE.md shows the same table,
//! and a test compares the two.
//!
//! Three rules make it: whoever supervises now is asked, and nobody else spawns or stops; the owner changes only when
//! somebody asks for it (install, uninstall); what is not proven ours is left alone.

mod words;

use bulkhead_profile::Owner;
use serde::Serialize;

pub use words::table;

/// Who runs the gateway of a profile now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runner {
    /// It does not run, and nobody supervises it.
    Nobody,
    /// The app's supervisor.
    App,
    /// A supervisor that the service manager started.
    Service,
    /// `gateway supervise` in a terminal.
    Terminal,
    /// `gateway run` without a supervisor: ours, proven by its run record.
    Foreground,
    /// Another program listens on its port.
    Stranger,
    /// Somebody else holds the profile's locks: another user, another machine on a shared disk, a container.
    Elsewhere,
}

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It shall run from now on.
    Start,
    /// It shall not run from now on; a planned stop, which alarms nobody.
    Stop,
    /// It shall start anew.
    Restart,
    /// The service manager shall run it from now on.
    Install,
    /// The service manager shall no longer run it.
    Uninstall,
    /// The app came up: how does it come by this gateway?
    Attach,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Nothing: it is so already.
    Nothing,
    /// The supervisor that runs is asked over its socket.
    Ask,
    /// The app becomes the supervisor; everybody else says that the app has to be opened.
    App,
    /// The service manager starts it.
    StartService,
    /// Its supervisor is asked to stop (so that the stop is a planned one), then the service manager.
    StopService,
    /// The process that its run record proves is ended.
    End,
    /// Its unit is written (or put right), the owner becomes `service`, the service manager starts it.
    Install,
    /// The app's supervisor stops it and lets go; then it is installed.
    HandOver,
    /// The unit is stopped and removed; the owner becomes what it was before.
    Uninstall,
    /// It is attached to, now or as soon as its owner runs it; never started.
    Attach,
    /// Not done.
    Refuse(Refusal),
}

/// Why something is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// No owner who could start it.
    NoOwner,
    /// It runs in a terminal; that has to end first.
    InTerminal,
    /// Another program has its port.
    PortTaken,
    /// Somebody else runs it.
    Elsewhere,
}

/// What can be seen of a profile from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sight {
    /// For whom its supervisor says that it works, if one answers.
    pub supervisor: Option<Owner>,
    /// Whether its run record proves a running gateway.
    pub gateway: bool,
    /// Whether one of its locks is held.
    pub locked: bool,
    /// Whether something listens on its base port.
    pub port_taken: bool,
}

impl Sight {
    /// Who runs it.
    pub fn runner(self) -> Runner {
        match self {
            Self { supervisor: Some(Owner::Desktop), .. } => Runner::App,
            Self { supervisor: Some(Owner::Service), .. } => Runner::Service,
            Self { supervisor: Some(Owner::External), .. } => Runner::Terminal,
            Self { gateway: true, .. } => Runner::Foreground,
            Self { locked: true, .. } => Runner::Elsewhere,
            Self { port_taken: true, .. } => Runner::Stranger,
            _ => Runner::Nobody,
        }
    }
}

/// The table.
#[allow(clippy::match_same_arms, reason = "a table reads by rows: who runs it, then what is wanted")]
pub fn decide(owner: Owner, runner: Runner, action: Action) -> Decision {
    use Decision::{
        App, Ask, Attach, End, HandOver, Install, Nothing, Refuse, StartService, StopService, Uninstall,
    };
    match (runner, action) {
        // What a service leaves on the disk may always go.
        (_, Action::Uninstall) => Uninstall,

        (Runner::Nobody, Action::Start | Action::Restart) => match owner {
            Owner::Desktop => App,
            Owner::Service => StartService,
            Owner::External => Refuse(Refusal::NoOwner),
        },
        (Runner::Nobody, Action::Stop) => match owner {
            // It stays stopped, also when the service manager starts the supervisor at the next log-in.
            Owner::Service => StopService,
            Owner::Desktop | Owner::External => Nothing,
        },
        (Runner::Nobody, Action::Attach) => match owner {
            Owner::Desktop => App,
            Owner::Service | Owner::External => Attach,
        },
        (Runner::Nobody | Runner::Service, Action::Install) => Install,

        (Runner::App | Runner::Service | Runner::Terminal, Action::Start | Action::Restart) => Ask,
        (Runner::App | Runner::Terminal, Action::Stop) => Ask,
        (Runner::Service, Action::Stop) => StopService,
        (Runner::App, Action::Install) => HandOver,
        (Runner::Terminal | Runner::Foreground, Action::Install) => Refuse(Refusal::InTerminal),

        (Runner::Foreground, Action::Start) => Nothing,
        (Runner::Foreground, Action::Stop) => End,
        (Runner::Foreground, Action::Restart) => Refuse(Refusal::InTerminal),

        (Runner::Stranger, Action::Stop) => Nothing,
        (Runner::Stranger, _) => Refuse(Refusal::PortTaken),

        (_, Action::Attach) => Attach,
        (Runner::Elsewhere, _) => Refuse(Refusal::Elsewhere),
    }
}

#[cfg(test)]
mod tests;
