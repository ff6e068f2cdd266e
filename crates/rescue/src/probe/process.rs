//! The process: which it is, whether it lives, whether it was stopped, whether it starves. Its end is an event.

use std::time::Duration;

use bulkhead_process::{ProcessIdentity, RunRecord, port};

use super::platform::{self, Life};
use super::{Eye, TargetKind};
use crate::observation::{Observation, ProcessSeen};
use crate::openclaw;

const EVERY: Duration = Duration::from_secs(1);
/// Without a known process it is looked for more often: it may be on its way up.
const LOOKING: Duration = Duration::from_millis(500);
/// A process that waited this share of the time for a processor starves.
const STARVING: f64 = 0.4;

pub(super) async fn run(eye: Eye) {
    loop {
        let Some(identity) = find(&eye).await else {
            eye.next_look(LOOKING).await;
            continue;
        };
        eye.link.send_modify(|link| link.identity = Some(identity.clone()));
        watch(&eye, &identity).await;
        eye.link.send_modify(|link| link.identity = None);
        tell_gone(&eye, &identity).await;
        eye.alarm.notify_waiters();
    }
}

/// The process of the watched gateway, if it runs.
async fn find(eye: &Eye) -> Option<ProcessIdentity> {
    if let Some(path) = eye.target.run_record.clone() {
        let record =
            tokio::task::spawn_blocking(move || RunRecord::read_running(&path)).await.ok().flatten()?;
        eye.link.send_if_modified(|link| {
            let port = Some(record.base_port);
            std::mem::replace(&mut link.port, port) != port
        });
        return Some(record.identity);
    }
    if eye.target.kind != TargetKind::OpenClaw {
        return None;
    }
    let port = eye.target.url.port();
    let found = tokio::task::spawn_blocking(move || {
        let holder = port::holder(port)?;
        let identity = ProcessIdentity::of(holder.pid?).ok()?;
        let words = platform::command_line(identity.pid);
        openclaw::is_gateway(&identity, &words).then(|| (openclaw::Program::of(&identity, &words), identity))
    });
    let (program, identity) = found.await.ok().flatten()?;
    eye.link.send_modify(|link| link.program = program.or_else(|| link.program.take()));
    Some(identity)
}

/// Looks at a living process until it is gone.
async fn watch(eye: &Eye, identity: &ProcessIdentity) {
    let ended = platform::ended(identity);
    tokio::pin!(ended);
    let mut by_event = true;
    let mut waited: Option<(Duration, Duration)> = None;
    loop {
        let began = eye.now();
        match platform::life_of(identity) {
            Life::Gone => return,
            Life::Stopped => {
                eye.saw(began, Observation::Process(ProcessSeen::Stopped { pid: identity.pid })).await;
            }
            Life::Runs => {
                let total = platform::waited(identity.pid);
                let starved = match (waited, total) {
                    (Some((before, at)), Some(total)) if began > at => {
                        let share = total.saturating_sub(before).as_secs_f64()
                            / began.saturating_sub(at).as_secs_f64();
                        share > STARVING
                    }
                    _ => false,
                };
                waited = total.map(|total| (total, began));
                let seen = ProcessSeen::Running { pid: identity.pid, starved };
                eye.saw(began, Observation::Process(seen)).await;
            }
        }
        tokio::select! {
            told = &mut ended, if by_event => {
                if told {
                    return;
                }
                by_event = false;
            }
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn tell_gone(eye: &Eye, identity: &ProcessIdentity) {
    let began = eye.now();
    let asked = match eye.target.kind {
        TargetKind::OpenClaw => openclaw::was_asked_to_end(&eye.target).await,
        // Whoever ends as it should takes its record away; a crash leaves it behind.
        _ => eye.target.run_record.as_deref().is_some_and(|path| RunRecord::read(path).is_none()),
    };
    eye.saw(began, Observation::Process(ProcessSeen::Gone { pid: identity.pid, asked })).await;
}
