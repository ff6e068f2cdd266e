//! Start at login, hidden: an XDG autostart file on Linux, the system's own way elsewhere. Everyone who shows the switch
//! hears of a change.

use crate::failure::{Answer, Failure};
use tauri::{AppHandle, Manager};
use tokio::sync::watch;

/// The switch; kept by the app.
pub struct Autostart {
    changed: watch::Sender<u64>,
}

impl Autostart {
    /// One for the app.
    pub fn new() -> Self {
        Self { changed: watch::channel(0).0 }
    }

    /// Hears of every change made here.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

/// Whether the app starts at login.
pub fn is_on(app: &AppHandle) -> Answer<bool> {
    system::is_on(app).map_err(|error| failed(&error))
}

/// Turns start at login on or off.
pub fn set(app: &AppHandle, on: bool) -> Answer<()> {
    let outcome = system::set(app, on).map_err(|error| failed(&error));
    app.state::<Autostart>().changed.send_modify(|count| *count += 1);
    outcome
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        "autostart",
        format!("Start at login could not be changed: {error}."),
        "Set it in your system's settings for login items instead.",
    )
}

#[cfg(not(target_os = "linux"))]
mod system {
    use tauri::AppHandle;
    use tauri_plugin_autostart::{Error, ManagerExt};

    pub fn is_on(app: &AppHandle) -> Result<bool, Error> {
        app.autolaunch().is_enabled()
    }

    pub fn set(app: &AppHandle, on: bool) -> Result<(), Error> {
        if on { app.autolaunch().enable() } else { app.autolaunch().disable() }
    }
}

/// The plug-in writes paths with spaces unquoted and knows only `~/.config`, so here the file is our own.
#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::path::{Path, PathBuf};
    use tauri::{AppHandle, Manager};

    pub fn is_on(app: &AppHandle) -> io::Result<bool> {
        match std::fs::read_to_string(file(app)?) {
            Ok(text) => Ok(is_active(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub fn set(app: &AppHandle, on: bool) -> io::Result<()> {
        let file = file(app)?;
        if on {
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let text = entry(&program(app)?);
            return bulkhead_profile::files::atomic_write(&file, text.as_bytes(), 0o644);
        }
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn file(app: &AppHandle) -> io::Result<PathBuf> {
        let folder = app.path().config_dir().map_err(io::Error::other)?;
        Ok(folder.join("autostart/Bulkhead.desktop"))
    }

    /// What to start: the AppImage itself where we run out of one, not what it unpacked for this run.
    fn program(app: &AppHandle) -> io::Result<PathBuf> {
        match app.env().appimage {
            Some(image) => Ok(image.into()),
            None => std::env::current_exe(),
        }
    }

    fn is_active(text: &str) -> bool {
        !text.lines().map(str::trim).any(|line| {
            line.eq_ignore_ascii_case("Hidden=true")
                || line.eq_ignore_ascii_case("X-GNOME-Autostart-enabled=false")
        })
    }

    fn entry(program: &Path) -> String {
        format!(
            "[Desktop Entry]\nType=Application\nVersion=1.0\nName=Bulkhead\nComment=Starts Bulkhead in the tray\nExec={} {}\nIcon=bulkhead\nStartupNotify=false\nTerminal=false\nX-GNOME-Autostart-enabled=true\n",
            quoted(&program.to_string_lossy()),
            crate::HIDDEN
        )
    }

    /// A path as an argument of `Exec`: in quotes, escaped for them, then for the value of a key.
    fn quoted(path: &str) -> String {
        let mut out = String::from("\"");
        for c in path.chars() {
            match c {
                '"' | '`' | '$' => {
                    out.push_str("\\\\");
                    out.push(c);
                }
                '\\' => out.push_str("\\\\\\\\"),
                '%' => out.push_str("%%"),
                c => out.push(c),
            }
        }
        out.push('"');
        out
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_path_of_any_kind_is_one_argument() {
            assert_eq!(quoted("/opt/bulkhead-app"), "\"/opt/bulkhead-app\"");
            assert_eq!(quoted("/home/ada/My Apps/100%"), "\"/home/ada/My Apps/100%%\"");
            assert_eq!(quoted("/a\"b$c\\d"), r#""/a\\"b\\$c\\\\d""#);
        }

        #[test]
        fn the_entry_starts_the_app_hidden_and_reads_as_active() {
            let text = entry(Path::new("/opt/bulkhead-app"));
            assert!(text.contains("\nExec=\"/opt/bulkhead-app\" --hidden\n"), "{text}");
            assert!(is_active(&text));
            assert!(!is_active(&format!("{text}Hidden=true\n")));
        }
    }
}
