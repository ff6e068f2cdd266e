//! The lock that a browser leaves in its data directory when it is killed.
//!
//! On Linux and macOS `SingletonLock` is a link to `<host>-<pid>`. A browser refuses to start when the host has
//! another name than then, or when the pid is in use again by a stranger: both happen in containers and after crashes.

use std::path::Path;

use bulkhead_process::ProcessIdentity;

use crate::error::BrowserError;

const FILES: [&str; 3] = ["SingletonLock", "SingletonCookie", "SingletonSocket"];

/// The pid in a lock's target.
fn pid_of(target: &str) -> Option<u32> {
    target.rsplit_once('-')?.1.parse().ok()
}

/// Removes the lock of a browser that is gone; tells of one that still runs on this directory.
pub(crate) fn clear(data_dir: &Path) -> Result<(), BrowserError> {
    let lock = data_dir.join(FILES[0]);
    let Ok(target) = std::fs::read_link(&lock) else { return Ok(()) };
    let holder = target.to_str().and_then(pid_of).filter(|pid| runs_on(*pid, data_dir));
    if let Some(pid) = holder {
        return Err(BrowserError::DataDirInUse { dir: data_dir.to_owned(), pid });
    }
    for name in FILES {
        let path = data_dir.join(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(BrowserError::file("remove the lock of a dead browser", path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether that process is a browser on this data directory.
fn runs_on(pid: u32, data_dir: &Path) -> bool {
    let Ok(identity) = ProcessIdentity::of(pid) else { return false };
    if !identity.is_alive() {
        return false;
    }
    let Ok(line) = std::fs::read(format!("/proc/{pid}/cmdline")) else {
        let program = identity.exe_path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
        return program.is_some_and(|name| ["chrom", "brave", "edge"].iter().any(|word| name.contains(word)));
    };
    // Chromium rewrites its command line: what stood between words may be blanks.
    let line = format!("{} ", String::from_utf8_lossy(&line).replace('\0', " "));
    line.contains(&format!("--user-data-dir={} ", data_dir.display()))
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn locked_by(target: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(target, dir.path().join("SingletonLock")).unwrap();
        std::os::unix::fs::symlink("123", dir.path().join("SingletonCookie")).unwrap();
        dir
    }

    #[test]
    fn the_lock_of_a_dead_browser_goes() {
        // A host of another name; a pid that a stranger has now (this test); a pid that never was.
        for target in ["otherhost-4194304".to_owned(), format!("a-b-{}", std::process::id()), "x".to_owned()]
        {
            let dir = locked_by(&target);
            clear(dir.path()).unwrap();
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "{target}");
        }
        assert!(clear(Path::new("/nowhere/at/all")).is_ok());
    }

    #[test]
    fn the_lock_of_a_living_browser_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut browser = std::process::Command::new("/bin/sh")
            .args(["-c", "echo ready; read x", "sh", &format!("--user-data-dir={}", dir.path().display())])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // Only a program that has begun has a command line.
        let mut ready = [0; 6];
        std::io::Read::read_exact(browser.stdout.as_mut().unwrap(), &mut ready).unwrap();
        std::os::unix::fs::symlink(format!("h-{}", browser.id()), dir.path().join("SingletonLock")).unwrap();
        let error = clear(dir.path()).unwrap_err();
        assert!(matches!(error, BrowserError::DataDirInUse { pid, .. } if pid == browser.id()));
        drop(browser.stdin.take());
        browser.wait().unwrap();
        clear(dir.path()).unwrap();
    }
}
