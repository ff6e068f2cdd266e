//! `bulkhead gateway supervise`: keeps one gateway running until it is told to end.

use std::sync::Arc;

use bulkhead_profile::Owner;
use bulkhead_supervisor::{
    CommandLauncher, Desired, GatewayState, GatewayStatus, StoredSecrets, Supervisor, SupervisorOptions,
};
use tokio::sync::mpsc;

use super::notify::{Notifier, feed_watchdog};
use crate::commands::DONE;
use crate::context::Context;
use crate::error::{CONFIGURATION, Failure};
use crate::grammar::gateway::{ServiceKind, SuperviseArgs};
use crate::output::{Output, paint, table};

/// Lines of the gateway that may wait to be shown.
const LINES: usize = 256;

pub fn run(args: &SuperviseArgs, context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    context.block_on(async {
        let secrets = StoredSecrets::new(place.clone(), context.env.clone());
        let (lines, mut shown) = mpsc::channel(LINES);
        let owner = if args.service.is_some() { Owner::Service } else { Owner::External };
        let mut options = SupervisorOptions::new(place, owner, Arc::new(CommandLauncher), Arc::new(secrets));
        options.port = args.port;
        options.lines = Some(lines);
        // After an update the next start takes the new program, also where the old one is no longer there.
        options.program = std::env::current_exe().ok();
        let mut ending = Box::pin(asked_to_end(args.until_stdin_ends));
        let handle = Supervisor::spawn(options)?;
        let watchdog = feed_watchdog(handle.clone());
        let mut notifier = Notifier::default();
        let mut status = handle.watch();
        status.mark_changed();
        let out = context.out;
        let mut told = None;
        let mut code = DONE;
        loop {
            tokio::select! {
                () = &mut ending => {
                    Notifier::stopping("asked to stop");
                    break;
                }
                line = shown.recv() => match line {
                    // The gateway keeps a log of its own; only systemd's journal takes it, too, without growing for ever.
                    Some(_) if matches!(args.service, Some(ServiceKind::Launchd | ServiceKind::Task)) => {}
                    Some(line) => out.note(&line),
                    None => break,
                },
                changed = status.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let now = status.borrow_and_update().clone();
                    tell(out, &now, &mut told);
                    if args.service == Some(ServiceKind::Systemd) && is_refused(&now) {
                        Notifier::tell_end(&now);
                        code = CONFIGURATION;
                        break;
                    }
                    notifier.tell(&now);
                }
            }
        }
        handle.shutdown().await;
        if let Some(watchdog) = watchdog {
            watchdog.abort();
        }
        if code == DONE {
            tell(out, &handle.status(), &mut told);
        }
        Ok(code)
    })
}

/// The configuration is refused, and there is no good one to run on: systemd is told the truth by the exit code, and
/// does not start it again. Elsewhere the supervisor stays and says so to whoever asks.
fn is_refused(status: &GatewayStatus) -> bool {
    let refused = status.problem.as_ref().is_some_and(|problem| problem.code == "config-refused");
    status.state == GatewayState::Failed && refused
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

/// Ctrl+C, what a service manager sends, and the end of whoever holds the other end of stdin.
async fn asked_to_end(until_stdin_ends: bool) {
    let (over, stdin_is_over) = tokio::sync::oneshot::channel::<()>();
    if until_stdin_ends {
        // A thread of its own: nobody waits for it at the end.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            drop(over);
        });
        tokio::select! {
            () = signalled() => {}
            _ = stdin_is_over => {}
        }
    } else {
        signalled().await;
    }
}

async fn signalled() {
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
