//! What the app keeps for itself, outside of every profile: where its window stood, the wizard's draft, the previous
//! program of an update, caches of its web view, and the file by which the system finds it for `bulkhead://` links.

use std::path::PathBuf;

use bulkhead_profile::Environment;

/// The app's identifier; `src-tauri/tauri.conf.json` says the same.
const IDENTIFIER: &str = "ai.bulkhead.app";

/// Folders and files that are there. None of them holds anything that a person made.
pub(super) fn files(env: &Environment) -> Vec<PathBuf> {
    let home = |variable: &str, below: &str| {
        env.var(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .unwrap_or_else(|| env.home.join(below))
    };
    let candidates = if cfg!(target_os = "macos") {
        let library = env.home.join("Library");
        ["Application Support", "Caches", "WebKit", "Logs"]
            .map(|folder| library.join(folder).join(IDENTIFIER))
            .to_vec()
    } else if cfg!(windows) {
        vec![env.config_home.join(IDENTIFIER), home("LOCALAPPDATA", "AppData/Local").join(IDENTIFIER)]
    } else {
        let data = home("XDG_DATA_HOME", ".local/share");
        vec![
            env.config_home.join(IDENTIFIER),
            data.join(IDENTIFIER),
            home("XDG_CACHE_HOME", ".cache").join(IDENTIFIER),
            data.join("applications/bulkhead-app-handler.desktop"),
        ]
    };
    candidates.into_iter().filter(|path| path.symlink_metadata().is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identifier_is_the_apps() {
        let config = include_str!("../../../../src-tauri/tauri.conf.json");
        assert!(config.contains(&format!("\"identifier\": \"{IDENTIFIER}\"")));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_what_is_there_is_named() {
        let home = tempfile::tempdir().unwrap();
        let env = Environment::for_test(home.path());
        assert!(files(&env).is_empty());
        let data = home.path().join(".local/share").join(IDENTIFIER);
        std::fs::create_dir_all(&data).unwrap();
        assert_eq!(files(&env), [data]);
    }
}
