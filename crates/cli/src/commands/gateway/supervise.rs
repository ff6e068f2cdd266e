//! `bulkhead gateway supervise`: keeps one gateway running until it is told to end.

use std::sync::Arc;

use bulkhead_profile::Owner;
use bulkhead_supervisor::{
    CommandLauncher, Desired, GatewayState, GatewayStatus, StoredSecrets, Supervisor, SupervisorOptions,
};
use tokio::sync::mpsc;

use crate::commands::DONE;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::gateway::SuperviseArgs;
use crate::output::{Output, paint, table};

/// Lines of the gateway that may wait to be shown.
const LINES: usize = 256;

pub fn run(args: &SuperviseArgs, context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    context.block_on(async {
        let secrets = StoredSecrets::new(place.clone(), context.env.clone());
        let (lines, mut shown) = mpsc::channel(LINES);
        let mut options =
            SupervisorOptions::new(place, Owner::Service, Arc::new(CommandLauncher), Arc::new(secrets));
        options.port = args.port;
        options.lines = Some(lines);
        let mut ending = Box::pin(asked_to_end());
        let handle = Supervisor::spawn(options)?;
        let mut status = handle.watch();
        let out = context.out;
        let mut told = None;
        loop {
            tokio::select! {
                () = &mut ending => break,
                line = shown.recv() => match line {
                    Some(line) => out.note(&line),
                    None => break,
                },
                changed = status.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let now = status.borrow_and_update().clone();
                    tell(out, &now, &mut told);
                }
            }
        }
        handle.shutdown().await;
        tell(out, &handle.status(), &mut told);
        Ok(DONE)
    })
}

/// Every change of state once: a line for people, the whole status for programs.
fn tell(out: Output, status: &GatewayStatus, told: &mut Option<(GatewayState, Option<String>)>) {
    let now = (status.state, status.problem.as_ref().map(|problem| problem.code.clone()));
    if told.as_ref() == Some(&now) {
        return;
    }
    *told = Some(now);
    if out.is_json() {
        return out.value(status);
    }
    let name = paint::strong(&status.profile);
    let text = match status.state {
        GatewayState::Running | GatewayState::WaitingForKeychain => {
            let ready = status.ready.as_ref();
            let port = ready.map(|ready| ready.port).unwrap_or_default();
            let after = ready.map(|ready| table::duration(ready.ready_ms)).unwrap_or_default();
            format!("{name} {} on http://127.0.0.1:{port}/ (ready after {after})", paint::good("running"))
        }
        GatewayState::Starting => format!("{name} starting"),
        GatewayState::Stopping => format!("{name} stopping"),
        GatewayState::Stopped if status.desired == Desired::Stopped => format!(
            "{name} stopped, because somebody stopped it on purpose; `bulkhead --profile {} gateway start` starts it",
            status.profile
        ),
        GatewayState::Stopped => format!("{name} stopped"),
        GatewayState::BackingOff => format!("{name} {}; it starts again soon", paint::warn("crashed")),
        GatewayState::Failed => format!("{name} {}", paint::bad("failed")),
    };
    let problem = status.problem.as_ref().map(|problem| format!(": {}", problem.message)).unwrap_or_default();
    out.note(&format!("{text}{problem}"));
}

/// Ctrl+C, and what a service manager sends.
async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut term), Ok(mut hangup)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
                _ = hangup.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
