//! Whether this desktop shows tray icons at all. GNOME without an extension shows none: then the window is the only way
//! in, which is said once, and an icon comes as soon as somebody shows it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use tauri::{AppHandle, Manager as _};

/// Whether somebody shows the icon, as far as is known: until it was looked, yes.
static SHOWN: AtomicBool = AtomicBool::new(true);

/// Whether the window may go away without the app being lost.
pub fn shows_icons() -> bool {
    SHOWN.load(Ordering::SeqCst)
}

/// There is no icon, and won't be: the window shows, whatever was asked.
pub fn give_up(app: &AppHandle) {
    SHOWN.store(false, Ordering::SeqCst);
    missing(app);
}

fn missing(app: &AppHandle) {
    crate::windows::show(app, "/");
    if !told_file(app).is_some_and(|file| file.exists()) {
        crate::announcements::say(app, crate::words::no_tray());
    }
}

/// Somebody has read that there is no icon: that is said once, and not at every start.
pub fn told(app: &AppHandle) {
    let Some(file) = told_file(app) else { return };
    let made = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    if let Err(error) = made.and_then(|()| std::fs::write(&file, "")) {
        tracing::warn!(%error, file = %file.display(), "it will be said again that there is no tray icon");
    }
}

fn told_file(app: &AppHandle) -> Option<PathBuf> {
    Some(app.path().app_config_dir().ok()?.join("no-tray-was-told"))
}

/// Follows who shows icons, as long as the app lives.
pub fn follow(app: &AppHandle) {
    #[cfg(target_os = "linux")]
    {
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            if let Err(error) = linux::follow(&app).await {
                tracing::info!(%error, "who shows tray icons can't be followed without a session bus");
                linux::now(&app, linux::old_tray());
            }
        });
    }
    #[cfg(not(target_os = "linux"))]
    let _ = app;
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{SHOWN, missing};
    use futures::StreamExt as _;
    use std::sync::atomic::Ordering;
    use std::time::Duration;
    use tauri::AppHandle;
    use x11rb::connection::Connection as _;
    use x11rb::protocol::xproto::ConnectionExt as _;

    const WATCHER: &str = "org.kde.StatusNotifierWatcher";
    /// At a log-in the app may be there before the panel is.
    const GRACE: Duration = Duration::from_secs(4);

    pub async fn follow(app: &AppHandle) -> zbus::Result<()> {
        let connection = zbus::Connection::session().await?;
        let bus = zbus::fdo::DBusProxy::new(&connection).await?;
        let mut changes = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
        let mut there = bus.name_has_owner(WATCHER.try_into()?).await?;
        loop {
            if there {
                now(app, true);
            }
            let change = if there {
                changes.next().await
            } else {
                // Only what lasts is told: a panel that restarts is back in a moment.
                if let Ok(change) = tokio::time::timeout(GRACE, changes.next()).await {
                    change
                } else {
                    now(app, old_tray());
                    changes.next().await
                }
            };
            let Some(change) = change else { return Ok(()) };
            there = change.args()?.new_owner().is_some();
        }
    }

    pub fn now(app: &AppHandle, shown: bool) {
        let before = SHOWN.swap(shown, Ordering::SeqCst);
        if shown && !before {
            tracing::info!("this desktop shows tray icons now");
            crate::announcements::end(app, crate::words::NO_TRAY);
            if let Some(file) = super::told_file(app) {
                let _ = std::fs::remove_file(file);
            }
        } else if !shown && before {
            missing(app);
        }
    }

    /// The way of older panels on X11.
    pub fn old_tray() -> bool {
        let look = || -> Result<bool, Box<dyn std::error::Error>> {
            let (connection, screen) = x11rb::connect(None)?;
            let name = format!("_NET_SYSTEM_TRAY_S{screen}");
            let atom = connection.intern_atom(false, name.as_bytes())?.reply()?.atom;
            let owner = connection.get_selection_owner(atom)?.reply()?.owner;
            connection.flush()?;
            Ok(owner != x11rb::NONE)
        };
        std::env::var_os("DISPLAY").is_some() && look().unwrap_or(false)
    }
}
