//! The end: gateways that the app runs are stopped in order, those of others go on.

use crate::fleet::Fleet;
use crate::last_run;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tauri::{AppHandle, Manager};

/// How long the gateways may take to drain, or to be killed when they don't, before the app ends anyway; closing their
/// standard input then ends them.
const DRAIN: Duration = Duration::from_secs(14);

/// Whether the end has begun.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Stops what the app runs, then ends the app. Asked a second time, it changes nothing.
pub fn quit(app: &AppHandle) {
    if ENDING.swap(true, Ordering::SeqCst) {
        return;
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let fleet = app.state::<Fleet>().inner().clone();
        if tokio::time::timeout(DRAIN, fleet.shutdown()).await.is_err() {
            tracing::warn!("a gateway did not stop in time");
        }
        last_run::over(&app);
        app.exit(0);
    });
}

/// The end of a session, `kill` and Ctrl-C end the app as its menu does; a second such signal ends it at once.
pub fn on_signals(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        loop {
            if let Err(error) = asked_to_end().await {
                return tracing::warn!(%error, "signals of the system are not heard");
            }
            if ENDING.load(Ordering::SeqCst) {
                app.exit(1);
                return;
            }
            quit(&app);
        }
    });
}

/// The app, for the moment in which its screen is gone.
#[cfg(target_os = "linux")]
static APP: std::sync::OnceLock<AppHandle> = std::sync::OnceLock::new();

/// When the screen is gone the process ends, whatever anybody does. Before that the gateways are stopped in order, and the
/// next start is left a word.
#[cfg(target_os = "linux")]
pub fn on_lost_display(app: &AppHandle) {
    use gtk::glib;
    if APP.set(app.clone()).is_err() || !bulkhead_process::when_screen_is_lost(lost_display) {
        tracing::info!("this app uses no X11 that could go away");
    }
    // On Wayland GDK says it before it ends the process.
    let told = |_: Option<&str>, _: glib::LogLevel, message: &str| {
        tracing::warn!("{message}");
        if message.contains("Wayland display") || message.contains("flushing display") {
            lost_display();
        }
    };
    glib::log_set_handler(Some("Gdk"), glib::LogLevels::LEVEL_MESSAGE, false, false, told);
}

#[cfg(target_os = "linux")]
fn lost_display() {
    let Some(app) = APP.get() else { return };
    if ENDING.swap(true, Ordering::SeqCst) {
        return;
    }
    tracing::warn!("the screen is gone");
    last_run::ended(app, last_run::Cause::Display);
    let fleet = app.state::<Fleet>().inner().clone();
    let drained =
        tauri::async_runtime::block_on(async { tokio::time::timeout(DRAIN, fleet.shutdown()).await });
    if drained.is_err() {
        tracing::warn!("a gateway did not stop in time");
    }
}

/// Elsewhere the screen does not go away without the session, which ends the app by a signal.
#[cfg(not(target_os = "linux"))]
pub fn on_lost_display(_: &AppHandle) {}

#[cfg(unix)]
async fn asked_to_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn asked_to_end() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
