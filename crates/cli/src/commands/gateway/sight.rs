//! Who runs a profile's gateway now, and whose it is.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use bulkhead_process::{Holder, RunRecord, port};
use bulkhead_profile::{Owner, Place, Register};
use bulkhead_service::Service;
use bulkhead_supervisor::ownership::{Action, Decision, Refusal, Runner, Sight, decide};
use bulkhead_supervisor::{ControlClient, GatewayStatus};

use crate::context::{Context, base_port};
use crate::error::Failure;

/// A supervisor on this machine answers at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// What can be seen of a profile.
#[derive(Debug, Clone)]
pub struct View {
    pub place: Place,
    pub owner: Owner,
    pub runner: Runner,
    pub supervisor: Option<GatewayStatus>,
    pub record: Option<RunRecord>,
    pub port: u16,
    pub holder: Option<Holder>,
}

impl View {
    /// Looks at the profile.
    pub fn of(context: &Context, place: &Place) -> Result<Self, Failure> {
        let supervisor = context.block_on(async {
            match tokio::time::timeout(PATIENCE, ControlClient::new(place).status()).await {
                Ok(status) => Ok(status?),
                Err(_) => Ok(None),
            }
        })?;
        let record = RunRecord::read_running(&place.run_record_path());
        let (port, _) = base_port(place, &context.env)?;
        let owner = Register::open(&context.env).find(place)?.map_or(Owner::External, |entry| entry.owner);
        let holder = port::holder(port);
        let mut sight = Sight {
            supervisor: supervisor.as_ref().map(|status| status.owner),
            gateway: record.is_some(),
            locked: false,
            port_taken: holder.is_some(),
        };
        // A lock is tried only where it can say more: for a moment it is held here, too.
        if sight.runner() == Runner::Stranger {
            let state = place.state_dir();
            sight.locked = is_locked(&place.lock_path()) || is_locked(&state.join("supervisor.lock"));
        }
        let mut runner = sight.runner();
        // Root sees the process of another user's system service, but its supervisor does not answer root.
        let service = Service::find(place, &context.env);
        if runner == Runner::Foreground && service.is_installed() && service.status(None).active == Some(true)
        {
            runner = Runner::Service;
        }
        Ok(Self { place: place.clone(), owner, runner, supervisor, record, port, holder })
    }

    /// What the table of owners says.
    pub fn decide(&self, action: Action) -> Decision {
        decide(self.owner, self.runner, action)
    }

    /// A refusal in words.
    pub fn refused(&self, refusal: Refusal) -> Failure {
        let name = self.place.name();
        let port = self.port;
        match refusal {
            Refusal::NoOwner => Failure::failed(
                "not-supervised",
                format!(
                    "nobody supervises profile {name}: expected the app, a service or `bulkhead --profile {name} gateway supervise`; install a \
                     service with `bulkhead --profile {name} gateway install`, or run the gateway here with `bulkhead --profile {name} gateway`"
                ),
            ),
            Refusal::InTerminal => Failure::failed(
                "in-foreground",
                format!(
                    "the gateway of profile {name} runs in a terminal{}; expected it to end first, because nothing but that terminal starts it \
                     again; end it there, or with: bulkhead --profile {name} gateway stop",
                    self.record
                        .as_ref()
                        .map(|record| format!(" (process {})", record.identity.pid))
                        .unwrap_or_default()
                ),
            ),
            Refusal::PortTaken => Failure::failed(
                "port-taken",
                format!(
                    "port {port} of profile {name} is taken by {}; expected it to be free; end that program, or give the profile another port \
                     with: bulkhead --profile {name} config set gateway.port PORT",
                    self.holder.as_ref().map_or_else(|| "another program".to_owned(), ToString::to_string)
                ),
            ),
            Refusal::Elsewhere => Failure::failed(
                "run-elsewhere",
                format!(
                    "somebody else runs the gateway of profile {name}: the locks in {} are held, but no supervisor answers you; expected it to be \
                     yours; ask as the user who runs it, or stop it there",
                    self.place.state_dir().display()
                ),
            ),
        }
    }
}

/// The app would have to start it, and only the app can.
pub fn app_starts(place: &Place) -> Failure {
    let name = place.name();
    Failure::failed(
        "not-supervised",
        format!(
            "nobody supervises profile {name}: expected the app, which owns it, or `bulkhead --profile {name} gateway supervise`; open Bulkhead, or \
             let a service run it with `bulkhead --profile {name} gateway install`"
        ),
    )
}

/// Whether another process holds a lock of a profile. The lock is tried, so that for a moment it is held here, too.
pub fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::options().write(true).open(path) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}
