//! The app's start at login. The app itself turns it on and off; here it is only taken away.

use std::path::PathBuf;

use bulkhead_profile::Environment;

/// Files that make the app start at login, by the names that it gives them.
pub(super) fn files(env: &Environment) -> Vec<PathBuf> {
    let candidates = if cfg!(target_os = "macos") {
        vec![env.home.join("Library/LaunchAgents/Bulkhead.plist")]
    } else if cfg!(windows) {
        // There it is a value in the registry, which goes with the app's own uninstaller.
        Vec::new()
    } else {
        vec![env.config_home.join("autostart/Bulkhead.desktop")]
    };
    candidates.into_iter().filter(|path| path.symlink_metadata().is_ok()).collect()
}
