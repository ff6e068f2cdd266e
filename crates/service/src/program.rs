//! The program that a service starts: it has to be where it is also tomorrow.

use std::path::{Path, PathBuf};

use bulkhead_profile::{Environment, files};

use crate::error::ServiceError;

/// A browser in a snap cannot start in a service whose programs may not gain rights.
const SNAP_BROWSER: &str = "/snap/bin/chromium";
const OTHER_BROWSERS: [&str; 6] = [
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
    "/opt/google/chrome/chrome",
    "/usr/lib/chromium/chromium",
    "/usr/bin/brave-browser",
    "/usr/bin/microsoft-edge",
];

/// Whether the only browser here is one in a snap.
pub(crate) fn only_snap_browser() -> bool {
    Path::new(SNAP_BROWSER).exists() && !OTHER_BROWSERS.iter().any(|path| Path::new(path).exists())
}

/// Where the program of a service is, if this program runs as `running`: the same, but for one that is only mounted while
/// the app runs (an AppImage), which is copied beside the user's own programs.
pub fn lasting(running: &Path, env: &Environment) -> Result<PathBuf, ServiceError> {
    let text = running.to_string_lossy();
    if text.contains("/AppTranslocation/") {
        return Err(ServiceError::Program {
            program: running.to_owned(),
            why: "runs from a place that macOS made up for this one start",
            next: "move Bulkhead.app into the folder Applications, and start it from there",
        });
    }
    if !is_mounted(running, env) {
        // What was replaced by an update while it ran.
        return Ok(text.strip_suffix(" (deleted)").map_or_else(|| running.to_owned(), PathBuf::from));
    }
    Ok(data_home(env).join("bulkhead").join("bin").join("bulkhead"))
}

/// Copies it there, where that is needed.
pub(crate) fn put_in_place(running: &Path, env: &Environment) -> Result<PathBuf, ServiceError> {
    let path = lasting(running, env)?;
    if is_mounted(running, env) {
        let bytes = std::fs::read(running).map_err(|error| ServiceError::io("read", running, error))?;
        let same = std::fs::read(&path).is_ok_and(|there| there == bytes);
        if !same {
            files::atomic_write_in_new_dir(&path, &bytes, 0o755)
                .map_err(|error| ServiceError::io("copy the program to", &path, error))?;
        }
    }
    Ok(path)
}

fn is_mounted(running: &Path, env: &Environment) -> bool {
    let in_app_dir = env.var("APPDIR").is_some_and(|dir| files::is_within(running, Path::new(dir)));
    in_app_dir || running.components().any(|part| part.as_os_str().to_string_lossy().starts_with(".mount_"))
}

fn data_home(env: &Environment) -> PathBuf {
    let named = env.var("XDG_DATA_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    named.unwrap_or_else(|| env.home.join(".local").join("share"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_mounted_is_copied() {
        let home = tempfile::tempdir().unwrap();
        let env = Environment::for_test(home.path());
        let mounted = home.path().join(".mount_BulkheadX/usr/bin/bulkhead");
        std::fs::create_dir_all(mounted.parent().unwrap()).unwrap();
        std::fs::write(&mounted, "program").unwrap();
        let placed = put_in_place(&mounted, &env).unwrap();
        assert_eq!(placed, home.path().join(".local/share/bulkhead/bin/bulkhead"));
        assert_eq!(std::fs::read_to_string(&placed).unwrap(), "program");
        let mode = std::os::unix::fs::PermissionsExt::mode(&placed.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o755);
        assert_eq!(lasting(&mounted, &env).unwrap(), placed);
    }

    #[test]
    fn others_stay_where_they_are() {
        let env = Environment::for_test("/home/ada");
        assert_eq!(lasting(Path::new("/usr/bin/bulkhead"), &env).unwrap(), Path::new("/usr/bin/bulkhead"));
        assert_eq!(
            lasting(Path::new("/usr/bin/bulkhead (deleted)"), &env).unwrap(),
            Path::new("/usr/bin/bulkhead")
        );
        let moved =
            Path::new("/private/var/folders/x/AppTranslocation/y/Bulkhead.app/Contents/MacOS/bulkhead");
        assert!(lasting(moved, &env).unwrap_err().to_string().contains("move Bulkhead.app"));
    }
}
