//! Who listens on its port, looked at only while the gateway itself does not answer there.

use std::time::Duration;

use bulkhead_process::{ProcessIdentity, RunRecord, port};

use super::{Eye, Link, Target, TargetKind, platform};
use crate::cause::PortHolder;
use crate::observation::{Observation, PortSeen};
use crate::openclaw;

const EVERY: Duration = Duration::from_secs(2);
const WHILE_DOWN: Duration = Duration::from_secs(1);

pub(super) async fn run(eye: Eye) {
    let mut told_own = false;
    loop {
        let link = eye.link.borrow().clone();
        if link.answers {
            if !told_own {
                eye.saw(eye.now(), Observation::Port(PortSeen::Own)).await;
                told_own = true;
            }
            eye.next_look(EVERY).await;
            continue;
        }
        told_own = false;
        let began = eye.now();
        let target = std::sync::Arc::clone(&eye.target);
        let seen = tokio::task::spawn_blocking(move || look(&target, &link)).await;
        if let Ok(seen) = seen {
            eye.saw(began, Observation::Port(seen)).await;
        }
        // Whoever was seen there may have been the gateway on its way up: as soon as it answers, that is known.
        let mut link = eye.link.subscribe();
        tokio::select! {
            () = eye.next_look(WHILE_DOWN) => {}
            _ = link.wait_for(|link| link.answers) => {}
        }
    }
}

fn look(target: &Target, link: &Link) -> PortSeen {
    let wanted = link.port.unwrap_or(target.url.port());
    let Some(holder) = port::holder(wanted) else { return PortSeen::Free };
    let identity = holder.pid.and_then(|pid| ProcessIdentity::of(pid).ok());
    let taken = |ours| {
        PortSeen::Taken(PortHolder { port: wanted, pid: holder.pid, program: holder.program.clone(), ours })
    };
    let Some(identity) = identity else { return taken(false) };
    if target.kind == TargetKind::OpenClaw {
        let words = platform::command_line(identity.pid);
        return if openclaw::is_gateway(&identity, &words) { PortSeen::Own } else { taken(false) };
    }
    let record = target.run_record.as_deref().and_then(RunRecord::read);
    let proven = record.is_some_and(|record| record.identity.is_same(&identity));
    match (proven, link.kept_pid) {
        // Proven to be ours, and yet not the one that the supervisor runs: left from an earlier run.
        (true, Some(kept)) if kept != identity.pid => taken(true),
        (true, _) => PortSeen::Own,
        // Between the start of a process and its record.
        (false, Some(kept)) if kept == identity.pid => PortSeen::Own,
        (false, _) => taken(false),
    }
}
